"""Gradients at the beginning of training.

What audits of the built-in tasks find of the assumption that gradients are i.i.d. N(0, s^2); what a
histogram pooled over coordinates shows of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from varlab.claims import pooling
from varlab.core import Claim, ClaimKind, Context, Finding, monte_carlo, numeric, training

if TYPE_CHECKING:
    from varlab.audit.result import Audit

# Real models on real data; small sizes, so that all of them are audited within a minute.
TASKS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "lenet": {},
    "resnet20": {"depth": 8, "width": 8},
    "transformer-lm": {},
    "lstm-lm": {},
}
REPLICAS, COORDINATES = 48, 16


@dataclass(frozen=True)
class EarlyGradients:
    """In the first ``steps`` steps the named assumptions hold."""

    assumptions: tuple[str, ...]
    steps: int


def check_assumptions(formula: EarlyGradients, context: Context) -> Finding:
    """Audit an ensemble of each built-in task from its first step."""
    return decide_assumptions(
        formula, {name: _audit(name, formula.steps, context.seed) for name in TASKS}
    )


def _audit(name: str, steps: int, seed: int) -> Audit:
    from varlab.audit.assess import assess
    from varlab.tasks.experiments.initialisation import normal_weights
    from varlab.tasks.training import one_thread

    with one_thread():
        return assess(
            partial(normal_weights, name, TASKS[name]),
            protocol="ensemble",
            replicas=REPLICAS,
            steps=steps,
            coordinates=COORDINATES,
            seed=seed,
            task=name,
        )


def decide_assumptions(formula: EarlyGradients, audits: dict[str, Audit]) -> Finding:
    """Violated in a layer of any task refutes; within the bands in all of them supports."""
    verdicts: dict[str, dict[str, str]] = {}
    violations: list[tuple[float, dict[str, str | float]]] = []
    for task, audit in audits.items():
        of_model = {a.value: r.verdict.value for a, r in audit.model.items()}
        verdicts[task] = {a: of_model[a] for a in formula.assumptions}
        for layer in audit.tested_layers:
            for assumption, result in layer.assumptions.items():
                violated = result.verdict.value == "violated"
                if not violated or verdicts[task].get(assumption.value) != "violated":
                    continue
                point: dict[str, str | float] = {
                    "task": task,
                    "layer": layer.layer,
                    "assumption": assumption.value,
                    result.effect_name: result.effect,
                    "interval, low": result.ci[0],
                    "interval, high": result.ci[1],
                    "band": result.band[1],
                }
                violations.append((abs(result.effect) / result.band[1], point))
    lines = [
        f"{task}: " + ", ".join(f"{a} {v}" for a, v in found.items())
        for task, found in verdicts.items()
    ]
    detail = (
        f"weights drawn from zero-mean normals; {REPLICAS} replicas, the first {formula.steps} steps, "
        f"{COORDINATES} coordinates a layer, "
        "tested one by one, corrected over layers and assumptions; " + "; ".join(lines)
    )
    if violations:
        worst = max(violations, key=lambda pair: pair[0])[1]
        return Finding.refutes(detail, counterexample=worst)
    if all(v == "holds" for found in verdicts.values() for v in found.values()):
        return Finding.supports(detail, domain=f"the tasks {', '.join(audits)}")
    return Finding.silent(f"{detail}; more replicas would narrow the intervals")


@dataclass(frozen=True)
class MovesDown:
    """By step ``steps`` the median of ln(abs(g)) fell by more than ``by``, and than under ``control``."""

    arm: str
    control: str
    steps: int
    by: float


DISTORTION_SEEDS, DISTORTION_LR = 32, 1e-2
# Two intervals, and two looks: a first one at 8 seeds left both open.
DISTORTION_COMPARISONS = 2 * 2


def check_distortion(formula: MovesDown, context: Context) -> Finding:
    """All gradients of the Transformer of Fig. 1, with and without warm-up."""
    from varlab.tasks.experiments import controls
    from varlab.tasks.experiments.gradients import gradients_at, log_sizes

    experiment = controls(steps=300, seeds=DISTORTION_SEEDS, lr=DISTORTION_LR)
    shifts = {}
    for arm in experiment.arms:
        if arm.name not in (formula.arm, formula.control):
            continue
        g = gradients_at(experiment, arm, steps=(1, formula.steps), seed=context.seed)
        # Rows of absent letters are exactly 0 whatever the optimiser does: not part of the shift.
        medians = [[float(np.median(log_sizes(now[now != 0]))) for now in run] for run in g]
        shifts[arm.name] = np.diff(np.array(medians), axis=1)[:, 0]
    return decide_distortion(formula, shifts)


def decide_distortion(formula: MovesDown, shifts: dict[str, np.ndarray]) -> Finding:
    """Intervals over seeds of the shift and of its difference from the control's."""
    from varlab.tasks.experiments.summary import t_interval

    own = t_interval(shifts[formula.arm], comparisons=DISTORTION_COMPARISONS)
    paired = shifts[formula.arm] - shifts[formula.control]
    gap = t_interval(paired, comparisons=DISTORTION_COMPARISONS)
    where = (
        f"post-LayerNorm Transformer, 2+2 layers of width 32, CLDR names, lr {DISTORTION_LR:g}, "
        f"{own.n} seeds"
    )
    detail = (
        f"{where}: median of ln(abs(g)) from step 1 to step {formula.steps} moves by {own} under "
        f"{formula.arm} and by {t_interval(shifts[formula.control])} under {formula.control}; "
        f"difference {gap}. Coordinates whose gradient is exactly 0 are left out"
    )
    if own.below(-formula.by) and gap.below(0):
        return Finding.supports(detail, domain=where)
    if own.above(-formula.by):
        return Finding.refutes(
            detail,
            counterexample={
                "median shift": own.mean,
                "interval, high": own.high,
                "interval, low": own.low,
                "stated: below": -formula.by,
                "setting": where,
            },
        )
    return Finding.silent(f"{detail}; more seeds, or the paper's model, would decide it")


