"""Writing files so that nothing is lost, nothing is half written, and no two write at once."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from varlab.core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: no such lock, and runs are not told apart
    fcntl = None  # type: ignore[assignment]


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write ``content`` beside ``path`` and rename: a reader sees the old file or the whole new one.

    Missing folders are made.

    Raises
    ------
    InputError
        When the place cannot be written to, naming path and reason.
    """
    # A path or name that is no UTF-8 shows as \udcff, which JSON reads back as the same text.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with writing(path):
        if path.exists() and not path.is_file():  # a device or a pipe, which must not be replaced
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A folder to fill that becomes ``path`` when the block ends, and vanishes when it fails.

    Raises
    ------
    InputError
        When the place cannot be written to, or ``path`` has come to exist meanwhile.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with writing(path):
            beside.mkdir(parents=True)
            yield beside
            os.rename(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def can_write_to(directory: Path) -> Path:
    """See that ``directory`` can be written to, or made; nothing is made.

    Raises
    ------
    InputError
        When it cannot, naming path and reason.
    """
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    with writing(directory), tempfile.TemporaryFile(dir=place):
        pass
    return directory


@contextmanager
def writing(path: Path, remedy: str = "choose another place or make room") -> Iterator[None]:
    """Turn the operating system's complaints in the block into one line that names ``path``.

    Raises
    ------
    InputError
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write to {path}: {reason}; {remedy}") from None


class Lock:
    """A folder held by one run, until :meth:`release` or the end of the process, however it ends.

    The lock is the kernel's, on the folder itself: no file to go stale after a kill. Where there is
    none (Windows, some network drives) runs are not told apart.

    Parameters
    ----------
    directory : Path
        Must exist.

    Raises
    ------
    InputError
        Another run holds it.
    """

    def __init__(self, directory: Path) -> None:
        self._descriptor: int | None = None
        self._held = True
        if fcntl is None:
            return
        try:
            self._descriptor = os.open(directory, os.O_RDONLY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise InputError(
                f"another run is writing to {directory}; wait for its end or choose another place"
            ) from None
        except OSError:  # no such locks here
            self._drop()

    @property
    def held(self) -> bool:
        """Whether :meth:`release` is still to come."""
        return self._held

    def release(self) -> None:
        """Let go; idempotent."""
        self._held = False
        self._drop()

    @contextmanager
    def let_go_if_refused(self) -> Iterator[None]:
        """Released when the block fails: the error's traceback would hold it for as long as it is kept."""
        try:
            yield
        except BaseException:
            self.release()
            raise

    def _drop(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.release()
