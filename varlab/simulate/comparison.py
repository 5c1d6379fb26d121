"""A simulation held against the exact law, at every step at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from varlab.core import InputError, Result, require, whole
from varlab.numerics import rectification
from varlab.simulate.concentration import (
    ExponentialMoments,
    exponential_moments,
    log_mean_radius,
    log_variance_radius,
    relative_psi_variance_radius,
)
from varlab.simulate.inference import POWER, Assertion, assertion, checked_rate
from varlab.simulate.request import Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.simulate.simulation import Simulation

# The few early points, where the tail of psi_t costs most, share a quarter of the false-fail rate, the
# late ones of Var[psi] another, the moments of log psi the rest.
LAST_EARLY_STEP = 24
EARLY_SHARE, LATE_SHARE, LOG_SHARE = 0.25, 0.25, 0.5
# Steps at which log psi_t is compared, and at which laws without a one-pass Var[psi_t] are.
SELECTED_STEPS = 24
# Of the quantities in a picture.
MARKS = ("o", "^", "x", "+")
# Arithmetic in the run's precision leaves psi_t and log psi_t this many units of rounding.
ROUNDING = 8


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """Outcome of :func:`compare`.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per point: setting, step, quantity, estimate, expected, radius (stated error),
        detectable; radius NaN where refused.
    assertion : Assertion
        All points together.
    without_law : tuple of str
        Settings that have no exact law.
    """

    table: pd.DataFrame
    assertion: Assertion
    without_law: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every judged point lies within its stated error."""
        return self.assertion.verdict == "agrees"

    @property
    def outside(self) -> pd.DataFrame:
        """The points that do not."""
        off = (self.table["estimate"] - self.table["expected"]).abs() > self.table["radius"]
        return self.table[off]

    def summary(self) -> str:
        """Verdict and, if any, what could not be compared."""
        lines = [self.assertion.summary()]
        if self.without_law:
            lines.append(f"no exact law for {', '.join(self.without_law)}")
        return "\n".join(lines)

    def _draw(self, ax: Axes) -> None:
        # Colours tell settings apart and marks quantities, so that the legend holds their sum and not
        # their product.
        colours = {name: f"C{i}" for i, name in enumerate(self.table["setting"].unique())}
        marks = dict(zip(self.table["quantity"].unique(), cycle(MARKS), strict=False))
        for (setting, quantity), rows in self.table.groupby(["setting", "quantity"], sort=False):
            deviation = (rows["estimate"] - rows["expected"]) / rows["radius"]
            look = {"marker": marks[quantity], "color": colours[setting]}
            ax.plot(rows["step"], deviation, ls="", markersize=2, **look)
        for setting, colour in colours.items():
            ax.plot([], [], "s", color=colour, label=setting)
        for quantity, mark in marks.items():
            ax.plot([], [], mark, color="0.4", markersize=4, label=quantity)
        ax.axhspan(-1, 1, color="0.9", zorder=0)
        ax.set(xlabel="step t", ylabel="deviation from the exact law / stated error")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small", frameon=False)


class NothingToCompareError(InputError):
    """A simulation without a quantity that an exact law knows: too few steps, or other statistics."""


def compare(
    simulation: Simulation, *, false_fail_rate: float = 1e-3, first_step: int = 5
) -> Comparison:
    """Hold Var[psi_t], Var[r_t psi_t] and mean and variance of log psi_t against the exact law.

    Parameters
    ----------
    simulation : Simulation
    false_fail_rate : float
        Upper bound on the chance of a false alarm at any point, all settings and steps together, for
        any number of trajectories: Chernoff's inequality on exact moments, no central limit theorem
        and no plug-in. Between 24 steps on a logarithmic scale, from 25 on, the radius of Var[psi_t]
        over its value is interpolated.
    first_step : int
        Var[psi_t] is compared from here on; from 5, because a sample variance has no standard error
        before. The moments of log psi_t are compared from step 1.

    Raises
    ------
    DomainError
        For no Simulation, a rate outside (0, 1), a first step that is no integer >= 1.
    NothingToCompareError
        When no setting has an exact law, neither psi nor log_psi was asked for, or the steps end before
        the first that can be compared.
    """
    is_result = isinstance(getattr(simulation, "dataset", None), xr.Dataset)
    require(is_result, "simulation", "be a Simulation", simulation, "make one with simulate()")
    false_fail_rate = checked_rate(false_fail_rate)
    first_step = whole("first_step", first_step, 1)
    known = [s for s in simulation.request.settings if s.law.exact(5, s.beta2 or 0.5) is not None]
    without = tuple(s.label for s in simulation.request.settings if s not in known)
    parts = []
    for setting in known:
        if "psi_variance" in simulation.dataset:
            parts += _psi(simulation, setting, first_step, false_fail_rate / len(known))
        if "log_psi_variance" in simulation.dataset:
            share = LOG_SHARE * false_fail_rate / len(known)
            parts += _log_psi(simulation, setting, share)
    if not parts:
        raise NothingToCompareError(
            f"the simulation must hold log_psi, or psi at a step >= {first_step}, of a law with an exact "
            "one; got neither"
        )
    table = pd.concat(parts, ignore_index=True)
    estimate, expected, radius, detectable = (
        table[c].to_numpy(float) for c in ("estimate", "expected", "radius", "detectable")
    )
    joint = assertion(estimate, expected, radius, detectable, false_fail_rate)
    return Comparison(table, joint, without)


