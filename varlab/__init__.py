"""varlab: the variance theory of RAdam, derived, decided by computing, simulated and audited.

The names below load when they are first used, so that ``import varlab`` stays fast and does not
need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from varlab.core.errors import DomainError, not_installed

if TYPE_CHECKING:
    from varlab.audit.assess import assess
    from varlab.audit.recorder.recording import Recording
    from varlab.audit.recorder.storage import load
    from varlab.audit.recorder.watch import watch
    from varlab.audit.result import Audit
    from varlab.claims.ledger import Ledger, verify
    from varlab.tasks.task import Task

__version__ = "0.1.0"

__all__ = [
    "verify",
    "Ledger",
    "watch",
    "Recording",
    "load",
    "assess",
    "Audit",
    "Task",
    "DomainError",
]

# Public name -> the module that holds it.
_HOMES = {
    "verify": "varlab.claims.ledger",
    "Ledger": "varlab.claims.ledger",
    "watch": "varlab.audit.recorder.watch",
    "Recording": "varlab.audit.recorder.recording",
    "load": "varlab.audit.recorder.storage",
    "assess": "varlab.audit.assess",
    "Audit": "varlab.audit.result",
    "Task": "varlab.tasks.task",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        try:
            return getattr(import_module(_HOMES[name]), name)
        except ModuleNotFoundError as error:
            message = not_installed(f"varlab.{name}", error)
            raise ModuleNotFoundError(message, name=error.name) from error
    raise AttributeError(f"module 'varlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
