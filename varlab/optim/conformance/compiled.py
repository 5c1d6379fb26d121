"""The torch.compile'd form of a target."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from varlab.optim.conformance.gradients import known_gradients
from varlab.optim.conformance.hyper import Candidate
from varlab.optim.conformance.recover import (
    BETA1,
    COORDINATES,
    SCALING,
    Recovery,
    classify,
    plain_hyper,
)
from varlab.optim.conformance.scenario import Scenario, Track

# Compiling takes seconds per parameter group, so the grid is thinned and one optimiser holds it
# all; 40 steps go far beyond every first adaptive step of it.
COMPILED_GRID = (0.65, 0.9, 0.99, 0.999, 0.9999)
_STEPS = 40


def why_not_compiled() -> str:
    """Why ``torch.compile`` cannot work here; empty when it can."""
    compiler = os.environ.get("CXX", "")
    if (compiler and shutil.which(compiler)) or any(map(shutil.which, ("g++", "c++", "clang++"))):
        return ""
    return "torch.compile needs a C++ compiler (g++, clang++ or $CXX) and there is none"


def compiled_candidate(candidate: Candidate) -> Candidate:
    """The candidate with its step compiled."""
    return replace(candidate, compiled=True)


def recover_compiled(
    candidate: Candidate, grid: Sequence[float], *, seed: int, dtype: str, device: str
) -> list[Recovery]:
    """Recover the factor over ``grid`` from one compiled optimiser with two groups per beta2."""
    gradients = known_gradients(_STEPS, COORDINATES, seed=seed, stream="recover")
    tracks = tuple(
        Track.of(scale * gradients, overrides={"betas": (BETA1, beta2)})
        for beta2 in grid
        for scale in (1.0, SCALING)
    )
    hyper = plain_hyper(candidate, beta1=BETA1, beta2=float(np.max(grid)))
    moves = Scenario(hyper, tracks, dtype=dtype, device=device).run(candidate)
    return [
        classify(gradients, moves[2 * i], moves[2 * i + 1], BETA1, beta2)
        for i, beta2 in enumerate(grid)
    ]
