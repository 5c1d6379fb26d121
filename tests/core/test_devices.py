"""One choice of the device for simulations and tasks."""

import pytest

from varlab.core import InputError
from varlab.core.devices import usable


@pytest.mark.parametrize(
    ("asked", "gpu", "chosen"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cuda:1", True, "cuda:1"),
        ("no such thing", False, "no such thing"),  # the caller knows which names mean something
    ],
)
def test_auto_is_the_gpu_where_there_is_one(asked, gpu, chosen):
    assert usable(asked, gpu) == chosen


@pytest.mark.parametrize("asked", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_an_error(asked):
    message = f"device must be cpu or auto here; got '{asked}'; torch sees no GPU"
    with pytest.raises(InputError, match=f"^{message}$"):
        usable(asked, False)
