"""Bad arguments of recordings, ``watch``, ``assess``, ``calibrate``, ``Task`` and ``verify``."""

from functools import partial

import numpy as np
import torch
from fault_rows import DECAY, NAN, Row, rows
from torch import nn

import varlab
from varlab.audit.calibrate import calibrate
from varlab.audit.verdicts import Bands
from varlab.tasks import builtin

MODEL = nn.Linear(3, 1)
WHOLE = "{} must be an integer >= {}; got {}"


def adam(model=MODEL):
    return torch.optim.Adam(model.parameters())


def gradients():
    return np.random.default_rng(0).standard_normal((30, 6, 2))


def recording():
    return varlab.Recording.from_arrays(gradients(), ["a", "b"])


REAL = "{} must be an array of real numbers; got {}"
_ARRAYS = rows(
    "Recording.from_arrays",
    varlab.Recording.from_arrays,
    [
        ("gradients", None, REAL.format("gradients", "None")),
        ("gradients", "x", REAL.format("gradients", "'x'")),
        ("gradients", gradients().astype(complex), REAL.format("gradients", "array...")),
        ("gradients", [[[1], [2, 3]]], REAL.format("gradients", "[[[1], [2, 3]]]")),
        ("gradients", np.zeros((0, 1, 2)), "gradients must hold at least one replica, step and..."),
        ("layers", 3, "layers must be a sequence of names, one a coordinate; got 3"),
        ("layers", "ab", "layers must be a sequence of names, one a coordinate; got 'ab'"),
        ("beta2", "x", DECAY.format("'x'")),
        ("beta2", NAN, DECAY.format("nan")),
        ("steps", "x", REAL.format("steps", "'x'")),
        ("steps", [0, 1, 2, 3, 4, 5], "steps must be 6 increasing numbers from 1; got [0, 1, ..."),
        (
            "steps",
            [1, 1.5, 2, 3, 4, 5],
            "steps must be 6 increasing numbers from 1; got [1.0, 1.5...",
        ),
        ("inits", ["a"] * 30, REAL.format("inits", "['a'...")),
        ("orders", [NAN] * 30, "orders must be whole numbers; got [nan, ..."),
        ("statuses", 3, "statuses must map layers to words; got 3"),
        ("protocol", 3, "protocol must be one of frozen, run, ensemble; got 3"),
        ("protocol", "", "protocol must be one of frozen, run, ensemble; got ''"),
        ("protocol", np.array([]), "protocol must be one of frozen, run, ensemble; got array(..."),
        ("gradients", torch.ones(30, 6, 2, device="meta"), REAL.format("gradients", "tensor(...")),
    ],
    gradients=gradients(),
    layers=["a", "b"],
)
_WATCH = rows(
    "watch",
    lambda **given: varlab.watch(**{"model": MODEL, "optimizer": adam(), **given}),
    [
        ("model", None, "model must be a Module; got NoneType"),
        ("optimizer", 3, "optimizer must be a Optimizer; got int"),
        ("optimizer", adam(nn.Linear(1, 1)), "no parameter that matches '*' is updated by the..."),
        ("model", nn.Linear(2, 2, device="meta"), "no parameter that matches '*' is updated by..."),
        ("select", 3, "select must be a glob over parameter names; got 3"),
        ("select", "x*", "no parameter matches 'x*'; the model has weight, bias, ..."),
        ("coordinates", 0, WHOLE.format("coordinates", 1, 0)),
        ("coordinates", "a", WHOLE.format("coordinates", 1, "'a'")),
        ("coordinates", True, WHOLE.format("coordinates", 1, True)),
        ("every", True, WHOLE.format("every", 1, True)),
        ("every", 2.5, WHOLE.format("every", 1, 2.5)),
        ("seed", -1, WHOLE.format("seed", 0, -1)),
        ("beta2", 1, DECAY.format("1")),
        ("beta2", "x", DECAY.format("'x'")),
        ("path", "/dev/null/x", "cannot write to /dev/null/x: Not a directory; choose another..."),
    ],
)
_ASSESS = [
    Row(
        "assess(None)",
        partial(varlab.assess, None),
        "assess takes a Recording or a task factory; got...",
    ),
    *rows(
        "assess",
        lambda **given: varlab.assess(recording(), **given),
        [
            ("protocol", "x", "protocol must be one of frozen, run, ensemble; got 'x'"),
            ("protocol", "run", "protocol run takes one replica; got 30; choose one with..."),
            ("level", NAN, "level must lie in (0, 0.5]; got nan"),
            ("level", "x", "level must lie in (0, 0.5]; got 'x'"),
            ("bands", [], "bands must be varlab.audit.verdicts.Bands; got list"),
            ("bands", 3, "bands must be varlab.audit.verdicts.Bands; got int"),
            ("replicas", 3, "replicas is for a task that is still to be run, not a recording"),
        ],
    ),
    *rows(
        "assess of a task",
        partial(varlab.assess, builtin("mlp", hidden=4)),
        [
            ("replicas", NAN, WHOLE.format("replicas", 2, "nan")),
            (
                "replicas",
                10**12,
                "an ensemble of 1000000000000 replicas needs 116 TiB of memory, ...",
            ),
            ("steps", "x", WHOLE.format("steps", 1, "'x'")),
            (
                "steps",
                10**12,
                "a recording of 2 replicas x 1000000000000 steps x 12 coordinates needs...",
            ),
            ("seed", 1.5, WHOLE.format("seed", 0, 1.5)),
            ("inits", 0, WHOLE.format("inits", 1, 0)),
            ("orders", 2, "inits and orders go together; got inits=None, orders=2"),
            ("select", 3, "select must be a glob over parameter names; got 3"),
        ],
        replicas=2,
        steps=1,
        coordinates=2,
    ),
    *rows(
        "calibrate",
        calibrate,
        [
            ("trials", "x", WHOLE.format("trials", 1, "'x'")),
            ("power_trials", -1, WHOLE.format("power_trials", 0, -1)),
            ("replicas", 3, "replicas must be >= 24 under ensemble; got 3"),
            ("steps", 0, WHOLE.format("steps", 1, 0)),
            (
                "steps",
                10**12,
                "a recording of 64 replicas x 1000000000000 steps x 64 coordinates needs...",
            ),
            ("correlation", "x", "correlation must lie in [0, 1); got 'x'"),
            ("level", 0, "level must lie in (0, 0.5]; got 0"),
        ],
    ),
]
_TASK = rows(
    "Task",
    varlab.Task,
    [
        ("model", None, "model of a task must be a torch.nn.Module; got NoneType"),
        ("loss", 3, "loss of a task must be a callable (model, batch) -> scalar Tensor; got int"),
        ("batches", 3, "batches of a task must be an iterable of batches; got int"),
        ("optimizer", "adam", "optimizer of a task must be a torch.optim.Optimizer; got str"),
        ("evaluate", 3, "evaluate of a task must be a callable or None; got int"),
    ],
    model=MODEL,
    loss=max,
    batches=[],
    optimizer=adam(),
)
_VERIFY = rows(
    "verify",
    varlab.verify,
    [
        ("ids", 3, "ids must be claim ids such as radam.eq6.mean; got 3"),
        ("ids", [], "ids must name at least one claim; got none; leave it out to decide all"),
        ("ids", iter(()), "ids must name at least one claim; got none; leave it out to decide..."),
        ("ids", {}, "ids must name at least one claim; got none; leave it out to decide all"),
        ("ids", False, "ids must be claim ids such as radam.eq6.mean; got False"),
        ("ids", b"radam", "a claim id is a text such as radam.eq6.mean; got 114"),
        ("ids", [3], "a claim id is a text such as radam.eq6.mean; got 3"),
        ("ids", "nope", "no claim matches 'nope'; ..."),
        ("budget", None, "budget must be fast or full; got None"),
        ("seed", -1, WHOLE.format("seed", 0, -1)),
        ("jobs", 2.5, WHOLE.format("jobs", 1, 2.5)),
    ],
    ids="radam.eq6.mean",
)
_LOAD = [
    Row(f"load({place!r})", partial(varlab.load, place), line)
    for place, line in (
        ("/nowhere", "no recording at /nowhere"),
        ("/dev/null", "/dev/null is not a recording of varlab"),
        ("/", "/ is not a recording of varlab"),
    )
] + [
    Row(
        "load(3)",
        partial(varlab.load, 3),
        "...",  # the words of pathlib, which change
        TypeError,
    ),
]
_PARTS = [
    Row("Recording.layer(3)", lambda: recording().layer(3), "no layer 3; there are a, b"),
    Row("Recording.layer([])", lambda: recording().layer(np.array([])), "no layer array([]..."),
    Row(
        "Recording.replica(x)", lambda: recording().replica("x"), WHOLE.format("replica", 0, "'x'")
    ),
    Row(
        "Recording.replica(30)",
        lambda: recording().replica(30),
        "replica must be at most 29; got 30",
    ),
    Row(
        "Bands(zero_mean=None)",
        lambda: Bands(zero_mean=None),
        "band zero_mean must lie in (0, 1); got None",
    ),
]
ROWS = _ARRAYS + _WATCH + _ASSESS + _TASK + _VERIFY + _LOAD + _PARTS
