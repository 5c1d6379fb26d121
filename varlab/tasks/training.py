"""The harness of all training experiments: a task, several arms, several seeds -> labelled results.

An arm is an optimiser with its schedule. Every arm sees the same initialisations and the same data
in the same order, so that arms can be compared in pairs, seed by seed.
"""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from varlab import __version__
from varlab.core import InputError, require, whole
from varlab.core.files import write_atomic, writing
from varlab.tasks.task import (
    Task,
    build,
    differentiate,
    next_batch,
    own_randomness,
    torch_seed,
)

Progress = Callable[[int, int, str], None]
SCHEMA = 1


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes
    ----------
    name : str
    optimise : callable
        ``optimise(parameters) -> torch.optim.Optimizer``.
    schedule : callable, optional
        ``schedule(optimizer) -> LRScheduler``, stepped once a step (ReduceLROnPlateau: with the
        mean training loss, every ``plateau_every`` steps).
    clip : float, optional
        Largest gradient norm (torch's ``clip_grad_norm_``).
    plateau_every : int
        What ReduceLROnPlateau takes for an epoch, in steps.
    """

    name: str
    optimise: Callable[[Any], torch.optim.Optimizer]
    schedule: Callable[[torch.optim.Optimizer], LRScheduler | ReduceLROnPlateau] | None = None
    clip: float | None = None
    plateau_every: int = 100

    def __post_init__(self) -> None:
        whole("plateau_every", self.plateau_every, 1)


@dataclass(frozen=True)
class Experiment:
    """What is trained: a factory that takes ``optimise``, the arms, the steps, the seeds.

    ``factory(seed, optimise=...) -> Task``, as the built-in tasks do. ``label`` names the
    experiment in its store and must change when anything in it does.
    """

    label: str
    factory: Callable[..., Task]
    arms: tuple[Arm, ...]
    steps: int
    seeds: int
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole("steps", self.steps, 1)
        whole("seeds", self.seeds, 1)
        names = [arm.name for arm in self.arms]
        require(len(set(names)) == len(names) > 0, "arms", "have names that differ", names)


def train(
    experiment: Experiment,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train every arm from every seed.

    Parameters
    ----------
    experiment : Experiment
    seed : int
        Root seed, >= 0.
    out : path, optional
        A folder with one small file a finished run; runs found there are not repeated, so a killed
        experiment goes on where it was, to the same result.
    jobs : int
        Processes. Each run has one thread whatever ``jobs`` is, and gives the same result; with
        more than one, factory, optimisers and schedules must be picklable (``functools.partial``).
    progress : callable, optional
        ``progress(done, total, what)`` after each run.

    Returns
    -------
    xarray.Dataset
        ``train_loss`` (arm, replica, step): the minibatch loss before each step, NaN after a run
        became nonfinite; ``test_*`` (arm, replica): the task's evaluation at the end, where it has
        one.

    Raises
    ------
    InputError
        A store of another experiment, batches that end early.
    """
    whole("jobs", jobs, 1)
    whole("seed", seed, 0)
    if out is not None:  # what the factory refuses leaves no files
        build(lambda s: experiment.factory(s, optimise=experiment.arms[0].optimise), seed)
    store = None if out is None else _Store(Path(out), experiment, seed)
    places = [(a, r) for a in range(len(experiment.arms)) for r in range(experiment.seeds)]
    runs = {place: store.load(*place) if store else None for place in places}
    missing = [place for place in places if runs[place] is None]
    done = len(places) - len(missing)
    for place, run in _runs(experiment, missing, seed, jobs):
        runs[place] = run
        done += 1
        if store:
            store.save(*place, run)
        if progress:
            progress(done, len(places), experiment.arms[place[0]].name)
    curves = np.full((len(experiment.arms), experiment.seeds, experiment.steps), np.nan)
    finals: list[list[dict[str, float]]] = [[] for _ in experiment.arms]
    for a, replica in places:
        found = runs[a, replica] or {"losses": [], "final": {}}
        curves[a, replica, : len(found["losses"])] = found["losses"]
        finals[a].append(found["final"])
    metrics = sorted({name for row in finals for final in row for name in final})
    variables: dict[str, Any] = {"train_loss": (("arm", "replica", "step"), curves)}
    for name in metrics:
        table = [[final.get(name, np.nan) for final in row] for row in finals]
        variables[f"test_{name}"] = (("arm", "replica"), np.array(table))
    return xr.Dataset(
        variables,
        coords={
            "arm": [arm.name for arm in experiment.arms],
            "replica": np.arange(experiment.seeds),
            "step": np.arange(1, experiment.steps + 1),
        },
        attrs={
            "experiment": experiment.label,
            "seed": seed,
            "version": __version__,
            **dict(experiment.attrs),
        },
    )


def _runs(
    experiment: Experiment, places: Sequence[tuple[int, int]], seed: int, jobs: int
) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
    """The runs at ``places`` (arm, replica), in the order in which they are done."""
    if min(jobs, len(places)) <= 1:
        for place in places:
            yield place, _run_at(experiment, place, seed)
        return
    # A forkserver: forking a process whose libraries already run threads can deadlock.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(min(jobs, len(places)), mp_context=context) as pool:
        futures = {pool.submit(_run_at, experiment, place, seed): place for place in places}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _run_at(experiment: Experiment, place: tuple[int, int], seed: int) -> dict[str, Any]:
    arm, replica = place
    return run_arm(experiment, experiment.arms[arm], torch_seed(seed, "train", replica) >> 32)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch: sums differ in their last bits with the number of threads."""
    # Training amplifies such differences.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def run_arm(experiment: Experiment, arm: Arm, seed: int) -> dict[str, Any]:
    """One run, on one thread: its minibatch losses and its final evaluation."""
    task = build(lambda s: experiment.factory(s, optimise=arm.optimise), seed)
    losses: list[float] = []
    with one_thread(), own_randomness(torch_seed(seed, "run")):
        for _ in training_steps(task, arm, experiment.steps, losses):
            pass
        diverged = len(losses) < experiment.steps
        final = task.evaluate(task.model) if task.evaluate and not diverged else {}
    return {"losses": losses, "final": final}


def training_steps(task: Task, arm: Arm, steps: int, losses: list[float]) -> Iterator[int]:
    """Train, and yield each step's number while its gradients are there, not clipped nor applied yet.

    ``losses`` gains the minibatch losses; training ends early before a loss that is not finite.
    """
    scheduler = arm.schedule(task.optimizer) if arm.schedule else None
    batches = iter(task.batches)
    for step in range(1, steps + 1):
        loss = float(differentiate(task, next_batch(batches, step), step).detach())
        if not math.isfinite(loss):
            return
        losses.append(loss)
        yield step
        if arm.clip is not None:
            torch.nn.utils.clip_grad_norm_(task.model.parameters(), arm.clip)
        task.optimizer.step()
        _advance(scheduler, arm, step, losses)


def _advance(
    scheduler: LRScheduler | ReduceLROnPlateau | None, arm: Arm, step: int, losses: Sequence[float]
) -> None:
    """Step the arm's schedule, if any, after ``step``."""
    if isinstance(scheduler, ReduceLROnPlateau):
        if step % arm.plateau_every == 0:
            scheduler.step(float(np.mean(losses[-arm.plateau_every :])))
    elif scheduler is not None:
        scheduler.step()


class _Store:
    """Finished runs, one JSON file each; JSON keeps every bit of a Python float."""

    def __init__(self, folder: Path, experiment: Experiment, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.request = {
            "schema": SCHEMA,
            "experiment": experiment.label,
            "seed": seed,
            "steps": experiment.steps,
            "arms": [arm.name for arm in experiment.arms],
        }
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        head = folder / "experiment.json"
        if head.exists():
            try:
                found = json.loads(head.read_text(encoding="utf-8"))
            except json.JSONDecodeError:
                found = None
            if not isinstance(found, dict):
                found = {}
            for name, asked in self.request.items():
                if found.get(name) != asked:
                    raise InputError(
                        f"{folder} holds another experiment: {name} is {found.get(name)!r} there, "
                        f"{asked!r} here; choose another place"
                    )
        elif any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise InputError(f"{folder} is not empty and holds no experiment; choose another place")
        else:
            write_atomic(head, json.dumps(self.request) + "\n")

    def _path(self, arm: int, replica: int) -> Path:
        return self.folder / f"run-{arm}-{replica}.json"

    def load(self, arm: int, replica: int) -> dict[str, Any] | None:
        path = self._path(arm, replica)
        if not path.exists():
            return None
        try:
            run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError:
            raise InputError(f"{path} is damaged; remove it to repeat that run") from None
        return run

    def save(self, arm: int, replica: int, run: dict[str, Any]) -> None:
        write_atomic(self._path(arm, replica), json.dumps(run) + "\n")
