"""Writing files so that nothing is lost and nothing is half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from varlab.core.errors import InputError


def write_atomic(path: Path, text: str) -> None:
    """Write ``text`` beside ``path`` and rename: a reader sees the old file or the whole new one.

    Raises
    ------
    InputError
        When the place cannot be written to, naming path and reason.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise _cannot_write(path, error) from None


def writable_directory(path: Path) -> Path:
    """Create ``path`` if needed and try that it can be written to, before any work is done.

    Raises
    ------
    InputError
        When it cannot, naming path and reason.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from None
    return path


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot write to {path}: {error.strerror}; choose another place")
