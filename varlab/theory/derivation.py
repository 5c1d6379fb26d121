"""Derivations as ordered steps, each checked by the machine, exported to LaTeX and MathML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from varlab.core.seeds import restart_sympy
from varlab.theory.checking import Checked, Outcome, Prover, check_equal, check_relation
from varlab.theory.domain import Domain
from varlab.theory.printing import latex_prose, to_latex, to_mathml


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
        """Check every step, in order; each from the same state of SymPy's generator."""
        checks = []
        for step in self.steps:
            restart_sympy()
            checks.append(step.check())
        return tuple(checks)

    def holds(self) -> bool:
        """Whether every step is proved or confirmed."""
        return all(self.check())

    def to_latex(self) -> str:
        """An ``enumerate`` of the steps for a LaTeX document that loads amsmath."""
        title, source = latex_prose(self.title), latex_prose(self.source)
        lines = [rf"\paragraph{{{title}}} ({source})", r"\begin{enumerate}"]
        for step in self.steps:
            origin = f" ({latex_prose(step.source)})" if step.source else ""
            lines.append(
                rf"  \item \emph{{{latex_prose(step.title)}}}{origin}: {latex_prose(step.why)}"
            )
            lines.append(rf"  \[ {to_latex(step.statement)} \]")
        lines.append(r"\end{enumerate}")
        return "\n".join(lines)

    def to_mathml(self) -> tuple[str, ...]:
        """Presentation MathML of each step's statement, each a complete ``<math>`` element."""
        return tuple(to_mathml(step.statement) for step in self.steps)


def equality(
    title: str,
    left: sp.Expr,
    right: sp.Expr,
    domain: Domain,
    why: str,
    *,
    source: str = "",
    prover: Prover | None = None,
) -> Step:
    """The step ``left = right``, checked on ``domain`` as it is stated."""
    return Step(
        title,
        sp.Eq(left, right, evaluate=False),
        why,
        lambda: check_equal(left, right, domain, prover=prover),
        source,
    )


def inequality(title: str, relation: sp.Rel, domain: Domain, why: str, *, source: str = "") -> Step:
    """The step ``relation``, checked on ``domain`` as it is stated."""
    return Step(title, relation, why, lambda: check_relation(relation, domain), source)


__all__ = ["Checked", "Derivation", "Outcome", "Step", "equality", "inequality", "to_mathml"]
