"""One root seed, named child streams.

A stream depends on the root seed and its name alone: asking for other streams before it, or in
another process, changes nothing.
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from varlab.core.errors import whole


def seed_sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """Child of the root ``seed`` under a path of names.

    Parameters
    ----------
    seed : int
        Root seed, >= 0.
    *names : str or int
        The path, e.g. ``("claims", "radam.eq6.density")``; integers number chunks or replicas.

    Raises
    ------
    DomainError
        ``seed`` is negative or not an integer.
    """
    root = whole("seed", seed, 0)
    key = tuple(_word(name) for name in names)
    return np.random.SeedSequence(entropy=root, spawn_key=key)


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy generator on :func:`seed_sequence`, of the root ``seed`` and the same path of ``names``."""
    return np.random.default_rng(seed_sequence(seed, *names))


def restart_sympy() -> None:
    """Start SymPy's own generator anew, from a fixed seed.

    SymPy asks its assumptions in a random order and tests for constants at random points, from a
    generator that the clock seeds: without this, the same check can take another way on each run.
    Not imported here: whoever computes with SymPy has it loaded.
    """
    sympy_random = sys.modules.get("sympy.core.random")
    if sympy_random is not None:
        sympy_random.seed(0)


def _word(name: str | int) -> int:
    if isinstance(name, int):
        return name
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
