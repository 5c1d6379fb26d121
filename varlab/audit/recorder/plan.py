"""What a protocol will run, checked once: replicas, steps, and the seeds of each replica."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlab.audit.protocol import Protocol
from varlab.audit.recorder.identity import factory_text
from varlab.audit.recorder.independent import independent_replicas
from varlab.core import InputError, require, whole
from varlab.core.memory import require_memory
from varlab.tasks import Task, build, separates_order
from varlab.tasks.task import torch_seed

Factory = Callable[..., Task]
# A 31-bit seed: what factories pass on to random.seed, numpy or torch must fit all of them.
SEED_BITS = 31


@dataclass(frozen=True)
class Plan:
    """What will be run, and what it will store.

    Attributes
    ----------
    replicas, steps : int
    inits, orders : tuple of int
        Labels of each replica's initialisation and data order.
    """

    factory: Factory
    protocol: Protocol
    replicas: int
    steps: int
    inits: tuple[int, ...]
    orders: tuple[int, ...]
    separate: bool
    seed: int
    select: str
    coordinates: int
    after: int
    task: str

    def shortfall(self) -> str | None:
        """What will be missing for a verdict, known before anything is run; None if nothing is.

        ``too few independent replicas: 16, needs at least 24``.
        """
        if self.protocol is not Protocol.ENSEMBLE:
            return self.protocol.shortfall(self.steps)
        orders = np.array(self.orders) if self.separate else None
        apart = independent_replicas(np.array(self.inits), orders, self.replicas)
        return self.protocol.shortfall(len(apart))

    def build(self, replica: int) -> Task:
        """The task of one replica."""
        init = self._seed("init", self.inits[replica])
        if not self.separate:
            return build(self.factory, init)
        return build(self.factory, init, self._seed("order", self.orders[replica]))

    def request(self) -> dict[str, Any]:
        """What a store must repeat to be continued, besides its own metadata; JSON values."""
        return {
            "inits": len(set(self.inits)),
            "orders": len(set(self.orders)),
            "after": self.after,
            "select": self.select,
            "coordinates": self.coordinates,
            **factory_text(self.factory),
        }

    def _seed(self, what: str, label: int) -> int:
        return torch_seed(self.seed, "audit", what, label) >> (63 - SEED_BITS)


def make_plan(
    factory: Factory,
    protocol: str,
    replicas: int | None,
    steps: int,
    seed: int,
    inits: int | None,
    orders: int | None,
    select: str,
    coordinates: int,
    after: int,
    task: str,
) -> Plan:
    """Check a request; see :func:`varlab.audit.recorder.record.record` for its parts.

    Raises
    ------
    InputError
    """
    chosen = Protocol.parse(protocol)
    steps, after, seed = whole("steps", steps, 1), whole("after", after, 0), whole("seed", seed, 0)
    coordinates = whole("coordinates", coordinates, 1)
    inits, orders = (
        None if count is None else whole(name, count, 1)
        for name, count in (("inits", inits), ("orders", orders))
    )
    separate = separates_order(factory)
    if chosen is Protocol.ENSEMBLE:
        recorded = "be 0 under ensemble, which records from the first step"
        require(after == 0, "after", recorded, after)
        pairs = _labels(replicas, inits, orders, separate)
    elif replicas not in (None, 1) or inits or orders:
        raise InputError(
            f"protocol {chosen.value} runs one replica; use ensemble for replicas, inits or orders"
        )
    else:
        pairs = [(0, 0)]
    return Plan(
        factory,
        chosen,
        len(pairs),
        steps,
        tuple(i for i, _ in pairs),
        tuple(j for _, j in pairs),
        separate,
        seed,
        select,
        coordinates,
        after,
        task,
    )


def _labels(
    replicas: int | None, inits: int | None, orders: int | None, separate: bool
) -> list[tuple[int, int]]:
    """Initialisation and data order of each replica of an ensemble: each with each, or all their own."""
    if not (inits or orders):
        count = whole("replicas", 64 if replicas is None else replicas, 2)
        _require_labels(count)
        return [(r, r) for r in range(count)]
    if inits is None or orders is None:
        raise InputError(f"inits and orders go together; got inits={inits}, orders={orders}")
    if not separate:
        raise InputError(
            "inits and orders need a factory with a parameter order_seed; add one to it"
        )
    count = inits * orders
    require(replicas in (None, count), "replicas", f"be inits x orders = {count}", replicas)
    _require_labels(count)
    return [(i, j) for i in range(inits) for j in range(orders)]


def _require_labels(replicas: int) -> None:
    """A label pair a replica, as Python's lists hold them."""
    require_memory(128 * replicas, f"an ensemble of {replicas} replicas", "ask for fewer")
