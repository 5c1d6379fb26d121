"""The compiled engine against the eager one on the same normals, and when it is chosen."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from every_law import LAWS as EVERY_LAW

from varlab.core import InputError
from varlab.simulate import (
    Normal,
    StudentT,
    compiled,
    simulate,
)
from varlab.simulate.blocks import Block
from varlab.simulate.eager import EagerEngine
from varlab.simulate.engines import choose_engine
from varlab.simulate.moments import Moments
from varlab.simulate.plan import make_plan
from varlab.simulate.processes import student_t
from varlab.simulate.request import request

pytestmark = pytest.mark.skipif(
    find_spec("numba") is None, reason="numba is not installed: no compiled engine"
)

LAWS = [Normal(0.001), *EVERY_LAW]
# Two blocks of 2112 columns: each has a whole strip and a part of one, and the second 23 of padding.
SIZE = {"steps": 75, "trajectories": 4201, "seed": 5}
CPU = torch.device("cpu")


def moments(engine, laws=LAWS, beta2=0.99, dtype="float64", **changes):
    """Merged moments of an engine's raw statistics, shape (4, statistic, setting, step)."""
    asked = request(laws, beta2=beta2, dtype=dtype, **(SIZE | changes))
    blocks = [asked.partition.block(i) for i in range(asked.partition.count)]
    return Moments.merged(engine(make_plan(asked, CPU))(blocks))


def difference(one, other):
    """The largest, of means in standard deviations, of variances relative; NaN if there is one.

    1e-3 |mean| counts as spread at least.
    """
    spread = np.sqrt(other.variance) + 1e-3 * np.abs(other.mean)
    mean = np.abs(one.mean - other.mean) / spread
    return np.max([mean, np.abs(one.variance - other.variance) / spread**2])


# Rounding, 2^-53, of averages over some 1000 gradients, against spreads of 1e-3: 1e-12, and ten for chance.
TIGHT = 1e-11
# The same with 2^-24, though the draws themselves are rounded as well: what is left where no draw near 0
# decides, that is from step 9 on and with 1/(1 - b2) >= 2. Measured: 3e-6; the eager engine's is 2.4e-5.
SINGLE = 1e-5


@pytest.mark.parametrize("beta2", [0.0, 0.5, 0.9, 0.999, 0.9999])
def test_in_float64_it_equals_the_eager_engine(beta2):
    ours, theirs = (moments(e, beta2=beta2) for e in (compiled.CompiledEngine, EagerEngine))
    assert difference(ours, theirs) < TIGHT


@pytest.mark.parametrize("beta2", [0.5, 0.9, 0.999])
def test_in_float32_it_differs_by_rounding_alone(beta2):
    single = moments(compiled.CompiledEngine, beta2=beta2, dtype="float32")
    double = moments(EagerEngine, beta2=beta2)
    late = [Moments(m.count, m.values[..., 8:]) for m in (single, double)]
    assert difference(*late) < SINGLE


def test_in_float32_with_extreme_beta2():
    slow = {"laws": LAWS[:3], "beta2": 0.9999}
    single = moments(compiled.CompiledEngine, dtype="float32", **slow)
    late = [Moments(m.count, m.values[..., 8:]) for m in (single, moments(EagerEngine, **slow))]
    assert difference(*late) < SINGLE
    # b2 = 0: psi itself hangs on the draws nearest to 0, which float32 knows to 2^-25; its logarithm less
    none = {"beta2": 0.0, "statistics": ["log_psi"]}
    single = moments(compiled.CompiledEngine, dtype="float32", **none)
    assert difference(single, moments(EagerEngine, **none)) < 1e-4


def dropped(x, size, *rest):
    return x, size - 1, *rest


def shifted(x, size, shifts, *rest):
    return x, size, shifts * 1.00001 + 0.00001, *rest


def unfinished(x, size, shifts, beta2, complement2, *rest):
    return x, size, shifts, beta2, complement2 * (1 + 1e-6), *rest


def swapped(x, size, shifts, beta2, complement2, beta1, complement1, *rest):
    return x, size, shifts, beta2, complement2, complement1, beta1, *rest


@pytest.mark.parametrize("wrong", [dropped, shifted, unfinished, swapped])
def test_a_planted_error_is_caught(monkeypatch, wrong):
    from varlab.simulate import compiled_kernel

    sound = compiled_kernel.tile_sums
    theirs = moments(EagerEngine)
    assert difference(moments(compiled.CompiledEngine), theirs) < TIGHT
    monkeypatch.setattr(compiled_kernel, "tile_sums", lambda *given: sound(*wrong(*given)))
    assert (
        not difference(moments(compiled.CompiledEngine), theirs) < 10 * TIGHT
    )  # NaN is a difference too


