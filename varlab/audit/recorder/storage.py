"""Recordings on disk: one Zarr store, appended step by step, readable after a kill at any moment.

The order of writes makes it so: gradients first, then the number of steps that each replica has
(``recorded``). A reader trusts ``recorded`` alone, so a half-written tail is never seen. Every file
of the store is written beside and renamed by Zarr itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray

from varlab.audit.recorder.identity import allow_more, first_difference, identity
from varlab.audit.recorder.recording import FORMAT, QUANTITY, SCHEMA, Recording
from varlab.audit.recorder.statuses import faults
from varlab.core import InputError, require, told, whole
from varlab.core.files import Lock, new_directory, writing
from varlab.core.samplers import UNKNOWN

# The checksum tells a damaged file from a good one.
COMPRESSOR = zarr.codecs.ZstdCodec(level=0, checksum=True)
KEPT = "what was recorded before is kept: make room and resume"

# Replicas advance in blocks of so many (varlab.audit.recorder.replicas), each written in chunks of its own.
REPLICAS_PER_CHUNK = 8


class RecordingWriter:
    """Appends to a store, which it holds, while training runs; a context manager.

    Memory: ``flush_every`` steps of the selected coordinates per replica; nothing grows with the
    run. All replicas may advance together (:meth:`write` with ``replica=None``), in ranges, or one
    after another.

    Parameters
    ----------
    path : path
        Must not exist, unless ``resume``.
    replicas : int
    layers : sequence of str
        Layer of each coordinate; fixed from the start.
    beta2, protocol, sampler, quantity, task, seed, inits, orders, statuses
        As in :meth:`Recording.from_arrays`.
    attrs : mapping, optional
        Further JSON values. ``request`` is a mapping of whatever else makes this run what it is;
        ``steps_planned`` the steps that each replica will have.
    dtype : dtype
        float32 or float64.
    flush_every : int
        Steps kept in memory before they are written.
    resume : bool
        Continue a store of the same request: :attr:`recorded` says from where. More
        ``steps_planned`` than there are allowed, fewer are not.

    Raises
    ------
    InputError
        An existing ``path`` without ``resume``; with it, one that is no recording, is damaged, held
        by another run, or differs in anything that is said here, which the message names.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        replicas: int,
        layers: Sequence[str],
        beta2: float,
        protocol: str,
        sampler: str = UNKNOWN,
        quantity: str = QUANTITY,
        task: str = "arrays",
        seed: int | None = None,
        inits: ArrayLike | None = None,
        orders: ArrayLike | None = None,
        statuses: Mapping[str, str] | None = None,
        dtype: Any = np.float32,
        flush_every: int = 16,
        resume: bool = False,
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        replicas, flush_every = whole("replicas", replicas, 1), whole("flush_every", flush_every, 1)
        require(len(layers) > 0 or bool(statuses), "layers", "name at least one", len(layers))
        # One row of zeros through the front door checks all metadata and lays out the coordinates.
        head = Recording.from_arrays(
            np.zeros((replicas, 1, len(layers)), dtype=dtype),
            layers,
            beta2,
            protocol=protocol,
            inits=inits,
            orders=orders,
            sampler=sampler,
            quantity=quantity,
            task=task,
            seed=seed,
            statuses=statuses,
            **dict(attrs or {}),
        ).dataset
        self._replicas, self._coordinates, self._flush_every = replicas, len(layers), flush_every
        self._buffers: list[list[NDArray[Any]]] = [[] for _ in range(replicas)]
        self._numbers: list[list[int]] = [[] for _ in range(replicas)]
        if resume and self.path.exists():
            self._lock = Lock(self.path)
            with self._lock.let_go_if_refused():
                self._take_up(head, dtype)
        else:
            if self.path.exists():
                raise InputError(f"{self.path} exists; choose another place or resume it")
            with new_directory(self.path) as beside:
                self._lock = Lock(beside)
                self._create(beside, head, dtype)
            self._group = zarr.open_group(str(self.path), mode="r+")

    def _take_up(self, head: Any, dtype: Any) -> None:
        """The store that is there, if it is of this run."""
        self._group = _open(self.path, "r+")
        with _reading(self.path):
            np.asarray(self.recorded)
            stored = identity(self._group.attrs, self._gradients.shape[0], self._group)
            stored["dtype"] = str(self._gradients.dtype)
            asked = {**identity(head.attrs, self._replicas, head), "dtype": str(np.dtype(dtype))}
            differs = first_difference(allow_more(stored, asked), asked)
        if differs:
            raise InputError(
                f"{self.path} holds another recording ({differs}); choose another place"
            )
        self._lengthen(head.attrs.get("steps_planned"))

    def _lengthen(self, planned: int | None) -> None:
        """A store that is to get more steps is not complete until it has them."""
        attrs = dict(self._group.attrs)
        if planned is not None and planned != attrs.get("steps_planned"):
            with writing(self.path, KEPT):
                self._group.attrs.update({"steps_planned": planned, "complete": False})

    def _create(self, path: Path, head: Any, dtype: Any) -> None:
        group = zarr.create_group(str(path))
        shape = (self._replicas, 0, self._coordinates)
        group.create_array(
            "gradients",
            shape=shape,
            dtype=np.dtype(dtype),
            chunks=(
                min(self._replicas, REPLICAS_PER_CHUNK),
                self._flush_every,
                max(self._coordinates, 1),
            ),
            fill_value=np.nan,
            compressors=[COMPRESSOR],
            dimension_names=("replica", "step", "coordinate"),
        )
        for name, dimension, values in (
            ("step", "step", np.zeros(0, dtype=np.int64)),
            ("recorded", "replica", np.zeros(self._replicas, dtype=np.int64)),
            ("layer_index", "coordinate", head["layer_index"].values),
            ("init", "replica", head["init"].values),
            ("order", "replica", head["order"].values),
        ):
            array = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                chunks=(max(len(values), 1024),),
                compressors=[COMPRESSOR],
                dimension_names=(dimension,),
            )
            if len(values):
                array[:] = values
        group.attrs.update({**head.attrs, "complete": False})

    @property
    def _gradients(self) -> Any:
        return self._group["gradients"]

    @property
    def recorded(self) -> NDArray[np.int64]:
        """Steps on disk per replica."""
        return np.asarray(self._group["recorded"][:], dtype=np.int64)

    def stored(self, replica: int) -> NDArray[Any]:
        """The steps on disk of one replica, shape (step, coordinate)."""
        return np.asarray(self._gradients[replica, : self.recorded[replica], :])

    def write(self, step: int, values: ArrayLike, replica: int | range | None = None) -> None:
        """Take the next recorded step of one replica, of some, or of all of them.

        Parameters
        ----------
        step : int
            Its number; larger than the last one of this replica.
        values : array_like, shape (coordinate,) or, for several replicas, (replica, coordinate)
        replica : int or range, optional
            All of them when None.
        """
        rows = np.asarray(values, dtype=self._gradients.dtype)
        wanted: tuple[int, ...] = (self._coordinates,)
        if isinstance(replica, int):
            chosen = range(replica, replica + 1)
        else:
            chosen = range(self._replicas) if replica is None else replica
            wanted = (len(chosen), self._coordinates)
        require(rows.shape == wanted, "values", f"have shape {wanted}", rows.shape)
        for r, row in zip(chosen, rows.reshape(-1, self._coordinates), strict=True):
            self._buffers[r].append(row.copy())
            self._numbers[r].append(int(step))
        if len(self._buffers[chosen[0]]) >= self._flush_every:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered; after it returns, a kill loses nothing of it."""
        recorded = self.recorded
        ends = recorded + np.array([len(b) for b in self._buffers])
        if np.array_equal(ends, recorded):
            return
        with writing(self.path, KEPT):
            longest = int(max(ends.max(), self._gradients.shape[1]))
            if longest > self._gradients.shape[1]:
                self._group["step"].resize((longest,))
                self._gradients.resize((self._replicas, longest, self._coordinates))
            spans = zip(range(self._replicas), recorded.tolist(), ends.tolist(), strict=True)
            # Neighbours that advance together go in one write, in whole chunks where they fill them.
            for (start, end), members in groupby(spans, key=lambda span: span[1:]):
                rows = [r for r, _, _ in members]
                if end > start:
                    values = np.array([self._buffers[r] for r in rows])
                    self._gradients[rows[0] : rows[-1] + 1, start:end, :] = values
                    self._group["step"][start:end] = np.array(self._numbers[rows[0]])
            self._group["recorded"][:] = ends
        for r in range(self._replicas):
            self._buffers[r].clear()
            self._numbers[r].clear()

    @property
    def statuses(self) -> dict[str, str]:
        """What is noted of layers on disk."""
        return dict(dict(self._group.attrs).get("statuses", {}))

    def set_statuses(self, noted: Mapping[str, str]) -> None:
        """Note at once what only the recorder can see of layers, such as ``sparse``; ``ok`` unsays it."""
        self.set_attrs(statuses=faults({**self.statuses, **noted}))

    def set_attrs(self, **attrs: Any) -> None:
        """Note JSON values at once, where they are not noted already."""
        there = dict(self._group.attrs)
        if any(there.get(name) != value for name, value in attrs.items()):
            with writing(self.path, KEPT):
                self._group.attrs.update(attrs)

    def close(self) -> None:
        """Flush, mark the recording complete, and let go of the store."""
        self.flush()
        with writing(self.path, KEPT):
            self._group.attrs.update({"complete": True})
        self._lock.release()

    def leave(self) -> None:
        """Let go of the store as it is: flushed as far as possible, removed if nothing was recorded."""
        if not self._lock.held:
            return
        with suppress(InputError):  # the error that brought us here says more
            self.flush()
        try:
            if not self.recorded.any():
                self.discard()
        finally:
            self._lock.release()

    def discard(self) -> None:
        """Remove the store, and let go of it."""
        try:
            shutil.rmtree(self.path, ignore_errors=True)
        finally:
            self._lock.release()

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error the data are kept but not called complete.
        if kind is None:
            self.close()
        else:
            self.leave()


def save(recording: Recording, path: Path) -> None:
    """Write ``recording`` to a new store at ``path``, beside first and then renamed."""
    if path.exists():
        raise InputError(f"{path} exists; choose another place")
    gradients, attrs = recording.gradients, dict(recording.dataset.attrs)
    with new_directory(path) as beside:
        group = zarr.create_group(str(beside))
        arrays = {"gradients": recording.dataset["gradients"]}
        arrays |= {k: recording.dataset[k] for k in ("step", "layer_index", "init", "order")}
        for name, variable in arrays.items():
            values = np.asarray(variable.values)
            array = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                chunks=tuple(max(n, 1) for n in values.shape),
                compressors=[COMPRESSOR],
                dimension_names=tuple(str(d) for d in variable.dims),
            )
            array[...] = values
        recorded = group.create_array(
            "recorded",
            shape=(len(gradients),),
            dtype=np.int64,
            compressors=[COMPRESSOR],
            dimension_names=("replica",),
        )
        recorded[:] = np.full(len(gradients), gradients.shape[1])
        group.attrs.update(attrs)


def load(path: str | Path) -> Recording:
    """Read a recording, complete or interrupted.

    Of an interrupted recording the largest rectangle is kept: those replicas and steps that were
    written in full (``attrs["complete"]`` stays False).

    Raises
    ------
    InputError
        If ``path`` is not a recording, is of a newer schema, or holds no complete step.
    """
    place = Path(path)
    group = _open(place, "r")
    with _reading(place):
        return _read(place, group)


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # zarr's codecs raise errors of many kinds on damaged bytes
        raise InputError(f"recording {place} is damaged: {told(error)}; record again") from error


def _read(place: Path, group: Any) -> Recording:
    attrs = dict(group.attrs)
    recorded = np.asarray(group["recorded"][:], dtype=np.int64)
    longest_first = np.sort(recorded)[::-1]
    areas = longest_first * np.arange(1, len(recorded) + 1)
    length = int(longest_first[int(np.argmax(areas))])
    if length == 0:
        raise InputError(f"{place} holds no complete step; record again")
    keep = np.flatnonzero(recorded >= length)
    for key in ("beta2", "protocol"):
        attrs[key]  # must be there: the front door has defaults for them
    names = np.array(attrs.pop("layers"), dtype=object)
    statuses = attrs.pop("statuses")
    for derived in ("format", "schema"):
        attrs.pop(derived)
    complete = bool(attrs.pop("complete")) and len(keep) == len(recorded)
    complete = complete and int(recorded.max()) == length
    index = np.asarray(group["layer_index"][:], dtype=np.int64)
    return Recording.from_arrays(
        np.asarray(group["gradients"][:, :length, :])[keep],
        [str(n) for n in names[index]],
        statuses=statuses,
        steps=np.asarray(group["step"][:length]),
        inits=_known(group["init"], keep),
        orders=_known(group["order"], keep),
        complete=complete,
        **attrs,
    )


def _known(array: Any, keep: NDArray[np.intp]) -> NDArray[np.int64]:
    return np.asarray(array[:], dtype=np.int64)[keep]


def _open(path: Path, mode: str) -> Any:
    if not path.exists():
        raise InputError(f"no recording at {path}")
    try:
        group = zarr.open_group(str(path), mode=mode)
        attrs = dict(group.attrs)
    except Exception:  # whatever zarr raises, it is no recording
        attrs = {}
    if attrs.get("format") != FORMAT:
        raise InputError(f"{path} is not a recording of varlab")
    if int(attrs["schema"]) > SCHEMA:
        raise InputError(f"{path} has schema {attrs['schema']}; this varlab reads up to {SCHEMA}")
    return group