def _psi(
    simulation: Simulation, setting: Setting, first_step: int, rate: float
) -> list[pd.DataFrame]:
    """Var[psi_t] and, scaled by the same deterministic r_t^2, the rectified one: one event, two rows."""
    n, last = simulation.trajectories, simulation.request.steps
    path = setting.law.exact_variance_path(last, setting.beta2)
    steps = _selected(first_step, last) if path is None else np.arange(first_step, last + 1)
    if not len(steps):
        return []
    data = simulation.dataset.sel(setting=setting.label)
    expected = (
        np.array([_variance(setting, int(t)) for t in steps]) if path is None else path[steps - 1]
    )
    early = steps <= LAST_EARLY_STEP
    radius, detectable = np.full((2, len(steps)), np.nan)
    for part, share in ((early, EARLY_SHARE), (~early, LATE_SHARE)):
        if part.any():
            point_rate = share * rate / int(part.sum())
            radius[part], detectable[part] = _psi_reach(setting, steps[part], n, point_rate)
    with np.errstate(invalid="ignore"):  # an infinite variance has no radius
        reach = expected * np.stack([radius, detectable])
    size = data["psi_mean"].values[steps - 1]
    reach += _variance_rounding(simulation, size, expected)
    estimate = data["psi_variance"].values[steps - 1]
    plain = _rows(setting, "psi_variance", steps, estimate, expected, reach)
    if not setting.beta2:
        return [plain]
    squared = np.asarray(rectification(steps, setting.beta2, kind="radam")) ** 2
    estimate = data["rectified_psi_variance"].values[steps - 1]
    rectified = _rows(
        setting, "rectified_psi_variance", steps, estimate, squared * expected, squared * reach
    )
    return [plain, rectified]


def _psi_reach(setting: Setting, steps: np.ndarray, n: int, rate: float) -> np.ndarray:
    """Radius and detectable discrepancy over Var[psi_t], shape (2, steps); interpolated where many."""
    nodes = steps if len(steps) <= SELECTED_STEPS else _selected(steps[0], steps[-1])
    values = [_reach(relative_psi_variance_radius, setting, int(t), n, rate) for t in nodes]
    return np.stack([np.interp(np.log(steps), np.log(nodes), v) for v in zip(*values, strict=True)])


def _log_psi(simulation: Simulation, setting: Setting, rate: float) -> list[pd.DataFrame]:
    """Mean and variance of log psi_t, which exist at every step.

    The variance is blind to a factor on psi_t, such as a wrong bias correction; the mean is not.
    """
    steps = _selected(1, simulation.request.steps)
    n, point_rate = simulation.trajectories, rate / (2 * len(steps))
    data = simulation.dataset.sel(setting=setting.label)
    laws = [setting.law.exact(int(t), setting.beta2) for t in steps]
    mean, variance = (
        np.array([np.nan if law is None else float(getattr(law, name)()) for law in laws])
        for name in ("log_mean", "log_var")
    )
    size = 1 + np.abs(mean)
    tables = []
    for name, expected, of, rounding in (
        ("log_psi_mean", mean, log_mean_radius, _rounding(simulation) * size),
        (
            "log_psi_variance",
            variance,
            log_variance_radius,
            _variance_rounding(simulation, size, variance),
        ),
    ):
        reach = np.array([_reach(of, setting, int(t), n, point_rate) for t in steps]).T + rounding
        estimate = data[name].values[steps - 1]
        tables.append(_rows(setting, name, steps, estimate, expected, reach))
    return tables


@lru_cache(maxsize=2**14)
def _reach(
    radius: Callable[[ExponentialMoments, int, float], float],
    setting: Setting,
    t: int,
    n: int,
    rate: float,
) -> tuple[float, float]:
    """Radius, and the discrepancy that is found with probability POWER or more if the law is as wide."""
    moments = _moments(setting, t, n, rate)
    if moments is None:
        return math.nan, math.nan
    own = radius(moments, n, rate)
    return own, own + radius(moments, n, 1 - POWER)


@lru_cache(maxsize=2**12)
def _moments(setting: Setting, t: int, n: int, rate: float) -> ExponentialMoments | None:
    """Exponential moments of log psi_t about its mean, from the law in units of exp(E[log psi_t])."""
    law = setting.law.exact(t, setting.beta2)
    if law is None:
        return None
    unit = math.exp(law.log_mean())
    changes: dict[str, Any] = {"mu": setting.law.mu * unit, "sigma": setting.law.sigma * unit}
    scaled = replace(setting.law, **changes).exact(t, setting.beta2)
    if scaled is None:
        return None
    bound = float(setting.law.moment_bound(np.array(t))) if setting.beta2 else 1.0
    return exponential_moments(scaled, bound, math.sqrt(2 * math.log(2 / rate) / n))


def _rounding(simulation: Simulation) -> float:
    return ROUNDING * float(np.finfo(simulation.request.dtype).eps)


def _variance_rounding(
    simulation: Simulation, size: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """What rounding of values of this size can do to their variance."""
    unit = _rounding(simulation) * size
    return np.asarray(2 * unit * np.sqrt(variance) + unit**2)


def _variance(setting: Setting, t: int) -> float:
    law = setting.law.exact(t, setting.beta2)
    return float("nan") if law is None else float(law.var())


def _selected(first: int, last: int) -> np.ndarray:
    if last < first:
        return np.empty(0, int)
    return np.unique(np.geomspace(first, last, SELECTED_STEPS).round().astype(int))


def _rows(
    setting: Setting,
    quantity: str,
    steps: np.ndarray,
    estimate: np.ndarray,
    expected: np.ndarray,
    reach: np.ndarray,
) -> pd.DataFrame:
    """``reach``: radius and detectable discrepancy, shape (2, steps)."""
    radius, detectable = np.where(np.isfinite(expected), reach, np.nan)
    return pd.DataFrame(
        {
            "setting": setting.label,
            "step": steps,
            "quantity": quantity,
            "estimate": estimate,
            "expected": expected,
            "radius": radius,
            "detectable": detectable,
        }
    )
