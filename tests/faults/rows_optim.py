"""Bad arguments of ``varlab.optim``: every optimiser, the schedules, ``conform``.

What torch refuses by itself (unknown options, things that are no parameters) it refuses in its own words.
"""

from functools import partial

import torch
from fault_rows import NAN, Row, rows
from torch import nn

from varlab.optim import (
    LAMB,
    SGD,
    Adagrad,
    Adam,
    Adam2k,
    AdamEps,
    AdamW,
    RAdam,
    RMSprop,
    conform,
)
from varlab.optim.schedules import LinearWarmupLR, NoamLR, RectificationLR

RATE = "lr must be a finite number >= 0; got {}; 1e-3 is the usual choice"
BETA1 = "beta1 must lie in [0, 1); got {}; 0.9 is the usual choice"


def weights():
    return [nn.Parameter(torch.ones(2))]


def adam():
    return torch.optim.Adam(weights())


ALL = (SGD, Adagrad, RMSprop, Adam, AdamW, LAMB, RAdam, Adam2k, AdamEps)
_EVERY = [
    row
    for kind in ALL
    for row in (
        *rows(
            kind.__name__,
            kind,
            [
                ("lr", -1, RATE.format("-1")),
                ("lr", NAN, RATE.format("nan")),
                ("lr", "x", RATE.format("'x'")),
                ("lr", True, RATE.format("True")),
                (
                    "weight_decay",
                    NAN,
                    "weight_decay must be a finite number >= 0; got nan; 0 switches...",
                ),
                (
                    "params",
                    [],
                    "params must hold at least one parameter; got an empty list; pass...",
                ),
            ],
            params=weights(),
        ),
        Row(
            f"{kind.__name__}(params=3)",
            partial(kind, 3),
            "'int' object is not iterable",
            TypeError,
        ),
        Row(
            f"{kind.__name__}(unknown option)",
            partial(kind, weights(), nonsense=3),
            "..."
            if kind in (LAMB, RAdam, Adam2k, AdamEps)
            else "got an unexpected keyword argument...",
            TypeError,
        ),
    )
]
_ADAMS = [
    row
    for kind in ALL[3:]
    for row in rows(
        kind.__name__,
        kind,
        [
            ("betas", (1, 0.9), BETA1.format("1")),
            ("betas", (NAN, 0.9), BETA1.format("nan")),
            ("betas", (0.9, "x"), "beta2 must lie in [0, 1); got 'x'; 0.999 is the usual choice"),
            ("betas", (0.9,), "betas must be a pair (beta1, beta2); got (0.9,); use (0.9, 0.999)"),
            ("betas", "ab", "betas must be a pair (beta1, beta2); got 'ab'; use (0.9, 0.999)"),
            ("eps", -1, "eps must be a finite number >= 0; got -1; 1e-8 is the usual choice"),
        ],
        params=weights(),
    )
]
_SCHEDULES = [
    Row(
        "LinearWarmupLR(None)",
        partial(LinearWarmupLR, None, 10),
        "NoneType is not an Optimizer",
        TypeError,
    ),
    Row("LinearWarmupLR(0)", lambda: LinearWarmupLR(adam(), 0), "warmup_steps must be ..."),
    Row("LinearWarmupLR('x')", lambda: LinearWarmupLR(adam(), "x"), "warmup_steps must be ..."),
    Row("NoamLR(nan)", lambda: NoamLR(adam(), NAN, 10), "model_dimension must be ..."),
    Row(
        "RectificationLR(early=-1)", lambda: RectificationLR(adam(), early=-1), "early must be ..."
    ),
]
_CONFORM = [
    Row(f"conform({what})", partial(conform, target), f"target {what!r}: ...")
    for what, target in (("builtins:max", max),)
] + rows(
    "conform",
    conform,
    [
        ("factory", None, "..."),
        ("seed", -1, "seed must be an integer >= 0; got -1"),
        (
            "device",
            "nope",
            "device 'nope' cannot be used here: RuntimeError: Expected one of cpu, ...",
        ),
        (
            "device",
            "meta",
            "device 'meta' cannot be used here: RuntimeError: Tensor.item() cannot be...",
        ),
    ],
    factory=torch.optim.RAdam,
)
ROWS = _EVERY + _ADAMS + _SCHEDULES + _CONFORM
