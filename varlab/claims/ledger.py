"""Deciding claims: run the checks of each, on both cores, and collect the rulings in the ledger."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from varlab import __version__
from varlab.claims.registry import collect, select
from varlab.core import (
    Budget,
    Claim,
    Evidence,
    InputError,
    Result,
    Ruling,
    Verdict,
    among,
    shown,
    whole,
)
from varlab.core.json_numbers import json_number

SCHEMA = 1
COMMITTED = "released_ledger.json"


@dataclass(frozen=True)
class Entry:
    """One claim with its ruling."""

    claim: Claim
    ruling: Ruling

    def to_dict(self) -> dict[str, Any]:
        """The object of this claim in ``ledger.json``."""
        return {
            "id": self.claim.id,
            "source": self.claim.source,
            "statement": self.claim.statement,
            "kind": self.claim.kind.value,
            "verdict": self.ruling.verdict.value,
            "error": json_number(self.ruling.error),
            "domain_stated": self.claim.domain_stated,
            "domain_found": self.ruling.domain_found,
            "counterexample": dict(self.ruling.counterexample)
            if self.ruling.counterexample
            else None,
            "reason": self.ruling.reason,
            "tolerance": self.claim.tolerance,
            "tolerance_reason": self.claim.tolerance_reason or None,
            "evidence": [_evidence_dict(e) for e in self.ruling.evidence],
        }


@dataclass(frozen=True)
class Ledger(Result):
    """The decided claims, in the ledger's order.

    Attributes
    ----------
    entries : tuple of Entry
    seed : int
    budget : Budget
    """

    entries: tuple[Entry, ...]
    seed: int
    budget: Budget

    def __getitem__(self, claim_id: str) -> Entry:
        for entry in self.entries:
            if entry.claim.id == claim_id:
                return entry
        raise KeyError(claim_id)

    def counts(self) -> dict[Verdict, int]:
        """How many claims got each verdict."""
        return {v: sum(e.ruling.verdict is v for e in self.entries) for v in Verdict}

    def undecided(self) -> tuple[Entry, ...]:
        """The entries that no evidence decided."""
        return tuple(e for e in self.entries if e.ruling.verdict is Verdict.UNDECIDED)

    def differing(self) -> tuple[tuple[Entry, str], ...]:
        """Entries whose verdict differs from the committed one, with the committed one.

        ``not-run`` differs from nothing: it only needs a larger budget. A claim that has no
        committed verdict yet counts as different from ``none``.
        """
        committed = committed_verdicts()
        return tuple(
            (entry, committed.get(entry.claim.id, "none"))
            for entry in self.entries
            if entry.ruling.verdict is not Verdict.NOT_RUN
            and committed.get(entry.claim.id) != entry.ruling.verdict.value
        )

    @property
    def ok(self) -> bool:
        """Whether every verdict is decided and equal to the committed one."""
        return not self.undecided() and not self.differing()

    def summary(self) -> str:
        """One line of counts, which ends with what a larger budget would add."""
        counts = self.counts()
        waiting = counts.pop(Verdict.NOT_RUN)
        parts = [", ".join(f"{n} {v.value}" for v, n in counts.items() if n)]
        if waiting:
            parts.append(f"{waiting} not run: add --budget full")
        return f"{len(self.entries)} claims: " + "; ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """The whole ledger as plain data, in the documented schema."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "seed": self.seed,
            "budget": self.budget.value,
            "claims": [entry.to_dict() for entry in self.entries],
        }

    def to_json(self) -> str:
        """Strict JSON of :meth:`to_dict` (no NaN or infinity)."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


Progress = Callable[[int, int, str], None]


def verify(
    ids: str | Iterable[str] | None = None,
    budget: str | Budget = Budget.FAST,
    seed: int = 0,
    *,
    jobs: int = 1,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Ledger:
    """Decide the claims of the ledger.

    Parameters
    ----------
    ids : str or iterable of str, optional
        Ids or globs such as ``"radam.eq*"``; all claims when None.
    budget : {"fast", "full"}
        ``fast`` runs symbolic, numeric and Monte-Carlo evidence; ``full`` adds training.
    seed : int
        Root seed, >= 0. Each claim draws from its own stream under it, so a selection of ids gives
        the same evidence as the whole ledger.
    jobs : int
        Processes. The verdicts do not depend on it. As always with several processes, a script
        that asks for more than one must guard its own work by ``if __name__ == "__main__":``.
    store : path, optional
        A folder where training keeps its finished runs: after a kill they are not repeated.
    progress : callable, optional
        ``progress(done, total, claim_id)`` after each claim.

    Raises
    ------
    InputError
        No id, an unknown id or budget, or a negative seed.
    """
    check_request(budget, seed, jobs)
    budget = Budget(budget)
    runs = None if store is None else Path(store)
    chosen = select(ids, collect())
    jobs = min(jobs, len(chosen))
    if jobs <= 1:
        rulings = {}
        for done, claim in enumerate(chosen, 1):
            rulings[claim.id] = claim.decide(seed=seed, budget=budget, store=runs)
            if progress:
                progress(done, len(chosen), claim.id)
    else:
        rulings = _decide_in_processes(chosen, seed, budget, jobs, runs, progress)
    return Ledger(tuple(Entry(c, rulings[c.id]) for c in chosen), seed, budget)


def check_request(budget: str, seed: int, jobs: int | None) -> None:
    """Refuse what :func:`verify` would refuse, before anything is written or computed."""
    if not among(budget, tuple(Budget)):
        raise InputError(f"budget must be fast or full; got {shown(budget)}")
    whole("seed", seed, 0)
    if jobs is not None:
        whole("jobs", jobs, 1)


def _decide_in_processes(
    claims: tuple[Claim, ...],
    seed: int,
    budget: Budget,
    jobs: int,
    store: Path | None,
    progress: Progress | None,
) -> dict[str, Ruling]:
    # A forkserver: forking a process whose libraries already run threads can deadlock.
    context = multiprocessing.get_context("forkserver")
    rulings = {}
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = {pool.submit(_decide, c.id, seed, budget, store): c.id for c in claims}
        for done, future in enumerate(as_completed(futures), 1):
            rulings[futures[future]] = future.result()
            if progress:
                progress(done, len(claims), futures[future])
    return rulings


def _decide(claim_id: str, seed: int, budget: Budget, store: Path | None) -> Ruling:
    return _claims()[claim_id].decide(seed=seed, budget=budget, store=store)


@cache
def _claims() -> dict[str, Claim]:
    return collect()


def released_ledger() -> dict[str, Any]:
    """The ledger that the package was released with (its evidence without the seconds)."""
    text = files("varlab.claims").joinpath(COMMITTED).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def committed_verdicts() -> dict[str, str]:
    """The released verdicts, by claim id; claims that had not been run are left out."""
    return {
        claim["id"]: claim["verdict"]
        for claim in released_ledger()["claims"]
        if claim["verdict"] != Verdict.NOT_RUN
    }


def _evidence_dict(evidence: Evidence) -> dict[str, Any]:
    return {
        "kind": evidence.kind.value,
        "agrees": evidence.agrees,
        "detail": evidence.finding.detail,
        "error": json_number(evidence.finding.error),
        "seconds": round(evidence.seconds, 4),
    }
