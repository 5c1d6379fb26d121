"""The known implementations, those installed here and those not."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from varlab.optim.conformance.load import load_target
from varlab.optim.conformance.target import Factory


@dataclass(frozen=True)
class Peer:
    """A known implementation.

    Attributes
    ----------
    package : str
        The import name it needs.
    target : str
        ``module:factory``.
    options : mapping
        Constructor keywords of this variant.
    """

    package: str
    target: str
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The target, with its options if it has any."""
        if not self.options:
            return self.target
        return f"{self.target} ({', '.join(f'{k}={v}' for k, v in self.options.items())})"

    @property
    def installed(self) -> bool:
        """Whether its package is there; nothing is imported."""
        return importlib.util.find_spec(self.package) is not None

    def load(self) -> Factory:
        """Its factory; raises InputError where that does not import."""
        factory: Callable[..., object] = load_target(self.target)
        return functools.partial(factory, **self.options) if self.options else factory


PEERS: tuple[Peer, ...] = (
    Peer("torch", "torch.optim:RAdam", {"foreach": False}),
    Peer("torch", "torch.optim:RAdam", {"foreach": True}),
    Peer("varlab", "varlab.optim:RAdam"),
    Peer("torch_optimizer", "torch_optimizer:RAdam"),
    Peer("pytorch_optimizer", "pytorch_optimizer:RAdam"),
    # Its "radam" is torch's; this is the one it kept of its own. Checked where the user has it, and not
    # in the extra `peers`: timm needs torchvision, each of whose wheels wants one build of torch, and
    # beside a CPU-only torch there may be none.
    Peer("timm", "timm.optim:RAdamLegacy"),
    Peer("optax", "varlab.optim.conformance.adapters.optax:OptaxRAdam"),
)


def known_peers() -> list[Peer]:
    """The known implementations that are installed here."""
    return [peer for peer in PEERS if peer.installed]


def missing_peers() -> list[Peer]:
    """The known implementations that are not."""
    return [peer for peer in PEERS if not peer.installed]
