"""What normal i.i.d. data give in the very pipeline that the data go through: simulated, seeded, cached.

L-kurtosis and the autocorrelations of standardised values do not depend on location or scale, so under the
null their laws depend on the sample size alone, and simulating them is exact up to the number of
draws. The Monte-Carlo p-value (b + 1)/(N + 1) is valid as it stands: it is never below what it
should be, unlike a clipped table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varlab.audit.assumptions.l_moments import NORMAL_L_KURTOSIS, l_kurtosis, l_ratio_units
from varlab.audit.assumptions.scale_path import standardise
from varlab.core import generator

Array = NDArray[np.float64]

MOST_DRAWS = 9999
FEWEST_DRAWS = 1999
NEAR = 5  # lags that are tested
BUDGET = 6_000_000  # numbers simulated per sample size: a second or two
SMALL = (
    2000  # values; beyond it normal samples have their L-ratios to within a hundredth of the bands
)
BLOCKS = 16  # of consecutive steps, the units of a run: Student t with 15 degrees of freedom


def draws(size: int) -> int:
    """How many null samples of ``size`` are simulated."""
    return int(np.clip(BUDGET // size, FEWEST_DRAWS, MOST_DRAWS))


@dataclass(frozen=True)
class RatioNull:
    """L-ratios of normal samples of one size.

    Attributes
    ----------
    kurtosis : float
        Mean L-kurtosis: 0.1226 for large samples.
    skewness_square, kurtosis_square : float
        Mean product of two units' L-skewness, and of two units' L-kurtosis less ``kurtosis``. Unlike
        units would give 0; the jackknife's variance is a tenth too large for 24 units, which is half
        of the band's square.
    """

    kurtosis: float
    skewness_square: float
    kurtosis_square: float

    @classmethod
    def of(cls, skewness: Array, kurtosis: Array) -> RatioNull:
        """From simulated units, shape (unit, sample)."""
        centre = float(kurtosis.mean())
        return cls(centre, _unlike(skewness), _unlike(kurtosis - centre))


def _unlike(units: Array) -> float:
    """Mean over columns of the product of two different rows."""
    count = len(units)
    products = units.sum(axis=0) ** 2 - np.sum(units**2, axis=0)
    return float(products.mean()) / (count * (count - 1))


@lru_cache(maxsize=64)
def ratio_null(size: int, groups: int) -> RatioNull:
    """For ``size`` normal values in ``groups`` units."""
    if size > SMALL:
        return RatioNull(NORMAL_L_KURTOSIS, 0.0, 0.0)
    rng = generator(0, "audit", "null", "l-kurtosis", size)
    return RatioNull.of(*l_ratio_units(rng.standard_normal((size, draws(size))), groups))


@dataclass(frozen=True)
class SerialNull:
    """Autocorrelations of one family of scores under the null.

    Attributes
    ----------
    mean, sd : ndarray, shape (lag,)
        At lags 1, 2, ...
    portmanteau : tuple of float
        Mean, standard deviation and skewness of the sum over lags 1 to 5 of squared standardised
        autocorrelations (Ljung & Box 1978 with simulated moments: short series of signs have
        heavier tails than chi-square).
    """

    mean: Array
    sd: Array
    portmanteau: tuple[float, float, float]

    @classmethod
    def of(cls, r: Array) -> SerialNull:
        """From simulated autocorrelations ``r``, shape (lag, draw)."""
        mean, sd = r.mean(axis=1), r.std(axis=1)
        total = np.sum(((r[:NEAR] - mean[:NEAR, None]) / sd[:NEAR, None]) ** 2, axis=0)
        return cls(mean, sd, (float(total.mean()), float(total.std()), float(stats.skew(total))))

    def pvalues(self, r: Array) -> Array:
        """Portmanteau p-values of autocorrelations ``r``, shape (lag, coordinate)."""
        near = (r[:NEAR] - self.mean[:NEAR, None]) / self.sd[:NEAR, None]
        centre, spread, skewness = self.portmanteau
        total = np.sum(near**2, axis=0)
        return np.asarray(stats.pearson3.sf(total, skewness, centre, spread), dtype=np.float64)


@dataclass(frozen=True)
class RunNull:
    """Laws under the null for one run of given length, after standardising.

    Attributes
    ----------
    l_kurtosis : ndarray, shape (draw,)
        Sorted.
    ratios : RatioNull
        Of 16 blocks of consecutive steps.
    signs, sizes : SerialNull
        Autocorrelations of signs and of ranks of sizes.
    """

    l_kurtosis: Array
    ratios: RatioNull
    signs: SerialNull
    sizes: SerialNull

    def l_kurtosis_pvalues(self, values: Array, inflation: Array) -> Array:
        """Two-sided Monte-Carlo p-values.

        Parameters
        ----------
        values : ndarray, shape (coordinate,)
        inflation : ndarray, shape (coordinate,)
            Factor by which serial dependence multiplies the variance, see :func:`fourth_power_inflation`.
        """
        centre = float(np.mean(self.l_kurtosis))
        values = centre + (values - centre) / np.sqrt(inflation)
        count = len(self.l_kurtosis)
        below = np.searchsorted(self.l_kurtosis, values, side="right")
        above = count - np.searchsorted(self.l_kurtosis, values, side="left")
        tail = (np.minimum(below, above) + 1) / (count + 1)
        return np.where(np.isnan(values), np.nan, np.minimum(2 * tail, 1.0))


def autocorrelations(scores: Array, lags: int) -> Array:
    """Autocorrelations along axis 0 at lags 1..``lags``, shape (lag, coordinate).

    The definition of Box & Jenkins: sums over the steps that overlap, over the whole sum of squares.
    """
    centred = scores - scores.mean(axis=0)
    padded = 2 * len(scores)
    spectrum = np.abs(np.fft.rfft(centred, n=padded, axis=0)) ** 2
    covariances = np.fft.irfft(spectrum, n=padded, axis=0)[: lags + 1]
    total = covariances[0]
    return np.asarray(
        np.divide(covariances[1:], total, out=np.zeros_like(covariances[1:]), where=total > 0)
    )


def fourth_power_inflation(r: Array) -> Array:
    """1 + 2 sum of r_k^4: what serial dependence makes of the variance of a normal series' kurtosis.

    Lomnicki (1961): the kurtosis is, to first order, a mean of fourth Hermite polynomials, whose covariance
    at lag k is proportional to r_k^4. L-kurtosis follows the same polynomial.

    Parameters
    ----------
    r : ndarray, shape (lag, coordinate)
        Autocorrelations.
    """
    return np.asarray(1 + 2 * np.sum(r**4, axis=0))


def run_scores(z: Array) -> tuple[Array, Array]:
    """Signs about the median, and ranks of sizes, of a standardised run (step, coordinate)."""
    centred = z - np.median(z, axis=0)
    return np.sign(centred), np.asarray(stats.rankdata(np.abs(centred), axis=0), dtype=np.float64)


def last_lag(steps: int) -> int:
    """Lags 1 to 5 are tested; those up to this one measure noise."""
    return NEAR + int(np.clip(steps // 6, 8, 64))


@lru_cache(maxsize=16)
def run_null(steps: int) -> RunNull:
    """Simulate the null for a run of ``steps`` steps."""
    rng = generator(0, "audit", "null", "run", steps)
    last = last_lag(steps)
    kurtoses, units, signs, sizes = [], [], [], []
    left = draws(steps)
    while left:
        chunk = min(left, 1000)
        z = standardise(rng.standard_normal((steps, chunk))).residual
        kurtoses.append(l_kurtosis(z))
        units.append(l_ratio_units(z, BLOCKS))
        sign, size = run_scores(z)
        signs.append(autocorrelations(sign, last))
        sizes.append(autocorrelations(size, last))
        left -= chunk
    return RunNull(
        l_kurtosis=np.sort(np.concatenate(kurtoses)),
        ratios=RatioNull.of(*(np.concatenate(r, axis=1) for r in zip(*units, strict=True))),
        signs=SerialNull.of(np.concatenate(signs, axis=1)),
        sizes=SerialNull.of(np.concatenate(sizes, axis=1)),
    )
