"""A simulation held against the exact law, at every step at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri

from varlab.core import InputError, Result
from varlab.numerics import rectification
from varlab.simulate.inference import (
    POWER,
    Assertion,
    assertion,
    truncated_variance_radius,
)
from varlab.simulate.request import Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.simulate.simulation import Simulation

# Up to here radii come from exact moments and inequalities without a central limit theorem: psi_t has
# moments below order t only, and the plug-in fourth moment of a sample is no guide to the tail.
LAST_EARLY_STEP = 24
# Orders of the moments that bound psi_t's tail, as far as they exist.
TAIL_ORDERS = (4, 6, 8, 11, 15, 19, 23)
# The few early points, where the tail costs most, share a quarter of the false-fail rate, the late ones
# of Var[psi] another, the moments of log psi the rest.
EARLY_SHARE, LATE_SHARE, LOG_SHARE = 0.25, 0.25, 0.5
# Steps at which log psi_t is compared, and at which laws without a one-pass Var[psi_t] are.
SELECTED_STEPS = 24


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """Outcome of :func:`compare`.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per point: setting, step, quantity, estimate, expected, radius (stated error),
        detectable, basis ("exact moments" or "sample moments"); radius NaN where refused.
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
        for (setting, quantity), rows in self.table.groupby(["setting", "quantity"], sort=False):
            deviation = (rows["estimate"] - rows["expected"]) / rows["radius"]
            ax.plot(rows["step"], deviation, ".", markersize=2, label=f"{setting}: {quantity}")
        ax.axhspan(-1, 1, color="0.9", zorder=0)
        ax.set(xlabel="step t", ylabel="deviation from the exact law / stated error")
        # Above the axes: with thousands of points no corner inside is free.
        ax.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=2,
            fontsize="x-small",
            handletextpad=0,
            columnspacing=1,
            frameon=False,
            markerscale=5,
        )


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
        Chance of a false alarm at any point, all settings and steps together. Rigorous for t up to
        24 (Markov and Bernstein on exact moments); asymptotic later.
    first_step : int
        Var[psi_t] is compared from here on; from 5, because a sample variance has no standard error
        before. The moments of log psi_t are compared from step 1.

    Raises
    ------
    NothingToCompareError
        When no setting has an exact law, neither psi nor log_psi was asked for, or the steps end before
        the first that can be compared.
    """
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
    plug_in = data["psi_variance_stderr"].values[steps - 1]
    quantile = -float(ndtri(LATE_SHARE * rate / (2 * max(int((~early).sum()), 1))))
    # S^2 is skewed like a chi-square of n: one Cornish-Fisher term
    late_radius = plug_in * (quantile + np.sqrt(8 / n) * (quantile**2 - 1) / 6)
    radius = np.where(early, np.nan, late_radius)
    share = EARLY_SHARE * rate / max(int(early.sum()), 1)
    for index in np.flatnonzero(early):
        radius[index] = _early_radius(setting, int(steps[index]), expected[index], n, share)
    detectable = np.where(early, 2 * radius, radius + float(ndtri(POWER)) * plug_in)
    basis = np.where(early, "exact moments", "sample moments")
    plain = _rows(
        setting,
        "psi_variance",
        steps,
        data["psi_variance"].values[steps - 1],
        expected,
        radius,
        detectable,
        basis,
    )
    if not setting.beta2:
        return [plain]
    squared = np.asarray(rectification(steps, setting.beta2, kind="radam")) ** 2
    rectified = _rows(
        setting,
        "rectified_psi_variance",
        steps,
        data["rectified_psi_variance"].values[steps - 1],
        squared * expected,
        squared * radius,
        squared * detectable,
        basis,
    )
    return [plain, rectified]


def _early_radius(setting: Setting, t: int, variance: float, n: int, rate: float) -> float:
    law = setting.law.exact(t, setting.beta2)
    if law is None:
        return float("nan")
    bound = float(setting.law.moment_bound(np.array(t)))
    orders = {1, 2, 3, *TAIL_ORDERS}
    moments = {k: float(law.moment(k)) for k in orders if k < bound}
    return truncated_variance_radius(
        moments, float(law.mean()), float(variance), n=n, false_fail_rate=rate
    )


def _log_psi(simulation: Simulation, setting: Setting, rate: float) -> list[pd.DataFrame]:
    """Mean and variance of log psi_t, which exist at every step: normal quantiles, plug-in errors.

    The variance is blind to a factor on psi_t, such as a wrong bias correction; the mean is not.
    """
    steps = _selected(1, simulation.request.steps)
    data = simulation.dataset.sel(setting=setting.label)
    laws = [setting.law.exact(int(t), setting.beta2) for t in steps]
    quantile = -float(ndtri(rate / (4 * len(steps))))
    tables = []
    for name, exact in (("log_psi_mean", "log_mean"), ("log_psi_variance", "log_var")):
        expected = np.array(
            [np.nan if law is None else float(getattr(law, exact)()) for law in laws]
        )
        stderr = data[f"{name}_stderr"].values[steps - 1]
        radius = quantile * stderr
        detectable = radius + float(ndtri(POWER)) * stderr
        estimate = data[name].values[steps - 1]
        basis = np.full(len(steps), "sample moments")
        tables.append(_rows(setting, name, steps, estimate, expected, radius, detectable, basis))
    return tables


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
    radius: np.ndarray,
    detectable: np.ndarray,
    basis: np.ndarray,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "setting": setting.label,
            "step": steps,
            "quantity": quantity,
            "estimate": estimate,
            "expected": expected,
            "radius": np.where(np.isfinite(expected), radius, np.nan),
            "detectable": detectable,
            "basis": basis,
        }
    )
