"""Special input: maximize, zero gradients with eps = 0, float64, sparse gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from varlab.core import InputError
from varlab.optim.conformance.finding import Finding, fault, note
from varlab.optim.conformance.reproduction import script
from varlab.optim.conformance.scenario import Scenario, StepError, Track
from varlab.optim.conformance.state import BETAS, STEPS, Bench
from varlab.optim.conformance.target import shown_error


def maximize(bench: Bench) -> Finding | None:
    """``maximize=True`` must move as the negative gradient does."""
    if not bench.candidate.takes("maximize"):
        return None
    gradients = bench.gradients("a")
    right = bench.scenario(Track.of(-gradients)).run(bench.candidate)[0]
    scenario = bench.scenario(Track.of(gradients))
    ascending = replace(scenario, hyper={**scenario.hyper, "maximize": True})
    return bench.compare(
        ascending, {0: right}, "maximize=True is not the step of the negative gradient"
    )


def zero_gradient(bench: Bench) -> Finding | None:
    """A gradient that is exactly 0 throughout, with eps = 0."""
    if not bench.candidate.takes("eps"):
        return None
    scenario = bench.scenario(Track.of(np.zeros((STEPS, 1))))
    scenario = replace(scenario, hyper={**scenario.hyper, "eps": 0.0})
    try:
        moves = scenario.run(bench.candidate)[0]
    except (InputError, StepError):  # eps = 0 is refused: as good an answer as any
        return None
    if np.isfinite(moves).all():
        return None
    first = int(np.flatnonzero(~np.isfinite(moves).all(axis=1))[0]) + 1
    sentence = f"NaN from step {first} on with eps = 0 where a gradient is exactly 0 (beta2 = {BETAS[1]:g})"
    shown = scenario.cut(first)
    return note(sentence, script(bench.candidate, shown, {0: np.zeros(1)}, sentence))


def kept_float64(bench: Bench) -> Finding | None:
    """float64 parameters must be stepped in float64."""
    if bench.dtype != "float64":
        return note("float64 parameters are refused; the check ran on float32 parameters")
    if bench.state == "float64":
        return None
    return note("float64 parameters are stepped in float32: every move is a float32 number")


def sparse_gradient(bench: Bench) -> Finding | None:
    """Sparse gradients that touch every row: supported they must move as dense ones do."""
    gradients = bench.gradients("a")
    right = bench.scenario(Track.of(gradients)).run(bench.candidate)[0]
    dtype = getattr(torch, bench.dtype)
    parameter = torch.zeros(
        gradients.shape[1], dtype=dtype, device=bench.device, requires_grad=True
    )
    optimizer = bench.candidate.build([([parameter], {})], **bench.hyper)
    for step, row in enumerate(gradients):
        parameter.data.zero_()
        parameter.grad = torch.tensor(row, dtype=dtype, device=bench.device).to_sparse()
        try:
            optimizer.step()
        except Exception as error:
            return note(f"no sparse gradients: step() raises {shown_error(error)}")
        got = parameter.detach().to("cpu", torch.float64).numpy()
        if not np.allclose(got, right[step], rtol=1e-5, atol=0):
            sentence = (
                f"sparse gradients are accepted and stepped wrongly: at step {step + 1} by "
                f"{got[0]:.6g}, dense by {right[step][0]:.6g}"
            )
            return fault(sentence, _sparse_script(bench, step + 1, sentence))
    return None


def _sparse_script(bench: Bench, steps: int, sentence: str) -> str:
    scenario: Scenario = bench.scenario(Track.of(bench.gradients("a"))).cut(steps)
    right = scenario.run(bench.candidate)[0][-1]
    text = script(bench.candidate, scenario, {0: right}, sentence)
    return text.replace(
        f"torch.tensor(gradient, dtype=torch.{bench.dtype})",
        f"torch.tensor(gradient, dtype=torch.{bench.dtype}).to_sparse()",
    )


CHECKS = (maximize, zero_gradient, kept_float64, sparse_gradient)


def find_special(bench: Bench) -> tuple[Finding, ...]:
    """All findings on special input."""
    return tuple(found for check in CHECKS if (found := check(bench)) is not None)
