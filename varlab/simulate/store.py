"""A Zarr store that a run fills segment by segment and can be continued from after a kill.

Layout: the root group's attributes hold the request, its array ``partial_moments`` one chunk per
segment of trajectories, and, once the run has ended, the result's variables. A chunk is one file,
written beside and renamed (zarr's local store does so), so a segment is there or it is not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from varlab.core import InputError
from varlab.core.files import Lock, new_directory, writing
from varlab.simulate.moments import Moments
from varlab.simulate.request import Request

FORMAT = "varlab-simulation"
PARTIAL = "partial_moments"
KEPT = "what was computed before is kept: make room and resume"
# The checksum tells a damaged file from a good one.
COMPRESSOR = zarr.codecs.ZstdCodec(level=1, checksum=True)


class Store:
    """The store of one request at ``path``, held by this run until :meth:`close`.

    Parameters
    ----------
    path : path
        A directory, customarily ``*.zarr``.
    request : Request
    about : mapping
        What else the attributes say (versions, device); ``about["engine"]`` must repeat on resuming.
    resume : bool
        Continue what is there. Without it an existing path is refused; with it, a path that is no
        store of this very request, a damaged one, or one that another run is writing to. What is
        refused is left untouched.

    Raises
    ------
    InputError
    """

    def __init__(
        self, path: str | os.PathLike[str], request: Request, about: dict[str, Any], resume: bool
    ) -> None:
        self.path = Path(path)
        self.request = request
        shape = (5, len(request.statistics), len(request.settings), request.steps)
        self._shape = (request.partition.segments, *shape)
        self._identity = {"request": request.to_json(), "engine": about["engine"]}
        texts = {"request": json.dumps(request.to_json())}
        if self.path.exists() or self.path.is_symlink():
            if not resume:
                raise InputError(
                    f"out must not exist; got {self.path}; resume it, or choose another path"
                )
            self._lock = Lock(self.path)
            with self._lock.let_go_if_refused():
                self._group = self._opened()
        else:
            self._lock = self._create({"format": FORMAT, **about, **texts})
            self._group = zarr.open_group(self.path, mode="r+")

    def segment(self, index: int) -> Moments | None:
        """Stored moments of a segment, or None where there are none yet."""
        try:
            stored = np.asarray(self._group[PARTIAL][index])
        except Exception as error:  # zarr's codecs raise errors of many kinds on damaged bytes
            raise self._damaged(f"segment {index} cannot be read ({error})") from None
        counts = np.unique(stored[0])
        if np.isnan(counts).all():
            return None
        blocks = self.request.partition.segment(index)
        expected = sum(self.request.partition.block(i).size for i in blocks)
        if counts.tolist() != [expected]:
            raise self._damaged(f"segment {index} does not hold {expected} trajectories")
        return Moments(expected, stored[1:])

    def write_segment(self, index: int, moments: Moments) -> None:
        """Store the moments of a segment: one file, there or not."""
        counts = np.full_like(moments.values[:1], float(moments.count))
        with writing(self.path, KEPT):
            self._group[PARTIAL][index] = np.concatenate([counts, moments.values])

    def finish(self, dataset: xr.Dataset) -> None:
        """Write the result's variables beside the segments; repeating it repairs an interrupted one."""
        encoding = {
            name: {"compressors": [COMPRESSOR]}
            for name in dataset.data_vars
            if name not in self._group
        }
        with writing(self.path, KEPT):
            dataset.assign_attrs(format=FORMAT).to_zarr(
                self.path, mode="a", consolidated=False, encoding=encoding
            )

    def close(self) -> None:
        """Let another run have the store."""
        self._lock.release()

    def _create(self, attributes: dict[str, Any]) -> Lock:
        with new_directory(self.path) as beside:
            lock = Lock(beside)
            group = zarr.create_group(beside, attributes=attributes)
            group.create_array(
                PARTIAL,
                shape=self._shape,
                chunks=(1, *self._shape[1:]),
                dtype="float64",
                fill_value=np.nan,
                compressors=[COMPRESSOR],
                dimension_names=["segment", "moment", "statistic", "setting", "step"],
            )
        return lock

    def _opened(self) -> zarr.Group:
        try:
            group = zarr.open_group(self.path, mode="r+")
            attributes = dict(group.attrs)
        except Exception:  # whatever zarr raises, it is no store of ours
            raise InputError(f"out must be a store of varlab simulate; got {self.path}") from None
        if attributes.get("format") != FORMAT:
            raise InputError(f"out must be a store of varlab simulate; got {self.path}")
        try:
            request = json.loads(attributes["request"])
        except (KeyError, TypeError, ValueError):
            raise self._damaged("its request cannot be read") from None
        stored = {"request": request, "engine": attributes.get("engine")}
        for key, value in self._identity.items():
            difference = _first_difference(value, stored[key], key)
            if difference:
                remedy = "; name the engine and device of the store" if key == "engine" else ""
                raise InputError(
                    f"resume must repeat the request of {self.path}; {difference}{remedy}"
                )
        partial = group.get(PARTIAL)
        if not isinstance(partial, zarr.Array) or partial.shape != self._shape:
            raise self._damaged(f"{PARTIAL} is missing or of another shape")
        return group

    def _damaged(self, what: str) -> InputError:
        return InputError(f"store {self.path} is damaged: {what}; remove it and run again")


def load_dataset(path: str | os.PathLike[str]) -> xr.Dataset:
    """The result's variables of a finished store, in memory."""
    try:
        stored: xr.Dataset = xr.open_zarr(path, consolidated=False)
        with stored:
            attributes = stored.attrs
            dataset = stored.drop_vars(PARTIAL, errors="ignore").load()
    except Exception:  # whatever zarr or a codec raises, it is no readable store
        raise InputError(f"path must be a store of varlab simulate; got {path}") from None
    if attributes.get("format") != FORMAT:
        raise InputError(f"path must be a store of varlab simulate; got {path}")
    if not dataset.data_vars:
        raise InputError(f"path must be a finished store; got {path}; resume its run")
    return dataset


def _first_difference(asked: object, stored: object, name: str) -> str:
    if isinstance(asked, dict) and isinstance(stored, dict):
        for key in asked:
            difference = _first_difference(asked[key], stored.get(key), f"{name}.{key}")
            if difference:
                return difference
        return ""
    if json.dumps(asked) == json.dumps(stored):
        return ""
    return f"{name} is {json.dumps(stored)} there and {json.dumps(asked)} here"
