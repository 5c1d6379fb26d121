"""A disk that fills up: the largest file that this process may write, as the kernel enforces it."""

import signal
from contextlib import contextmanager

import pytest

resource = pytest.importorskip("resource", reason="no limits on files on this system")


@contextmanager
def small_disk(largest):
    """No file may grow beyond ``largest`` bytes: writes then fail with EFBIG, as with ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    fill(largest)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def fill(largest):
    """From here on; until the end of :func:`small_disk`."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
