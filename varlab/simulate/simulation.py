"""The result of a run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from varlab.core import Result, require
from varlab.simulate.request import Request, from_json
from varlab.simulate.store import load_dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varlab.simulate.comparison import Comparison


@dataclass(frozen=True, eq=False)
class Simulation(Result):
    """Moments of the adaptive rate along the steps, over simulated trajectories.

    Attributes
    ----------
    dataset : xarray.Dataset
        dims (setting, step), step from 1; variables ``psi_mean psi_variance log_psi_mean
        log_psi_variance rectified_psi_variance inverse_v_mean inverse_v_variance
        rectified_inverse_v_variance update_mean update_variance``, as far as asked for, each with its
        ``_stderr`` (NaN where it has none); attributes ``request`` (JSON), ``seed``, ``versions``
        (JSON), ``device``, ``engine``.

    Raises
    ------
    DomainError
        For another dataset.
    """

    dataset: xr.Dataset

    def __post_init__(self) -> None:
        given = self.dataset
        whole_result = isinstance(given, xr.Dataset) and "request" in given.attrs
        require(
            whole_result and {"setting", "step"} <= set(given.dims),
            "dataset",
            "be the xarray.Dataset of a simulation, dims (setting, step), with its request",
            given,
            "load a store with Simulation.load",
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Simulation:
        """Read the finished Zarr store at ``path``.

        Raises
        ------
        InputError
            There is none, it is damaged or unfinished.
        """
        return cls(load_dataset(path))

    @property
    def request(self) -> Request:
        """What was asked for."""
        return from_json(json.loads(self.dataset.attrs["request"]))

    @property
    def trajectories(self) -> int:
        """Number of simulated trajectories."""
        return self.request.trajectories

    def to_frame(self) -> pd.DataFrame:
        """One row per setting and step."""
        return self.dataset.to_dataframe().reset_index()

    def compare(self, *, false_fail_rate: float = 1e-3, first_step: int = 5) -> Comparison:
        """Hold Var[psi_t] and its rectified form against the exact law at every step.

        ``false_fail_rate`` in (0, 1), for all steps together; Var[psi_t] is compared from
        ``first_step`` on. See :func:`varlab.simulate.comparison.compare`.
        """
        from varlab.simulate.comparison import compare

        return compare(self, false_fail_rate=false_fail_rate, first_step=first_step)

    def summary(self) -> str:
        """A table of the last step, estimates with their standard errors."""
        request = self.request
        last = self.dataset.isel(step=-1)
        lines = [
            f"{request.trajectories:,} trajectories x {request.steps:,} steps, seed {request.seed}, "
            f"{self.dataset.attrs['engine']} engine on {self.dataset.attrs['device']}; step {request.steps}:"
        ]
        for setting in self.dataset["setting"].values:
            row = last.sel(setting=setting)
            values = [
                f"{name} {_rounded(float(row[name]), float(row.get(name + '_stderr', np.nan)))}"
                for name in ("psi_variance", "rectified_psi_variance", "log_psi_variance")
                if name in row
            ]
            lines.append(f"  {setting}: {'; '.join(values) or 'other statistics asked for'}")
        return "\n".join(lines)

    def _draw(self, ax: Axes) -> None:
        require(
            "psi_variance" in self.dataset,
            "statistics",
            "include 'psi' for this picture",
            list(self.dataset.data_vars),
        )
        for number, setting in enumerate(self.dataset["setting"].values):
            one = self.dataset.sel(setting=setting).sel(step=slice(5, None))
            colour = f"C{number}"
            ax.plot(one["step"], one["psi_variance"], color=colour, label=setting)
            ax.plot(one["step"], one["rectified_psi_variance"], color=colour, linestyle="--")
        ax.set(
            xlabel="step t",
            ylabel="variance over trajectories: psi (solid), r psi (dashed)",
            yscale="log",
        )
        ax.legend(fontsize="small")


def _rounded(value: float, stderr: float) -> str:
    """Value and standard error, rounded to two digits of the latter."""
    if not np.isfinite(stderr) or stderr <= 0:
        return f"{value:.4g}"
    digits = 1 - int(np.floor(np.log10(stderr)))
    if -3 <= np.log10(max(abs(value), 1e-300)) <= 6:
        return f"{value:.{max(digits, 0)}f} +- {stderr:.{max(digits, 0)}f}"
    significant = max(1, int(np.floor(np.log10(abs(value)))) + digits)
    return f"{value:.{significant}e} +- {stderr:.1e}"
