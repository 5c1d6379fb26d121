"""What the claims on Fig. 9 look at: the exact variances and the simulation, at the paper's settings."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from varlab.claims.sampling import Array, simulation_seed
from varlab.core import Context
from varlab.numerics import psi_variance_path, rectification

if TYPE_CHECKING:
    from xarray import Dataset

MEANS = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
BETA2, FIRST, STEPS, TRAJECTORIES = 0.999, 5, 6000, 5000
PLOTTED = np.arange(FIRST, STEPS + 1.0)
# From here on the law of a sample variance of 5000 trajectories is close to normal: psi_t has 20 moments.
NORMAL_FROM = 20


@cache
def exact_variances(mean: float) -> Array:
    """Var[psi_t] at the plotted steps."""
    return psi_variance_path(STEPS, BETA2, mean)[FIRST - 1 :]


@cache
def simulated(seed: int) -> Dataset:
    """The paper's simulation, all six means on the same normals; one engine, so that bits do not vary."""
    from varlab.simulate import Normal, simulate

    run = simulate(
        [Normal(mu=mean) for mean in MEANS],
        beta2=BETA2,
        steps=STEPS,
        trajectories=TRAJECTORIES,
        seed=simulation_seed(seed, "radam.fig9"),
        device="cpu",
        engine="eager",
        statistics=("psi", "inverse_v"),
    )
    return run.dataset.assign_coords(setting=list(MEANS))


def sampled(context: Context, name: str, mean: float) -> Array:
    """A variable of the simulation at the plotted steps."""
    return np.asarray(simulated(context.seed)[name].sel(setting=mean).values[FIRST - 1 :])


def listed(values: dict[float, float], form: str = ".4g") -> str:
    """Values by mean, for a detail."""
    return ", ".join(f"{value:{form}} for mu = {mean:g}" for mean, value in values.items())


def papers_factor(steps: Array) -> Array:
    """R's r_t at b2 = 0.999."""
    return rectification(steps, BETA2)