def test_a_lonely_trajectory_has_no_spread():
    asked = request([Normal(), Normal(1.0)], beta2=0.9, steps=40, trajectories=16, dtype="float64")
    block = Block(index=0, start=0, size=1, width=16)
    ours, theirs = (
        engine(make_plan(asked, CPU))([block])[0]
        for engine in (compiled.CompiledEngine, EagerEngine)
    )
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-12)
    assert np.all(ours.values[1] <= 1e-28 * ours.mean**2)


def test_squares_that_overflow_spoil_no_other_step(monkeypatch):
    """Student t with 0.2 degrees of freedom: single squares leave float32, some within these steps.

    Such a law is refused for just that; here it stands for any that overflows once in a while.

    A trajectory whose average has overflowed is lost from the next step on, in both engines: its steps
    are not finite, in the same places; all others agree.
    """
    monkeypatch.setattr(student_t, "RAREST_DRAW", 0)
    asked = {"laws": [StudentT(0.2), Normal()], "dtype": "float32", "trajectories": 250}
    asked |= {"statistics": ["psi", "inverse_v"]}
    ours, theirs = (moments(e, **asked) for e in (compiled.CompiledEngine, EagerEngine))
    finite = np.isfinite(theirs.mean)
    assert 8 < finite[0, 0].sum() < SIZE["steps"]
    np.testing.assert_array_equal(np.isfinite(ours.mean), finite)
    np.testing.assert_allclose(ours.mean[finite], theirs.mean[finite], rtol=1e-4)


# Fig. 9 of the paper, and what is done before numba is loaded.
LARGE = {"law": [Normal(float(mu)) for mu in range(6)], "steps": 6000, "trajectories": 5000}
SMALL = {"law": Normal(), "steps": 1000, "trajectories": 5000}


@pytest.mark.parametrize(("size", "expected"), [(LARGE, "compiled"), (SMALL, "eager")])
def test_auto_goes_by_the_request_alone(size, expected):
    engine, name = choose_engine(request(beta2=0.999, **size), CPU, "auto")
    assert (engine.name, name) == (expected, expected)


def missing(monkeypatch, tmp_path):
    del tmp_path
    monkeypatch.setattr(compiled, "find_spec", lambda name: None)
    return r"numba is not installed \(pip install 'varlab\[fast\]'\)"


def broken(monkeypatch, tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('NumPy is too new')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    return r"numba cannot be imported \(NumPy is too new\)"


@pytest.mark.parametrize("state", [missing, broken])
def test_without_numba_the_eager_engine_serves(monkeypatch, tmp_path, state):
    reason = state(monkeypatch, tmp_path)
    assert choose_engine(request(beta2=0.999, **LARGE), CPU, "auto")[1] == "eager"
    result = simulate(Normal(), beta2=0.9, steps=2, trajectories=2, device="cpu")
    assert result.dataset.attrs["engine"] == "eager-cpu"
    text = f"engine must be 'eager' or 'auto' here; got 'compiled'; {reason}"
    with pytest.raises(InputError, match=text):
        simulate(Normal(), beta2=0.9, steps=2, trajectories=2, device="cpu", engine="compiled")


def test_it_is_refused_on_a_gpu():
    asked = request(Normal(), beta2=0.9, steps=2, trajectories=2)
    with pytest.raises(InputError, match="got 'compiled'; it runs on the CPU only"):
        choose_engine(asked, torch.device("cuda"), "compiled")


def test_a_result_names_it():
    asked = {"beta2": 0.9, "steps": 2, "trajectories": 2, "device": "cpu"}
    attributes = simulate(Normal(), engine="compiled", **asked).dataset.attrs
    assert attributes["engine"] == "compiled-cpu"
    assert '"numba"' in attributes["versions"]


def test_where_nothing_can_be_cached_it_compiles_all_the_same(monkeypatch):
    from numba import njit
    from numba.core.caching import FunctionCache

    from varlab.simulate.compiled_kernel import kernel as decorator

    def twice(x):
        return 2 * x

    monkeypatch.setattr(FunctionCache._impl_class, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        njit(cache=True)(twice)
    assert decorator(twice)(3.0) == 6.0


def test_kept_machine_code_gives_the_bits_of_fresh(tmp_path):
    """The first process compiles and keeps, the second loads: a compiler may arrange sums differently."""
    code = (
        "import hashlib\n"
        "from varlab.simulate import Normal, simulate\n"
        "from varlab.simulate.compiled_kernel import tile_sums\n"
        "run = simulate([Normal(), Normal(0.7)], beta2=0.99, steps=24, trajectories=3000, device='cpu',"
        " engine='compiled')\n"
        "bits = b''.join(run.dataset[name].values.tobytes() for name in run.dataset.data_vars)\n"
        "print(hashlib.sha256(bits).hexdigest(), sum(tile_sums.stats.cache_hits.values()))\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    (fresh, hits), (kept, later_hits) = (
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    )
    assert (hits, later_hits) == ("0", "1")
    assert fresh == kept
