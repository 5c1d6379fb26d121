"""Tensors at the doors of NumPy code: what autograd, GPUs and narrow types put in the way is taken off."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from varlab import Recording
from varlab.core import real
from varlab.core.arrays import as_array
from varlab.numerics import psi_mean, psi_variance_path
from varlab.simulate import Normal
from varlab.simulate.request import Setting, request

FIVE_SIX = [5.0, 6.0]
TENSORS = {
    "requires grad": torch.tensor(FIVE_SIX, requires_grad=True),
    "a parameter": torch.nn.Parameter(torch.tensor(FIVE_SIX)),
    "bfloat16": torch.tensor(FIVE_SIX, dtype=torch.bfloat16),
    "float16": torch.tensor(FIVE_SIX, dtype=torch.float16),
    "float8": torch.tensor(FIVE_SIX).to(torch.float8_e4m3fn),
    "sparse": torch.tensor(FIVE_SIX).to_sparse(),
    "a list": [torch.tensor(5.0, requires_grad=True), torch.tensor(6, dtype=torch.bfloat16)],
    "a tuple with numbers": (torch.tensor(5.0), 6),
}


@pytest.mark.parametrize("given", TENSORS.values(), ids=TENSORS)
def test_tensors_are_numbers(given):
    np.testing.assert_array_equal(psi_mean(given), psi_mean(FIVE_SIX))
    recording = Recording.from_arrays(np.ones((3, 2, 1)), ["a"], steps=given)
    np.testing.assert_array_equal(recording.steps, FIVE_SIX)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (torch.float32, np.float32),
        (torch.float64, np.float64),
        (torch.bfloat16, np.float32),
        (torch.float16, np.float64),
    ],
)
def test_gradients_that_require_grad_are_recorded_in_a_type_that_holds_them(given, stored):
    gradients = torch.randn(3, 2, 4, generator=torch.manual_seed(0)).to(given).requires_grad_()
    recording = Recording.from_arrays(gradients, ["a", "a", "b", "b"])
    assert recording.gradients.dtype == stored
    np.testing.assert_array_equal(recording.gradients, gradients.double().numpy(force=True))


@pytest.mark.parametrize(
    "given",
    [
        torch.ones(2, device="meta"),
        [[1.0], [2.0, 3.0]],
        [torch.ones(2), torch.ones(3)],
        np.ones,
        None,
    ],
)
def test_what_has_no_values_is_no_array_of_numbers(given):
    assert as_array(given).dtype.kind == "O"


def test_an_endless_list_is_no_array():
    endless = []
    endless.append(endless)
    assert as_array(endless).dtype.kind == "O"


@pytest.mark.filterwarnings("error")
def test_a_tensor_that_requires_grad_is_a_number_without_a_warning():
    half = torch.tensor(0.5, requires_grad=True)
    assert real("beta2", half, "lie in [0, 1)", lambda b: 0 <= b < 1) == 0.5
    assert psi_variance_path(3, half).shape == (3,)
    for one in (half, np.array(0.5), [half], half.detach()[None]):
        given = request(Normal(half), beta2=one, steps=1, trajectories=2)
        assert given.settings == (Setting(Normal(0.5), 0.5),)


def test_numbers_do_without_torch():
    code = "import sys, varlab.numerics as n; n.psi_mean([5, 6]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
