"""Which device was asked for: ``auto`` is CUDA where there is one, else the CPU."""

from __future__ import annotations

from varlab.core.errors import InputError


def usable(device: str, gpu: bool) -> str:
    """The device to compute on; whether its name means anything is for the caller to say.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
    gpu : bool
        Whether torch sees one: this layer does without torch.

    Raises
    ------
    InputError
        CUDA was asked for, and there is none.
    """
    if device == "auto":
        return "cuda" if gpu else "cpu"
    if str(device).partition(":")[0] == "cuda" and not gpu:
        raise InputError(f"device must be cpu or auto here; got {device!r}; torch sees no GPU")
    return device
