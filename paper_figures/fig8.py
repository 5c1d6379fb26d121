"""Fig. 8: Eq. 2 against the first-order Eq. 5, with the exact law of the moving average beside them.

The paper draws both formulas and their absolute difference for rho = 5..500 with tau = 1. The third
curve is Var[psi_t] without any approximation, at the step t where rho_t(beta2 = 0.999) = rho.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

BETA2 = 0.999  # the paper's, for the exact law
FIRST, LAST = 5, 500  # the paper's range of rho


def generate(budget: str, seed: int) -> Data:
    """The three variances over rho; deterministic, so budget and seed change nothing."""
    import numpy as np

    from varlab.numerics import (
        degrees_of_freedom,
        delta_method_variance,
        psi_variance,
        psi_variance_path,
    )

    rho = np.arange(FIRST, LAST + 1)
    eq2, eq5 = psi_variance(rho), delta_method_variance(rho)
    steps = np.arange(1, 2 * LAST + 1)
    rho_t = degrees_of_freedom(steps, BETA2)
    shown = (rho_t >= FIRST - 0.02) & (rho_t <= LAST)  # rho_5 is 4.99, the first adaptive step
    exact = psi_variance_path(len(steps), BETA2)[shown]
    return {
        "beta2": BETA2,
        "rho": rho.tolist(),
        "eq2": eq2.tolist(),
        "eq5": eq5.tolist(),
        "difference": np.abs(eq5 - eq2).tolist(),
        "step": steps[shown].tolist(),
        "rho_t": rho_t[shown].tolist(),
        "exact": exact.tolist(),
        "eq2_at_rho_t": psi_variance(rho_t[shown]).tolist(),
        "eq5_at_rho_t": delta_method_variance(rho_t[shown]).tolist(),
    }


def draw(data: Data) -> Figure:
    """Variances above, relative errors against the exact law below."""
    import matplotlib.pyplot as plt

    from paper_figures.style import BLACK, BLUE, COLUMN, GREY, ORANGE

    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(COLUMN, 4.2), sharex=True, height_ratios=(3, 2)
    )
    top.loglog(data["rho"], data["eq5"], color=ORANGE, label="Eq. 5, first order")
    top.loglog(data["rho"], data["eq2"], color=BLUE, label="Eq. 2, scaled inverse $\\chi^2$")
    top.loglog(
        data["rho_t"], data["exact"], color=BLACK, ls=(0, (1, 1.2)), lw=1.8, label="exact law"
    )
    top.loglog(data["rho"], data["difference"], color=GREY, lw=0.9, label="|Eq. 5 - Eq. 2|")
    top.set_ylabel(r"Var$[\psi]$ for $\tau = 1$")
    top.set_ylim(5e-6, 4)
    top.legend(loc="lower left")
    for key, color, name in (("eq5_at_rho_t", ORANGE, "Eq. 5"), ("eq2_at_rho_t", BLUE, "Eq. 2")):
        error = [
            100 * (v / e - 1) if v is not None else None
            for v, e in zip(data[key], data["exact"], strict=True)
        ]
        bottom.semilogx(data["rho_t"], error, color=color, label=name)
    bottom.axhline(0, color=BLACK, ls=(0, (1, 1.2)), lw=1.2)
    bottom.set_ylim(-15, 115)
    bottom.set_ylabel("error against\nthe exact law (%)")
    bottom.set_xlabel(r"degrees of freedom $\rho_t$")
    bottom.set_xticks([5, 10, 20, 50, 100, 200, 500], ["5", "10", "20", "50", "100", "200", "500"])
    bottom.minorticks_off()
    return figure
