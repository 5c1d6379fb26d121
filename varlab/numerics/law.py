"""What a law of the adaptive learning rate psi > 0 offers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from varlab.core.errors import require
from varlab.core.memory import require_memory
from varlab.numerics.inputs import Array, number, numbers, scalar_or_array

_Evaluator: TypeAlias = Callable[[Array], Array]


class RateLaw(ABC):
    """A continuous distribution of psi on (0, inf), with moments of any real order."""

    @abstractmethod
    def mean(self) -> float:
        """E[psi]; infinite where it diverges."""

    @abstractmethod
    def var(self) -> float:
        """Var[psi]; infinite where it diverges."""

    @abstractmethod
    def log_mean(self) -> float:
        """E[log psi], always finite."""

    @abstractmethod
    def log_var(self) -> float:
        """Var[log psi], always finite."""

    def moment(self, k: float) -> float:
        """E[psi^k] for any real order k; infinite where it diverges.

        Raises
        ------
        DomainError
            For k not a finite real number.
        """
        order = number("k", k, "be finite", np.isfinite)
        return 1.0 if order == 0.0 else self._moment(order)

    def pdf(self, x: ArrayLike) -> Array:
        """Density at x (real; 0 for x <= 0).

        Raises
        ------
        DomainError
            For x NaN or not real.
        """
        return self._on_support(x, self._pdf, 0.0, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """P(psi <= x).

        Raises
        ------
        DomainError
            For x NaN or not real.
        """
        return self._on_support(x, self._cdf, 0.0, 1.0)

    def sf(self, x: ArrayLike) -> Array:
        """P(psi > x), with its own relative accuracy in the upper tail.

        Raises
        ------
        DomainError
            For x NaN or not real.
        """
        return self._on_support(x, self._sf, 1.0, 0.0)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantile: the x with P(psi <= x) = q, for q in [0, 1].

        Raises
        ------
        DomainError
            For q outside [0, 1].
        """
        share = numbers("q", q, "lie in [0, 1]", lambda p: (p >= 0) & (p <= 1))
        result = np.where(share == 0.0, 0.0, np.inf)
        inner = (share > 0.0) & (share < 1.0)
        if inner.any():
            result[inner] = self._ppf(share[inner])
        return scalar_or_array(result)

    def rvs(self, size: int | tuple[int, ...], rng: np.random.Generator) -> Array:
        """Independent draws of psi.

        Parameters
        ----------
        size : int or tuple of int
            Shape of the result.
        rng : numpy.random.Generator
            From :func:`varlab.core.generator`, so that the draws have a seed.

        Raises
        ------
        DomainError
            For another kind of size or generator.
        InputError
            For a sample that does not fit into memory.
        """
        require(
            isinstance(rng, np.random.Generator),
            "rng",
            "be a numpy.random.Generator",
            rng,
            "make one with varlab.core.generator(seed)",
        )
        shape = size if isinstance(size, tuple) else (size,)
        whole_numbers = all(
            isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0 for n in shape
        )
        require(whole_numbers, "size", "be an integer >= 0 or a tuple of them", size)
        count = math.prod(int(n) for n in shape)
        what = f"a sample of shape {shape}" if count < 2**63 else "such a sample"
        require_memory(min(16 * count, 2**100), what, "draw it in parts")
        return self._rvs(tuple(int(n) for n in shape), rng)

    def _on_support(
        self, x: ArrayLike, function: _Evaluator, at_zero: float, at_infinity: float
    ) -> Array:
        """``function`` on (0, inf), the given constants beyond its two ends."""
        points = numbers("x", x, "be a real number", lambda p: ~np.isnan(p))
        result = np.where(points > 0, at_infinity, at_zero)
        inner = (points > 0) & np.isfinite(points)
        if inner.any():
            result[inner] = function(points[inner])
        return scalar_or_array(result)

    @abstractmethod
    def _moment(self, k: float) -> float: ...

    @abstractmethod
    def _pdf(self, x: Array) -> Array: ...

    @abstractmethod
    def _cdf(self, x: Array) -> Array: ...

    @abstractmethod
    def _sf(self, x: Array) -> Array: ...

    @abstractmethod
    def _ppf(self, q: Array) -> Array: ...

    @abstractmethod
    def _rvs(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array: ...
