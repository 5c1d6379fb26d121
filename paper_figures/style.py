"""One look for all figures: colour-blind safe, readable at column width, no chart junk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import TYPE_CHECKING, Any

from varlab.core import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = palette.BLUE, palette.ORANGE, palette.GREEN
PURPLE, SKY, YELLOW = palette.PURPLE, palette.SKY, palette.YELLOW
BLACK = palette.INK
GREY = "#8a929b"
GREY_TEXT = "#5a626b"
# In an order that also differs in lightness.
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, BLACK)

COLUMN = 3.4  # inches, one column of a two-column page
PAGE = 7.0  # inches, both columns

SETTINGS: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": BLACK,
    "axes.titlelocation": "left",
    "lines.linewidth": 1.3,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "figure.constrained_layout.use": True,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "svg.hashsalt": "varlab",  # the same picture gives the same file
    "svg.fonttype": "path",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with varlab's settings; Matplotlib's own are restored afterwards."""
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context({**SETTINGS, "axes.prop_cycle": cycler(color=CYCLE)}):
        yield


def draw_table(
    ax: Axes,
    rows: Sequence[Sequence[str]],
    heads: Sequence[str],
    *,
    widths: Sequence[float],
    height: float,
) -> None:
    """A table in place of the axes: ``widths`` in shares of them, ``height`` in lines a row."""
    ax.axis("off")
    table = ax.table(
        rows,
        colLabels=heads,
        colWidths=widths,
        cellLoc="center",
        edges="horizontal",
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(6.5)
    table.scale(1, height)
    for cell in table.get_celld().values():
        cell.set_linewidth(0.4)


def gaps(values: Sequence[float | None]) -> list[float]:
    """What JSON keeps as None, as NaN: Matplotlib leaves the line open there."""
    return [math.nan if v is None else v for v in values]


# Characters of the 6-point caption that fit into an inch.
CAPTION_DENSITY = 21


def caption(figure: Figure, text: str) -> None:
    """Small print under the figure: how its setting differs from the source's."""
    width = round(figure.get_size_inches()[0] * CAPTION_DENSITY)
    figure.supxlabel(fill(text, width), fontsize=6, color=GREY_TEXT, x=0.01, ha="left")
