"""Is this RAdam RAdam?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from varlab.core import InputError, shown, told
from varlab.optim.conformance.account import Account, account
from varlab.optim.conformance.compiled import (
    COMPILED_GRID,
    compiled_candidate,
    recover_compiled,
    why_not_compiled,
)
from varlab.optim.conformance.decay import WeightDecay, find_decay
from varlab.optim.conformance.epsilon import EpsPlacement, find_eps
from varlab.optim.conformance.finding import Finding, Grade, fault, note
from varlab.optim.conformance.hyper import Candidate, probe
from varlab.optim.conformance.precision import Arithmetic
from varlab.optim.conformance.recover import Recovery, plain_hyper, recover
from varlab.optim.conformance.reproduction import script
from varlab.optim.conformance.result import Conformance, Verdict
from varlab.optim.conformance.scenario import Scenario, StepError, Track
from varlab.optim.conformance.special import find_special
from varlab.optim.conformance.state import Bench, find_state_faults
from varlab.optim.conformance.target import Factory, name_of, version_of

# 0.61, 0.65 (rho_inf in (4, 5]: threshold 5 never adapts), then values that separate 4 from 5
# by the first adaptive step, up to where float32 fails.
GRID = (0.61, 0.65, 0.7, 0.8, 0.9, 0.98, 0.99, 0.999, 0.9999)
# rho_inf <= 4: RAdam is never adaptive here, and division by rho_inf - 4 = 0 must not happen.
NEVER_ADAPTIVE = (0.5, 0.6)

Progress = Callable[[str], None]


def conform(
    factory: Factory,
    *,
    name: str | None = None,
    seed: int = 0,
    compiled: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Conformance:
    """Recover a target's rectification factor from its steps and hold it against the derivation.

    Parameters
    ----------
    factory : callable
        ``factory(params, **hyperparameters)`` -> ``torch.optim.Optimizer``, or an object with its
        ``param_groups`` and ``step()``. Which hyper-parameters it takes is found out.
    name : str, optional
        The target as the user wrote it, ``module:factory`` or ``path.py:factory``; it stands in
        the result and makes the reproductions importable.
    seed : int
        Root seed of the gradient sequences.
    compiled : bool
        Check the form whose ``step`` goes through ``torch.compile``: factor, threshold and early
        phase over a thinned grid. It is a target of its own; its name ends in `` (compiled)``.
    device : str
        Torch device of the parameters.
    progress : callable, optional
        Called with a word on what is being done.

    Returns
    -------
    Conformance

    Raises
    ------
    InputError
        When the factory returns no optimiser or takes no learning rate, or when ``compiled`` is
        asked for where there is no compiler, or ``device`` is none that holds values here.
    """
    _require_device(device)
    tell = progress or _silent
    candidate = probe(factory, name or name_of(factory))
    if compiled:
        if reason := why_not_compiled():
            raise InputError(reason)
        candidate = compiled_candidate(candidate)
    shown = candidate.name + (" (compiled)" if compiled else "")
    version = version_of(factory)
    dtype, failure = _working_dtype(candidate, device)
    if failure is not None:
        return Conformance(shown, version, Verdict.ERROR, findings=(failure,))
    try:
        recoveries = _recover(candidate, seed, dtype, device, tell)
    except StepError as error:
        finding = fault(str(error), "")
        return Conformance(shown, version, Verdict.ERROR, findings=(finding,))
    found = account(candidate, recoveries, seed=seed, dtype=dtype, device=device)
    findings = found.findings()
    eps, decay = EpsPlacement("unknown", ()), WeightDecay("other", ())
    if found.is_radam and not compiled:
        eps, decay, more = _beyond_the_factor(found, tell)
        findings += [*eps.findings, *decay.findings, *more]
    judged = found.factor
    return Conformance(
        target=shown,
        version=version,
        verdict=_verdict(found, findings),
        threshold=found.known_threshold if found.is_radam else None,
        first_adaptive_step={r.beta2: r.first_adaptive for r in recoveries if r.beta2 in GRID},
        max_relative_error={b: e for b, e in judged.errors.items() if b in GRID},
        early_phase=found.early.kind,
        shift=judged.suspect.shift if judged.suspect and judged.form is None else None,
        eps_placement=eps.placement,
        weight_decay=decay.kind,
        findings=tuple(sorted(findings, key=lambda f: list(Grade).index(f.grade), reverse=True)),
        factors={r.beta2: r.adaptive_factor for r in recoveries if r.beta2 in GRID},
    )


def _require_device(device: str) -> None:
    """The device must exist here and give back what was put there (meta does not)."""
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise InputError(
            f"device {shown(device)} cannot be used here: {told(error)}; use 'cpu'"
        ) from None


def _silent(_: str) -> None:
    pass


def _recover(
    candidate: Candidate, seed: int, dtype: str, device: str, tell: Progress
) -> Sequence[Recovery]:
    if candidate.compiled and candidate.per_group("betas"):
        tell("compiling")
        return recover_compiled(candidate, COMPILED_GRID, seed=seed, dtype=dtype, device=device)
    if candidate.takes("betas"):
        grid: tuple[float, ...] = COMPILED_GRID if candidate.compiled else NEVER_ADAPTIVE + GRID
    else:
        grid = (candidate.fixed_betas[1] if candidate.fixed_betas else 0.999,)
    recoveries = []
    for beta2 in grid:
        tell(f"r_t at beta2 = {beta2:g}")
        recoveries.append(recover(candidate, beta2, seed=seed, dtype=dtype, device=device))
    return recoveries


def _beyond_the_factor(
    found: Account, tell: Progress
) -> tuple[EpsPlacement, WeightDecay, tuple[Finding, ...]]:
    """Eps, weight decay, state and special input. What raises there is a fault of its own."""
    state = "float32" if found.dtype == "float32" or found.steps_in_float32 else "float64"
    bench = Bench(found.candidate, found.seed, found.dtype, found.device, state)
    eps, decay = EpsPlacement("unknown", ()), WeightDecay("other", ())
    more: list[Finding] = []
    try:
        if found.raises:
            more.append(note("eps, weight decay and state were not looked at, since steps raise"))
            return eps, decay, tuple(more)
        if (setting := found.adaptive_setting) and found.form_is_known:
            tell("eps")
            eps = find_eps(bench, *setting)
            tell("weight decay")
            decay = find_decay(bench, *setting)
        else:
            more.append(note("where eps and weight decay enter cannot be told from such steps"))
        tell("state")
        more += find_state_faults(bench)
        tell("special input")
        more += find_special(bench)
    except StepError as error:
        more.append(fault(str(error), ""))
    return eps, decay, tuple(more)


def _working_dtype(candidate: Candidate, device: str) -> tuple[str, Finding | None]:
    """float64 if the target can step it, else float32, else what it raises."""
    plain = replace(candidate, compiled=False)
    message = ""
    for dtype in ("float64", "float32"):
        hyper = plain_hyper(candidate, beta1=0.9, beta2=0.999)
        track = Track(((2.0,), (2.0,)))
        scenario = Scenario(hyper, (track,), dtype=dtype, device=device)
        try:
            scenario.run(plain)
        except StepError as error:
            message = str(error)
        else:
            return dtype, None
    text = script(plain, scenario, {}, message)
    return "float32", fault(message, text)


def _verdict(found: Account, findings: Sequence[Finding]) -> Verdict:
    if not found.is_radam:
        return Verdict.NOT_RADAM
    if any(f.grade is Grade.FAULT for f in findings):
        return Verdict.DIFFERS
    if found.factor.arithmetic is Arithmetic.FLOAT32:
        return Verdict.CONFORMS_FLOAT32
    return Verdict.CONFORMS
