"""Bad arguments of ``varlab.simulate``."""

import numpy as np
from fault_rows import DECAY, INF, NAN, Row, rows

from varlab.simulate import (
    AR1,
    ARCH,
    Cauchy,
    Drift,
    Laplace,
    Normal,
    ScaleMixture,
    SharedMean,
    StudentT,
    agrees,
    compare,
    gradients,
    law,
    mean_agrees,
    simulate,
    variance_agrees,
)

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
_LAWS = [
    row
    for kind, given in (
        (
            Normal,
            [
                ("mu", "x", "mu must be finite; got 'x'"),
                ("mu", None, "mu must be finite; got None"),
                ("mu", 1j, "mu must be finite; got 1j"),
                ("mu", 1e300, EXTREME.format("(1.0, 1e+300)")),
                ("sigma", NAN, "sigma must be positive and finite; got nan"),
                ("sigma", 1e-300, EXTREME.format("(1e-300, 0.0)")),
            ],
        ),
        (Laplace, [("sigma", "x", "sigma must be positive and finite; got 'x'")]),
        (
            AR1,
            [
                ("phi", "x", "phi must lie in (-1, 1); got 'x'"),
                ("phi", NAN, "phi must lie in (-1,..."),
            ],
        ),
        (Cauchy, [("sigma", 0, "sigma must be positive and finite; got 0")]),
        (ARCH, [("alpha", 1, "alpha must lie in [0, 1); got 1")]),
        (
            StudentT,
            [("df", None, "df must be positive; got None"), ("df", 0, "df must be positive...")],
        ),
        (SharedMean, [("tau", -1, "tau must be non-negative and finite; got -1")]),
        (Drift, [("rate", INF, "rate must be finite; got inf")]),
        (
            ScaleMixture,
            [
                ("scales", None, "scales must be a tuple of numbers; got None"),
                ("scales", ("x",), "scales must be positive and finite; got 'x'"),
                ("weights", (NAN, 1.0), "weights must be non-negative; got nan"),
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
REAL = "{} must be real numbers; got {}"
_AGREES = [
    *rows(
        "agrees",
        agrees,
        [
            ("estimate", "x", REAL.format("estimate", "'x'")),
            ("estimate", [[1.0], [2.0, 3.0]], REAL.format("estimate", "[[1.0], [2.0, 3.0]]")),
            ("estimate", [1.0, 2.0, 3.0], "shapes must go together; got estimate of (3,), ..."),
            ("expected", {}, REAL.format("expected", "{}")),
            ("stderr", None, REAL.format("stderr", "None")),
            ("n", 0, "n must be an integer >= 1; got 0"),
            ("n", INF, "n must be an integer >= 1; got inf"),
            ("n", 10**400, "n must be at most 9007199254740992; got 1000..."),
            ("false_fail_rate", None, "false_fail_rate must lie in (0, 1); got None"),
            ("false_fail_rate", NAN, "false_fail_rate must lie in (0, 1); got nan"),
            ("discrepancy", "x", "discrepancy must be positive; got 'x'"),
            ("discrepancy", 1e-300, "discrepancy must be within reach of a sample; got 1e-300"),
        ],
        estimate=[1.0, 2.0],
        expected=[1.0, 2.0],
        stderr=[0.1, 0.1],
        n=10,
    ),
    Row(
        "mean_agrees(variance='x')",
        lambda: mean_agrees(1.0, 1.0, variance="x", n=5),
        REAL.format("variance", "'x'"),
    ),
    Row(
        "variance_agrees(n=1)",
        lambda: variance_agrees(1.0, 1.0, fourth_central=3.0, n=1),
        "n must be an integer >= 2; got 1",
    ),
    *rows(
        "compare",
        lambda **given: compare(simulate(Normal(), beta2=0.9, steps=6, trajectories=9), **given),
        [
            ("false_fail_rate", 0, "false_fail_rate must lie in (0, 1); got 0"),
            ("false_fail_rate", INF, "false_fail_rate must lie in (0, 1); got inf"),
            ("first_step", "x", "first_step must be an integer >= 1; got 'x'"),
        ],
    ),
    Row(
        "gradients(steps=1e12)",
        lambda: gradients(Normal(), steps=10**12, trajectories=10),
        "1000000000000 x 10 gradients needs 72.8 TiB of memory, more than there is; ask for fewer",
    ),
]
ROWS = _RUNS + _LAWS + _NAMES + _AGREES
