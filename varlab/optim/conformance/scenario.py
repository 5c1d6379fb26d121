"""A scenario: parameters, their gradients, what happens between steps.

Every check of a target is one or two scenarios, so that the reproduction which a user gets is the
very experiment that was made (reproduction.py prints a scenario). Each parameter is put back to its
start value (0 unless stated) before every step: float32 would swallow a small update of a large
value, and at 0 both kinds of weight decay are silent.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from varlab.core import InputError
from varlab.optim.conformance.hyper import Candidate
from varlab.optim.conformance.target import shown_error

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """One parameter.

    Attributes
    ----------
    gradients : tuple of (tuple of float) or None
        The gradient at each step, one number per coordinate; None: no gradient at that step.
    overrides : mapping
        Hyper-parameters (our names) of its parameter group.
    joins : int
        The step before which its group is added; 1: it is there from the beginning.
    starts : mapping
        Step -> value the parameter is put to before that step, where that is not 0.
    """

    gradients: tuple[tuple[float, ...] | None, ...]
    overrides: Mapping[str, object] = field(default_factory=dict)
    joins: int = 1
    starts: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, gradients: FloatArray, **options: Any) -> Track:
        """From an array of shape (steps, coordinates)."""
        return cls(tuple(tuple(float(g) for g in row) for row in gradients), **options)

    @property
    def coordinates(self) -> int:
        """Number of coordinates."""
        return next(len(row) for row in self.gradients if row is not None)


@dataclass(frozen=True)
class Scenario:
    """Parameters under one optimiser.

    Attributes
    ----------
    hyper : mapping
        Hyper-parameters, our names.
    tracks : tuple of Track
        All of the same number of steps. Those without overrides that are there from the
        beginning share the first group.
    reload_before : int or None
        The step before which the state goes through ``state_dict`` into a fresh optimiser.
    lr_change : (int, float) or None
        The step before which every group's learning rate is set to a new value.
    dtype : str
        Name of the parameters' torch dtype.
    device : str
        Torch device.
    """

    hyper: Mapping[str, object]
    tracks: tuple[Track, ...]
    reload_before: int | None = None
    lr_change: tuple[int, float] | None = None
    dtype: str = "float64"
    device: str = "cpu"

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.tracks[0].gradients)

    def cut(self, steps: int) -> Scenario:
        """The first ``steps`` steps of it."""
        tracks = tuple(replace(t, gradients=t.gradients[:steps]) for t in self.tracks)
        return replace(self, tracks=tracks)

    def alone(self, index: int) -> Scenario:
        """The parameter ``index`` under an optimiser of its own, from its first gradient on."""
        track = self.tracks[index]
        first = next(i for i, g in enumerate(track.gradients) if g is not None)
        own = Track(track.gradients[first:], starts={s - first: v for s, v in track.starts.items()})
        return replace(self, hyper={**self.hyper, **track.overrides}, tracks=(own,))

    def run(
        self, candidate: Candidate, *, raised: dict[int, str] | None = None
    ) -> list[FloatArray]:
        """The moves of every parameter.

        Parameters
        ----------
        candidate : Candidate
        raised : dict, optional
            When given, a step that raises is entered here (step -> what it raised), its moves are
            NaN, and the run goes on.

        Returns
        -------
        list of ndarray, shape (steps, coordinates)
            Value after the step minus value before it; NaN where there was no gradient.

        Raises
        ------
        StepError
            When ``step()`` or another call of the optimiser raises and ``raised`` is not given.
        """
        dtype = getattr(torch, self.dtype)
        parameters = [
            torch.zeros(t.coordinates, dtype=dtype, device=self.device, requires_grad=True)
            for t in self.tracks
        ]
        gradients = [
            [
                None if g is None else torch.tensor(g, dtype=dtype, device=self.device)
                for g in t.gradients
            ]
            for t in self.tracks
        ]
        moves = [np.full((self.steps, t.coordinates), np.nan) for t in self.tracks]
        optimizer = candidate.build(self._groups(parameters), **self.hyper)
        for step in range(1, self.steps + 1):
            try:
                optimizer = self._between_steps(step, optimizer, parameters, candidate)
                for parameter, track, own in zip(parameters, self.tracks, gradients, strict=True):
                    parameter.data.fill_(track.starts.get(step, 0.0))
                    gradient = own[step - 1]
                    # a copy: some optimisers change the gradient in place
                    parameter.grad = None if gradient is None else gradient.clone()
                optimizer.step()
            except InputError:
                raise
            except Exception as error:
                if raised is None:
                    raise StepError(step, shown_error(error)) from error
                raised[step] = shown_error(error)
                continue
            for move, parameter, track in zip(moves, parameters, self.tracks, strict=True):
                if track.gradients[step - 1] is not None:
                    after = parameter.detach().to("cpu", torch.float64).numpy()
                    move[step - 1] = after - track.starts.get(step, 0.0)
        return moves

    def _groups(
        self, parameters: list[torch.Tensor]
    ) -> list[tuple[list[torch.Tensor], Mapping[str, object]]]:
        here = [(p, t) for p, t in zip(parameters, self.tracks, strict=True) if t.joins == 1]
        shared = [p for p, t in here if not t.overrides]
        groups: list[tuple[list[torch.Tensor], Mapping[str, object]]] = []
        if shared:
            groups.append((shared, {}))
        return groups + [([p], t.overrides) for p, t in here if t.overrides]

    def _between_steps(
        self, step: int, optimizer: Any, parameters: list[torch.Tensor], candidate: Candidate
    ) -> Any:
        for parameter, track in zip(parameters, self.tracks, strict=True):
            if track.joins == step > 1:
                optimizer.add_param_group(candidate.group([parameter], track.overrides))
                later = candidate.arguments(self.hyper)[1] | candidate.overrides(track.overrides)
                optimizer.param_groups[-1].update(later)
        if self.reload_before == step:
            fresh = candidate.build(self._groups(parameters), **self.hyper)
            fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            optimizer = fresh
        if self.lr_change is not None and self.lr_change[0] == step:
            for group in optimizer.param_groups:
                group.update(candidate.overrides({"lr": self.lr_change[1]}))
        return optimizer


class StepError(Exception):
    """The optimiser raised in a step.

    Attributes
    ----------
    step : int
        The step, from 1.
    message : str
        Type and text of what it raised, on one line.
    """

    def __init__(self, step: int, message: str) -> None:
        super().__init__(f"step {step} raises {message}")
        self.step = step
        self.message = message
