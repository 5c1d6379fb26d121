"""A claim: a statement under test, the checks that decide it, and the mutants that the checks must catch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from varlab.core.errors import InputError
from varlab.core.evidence import Evidence, EvidenceKind, Finding
from varlab.core.judge import Ruling, judge
from varlab.core.kinds import ClaimKind
from varlab.core.seeds import restart_sympy

__all__ = ["Budget", "Check", "Claim", "ClaimKind", "Context"]


class Budget(StrEnum):
    """How much work a run may do: ``full`` adds training."""

    FAST = "fast"
    FULL = "full"

    def covers(self, needed: Budget) -> bool:
        """Whether a check that needs ``needed`` runs under this budget."""
        return self is Budget.FULL or needed is Budget.FAST


@dataclass(frozen=True)
class Context:
    """What a check may know besides the formula under test.

    Attributes
    ----------
    seed : int
        Root seed; a check draws from ``generator(context.seed, "claims", context.claim, ...)``.
    claim : str
        Id of the claim.
    tolerance : float or None
        The claim's tolerance (approximations and empirical statements).
    store : Path or None
        A folder where a check that trains keeps its finished runs, to go on after a kill.
    """

    seed: int
    claim: str
    tolerance: float | None = None
    store: Path | None = None

    @property
    def required_tolerance(self) -> float:
        """The tolerance, for checks that cannot do without one."""
        if self.tolerance is None:
            raise InputError(f"claim {self.claim} needs a tolerance; got None")
        return self.tolerance


@dataclass(frozen=True)
class Check:
    """One way to decide a claim.

    Attributes
    ----------
    kind : EvidenceKind
        How it decides.
    run : callable
        ``run(formula, context) -> Finding``, where ``formula`` is the claim's statement as an
        object, or a mutant of it. Everything the check decides must depend on ``formula``.
    budget : Budget
        The smallest budget under which it runs.
    """

    kind: EvidenceKind
    run: Callable[[Any, Context], Finding]
    budget: Budget = Budget.FAST


@dataclass(frozen=True)
class Claim:
    """A statement of a source, in a form that can be decided.

    Attributes
    ----------
    id : str
        Stable name, ``source.place.subject``.
    source : str
        Where it is stated, e.g. ``"R Eq. 7"``.
    statement : str
        The statement as the source makes it.
    kind : ClaimKind
        What kind of statement it is; decides how evidence becomes a verdict.
    domain_stated : str
        The domain the source gives it.
    formula : object
        The statement as an object (SymPy expression, callable, threshold): what the checks test.
    checks : tuple of Check
        In the order in which they are run.
    mutants : mapping
        Label -> a wrong ``formula`` that the checks must bring to ``fails``.
    tolerance : float, optional
        For approximations: the largest error at which they still hold.
    tolerance_reason : str
        Why that tolerance.
    equation : str
        The statement in LaTeX, for reports.
    derivation : str
        Name of the derivation in theory's catalogue that shows it step by step, if any.

    Raises
    ------
    InputError
        An approximation without a tolerance, or without a reason for it.
    """

    id: str
    source: str
    statement: str
    kind: ClaimKind
    domain_stated: str
    formula: Any
    checks: tuple[Check, ...]
    mutants: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float | None = None
    tolerance_reason: str = ""
    equation: str = ""
    derivation: str = ""

    def __post_init__(self) -> None:
        if self.kind is ClaimKind.APPROXIMATION and not (self.tolerance and self.tolerance_reason):
            raise InputError(f"approximation {self.id} needs a tolerance and a reason for it")

    def mutant(self, label: str) -> Claim:
        """The claim with its formula replaced by the mutant ``label``."""
        return replace(self, formula=self.mutants[label], mutants={})

    def decide(
        self, *, seed: int = 0, budget: Budget = Budget.FAST, store: Path | None = None
    ) -> Ruling:
        """Run the checks that ``budget`` covers and judge what they found.

        ``seed`` is the root of every random stream. Training keeps its finished runs in the folder
        ``store``, if one is given.
        """
        context = Context(seed=seed, claim=self.id, tolerance=self.tolerance, store=store)
        evidence = []
        postponed = False
        for check in self.checks:
            if not budget.covers(check.budget):
                postponed = True
                continue
            started = time.perf_counter()
            finding = _run(check, self.formula, context)
            evidence.append(Evidence(check.kind, finding, time.perf_counter() - started))
        return judge(self.kind, tuple(evidence), postponed=postponed)


def _run(check: Check, formula: Any, context: Context) -> Finding:
    """Run one check; one that raises tells nothing, and must not take the others down."""
    restart_sympy()
    try:
        return check.run(formula, context)
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        return Finding.silent(f"the check raised {type(error).__name__}: {text}")


def symbolic(run: Callable[[Any, Context], Finding], budget: Budget = Budget.FAST) -> Check:
    """A check by proof; ``run`` and ``budget`` as in :class:`Check`."""
    return Check(EvidenceKind.SYMBOLIC, run, budget)


def numeric(run: Callable[[Any, Context], Finding], budget: Budget = Budget.FAST) -> Check:
    """A check by deterministic computing; ``run`` and ``budget`` as in :class:`Check`."""
    return Check(EvidenceKind.NUMERIC, run, budget)


def monte_carlo(run: Callable[[Any, Context], Finding], budget: Budget = Budget.FAST) -> Check:
    """A check by sampling; ``run`` and ``budget`` as in :class:`Check`."""
    return Check(EvidenceKind.MONTE_CARLO, run, budget)


def training(run: Callable[[Any, Context], Finding], budget: Budget = Budget.FULL) -> Check:
    """A check by training models; ``run`` and ``budget`` as in :class:`Check`."""
    return Check(EvidenceKind.TRAINING, run, budget)
