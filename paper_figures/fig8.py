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

    from paper_figures.style import BLACK, BLUE, COLUMN, GREY, ORANGE, caption

    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(COLUMN, 4.2), sharex=True, height_ratios=(3, 2)
    )
    top.loglog(data["rho"], data["eq5"], color=ORANGE, label="Eq. 5, first order")
    top.loglog(data["rho"], data["eq2"], color=BLUE, label="Eq. 2, scaled inverse $\\chi^2$")
    top.loglog(
        data["rho_t"],
        data["exact"],
        color=BLACK,
        ls=(0, (1, 1.2)),
        lw=1.8,
        label=rf"exact law, $\beta_2 = {data['beta2']}$",
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
        bottom.loglog(data["rho_t"], error, color=color, label=name)
    # Both err on the same side, by a few tenths of a percent up to hundreds.
    bottom.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    bottom.set_ylim(0.1, 500)
    first = 100 * (data["eq5_at_rho_t"][0] / data["exact"][0] - 1)
    bottom.annotate(
        rf"{first:.0f}% at $\rho_{data['step'][0]}$, the first adaptive step",
        (data["rho_t"][0], first),
        (6, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
    )
    bottom.set_ylabel("excess over\nthe exact law (%)")
    bottom.set_xlabel(r"degrees of freedom $\rho_t$")
    bottom.set_xticks([5, 10, 20, 50, 100, 200, 500], ["5", "10", "20", "50", "100", "200", "500"])
    bottom.minorticks_off()
    caption(
        figure,
        f"The paper draws Eq. 2, Eq. 5 and their difference for rho = {data['rho'][0]} to "
        f"{data['rho'][-1]} and tau = 1. The exact law is that of the moving average with beta2 = "
        f"{data['beta2']} of i.i.d. normal gradients, at the steps t = {data['step'][0]} to "
        f"{data['step'][-1]} where rho_t lies in that range.",
    )
    return figure
