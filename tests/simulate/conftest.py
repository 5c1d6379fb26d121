"""What the tests of this folder share."""

import pytest


@pytest.fixture(params=["eager", "compiled"])
def engine(request):
    """Each engine of the CPU in turn."""
    if request.param == "compiled":
        pytest.importorskip("numba", reason="numba is not installed: no compiled engine")
    return request.param
