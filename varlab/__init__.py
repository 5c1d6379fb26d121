"""varlab: the variance theory of RAdam, derived, decided by computing, simulated and audited.

The names below load when they are first used, so that ``import varlab`` stays fast and does not
need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from varlab.core.errors import DomainError

if TYPE_CHECKING:
    from varlab.claims.ledger import Ledger, verify

__version__ = "0.1.0"

__all__ = ["DomainError", "Ledger", "verify"]

# Public name -> the module that holds it.
_HOMES = {
    "Ledger": "varlab.claims.ledger",
    "verify": "varlab.claims.ledger",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'varlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
