"""Derivations as ordered steps, each checked by the machine, exported to LaTeX and MathML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.printing.mathml import mathml

from varlab.theory.checking import Checked, Outcome


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Attributes
    ----------
    title : str
        What the step does.
    statement : sympy Basic
        The equation or relation that it establishes.
    why : str
        The argument, in a sentence.
    check : callable
        ``() -> Checked``: the machine's own decision of ``statement``.
    source : str
        Equation and paper, e.g. ``"R Eq. 7"``; empty for varlab's own steps.
    """

    title: str
    statement: sp.Basic
    why: str
    check: Callable[[], Checked]
    source: str = ""


@dataclass(frozen=True)
class Derivation:
    """A titled sequence of steps."""

    name: str
    title: str
    source: str
    steps: tuple[Step, ...]

    def check(self) -> tuple[Checked, ...]:
        """Check every step, in order."""
        return tuple(step.check() for step in self.steps)

    def holds(self) -> bool:
        """Whether every step is proved or confirmed."""
        return all(self.check())

    def to_latex(self) -> str:
        """An ``enumerate`` of the steps for a LaTeX document that loads amsmath."""
        lines = [rf"\paragraph{{{self.title}}} ({self.source})", r"\begin{enumerate}"]
        for step in self.steps:
            origin = f" ({step.source})" if step.source else ""
            lines.append(rf"  \item \emph{{{step.title}}}{origin}: {step.why}")
            lines.append(rf"  \[ {sp.latex(step.statement)} \]")
        lines.append(r"\end{enumerate}")
        return "\n".join(lines)

    def to_mathml(self) -> tuple[str, ...]:
        """Presentation MathML of each step's statement, each a complete ``<math>`` element."""
        return tuple(to_mathml(step.statement) for step in self.steps)


def to_mathml(statement: sp.Basic) -> str:
    """Presentation MathML of one expression, as a block-level ``<math>`` element."""
    body = mathml(statement, printer="presentation")
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{body}</math>'


__all__ = ["Checked", "Derivation", "Outcome", "Step", "to_mathml"]
