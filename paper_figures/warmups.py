"""Warm-ups that follow beta2: r_t, the exact r_t, and the untuned linear and exponential rules.

Four multipliers of the learning rate over the step t: RAdam's r_t (R Sec. 4.2), absent in the early
phase; sqrt(Var[psi_inf]/Var[psi_t]) of the exact law, which exists from t = 3; and the two untuned
rules min(1, (1-beta2) t/2) and 1 - exp(-(1-beta2) t) (U).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from varlab.core.json_numbers import json_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

BETA2S = (0.9, 0.99, 0.999, 0.9999)
POINTS = 90  # a panel, evenly on the logarithmic axis
SPAN = 10  # panels end at t = SPAN/(1-beta2), where all rules are near 1


def generate(budget: str, seed: int) -> Data:
    """The four multipliers for each beta2; deterministic, so budget and seed change nothing."""
    import numpy as np

    from varlab.numerics import first_adaptive_step, rectification
    from varlab.numerics.warmup import exponential_warmup_multiplier, linear_warmup_multiplier

    panels = []
    for beta2 in BETA2S:
        last = round(SPAN / (1 - beta2))
        even = np.geomspace(1, last, POINTS).round().astype(int)
        steps = np.union1d(even, [round(2 / (1 - beta2))])  # with the linear rule's corner
        panels.append(
            {
                "beta2": beta2,
                "first_adaptive_step": first_adaptive_step(beta2),
                "step": steps.tolist(),
                "radam": _or_none(rectification(steps, beta2)),
                "exact": _or_none(rectification(steps, beta2, kind="exact")),
                "linear": linear_warmup_multiplier(steps, beta2).tolist(),
                "exponential": exponential_warmup_multiplier(steps, beta2).tolist(),
            }
        )
    return {"panels": panels}


def draw(data: Data) -> Figure:
    """One panel a beta2, the step on a logarithmic axis."""
    import matplotlib.pyplot as plt

    from paper_figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PAGE, caption, gaps

    figure, axes = plt.subplots(2, 2, figsize=(PAGE, 3.9), sharey=True)
    for ax, panel in zip(axes.flat, data["panels"], strict=True):
        steps = panel["step"]
        ax.axvspan(1, panel["first_adaptive_step"], color=GREY, alpha=0.18, lw=0)
        ax.semilogx(steps, gaps(panel["radam"]), color=BLUE, lw=1.6, label=r"RAdam's $r_t$")
        ax.semilogx(
            steps,
            gaps(panel["exact"]),
            color=BLACK,
            ls=(0, (1, 1.2)),
            lw=1.6,
            label=r"exact $r_t$, from $t = 3$",
        )
        ax.semilogx(
            steps,
            panel["exponential"],
            color=GREEN,
            ls=(0, (4, 1, 1, 1)),
            label="untuned exponential",
        )
        ax.semilogx(steps, panel["linear"], color=ORANGE, ls=(0, (5, 1.5)), label="untuned linear")
        ax.set_xlim(1, steps[-1])
        ax.set_ylim(0, 1.03)
        ax.set_title(rf"$\beta_2 = {panel['beta2']}$")
    for ax in axes[:, 0]:
        ax.set_ylabel("multiplier of lr")
    for ax in axes[1]:
        ax.set_xlabel("step $t$")
    axes[0, 0].annotate(
        f"early phase\nof RAdam,\n$t < {data['panels'][0]['first_adaptive_step']}$",
        (1.08, 0.98),
        va="top",
        fontsize=7,
        color=BLACK,
    )
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    caption(
        figure,
        "Not in the paper. r_t: the paper's Sec. 4.2; exact r_t: sqrt(Var[psi_inf]/Var[psi_t]) of the "
        "moving average of i.i.d. normal gradients; untuned rules: Ma and Yarats, min(1, (1 - beta2) t/2) "
        "and 1 - exp(-(1 - beta2) t). Grey: the steps that RAdam takes without adapting.",
    )
    return figure


def _or_none(values: object) -> list[float | None]:
    """NaN as None: JSON has no NaN."""
    import numpy as np

    return [json_number(v) for v in np.asarray(values)]
