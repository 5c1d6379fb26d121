"""Bad arguments of ``varlab.numerics``: wrong types, NaN, out of domain, empty, far too large."""

import numpy as np
from fault_rows import DECAY, INF, NAN, Row, rows

from varlab.core import generator
from varlab.numerics import (
    AdaptiveRate,
    ScaledInverseChi,
    degrees_of_freedom,
    ema_weights,
    first_adaptive_step,
    log_psi_variance,
    psi_mean,
    psi_variance,
    psi_variance_at,
    psi_variance_path,
    rectification,
    rho_inf,
)

RHO = "rho must be finite and > 0; got {}; degrees of freedom are positive"
STEP = "t must be an integer >= 1; got {}; steps are counted from 1"
MORE = "of memory, more than there is; "

_OF_RHO = [
    Row(f"{f.__name__}({bad!r:.20})", lambda f=f, bad=bad: f(bad), RHO.format(shown))
    for f in (psi_mean, psi_variance, log_psi_variance)
    for bad, shown in (
        (0, "0"),
        (-1.5, "-1.5"),
        (NAN, "nan"),
        (INF, "inf"),
        ("3", "'3'"),
        ({}, "{}"),
    )
] + [
    Row(
        "psi_mean(a thousand digits)",
        lambda: psi_mean(10**1000),
        "rho must be finite and > 0; got 1000...",
    ),
]
_OF_STEPS = [
    row
    for f in (degrees_of_freedom, rectification, psi_variance_at)
    for row in (
        *rows(
            f.__name__,
            f,
            [
                ("t", 0, STEP.format("0")),
                ("t", 2.5, STEP.format("2.5")),
                ("t", NAN, STEP.format("nan")),
                ("t", "5", STEP.format("'5'")),
                ("t", True, STEP.format("True")),
                ("beta2", 1.0, DECAY.format("1.0")),
                ("beta2", 1 - 1e-17, DECAY.format("1.0")),
                ("beta2", NAN, DECAY.format("nan")),
                ("beta2", "x", DECAY.format("'x'; give real numbers")),
                ("beta2", None, DECAY.format("None; give real numbers")),
            ],
            t=5,
            beta2=0.9,
        ),
    )
] + [
    Row("rho_inf(-0.1)", lambda: rho_inf(-0.1), DECAY.format("-0.1")),
    Row("first_adaptive_step(1)", lambda: first_adaptive_step(1), DECAY.format("1")),
    Row(
        "psi_mean(5000 digits)",
        lambda: psi_mean(10**5000),
        "rho must be finite and > 0; got an object of type int; degrees of freedom are positive",
    ),
    Row(
        "degrees_of_freedom(kind=array)",
        lambda: degrees_of_freedom(5, 0.9, np.array([])),
        "kind must be 'sma' or 'kish'; got array([], dtype=float64)",
    ),
    Row(
        "rectification(kind=[])",
        lambda: rectification(5, 0.9, []),
        "kind must be 'radam', 'kish' or 'exact'; got []",
    ),
]
_PATH = rows(
    "psi_variance_path",
    psi_variance_path,
    [
        ("steps", 0, "steps must be an integer >= 1; got 0"),
        ("steps", "5", "steps must be an integer >= 1; got '5'..."),
        ("steps", NAN, "steps must be an integer >= 1; got nan"),
        (
            "steps",
            10**12,
            f"a path of 1000000000000 steps needs 36.4 TiB {MORE}take psi_variance_at...",
        ),
        ("steps", 10**15, "a path of 1000000000000000 steps needs 35.5 PiB..."),
        ("mu", INF, "mu must be finite; got inf"),
        ("mu", 1e200, "mu/sigma must be at most 1e+70 in size; got 1e+200; rescale both"),
        ("sigma", 0, "sigma must be finite and > 0; got 0"),
        ("sigma", "1", "sigma must be finite and > 0; got '1'; give real numbers"),
        ("sigma", 1e200, "sigma must be at most 1e+150 in size; got 1e+200; rescale both"),
        ("sigma", 1e-200, "1/sigma must be at most 1e+150 in size; got 1e+200; rescale both"),
    ],
    steps=5,
    beta2=0.9,
)
_LAWS = [
    *rows(
        "AdaptiveRate",
        AdaptiveRate,
        [
            ("t", -1, "t must be an integer >= 1 or inf; got -1"),
            ("t", "3", "t must be an integer >= 1 or inf; got '3'..."),
            ("beta2", [0.9, 0.99], "beta2 must be one number; got [0.9, 0.99]"),
            ("mu", 1e300, "mu/sigma must be at most 1e+70 in size; got 1e+300; rescale both"),
            ("sigma", NAN, "sigma must be finite and > 0; got nan"),
            ("sigma", 1e-320, "1/sigma must be at most 1e+150 in size; got inf; rescale both"),
            ("ar1", -1, "ar1 must lie in (-1, 1); got -1"),
        ],
        t=3,
        beta2=0.9,
    ),
    *rows(
        "ScaledInverseChi",
        ScaledInverseChi,
        [
            ("rho", NAN, "rho must be finite and > 0; got nan"),
            ("tau", "x", "tau must be finite and > 0; got 'x'; give real numbers"),
        ],
        rho=5,
    ),
    Row(
        "AdaptiveRate with 1e12 correlated steps",
        AdaptiveRate(10**12, 1 - 1e-12, ar1=0.5).var,
        f"an AR(1) law over 1e+12 steps needs 21.8 TiB {MORE}take a smaller t or beta2",
    ),
    Row(
        "AdaptiveRate.rvs of endless memory",
        lambda: AdaptiveRate(INF, 1 - 1e-12).rvs(2, generator(0)),
        f"a draw from 4.5001e+13 steps needs 327 TiB {MORE}take a smaller t or beta2",
    ),
    Row(
        "ema_weights(1e12)",
        lambda: ema_weights(10**12, 0.9),
        "an average over 1e+12 steps needs...",
    ),
]
_METHODS = [
    row
    for law in (AdaptiveRate(5, 0.9), ScaledInverseChi(5))
    for name in (type(law).__name__,)
    for row in (
        Row(f"{name}.moment(nan)", lambda law=law: law.moment(NAN), "k must be finite; got nan"),
        Row(f"{name}.moment('2')", lambda law=law: law.moment("2"), "k must be finite; got '2'..."),
        Row(f"{name}.pdf(nan)", lambda law=law: law.pdf(NAN), "x must be a real number; got nan"),
        Row(
            f"{name}.cdf('x')", lambda law=law: law.cdf("x"), "x must be a real number; got 'x'..."
        ),
        Row(f"{name}.sf(1j)", lambda law=law: law.sf(1j), "x must be a real number; got 1j..."),
        Row(f"{name}.ppf(-1)", lambda law=law: law.ppf(-1), "q must lie in [0, 1]; got -1"),
        Row(f"{name}.ppf(nan)", lambda law=law: law.ppf(NAN), "q must lie in [0, 1]; got nan"),
        Row(
            f"{name}.rvs(2.5)",
            lambda law=law: law.rvs(2.5, generator(0)),
            "size must be an integer >= 0 or a tuple of them; got 2.5",
        ),
        Row(
            f"{name}.rvs(1e15)",
            lambda law=law: law.rvs(10**15, generator(0)),
            f"a sample of shape (1000000000000000,) needs 14.2 PiB {MORE}draw it in parts",
        ),
        Row(
            f"{name}.rvs(1e400)",
            lambda law=law: law.rvs(10**400, generator(0)),
            f"such a sample needs 1.1e+12 EiB {MORE}draw it in parts",
        ),
    )
]
_SEEDS = [
    Row(
        f"generator({bad!r})",
        lambda bad=bad: generator(bad),
        f"seed must be an integer >= 0; got {bad!r}",
    )
    for bad in (-1, 1.5, NAN, "a", None, True)
]
ROWS = _OF_RHO + _OF_STEPS + _PATH + _LAWS + _METHODS + _SEEDS
