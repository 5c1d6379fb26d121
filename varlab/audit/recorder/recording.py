"""A recording: the gradients an optimiser squared into v_t, labelled, with what was random about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from varlab.audit.protocol import Protocol
from varlab.core import InputError, Result, among, real, require, shortest, shown, whole
from varlab.core.arrays import as_array
from varlab.core.samplers import UNKNOWN

SCHEMA = 1
FORMAT = "varlab.recording"
QUANTITY = "gradient as squared into v_t: after accumulation, clipping and coupled weight decay"


@dataclass(frozen=True, eq=False)
class Recording(Result):
    """Gradients per replica, step and coordinate. Built by :meth:`from_arrays`, ``load`` or ``watch``.

    Attributes
    ----------
    dataset : xarray.Dataset
        Variable ``gradients`` (replica, step, coordinate), float32 or float64, in the model's
        units; coordinates ``step`` (numbers of the recorded steps, from 1), ``layer_index``
        (coordinate; index into ``attrs["layers"]``), and ``init``, ``order`` (replica; which
        initialisation and which data order a replica had, -1 where unknown). ``attrs`` hold
        ``layers``, ``statuses``, ``beta2``, ``protocol``, ``sampler``, ``quantity``, ``task``,
        ``seed``, ``complete`` and whatever else the recorder added; all JSON values.
    """

    dataset: xr.Dataset

    @classmethod
    def from_arrays(
        cls,
        gradients: ArrayLike,
        layers: Sequence[str],
        beta2: float = 0.999,
        *,
        steps: ArrayLike | None = None,
        protocol: str | None = None,
        inits: ArrayLike | None = None,
        orders: ArrayLike | None = None,
        sampler: str = UNKNOWN,
        quantity: str = QUANTITY,
        task: str = "arrays",
        seed: int | None = None,
        statuses: Mapping[str, str] | None = None,
        **attrs: Any,
    ) -> Recording:
        """A recording from arrays in memory.

        Parameters
        ----------
        gradients : array_like, shape (replica, step, coordinate)
            float32 and float64 are kept, bfloat16 tensors become float32, other types float64. Tensors
            may require grad. Under ``frozen`` the draws lie along ``step``.
        layers : sequence of str
            Name of the layer of each coordinate.
        beta2 : float
            In [0, 1): decay of the second-moment average that the gradients went into.
        steps : array_like of int, optional
            Increasing step numbers; 1, 2, ... when None.
        protocol : str, optional
            ``frozen``, ``run`` or ``ensemble``; ``run`` for one replica, else ``ensemble``.
        inits, orders : array_like of int, shape (replica,), optional
            Which initialisation and which data order each replica had.
        sampler : str
            How minibatches were drawn. Without replacement within an epoch they are
            anti-correlated, which a reader of the independence verdict must know.
        quantity : str
            What was recorded.
        task : str
        seed : int, optional
        statuses : mapping, optional
            What only the recorder can know of a layer: ``sparse``, ``no-gradient``, ``empty``,
            ``late`` (first updated after recording began); such layers may have no coordinates.
        **attrs
            Further JSON values for ``dataset.attrs``.

        Raises
        ------
        DomainError
            For shapes that do not agree, an empty selection, or beta2 outside [0, 1).
        """
        array = _numbers("gradients", gradients)
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
        require(array.ndim == 3, "gradients", "have axes (replica, step, coordinate)", array.shape)
        names = _names(layers, array.shape[2])
        if not isinstance(statuses, Mapping | None):
            raise InputError(f"statuses must map layers to words; got {shown(statuses)}")
        known = dict(statuses or {})
        require(
            array.shape[0] > 0 and array.shape[1] > 0 and (array.shape[2] > 0 or bool(known)),
            "gradients",
            "hold at least one replica, step and coordinate",
            array.shape,
            "select more",
        )
        beta2 = real("beta2", beta2, "lie in [0, 1)", lambda b: 0 <= b < 1)
        replicas, length, _ = array.shape
        unique = list(dict.fromkeys([*names, *known]))
        index = {name: i for i, name in enumerate(unique)}
        numbers = _step_numbers(steps, length)
        usual = "run" if replicas == 1 else "ensemble"
        chosen = Protocol.parse(usual if protocol is None else protocol)
        if chosen is not Protocol.ENSEMBLE and replicas != 1:
            along = "draws" if chosen is Protocol.FROZEN else "steps"
            raise InputError(
                f"protocol {chosen.value} takes one replica, its {along} along step; got {replicas}"
            )
        dataset = xr.Dataset(
            {"gradients": (("replica", "step", "coordinate"), array)},
            coords={
                "step": numbers,
                "layer_index": ("coordinate", np.array([index[n] for n in names], dtype=np.int32)),
                "init": ("replica", _labels(inits, replicas, "inits")),
                "order": ("replica", _labels(orders, replicas, "orders")),
            },
            attrs={
                "format": FORMAT,
                "schema": SCHEMA,
                "layers": unique,
                "statuses": known,
                "beta2": float(beta2),
                "protocol": chosen.value,
                "sampler": sampler,
                "quantity": quantity,
                "task": task,
                "seed": seed,
                "complete": True,
                **attrs,
            },
        )
        return cls(dataset)

    @property
    def gradients(self) -> NDArray[np.floating]:
        """Array of shape (replica, step, coordinate)."""
        return np.asarray(self.dataset["gradients"].values)

    @property
    def steps(self) -> NDArray[np.int64]:
        """Numbers of the recorded steps."""
        return np.asarray(self.dataset["step"].values, dtype=np.int64)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, those without coordinates included."""
        return tuple(self.dataset.attrs["layers"])

    @property
    def statuses(self) -> dict[str, str]:
        """What the recorder said of layers; layers that it said nothing of are missing."""
        return dict(self.dataset.attrs.get("statuses", {}))

    @property
    def protocol(self) -> Protocol:
        """The protocol under which it was recorded."""
        return Protocol.parse(self.dataset.attrs["protocol"])

    @property
    def beta2(self) -> float:
        """Decay of the second-moment average."""
        return float(self.dataset.attrs["beta2"])

    @property
    def inits(self) -> NDArray[np.int64] | None:
        """Initialisation of each replica; None where unknown."""
        values = np.asarray(self.dataset["init"].values, dtype=np.int64)
        return None if np.any(values < 0) else values

    @property
    def orders(self) -> NDArray[np.int64] | None:
        """Data order of each replica; None where unknown."""
        values = np.asarray(self.dataset["order"].values, dtype=np.int64)
        return None if np.any(values < 0) else values

    def layer(self, name: str) -> NDArray[np.float64]:
        """Gradients of the layer ``name``, shape (replica, step, its coordinates).

        Raises
        ------
        InputError
            There is no such layer.
        """
        if not among(name, self.layers):
            raise InputError(f"no layer {shown(name)}; there are {', '.join(self.layers)}")
        chosen = self.dataset["layer_index"].values == self.layers.index(name)
        return np.asarray(self.dataset["gradients"].values[:, :, chosen], dtype=np.float64)

    def replica(self, index: int) -> Recording:
        """The replica at ``index``, from 0, as a recording under ``run``.

        Raises
        ------
        InputError
            There is no such replica.
        """
        index = whole("replica", index, 0, self.dataset.sizes["replica"] - 1)
        dataset = self.dataset.isel(replica=[index]).copy()
        dataset.attrs = {**self.dataset.attrs, "protocol": Protocol.RUN.value}
        return Recording(dataset)

    def summary(self) -> str:
        """What it holds, in two lines."""
        sizes, attrs = self.dataset.sizes, self.dataset.attrs
        return (
            f"Recording of {attrs['task']} ({attrs['protocol']}): {sizes['replica']} replicas, "
            f"{sizes['step']} steps, {sizes['coordinate']} coordinates in {len(self.layers)} layers"
            f"{'' if attrs['complete'] else ' (interrupted)'}\n"
            f"  beta2 {shortest(self.beta2)}, sampler {attrs['sampler']}, {attrs['quantity']}"
        )

    def save(self, path: str | Path) -> None:
        """Write a Zarr store at ``path``, beside first and then renamed; see ``varlab.load``."""
        from varlab.audit.recorder.storage import save

        save(self, Path(path))