CLAIMS = (
    Claim(
        id="radam.fn2.zero-mean-normal",
        source="R footnote 2",
        statement="gradients are zero-mean normal at the beginning of training",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="networks initialised with zero-mean normal weights",
        formula=EarlyGradients(("zero-mean", "normality"), steps=4),
        checks=(training(check_assumptions),),
        equation=r"g_1, \dots, g_t \sim \mathcal{N}(0, \sigma^2)",
    ),
    Claim(
        id="radam.s3.iid",
        source="R Sec. 3",
        statement="g_1..g_t are i.i.d. N(0, s^2) early in training",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="the early stage of training",
        formula=EarlyGradients(("zero-mean", "normality", "identical", "independence"), steps=12),
        checks=(training(check_assumptions),),
        equation=r"g_1, \dots, g_t \overset{\mathrm{iid}}{\sim} \mathcal{N}(0, \sigma^2)",
    ),
    Claim(
        id="radam.fig2.distortion",
        source="R Fig. 2",
        statement="without warm-up the histogram of abs(g) moves to small values within 10 updates",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="6+6 layers of width 512, IWSLT'14 De-En",
        # One natural unit of the figure's own axis is the least that the eye would call a move;
        # ten updates lie between the gradients of step 1 and of step 11.
        formula=MovesDown("Adam", "Adam with warm-up", steps=11, by=1.0),
        checks=(training(check_distortion),),
        equation=r"\mathrm{med}\,\ln|g_{11}| < \mathrm{med}\,\ln|g_1| - 1",
    ),
    Claim(
        id="varlab.fig2.pooling",
        source="V",
        statement="a histogram pooled over coordinates cannot speak to independence, to identity over "
        "time, or to any coordinate's law; exact Gaussians of unequal scales look heavy-tailed in it",
        kind=ClaimKind.EXACT,
        domain_stated="any scales that differ, any number of coordinates >= 2",
        formula=pooling.PooledView(pooling.pooled, pooling.pooled_kurtosis),
        checks=(
            numeric(pooling.check_kurtosis),
            numeric(pooling.check_blindness),
            monte_carlo(pooling.check_sampled_kurtosis),
        ),
        mutants={
            "standardised by coordinate first": pooling.PooledView(
                pooling.standardised, pooling.pooled_kurtosis
            ),
            "pooling keeps the kurtosis of 3": pooling.PooledView(
                pooling.pooled, lambda scales: 3.0
            ),
        },
        equation=r"\kappa = 3\,\frac{E[s^4]}{E[s^2]^2} > 3",
    ),
)
