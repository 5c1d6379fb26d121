"""Fig. 9: variance of the adaptive and the rectified learning rate, simulated and exact.

The paper's settings: beta2 = 0.999, g ~ N(mu, 1), six means, 5000 trajectories, 6000 iterations.
Dots are the simulation's, lines the exact law's; the paper's text and axis call the quantity
Var[1/vhat_t], which is drawn as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

MEANS = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
BETA2, TRAJECTORIES, STEPS = 0.999, 5000, 6000  # the paper's
FIRST = 5  # the paper's first plotted step, and RAdam's first adaptive one
POINTS = 60  # steps a curve keeps, evenly on the logarithmic axis


def generate(budget: str, seed: int) -> Data:
    """Simulation and exact law on a thinned set of steps."""
    import numpy as np

    from varlab.numerics import psi_variance_path, rectification
    from varlab.simulate import simulate
    from varlab.simulate.processes import Normal

    steps = np.unique(np.geomspace(FIRST, STEPS, POINTS).round().astype(int))
    at = steps - 1
    sample = simulate(
        [Normal(mu=mu) for mu in MEANS],
        beta2=BETA2,
        steps=STEPS,
        trajectories=TRAJECTORIES,
        seed=seed,
        statistics=("psi", "inverse_v"),
    ).dataset
    factor = np.asarray(rectification(steps, BETA2)) ** 2
    panels: list[dict[str, Any]] = []
    for row, mu in enumerate(MEANS):
        exact = np.asarray(psi_variance_path(STEPS, BETA2, mu=mu))[at]
        inverse = sample["inverse_v_variance"].values[row, at]
        panels.append(
            {
                "mu": mu,
                "psi": _thin(sample["psi_variance"].values[row, at]),
                "rectified": _thin(sample["rectified_psi_variance"].values[row, at]),
                "inverse_v": _thin(inverse),
                "exact": _thin(exact),
                "exact_rectified": _thin(factor * exact),
            }
        )
    return {
        "beta2": BETA2,
        "trajectories": TRAJECTORIES,
        "step": steps.tolist(),
        "panels": panels,
    }


def draw(data: Data) -> Figure:
    """Six panels."""
    import matplotlib.pyplot as plt

    from paper_figures.style import BLACK, BLUE, GREY, ORANGE, PAGE, caption

    figure, axes = plt.subplots(2, 3, figsize=(PAGE, 4.4), sharex=True)
    steps = data["step"]
    for ax, panel in zip(axes.flat, data["panels"], strict=True):
        ax.loglog(steps, panel["inverse_v"], color=GREY, lw=0.9, label=r"Var$[1/\hat v_t]$, sample")
        for key, exact, color, name in (
            ("psi", "exact", ORANGE, r"$\psi_t$"),
            ("rectified", "exact_rectified", BLUE, r"$r_t\psi_t$"),
        ):
            ax.loglog(steps, panel[key], "o", color=color, ms=2.2, label=f"Var[{name}], sample")
            line = (0, (4, 1)) if key == "psi" else "-"
            ax.loglog(
                steps, panel[exact], color=BLACK, lw=0.9, ls=line, label=f"Var[{name}], exact"
            )
        ax.set_title(rf"$\mu = {panel['mu']:g}$")
    for ax in axes[:, 0]:
        ax.set_ylabel("variance")
    for ax in axes[1]:
        ax.set_xlabel("step $t$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, columnspacing=1)
    caption(
        figure,
        f"Settings as in the paper: g ~ N(mu, 1), beta2 = {data['beta2']}, {data['trajectories']} "
        f"trajectories, {data['step'][-1]} steps. Its text and axis label say Var[1/vhat] (grey); the "
        "levels that it plots late in the run, 2.5e-4, 1e-4 and 5e-8 for mu = 0, 1 and 10, are those "
        "of Var[psi].",
    )
    return figure


def _thin(values: Any) -> list[float]:
    return [float(f"{v:.4g}") for v in values]
