"""Whatever a caller holds numbers in, as a NumPy array: lists, arrays, and torch's tensors without torch."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOATS_OF_NUMPY = ("torch.float16", "torch.float32", "torch.float64")


def as_array(value: object) -> NDArray[Any]:
    """``value`` as an array of its own type; of type object where no array can be made of it.

    Tensors, in lists too, may require grad, lie on a GPU or be sparse. Of NumPy's types they keep
    theirs; bfloat16 and the 8-bit ones, which NumPy has not, become float32.
    """
    try:
        return np.asarray(_without_tensors(value))
    except (
        Exception
    ):  # ragged or endless nesting, a tensor without values, an __array__ that raises
        return np.asarray(None)


def _without_tensors(value: object) -> object:
    # Not imported here: whoever has a tensor has torch loaded.
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    if tensor is None:
        return value
    if isinstance(value, tensor):
        return _of_tensor(value)
    if isinstance(value, list | tuple):
        return [_without_tensors(one) for one in value]
    return value


def _of_tensor(tensor: Any) -> NDArray[Any]:
    dense = tensor.detach().to_dense()
    if dense.is_floating_point() and str(dense.dtype) not in _FLOATS_OF_NUMPY:
        dense = dense.float()
    return np.asarray(dense.numpy(force=True))
