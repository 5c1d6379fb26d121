"""Refusing what cannot fit into memory, before anything is begun or written."""

from __future__ import annotations

import os
import sys

from varlab.core.errors import InputError

# Above this an allocation fails on every machine of today, whatever the system promises.
_ADDRESSABLE = 2**47


def require_memory(size: float, what: str, remedy: str) -> None:
    """Raise :class:`InputError` if ``size`` bytes can surely not be had.

    A try, not a forecast: the size is held against the machine's memory and then asked for (and given
    back untouched), so that limits of the process count as well.

    Parameters
    ----------
    size : float
        Bytes, at the least.
    what, remedy : str
        Read as ``{what} needs {size} of memory, more than there is; {remedy}``.
    """
    if size < 2**20:
        return
    if size > min(_physical(), _ADDRESSABLE) or not _can_allocate(int(size)):
        raise InputError(f"{what} needs {shown_size(size)} of memory, more than there is; {remedy}")


def shown_size(size: float) -> str:
    """Bytes as ``7.3 TiB``."""
    size = min(size, sys.float_info.max)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} EiB"


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # no such question on this system
        return float(_ADDRESSABLE)


def _can_allocate(size: int) -> bool:
    import numpy as np

    try:
        np.empty(size, dtype=np.uint8)
    except MemoryError:
        return False
    return True
