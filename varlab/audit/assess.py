"""``assess``: audit a recording, or run a task and audit what it recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from varlab.audit.assess_recording import assess_recording, checked_limits
from varlab.audit.protocol import Protocol
from varlab.audit.recorder.record import Progress, record
from varlab.audit.recorder.recording import Recording
from varlab.audit.result import Audit
from varlab.audit.verdicts import Bands
from varlab.core import InputError
from varlab.tasks import Task

# Steps (draws, for frozen) recorded unless the user says otherwise: enough for each protocol to
# decide something, and at most a minute for the built-in tasks on a laptop.
DEFAULT_STEPS = {Protocol.ENSEMBLE: 40, Protocol.RUN: 400, Protocol.FROZEN: 400}


def assess(
    recording_or_factory: Recording | Callable[..., Task],
    *,
    protocol: str | None = None,
    replicas: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    inits: int | None = None,
    orders: int | None = None,
    select: str | None = None,
    coordinates: int | None = None,
    after: int | None = None,
    task: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    vectorised: bool | None = None,
    bands: Bands | None = None,
    level: float = 0.05,
    command: str = "",
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> Audit:
    """Decide on a model whether gradients are i.i.d. N(0, s^2), and what the departures cost.

    Parameters
    ----------
    recording_or_factory : Recording or callable
        What ``watch`` or ``load`` returned, or ``factory(seed) -> Task`` to be run now.
    protocol : {"frozen", "run", "ensemble"}, optional
        The recording's own, or ``ensemble``.
    replicas, steps, seed, inits, orders, select, coordinates, after, task, out, resume, vectorised
        How to run a factory, with the defaults of :func:`varlab.audit.recorder.record.record`. Not for
        recordings.
    bands : Bands, optional
        Equivalence bands of the four effects.
    level : float
        Nominal error rate.
    command : str
        Shown in the report as the way to repeat it.
    progress, announce : callable, optional
        As in :func:`varlab.audit.recorder.record.record`.

    Raises
    ------
    InputError
        Options of a run given with a recording; whatever the run or the audit refuses.
    """
    bands, level = checked_limits(bands, level)
    if isinstance(recording_or_factory, Recording):
        given: dict[str, Any] = {
            "replicas": replicas,
            "steps": steps,
            "inits": inits,
            "orders": orders,
            "seed": seed,
            "select": select,
            "coordinates": coordinates,
            "after": after,
            "task": task,
            "out": out,
            "resume": resume or None,
            "vectorised": vectorised,
        }
        for name, value in given.items():
            if value is not None:
                raise InputError(f"{name} is for a task that is still to be run, not a recording")
        recording = recording_or_factory
    else:
        if not callable(recording_or_factory):
            kind = type(recording_or_factory).__name__
            raise InputError(f"assess takes a Recording or a task factory; got {kind}")
        chosen = Protocol.parse(protocol or Protocol.ENSEMBLE.value)
        recording = record(
            recording_or_factory,
            protocol=chosen.value,
            replicas=replicas,
            steps=DEFAULT_STEPS[chosen] if steps is None else steps,
            seed=0 if seed is None else seed,
            inits=inits,
            orders=orders,
            select="*" if select is None else select,
            coordinates=64 if coordinates is None else coordinates,
            after=0 if after is None else after,
            task=task,
            out=out,
            resume=resume,
            vectorised=vectorised,
            progress=progress,
            announce=announce,
        )
    return assess_recording(recording, protocol=protocol, bands=bands, level=level, command=command)
