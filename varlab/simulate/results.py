"""From moments to labelled variables, each with its standard error where that exists."""

from __future__ import annotations

import numpy as np
import xarray as xr

from varlab.numerics import degrees_of_freedom, rectification
from varlab.simulate.moments import Moments
from varlab.simulate.request import Request, Setting
from varlab.simulate.statistics import RECTIFIED


def moments_available(setting: Setting, steps: int, order: float) -> np.ndarray:
    """Steps at which E[psi_t^order] exists and a sample can speak of it, shape (steps,), bool.

    Exists: ``order`` below the law's bound (t for densities positive at 0). Beyond that we ask for
    Kish's degrees of freedom > ``order``: where few gradients carry the weight the moment is finite,
    but made by events that a sample does not contain.
    """
    t = np.arange(1, steps + 1)
    bound = setting.law.moment_bound(t)
    if setting.beta2 > 0:
        kish = np.asarray(degrees_of_freedom(t, setting.beta2, kind="kish"))
        bound = np.where(np.isinf(bound), bound, np.minimum(bound, kish))
    return np.asarray((order <= 0) | (bound > order))


def dataset(moments: Moments, request: Request, attributes: dict[str, str | int]) -> xr.Dataset:
    """Variables ``<statistic>_mean``, ``_variance`` and their ``_stderr``, dims (setting, step).

    A standard error is a plug-in one: that of a mean uses the sample variance, that of a variance the
    sample's fourth central moment. It is given where twice the moment it needs exists (so that it has
    a law of large numbers with a rate of its own), NaN elsewhere.
    """
    t = np.arange(1, request.steps + 1)
    variables: dict[str, tuple[tuple[str, str], np.ndarray, dict[str, str]]] = {}

    def put(name: str, values: np.ndarray, meaning: str) -> None:
        variables[name] = (("setting", "step"), values, {"long_name": meaning})

    for number, statistic in enumerate(request.statistics):
        own = Moments(moments.count, moments.values[:, number])
        mean_known = _available(request, 4 * statistic.power)
        variance_known = _available(request, 8 * statistic.power)
        name, meaning = statistic.name, statistic.meaning
        put(f"{name}_mean", own.mean, f"mean of {meaning}")
        put(f"{name}_mean_stderr", np.where(mean_known, own.mean_stderr, np.nan), "standard error")
        put(f"{name}_variance", own.variance, f"variance of {meaning}")
        stderr = np.where(variance_known, own.variance_stderr, np.nan)
        put(f"{name}_variance_stderr", stderr, "standard error")
        for rectified in (r for r, of in RECTIFIED.items() if of == name):
            factor = rectification_factors(request)
            put(f"{rectified}_mean", factor * own.mean, f"mean of r_t times {meaning}")
            put(
                f"{rectified}_variance",
                factor**2 * own.variance,
                f"variance of r_t times {meaning}",
            )
            put(f"{rectified}_variance_stderr", factor**2 * stderr, "standard error")
    settings = request.settings
    coordinates = {
        # objects: strings of any length, which Zarr has a specification for
        "setting": np.array([s.label for s in settings], dtype=object),
        "step": t,
        "law": ("setting", np.array([s.law.name for s in settings], dtype=object)),
        "mu": ("setting", [s.law.mu for s in settings]),
        "sigma": ("setting", [s.law.sigma for s in settings]),
        "beta2": ("setting", [s.beta2 for s in settings]),
    }
    return xr.Dataset(variables, coordinates, attributes)


def rectification_factors(request: Request) -> np.ndarray:
    """The paper's r_t per setting and step (R section 4.2); NaN where rho_t <= 4."""
    t = np.arange(1, request.steps + 1)
    missing = np.full(t.shape, np.nan)
    rows = [
        np.asarray(rectification(t, s.beta2, kind="radam")) if s.beta2 > 0 else missing
        for s in request.settings
    ]
    return np.stack(rows)


def _available(request: Request, order: float) -> np.ndarray:
    return np.stack([moments_available(s, request.steps, order) for s in request.settings])