def _names(layers: Sequence[str], coordinates: int) -> list[str]:
    """The layer of each coordinate."""
    listed = isinstance(layers, Sequence | np.ndarray) and not isinstance(layers, str)
    require(listed, "layers", "be a sequence of names, one a coordinate", layers)
    names = [str(name) for name in layers]
    domain = f"name each of the {coordinates} coordinates"
    require(len(names) == coordinates, "layers", domain, f"{len(names)} names")
    return names


def _step_numbers(steps: ArrayLike | None, length: int) -> NDArray[np.int64]:
    """Numbers of the recorded steps; 1, 2, ... when none are given."""
    numbers = np.arange(1, length + 1) if steps is None else _numbers("steps", steps)
    require(
        numbers.shape == (length,)
        and bool(np.all(np.diff(numbers) > 0) and numbers[0] >= 1)
        and bool(np.all(numbers == np.floor(numbers))),
        "steps",
        f"be {length} increasing numbers from 1",
        numbers.tolist(),
    )
    return numbers.astype(np.int64)


def _labels(values: ArrayLike | None, replicas: int, name: str) -> NDArray[np.int64]:
    if values is None:
        return np.full(replicas, -1, dtype=np.int64)
    labels = _numbers(name, values)
    require(labels.shape == (replicas,), name, f"hold {replicas} labels", labels.shape)
    require(bool(np.all(labels == np.floor(labels))), name, "be whole numbers", labels.tolist())
    return labels.astype(np.int64)


def _numbers(name: str, values: ArrayLike) -> NDArray[Any]:
    """``values`` as an array of real numbers, of whatever type."""
    array = as_array(values)
    require(array.dtype.kind in "iuf", name, "be an array of real numbers", values)
    return array
