"""Table 2: the standard deviations that five BLEU scores of two decimals can have.

The paper reports 34.66 +- 0.014 and 34.76 +- 0.003 (IWSLT'14 De-En) as mean and standard deviation of
five runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

REPORTED = {"RAdam: ±0.003": 0.003, "warm-up: ±0.014": 0.014}  # De-En
RUNS = 5
HALF = 5e-4  # half a unit of the last printed digit
LARGEST = 0.025  # the axis ends beyond the larger reported value


def generate(budget: str, seed: int) -> Data:
    """Every spread that can occur, for the three things that a +- may mean; an enumeration."""
    from varlab.claims.reported_results import possible_spreads

    spreads = possible_spreads(RUNS)
    return {
        "runs": RUNS,
        "reported": REPORTED,
        "possible": {
            name: sorted({float(f"{v:.5f}") for v in values if v <= LARGEST})
            for name, values in spreads.items()
        },
    }


def draw(data: Data) -> Figure:
    """Ticks: what is possible; lines: what is printed, half a unit of the last digit wide."""
    import matplotlib.pyplot as plt

    from paper_figures.style import BLACK, BLUE, ORANGE, PAGE, caption

    figure, ax = plt.subplots(figsize=(PAGE, 2.3))
    for place, values in enumerate(data["possible"].values()):
        ax.vlines(values, place - 0.3, place + 0.3, color=BLUE, lw=0.7)
    for label, value in data["reported"].items():
        ax.fill_between([value - HALF, value + HALF], -0.5, 2.5, color=ORANGE, alpha=0.6, lw=0)
        ax.annotate(label, (value, -0.6), ha="center", va="bottom", fontsize=6.5, color=BLACK)
    ax.set_yticks(range(len(data["possible"])), list(data["possible"]))
    ax.set_ylim(2.5, -1.1)
    ax.set_xlim(-0.001, LARGEST)
    ax.set_xlabel(f"spread of {data['runs']} BLEU scores")
    caption(
        figure,
        f"Blue: every value that {data['runs']} scores of two decimals can give. Orange: as printed for "
        "IWSLT'14 De-En, half a unit of the last digit to either side. ±0.003 cannot be a standard "
        "deviation of such scores, with either divisor, only a standard error. Left out: En-De, ±0.067 "
        "and ±0.054, where the values lie too close to rule anything out.",
    )
    return figure
