"""Bad arguments of ``varlab.simulate``."""

import numpy as np
from every_process import bad_parameters, example
from fault_rows import DECAY, INF, NAN, Row, rows

from varlab.simulate import (
    AR1,
    ARCH,
    Cauchy,
    Drift,
    Normal,
    ScaleMixture,
    SharedMean,
    Simulation,
    StudentT,
    agrees,
    compare,
    gradients,
    law,
    mean_agrees,
    simulate,
    variance_agrees,
)

REAL = "{} must be real numbers; got {}; give real numbers"
SIGNED = "{} must be non-negative, or NaN; got {}"
RATE = "false_fail_rate must lie in (0, 1); got {}"
EXTREME = "sigma and abs(mu)/sigma must be at most 1e+70, and sigma at least 1e-70; got {}..."

_RUNS = rows(
    "simulate",
    simulate,
    [
        ("law", None, "law must be a gradient process or a sequence of them; got None..."),
        ("law", "normal", "law must be a gradient process or a sequence of them; got 'normal'..."),
        ("law", [], "law must name at least one gradient process; got []"),
        (
            "law",
            [Normal(), Normal(mu=0.0)],
            "settings must differ from each other; got 'normal, beta2=0.99'; name each...",
        ),
        ("law", Normal, "law must be a gradient process or a sequence of them; got <class..."),
        ("law", np.array(1.0), "law must be a gradient process or a sequence of them; got arr..."),
        ("steps", 10**400, "steps must be at most 9007199254740992; got 1000..."),
        ("threads", 10**400, "threads must be at most 1048576; got 1000..."),
        ("chunk", 10**5000, "chunk must be at most 1048576; got an object of type int"),
        ("dtype", np.array([]), "dtype must be 'float32' or 'float64'; got array([], ..."),
        (
            "device",
            np.array(["cpu"]),
            "device must be 'auto', 'cpu' or 'cuda'; got array(['cpu']...",
        ),
        (
            "engine",
            np.array([]),
            "engine must be 'auto', 'eager', 'compiled' or 'fused'; got arr...",
        ),
        ("statistics", np.array(1.0), "statistics must be some of psi, log_psi, inverse_v, ..."),
        ("beta2", np.timedelta64(0), DECAY.format("np.timedelta64(0)")),
        ("beta2", np.False_, DECAY.format("np.False_")),
        ("beta2", None, DECAY.format("None")),
        ("beta2", "0.9", DECAY.format("'0.9'")),
        ("beta2", [0.9, True], DECAY.format("True")),
        ("beta2", [], "beta2 must name at least one value; got []"),
        ("beta2", 1 - 1e-17, DECAY.format("1.0")),
        ("beta1", NAN, "beta1 must lie in [0, 1); got nan"),
        ("steps", 2.5, "steps must be an integer >= 1; got 2.5"),
        ("steps", True, "steps must be an integer >= 1; got True"),
        (
            "steps",
            10**12,
            "a simulation of 1000000000000 steps needs 291 TiB of memory, more than...",
        ),
        ("trajectories", "5", "trajectories must be an integer >= 2; got '5'"),
        ("trajectories", 10**30, "trajectories must be at most 9007199254740992; got 1000..."),
        ("seed", -1, "seed must be an integer >= 0; got -1"),
        ("seed", "a", "seed must be an integer >= 0; got 'a'"),
        ("device", "tpu", "device must be 'auto', 'cpu' or 'cuda'; got 'tpu'"),
        ("dtype", "float16", "dtype must be 'float32' or 'float64'; got 'float16'"),
        ("statistics", 3, "statistics must be some of psi, log_psi, inverse_v, update; got 3"),
        (
            "statistics",
            [["psi"]],
            "statistics must be some of psi, log_psi, inverse_v, update; got [...",
        ),
        ("statistics", [], "statistics must be some of psi, log_psi, inverse_v, update; got none"),
        ("engine", "fast", "engine must be 'auto', 'eager', 'compiled' or 'fused'; got 'fast'"),
        ("threads", 2.5, "threads must be an integer >= 1; got 2.5"),
        ("threads", "a", "threads must be an integer >= 1; got 'a'"),
        ("chunk", -1, "chunk must be an integer >= 1; got -1"),
        ("resume", True, "out must name the store to resume; got None"),
        (
            "out",
            "/dev/null/x",
            "cannot write to /dev/null/x: Not a directory; choose another place...",
        ),
    ],
    law=Normal(),
    beta2=0.99,
    steps=5,
    trajectories=100,
    device="cpu",
    threads=1,
)
# Every parameter of every registered process, new ones included: the message starts with its name.
_PARAMETERS = [
    Row(
        f"{kind.__name__}({name}={value!r})",
        lambda k=kind, n=name, v=value: example(k, **{n: v}),
        f"{name} must ...",
    )
    for kind, name, value in bad_parameters()
]
# Domains of their own.
_LAWS = [
    row
    for kind, given in (
        (
            Normal,
            [
                ("mu", "x", "mu must be finite; got 'x'"),
                ("mu", 1e300, EXTREME.format("(1.0, 1e+300)")),
                ("sigma", 1e-300, EXTREME.format("(1e-300, 0.0)")),
            ],
        ),
        (AR1, [("phi", -1, "phi must lie in (-1, 1); got -1")]),
        (Cauchy, [("sigma", 0, "sigma must be positive and finite; got 0")]),
        (ARCH, [("alpha", 1, "alpha must lie in [0, 1); got 1")]),
        (StudentT, [("df", 0, "df must be positive and finite; got 0")]),
        (SharedMean, [("tau", -1, "tau must lie in [0, 1e+30]; got -1")]),
        (Drift, [("rate", INF, "rate must be finite; got inf")]),
        (
            ScaleMixture,
            [
                ("scales", None, "scales must be a tuple of numbers; got None"),
                ("scales", (), "scales must be positive and finite; got ()"),
                (
                    "weights",
                    (0.5, 0.6),
                    "weights must be as many as the scales, non-negative, with...",
                ),
                ("weights", (1.0,), "weights must be as many as the scales, non-negative, with..."),
            ],
        ),
    )
    for row in rows(kind.__name__, kind, given)
]
_NAMES = [
    Row("law(None)", lambda: law(None), "law must be a name such as student-t:df=5; got None"),
    Row(
        "law('student-t:df=5/7')",
        lambda: law("student-t:df=5/7"),
        "df of student-t must be one number; got 2 of them",
    ),
    Row(
        "law('normal:mu=1,mu=2')",
        lambda: law("normal:mu=1,mu=2"),
        "mu of normal must be given once; got 'normal:mu=1,mu=2'",
    ),
    Row("law('')", lambda: law(""), "law must be one of normal, ..."),
    Row(
        "law('student-t')", lambda: law("student-t"), "student-t needs df; write student-t:df=VALUE"
    ),
    Row(
        "law('normal:mu')",
        lambda: law("normal:mu"),
        "a parameter of normal must read name=value; ...",
    ),
]
_ASSERTIONS = [
    *rows(
        "agrees",
        agrees,
        [
            ("n", "x", "n must be an integer >= 1; got 'x'"),
            ("n", 0, "n must be an integer >= 1; got 0"),
            ("n", 10**400, "n must be at most 9007199254740992; got 1000..."),
            ("stderr", -1.0, SIGNED.format("stderr", "-1.0")),
            ("stderr", "x", SIGNED.format("stderr", "'x'; give real numbers")),
            ("stderr", [1.0, 2.0, 3.0], "shapes must broadcast; got estimate (2,), expected..."),
            ("estimate", "x", REAL.format("estimate", "'x'")),
            ("estimate", [[1.0], [2.0, 3.0]], REAL.format("estimate", "[[1.0], [2.0, 3.0]]")),
            ("expected", None, REAL.format("expected", "None")),
            ("false_fail_rate", NAN, RATE.format("nan")),
            ("false_fail_rate", "x", RATE.format("'x'")),
            ("discrepancy", -1, "discrepancy must be positive; got -1"),
            ("discrepancy", "x", "discrepancy must be positive; got 'x'"),
            (
                "discrepancy",
                1e-300,
                "discrepancy must be detectable by a sample of at most 9007...",
            ),
        ],
        estimate=[1.0, 1.0],
        expected=1.0,
        stderr=1.0,
        n=5,
    ),
    *rows(
        "mean_agrees",
        mean_agrees,
        [
            ("mean", "x", REAL.format("mean", "'x'")),
            ("variance", "x", SIGNED.format("variance", "'x'; give real numbers")),
            ("variance", -1, SIGNED.format("variance", "-1")),
            ("n", 0, "n must be an integer >= 1; got 0"),
        ],
        mean=1.0,
        expected=1.0,
        variance=1.0,
        n=5,
    ),
    *rows(
        "variance_agrees",
        variance_agrees,
        [
            ("variance", "a", REAL.format("variance", "'a'")),
            ("expected", -1.0, SIGNED.format("expected", "-1.0")),
            ("fourth_central", -3, SIGNED.format("fourth_central", "-3")),
            ("fourth_central", [1.0, 2.0], "shapes must broadcast; got expected (3,), fourth..."),
            ("n", 1, "n must be an integer >= 2; got 1"),
        ],
        variance=1.0,
        expected=[1.0, 1.0, 1.0],
        fourth_central=3.0,
        n=5,
    ),
]
_RESULT = simulate(Normal(), beta2=0.9, steps=5, trajectories=10, device="cpu", threads=1)
_RESULTS = [
    *rows(
        "compare",
        compare,
        [
            (
                "simulation",
                None,
                "simulation must be a Simulation; got None; make one with simulate()",
            ),
            ("false_fail_rate", NAN, RATE.format("nan")),
            ("false_fail_rate", "x", RATE.format("'x'")),
            ("false_fail_rate", 1, RATE.format("1")),
            ("first_step", "x", "first_step must be an integer >= 1; got 'x'"),
            ("first_step", NAN, "first_step must be an integer >= 1; got nan"),
        ],
        simulation=_RESULT,
    ),
    *rows(
        "Simulation",
        Simulation,
        [
            (
                "dataset",
                None,
                "dataset must be the xarray.Dataset of a simulation, dims (setting,...",
            ),
            ("dataset", _RESULT.dataset.drop_attrs(), "dataset must be the xarray.Dataset of..."),
        ],
    ),
    *rows(
        "gradients",
        gradients,
        [
            ("law", None, "law must be a gradient process or a sequence of them; got None..."),
            (
                "law",
                [Normal()],
                "law must be one gradient process; got [Normal(mu=0.0, sigma=1.0)...",
            ),
            ("steps", 0, "steps must be an integer >= 1; got 0"),
            (
                "steps",
                10**9,
                "an array of 1000000000 steps by 1000000000 trajectories needs 13.9...",
            ),
            ("steps", 10**400, "steps must be at most 9007199254740992; got 1000..."),
        ],
        law=Normal(),
        steps=5,
        trajectories=10**9,
    ),
]
ROWS = _RUNS + _PARAMETERS + _LAWS + _NAMES + _ASSERTIONS + _RESULTS
