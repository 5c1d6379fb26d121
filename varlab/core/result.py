"""The base of every result: immutable, prints itself, plots itself on a given Axes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Result(ABC):
    """Base class of results. Subclasses are frozen dataclasses.

    ``str(result)`` is its summary; ``plot(ax=None)`` draws on the given Axes, or on new ones, and
    returns them.
    """

    @abstractmethod
    def summary(self) -> str:
        """Short text for a terminal."""

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the result on ``ax`` (new Axes when None) and return the Axes."""
        ax = axes_or_new(ax)
        self._draw(ax)
        return ax

    def _draw(self, ax: Axes) -> None:
        raise TypeError(f"{type(self).__name__} has no picture; print it instead")


def shortest(value: float) -> str:
    """``value`` as the shortest text that gives it back: unequal ones never look the same."""
    return repr(float(value) + 0.0).removesuffix(".0")  # -0.0 + 0.0 is 0.0


def axes_or_new(ax: Axes | None) -> Axes:
    """``ax`` itself, or the Axes of a new figure. Matplotlib is imported only here, when needed."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]
