"""Error of every approximation of Var[psi_t] against the exact law, over the step and beta2.

Eq. 2 with the paper's rho_t, Eq. 2 with Kish's degrees of freedom, and the first-order Eq. 5 with
rho_t, all for i.i.d. N(0, 1) gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from varlab.core.json_numbers import json_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

BETA2S = (0.9, 0.99, 0.999)
POINTS = 60
SPAN = 10  # panels end at t = SPAN/(1-beta2), where the variance has settled
FORMS = ("eq2_sma", "eq2_kish", "eq5_sma")


def generate(budget: str, seed: int) -> Data:
    """Relative errors; deterministic, so budget and seed change nothing."""
    import numpy as np

    from varlab.numerics import (
        degrees_of_freedom,
        delta_method_variance,
        psi_variance,
        psi_variance_path,
    )

    panels: list[dict[str, Any]] = []
    for beta2 in BETA2S:
        last = round(SPAN / (1 - beta2))
        steps = np.unique(np.geomspace(3, last, POINTS).round().astype(int))
        exact = psi_variance_path(last, beta2)[steps - 1]
        sma = np.asarray(degrees_of_freedom(steps, beta2))
        kish = np.asarray(degrees_of_freedom(steps, beta2, kind="kish"))
        panels.append(
            {
                "beta2": beta2,
                "step": steps.tolist(),
                "eq2_sma": _errors(psi_variance, sma, 2, exact),
                "eq2_kish": _errors(psi_variance, kish, 2, exact),
                "eq5_sma": _errors(delta_method_variance, sma, 4, exact),
            }
        )
    return {"panels": panels}


def draw(data: Data) -> Figure:
    """One panel a beta2."""
    import math

    import matplotlib.pyplot as plt

    from paper_figures.style import BLUE, GREEN, GREY, ORANGE, PAGE, caption

    looks = {
        "eq2_sma": (BLUE, "-", r"Eq. 2 with $\rho_t$"),
        "eq2_kish": (GREEN, (0, (5, 1.5)), "Eq. 2 with Kish's size"),
        "eq5_sma": (ORANGE, (0, (4, 1, 1, 1)), r"Eq. 5, first order, with $\rho_t$"),
    }
    figure, axes = plt.subplots(1, len(data["panels"]), figsize=(PAGE, 2.6), sharey=True)
    for ax, panel in zip(axes, data["panels"], strict=True):
        for key, (color, dashes, label) in looks.items():
            errors = [math.nan if e is None else abs(e) for e in panel[key]]
            ax.loglog(panel["step"], errors, color=color, ls=dashes, label=label)
        ax.axhline(0.1, color=GREY, lw=0.7)
        ax.set_title(rf"$\beta_2 = {panel['beta2']}$")
        ax.set_xlabel("step $t$")
    axes[0].set_ylim(1e-6, 10)
    axes[0].set_ylabel("relative error of Var$[\\psi_t]$\nagainst the exact law")
    axes[-1].annotate(
        "10%", (0.02, 0.11), xycoords=("axes fraction", "data"), va="bottom", fontsize=7
    )
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    caption(
        figure,
        "Absolute values, for i.i.d. N(0, 1) gradients. Eq. 2 exists for rho > 2, Eq. 5 for rho > 4. Each "
        "panel ends where the variance has settled.",
    )
    return figure


def _errors(formula: Any, rho: Any, above: float, exact: Any) -> list[float | None]:
    """formula(rho)/exact - 1 where the formula exists (rho > above), None elsewhere."""
    import numpy as np

    known = rho > above
    values = np.full(rho.shape, np.nan)
    values[known] = formula(rho[known]) / exact[known] - 1
    return [json_number(float(f"{v:.4g}")) for v in values]
