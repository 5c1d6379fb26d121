"""Bad input gives one line that names value, domain and remedy; good input leaks no warning."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from varlab import DomainError
from varlab.core import generator
from varlab.numerics import (
    AdaptiveRate,
    ScaledInverseChi,
    degrees_of_freedom,
    effective_warmup_period,
    ema_weights,
    first_adaptive_step,
    psi_mean,
    psi_variance,
    psi_variance_path,
    rectification,
    step_bound,
)

RHO = "rho must be finite and > 0; got {}; degrees of freedom are positive"
STEP = "t must be an integer >= 1; got {}; steps are counted from 1"
BAD = [
    (lambda: psi_variance(0), RHO.format("0")),
    (lambda: psi_variance([3.0, -1.5]), RHO.format("-1.5")),
    (lambda: psi_mean(float("nan")), RHO.format("nan")),
    (lambda: psi_mean(float("inf")), RHO.format("inf")),
    (lambda: psi_variance("five"), RHO.format("'five'")),
    (lambda: psi_variance(None), RHO.format("None")),
    (lambda: psi_variance(True), RHO.format("True")),
    (lambda: psi_variance(1j), RHO.format("1j")),
    (lambda: psi_variance([[1.0], [1.0, 2.0]]), RHO.format("[[1.0], [1.0, 2.0]]")),
    (lambda: degrees_of_freedom(0, 0.9), STEP.format("0")),
    (lambda: degrees_of_freedom(2.5, 0.9), STEP.format("2.5")),
    (lambda: degrees_of_freedom(1, 1.0), "beta2 must lie in [0, 1); got 1.0"),
    (lambda: degrees_of_freedom(1, -0.1), "beta2 must lie in [0, 1); got -0.1"),
    (lambda: degrees_of_freedom(1, 0.9, "ema"), "kind must be 'sma' or 'kish'; got 'ema'"),
    (lambda: rectification(5, float("nan")), "beta2 must lie in [0, 1); got nan"),
    (
        lambda: rectification(5, 0.9, "adam"),
        "kind must be 'radam', 'kish' or 'exact'; got 'adam'",
    ),
    (lambda: psi_variance_path(0, 0.9), "steps must be an integer >= 1; got 0"),
    (lambda: psi_variance_path(5, 0.9, sigma=0), "sigma must be finite and > 0; got 0"),
    (lambda: psi_variance_path(5, [0.9, 0.99]), "beta2 must be one number; got [0.9, 0.99]"),
    (lambda: ema_weights(0, 0.9), "t must be an integer >= 1; got 0"),
    (lambda: step_bound(1, 1.0, 0.9), "beta1 must lie in [0, 1); got 1.0"),
    (lambda: first_adaptive_step(0.9, 0.5), "threshold must be finite and >= 1; got 0.5"),
    (
        lambda: effective_warmup_period(0.9, "cosine"),
        "rule must be 'linear', 'exponential' or 'radam'; got 'cosine'",
    ),
    (lambda: ScaledInverseChi(0), "rho must be finite and > 0; got 0"),
    (lambda: ScaledInverseChi(3, -1), "tau must be finite and > 0; got -1"),
    (lambda: AdaptiveRate(0, 0.9), "t must be an integer >= 1 or inf; got 0"),
    (lambda: AdaptiveRate(3, 1.0), "beta2 must lie in [0, 1); got 1.0"),
    (lambda: AdaptiveRate(3, 0.9, float("inf")), "mu must be finite; got inf"),
    (lambda: AdaptiveRate(3, 0.9, 0, 0), "sigma must be finite and > 0; got 0"),
    (lambda: AdaptiveRate(3, 0.9, ar1=1), "ar1 must lie in (-1, 1); got 1"),
    (
        lambda: AdaptiveRate(3, 1e-200).var(),
        "beta2 must be 0 or at least 1e-100 for the exact law; got 1e-200; use 0",
    ),
    (lambda: AdaptiveRate(3, 0.9).moment(float("nan")), "k must be finite; got nan"),
    (lambda: AdaptiveRate(3, 0.9).cdf(float("nan")), "x must be a real number; got nan"),
    (lambda: AdaptiveRate(3, 0.9).ppf(1.5), "q must lie in [0, 1]; got 1.5"),
    (
        lambda: AdaptiveRate(3, 0.9).rvs(3, 0),
        "rng must be a numpy.random.Generator; got 0; make one with varlab.core.generator(seed)",
    ),
    (
        lambda: AdaptiveRate(3, 0.9).rvs(-1, generator(0)),
        "size must be an integer >= 0 or a tuple of them; got -1",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_by_exact_message(call, message):
    with pytest.raises(DomainError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_good_input_leaks_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        psi_variance([1e-300, 2, 2.0000001, 1e300])
        psi_mean([1e-300, 1, 1.5, 1e300])
        degrees_of_freedom([1, 10**6], [[0.0], [1e-300], [1 - 1e-16]])
        for kind in ("radam", "kish", "exact"):
            rectification([1, 5, 1000], [[0.0], [0.5], [0.999]], kind)
        step_bound([1, 10**6, np.inf], 0.9, [[0.0], [0.5], [0.81], [0.999]])
        for law in (
            ScaledInverseChi(5),
            ScaledInverseChi(1e9),
            AdaptiveRate(1, 0.0),
            AdaptiveRate(3, 1e-100),
            AdaptiveRate(10, 0.9, 1e6, 1e-3),
            AdaptiveRate(10, 0.9, ar1=-0.5),
        ):
            law.cdf([1e-300, 1e-5, 1.0, 1e5, 1e300])
            law.sf([1e-300, 1.0, 1e300])
            law.pdf([1e-300, 1e-5, 1.0, 1e5, 1e300])
            law.ppf([0, 1e-300, 0.5, 1])
            law.mean(), law.var(), law.log_mean(), law.log_var()
            for k in (-1000, -2.5, -1, 0, 1, 1000):
                law.moment(k)


def test_laws_are_immutable_values():
    law = AdaptiveRate(5, 0.9)
    assert law == AdaptiveRate(5.0, np.float64(0.9))
    assert hash(law) == hash(AdaptiveRate(5, 0.9))
    assert repr(law) == "AdaptiveRate(t=5, beta2=0.9, mu=0.0, sigma=1.0, ar1=0.0)"
    with pytest.raises(AttributeError):
        law.t = 6


def test_the_layer_imports_neither_torch_nor_sympy_nor_plotting():
    code = (
        "import sys, varlab.numerics; "
        "print([m for m in ('torch', 'sympy', 'mpmath', 'matplotlib', 'scipy.stats',"
        " 'scipy.interpolate') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
