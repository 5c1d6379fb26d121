"""Training runs.

The paper's comparisons of optimisers at laptop scale, seeds in pairs. A comparison that comes out as
stated supports the statement at that scale; one that is reversed beyond noise refutes it only where
the statement does not hang on the paper's own data and model; everything else is silent and says
what would decide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from varlab.claims.trained import runs, seeds_needed
from varlab.core import Claim, ClaimKind, Context, Finding, training

if TYPE_CHECKING:
    import xarray as xr

# Laptop sizes: all of this module in about ten minutes on two cores.
CONTROL_STEPS, CONTROL_SEEDS = 300, 8
RATE_STEPS, RATE_SEEDS = 300, 5
WARMUP_STEPS, WARMUP_SEEDS = 250, 8
FIRST_STEPS, FIRST_SEEDS = 200, 40
# Loss and accuracy, looked at twice: with 16 seeds, which left both open, and with all of them.
FIRST_COMPARISONS = 2 * 2
LAPTOP_RESNET = "ResNet-8 of width 8 on 8 x 8 digits"
PAPER_RESNET = "ResNet-20 on CIFAR-10, 186 epochs"


@dataclass(frozen=True)
class AvoidsBadOptimum:
    """Each of ``controls`` ends with a lower training loss than ``plain``, at the rate ``lr``."""

    plain: str
    controls: tuple[str, ...]
    lr: float


def check_controls(formula: AvoidsBadOptimum, context: Context) -> Finding:
    """Train the five arms and compare end losses, seed by seed."""
    from varlab.tasks.experiments import controls

    experiment = controls(steps=CONTROL_STEPS, seeds=CONTROL_SEEDS, lr=formula.lr)
    return decide_controls(formula, runs(experiment, context))


def decide_controls(formula: AvoidsBadOptimum, data: xr.Dataset) -> Finding:
    """Paired differences of end losses from the plain arm's, Bonferroni over the controls."""
    from varlab.tasks.experiments.summary import end_losses, row, t_interval

    ends = end_losses(data)
    plain = ends[row(data, formula.plain)]
    gaps = {
        name: t_interval(ends[row(data, name)] - plain, comparisons=len(formula.controls))
        for name in formula.controls
    }
    where = (
        f"post-LayerNorm Transformer, 2+2 layers of width 32, CLDR names, lr {formula.lr:g}, "
        f"{data.sizes['step']} steps, {data.sizes['replica']} seeds"
    )
    detail = (
        f"{where}: {formula.plain} ends at {np.mean(plain):.3g}; differences from it: "
        + ", ".join(f"{name} {gap}" for name, gap in gaps.items())
        + ". The rate was chosen among 1e-3, 1e-2, 3e-2 as one at which plain Adam is the worse: at "
        "1e-3 it is not, and at 3e-2 only RAdam trains well"
    )
    avoided = [name for name, gap in gaps.items() if gap.below(0)]
    reversed_ = [name for name, gap in gaps.items() if gap.above(0)]
    if len(avoided) == len(gaps):
        return Finding.supports(detail, domain=where)
    if avoided and reversed_:
        worst = reversed_[0]
        return Finding.refutes(
            f"{detail}; {worst} ends above it",
            counterexample={"arm": worst, "end loss minus plain Adam's": gaps[worst].mean},
            domain=f"{', '.join(avoided)}: {where}",
        )
    if not avoided:
        return Finding.silent(
            f"{detail}; no arm beats {formula.plain} beyond noise, so there is no bad optimum to "
            "avoid; the paper's scale would decide it"
        )
    open_ = {name: gap for name, gap in gaps.items() if name not in avoided}
    return Finding.silent(
        f"{detail}; beyond noise: {', '.join(avoided)}; open: "
        + ", ".join(f"{name} ({seeds_needed(gap)})" for name, gap in open_.items())
    )


@dataclass(frozen=True)
class RatesOverlap:
    """Accuracies of ``robust`` over the rates overlap within ``margin``; those of ``others`` spread more."""

    robust: str
    others: tuple[str, ...]
    margin: float


def check_rates(formula: RatesOverlap, context: Context) -> Finding:
    """Train every optimiser at every rate."""
    from varlab.tasks.experiments import robustness

    return decide_rates(formula, runs(robustness(steps=RATE_STEPS, seeds=RATE_SEEDS), context))


def decide_rates(formula: RatesOverlap, data: xr.Dataset) -> Finding:
    """Largest minus smallest held-out accuracy over the rates, per seed, compared in pairs."""
    from varlab.tasks.experiments.arms import RATES, at_rate
    from varlab.tasks.experiments.summary import accuracies, row, t_interval

    scores = accuracies(data)
    spreads = {}
    for name in (formula.robust, *formula.others):
        mine = np.stack([scores[row(data, at_rate(name, lr))] for lr in RATES])
        spreads[name] = mine.max(axis=0) - mine.min(axis=0)
    own = t_interval(spreads[formula.robust])
    gaps = {
        name: t_interval(spreads[name] - spreads[formula.robust], comparisons=len(formula.others))
        for name in formula.others
    }
    where = f"{LAPTOP_RESNET}, {data.sizes['step']} steps, {data.sizes['replica']} seeds"
    detail = (
        f"{where}; spread of accuracy over lr {', '.join(map(str, RATES))}: "
        + ", ".join(f"{name} {t_interval(s)}" for name, s in spreads.items())
        + f"; spread minus {formula.robust}'s: "
        + ", ".join(f"{name} {gap}" for name, gap in gaps.items())
    )
    if own.below(formula.margin) and all(gap.above(0) for gap in gaps.values()):
        return Finding.supports(detail, domain=where)
    opposite = [name for name, gap in gaps.items() if gap.below(0)]
    return Finding.silent(
        detail
        + (
            f"; reversed here for {', '.join(opposite)}: this task is learned at every rate within "
            "the run, which says nothing about the paper's"
            if opposite
            else f"; not shown here ({formula.robust} must stay below {formula.margin:.0%}, the "
            "others above it)"
        )
        + f"; {PAPER_RESNET} would decide it (depth=20, width=16, batch=128, data=CIFAR-10)"
    )


@dataclass(frozen=True)
class NeedsTuning:
    """Against RAdam, some warm-up length falls short by more than noise while the best does not."""

    rectified: str
    margin: float


def check_warmups(formula: NeedsTuning, context: Context) -> Finding:
    """Train RAdam and four warm-ups at four rates."""
    from varlab.tasks.experiments import warmup_tuning

    return decide_warmups(
        formula, runs(warmup_tuning(steps=WARMUP_STEPS, seeds=WARMUP_SEEDS), context)
    )


def decide_warmups(formula: NeedsTuning, data: xr.Dataset) -> Finding:
    """RAdam's accuracy minus each warm-up's, per rate and in pairs, Bonferroni over all of them."""
    from varlab.tasks.experiments.arms import RATES, at_rate
    from varlab.tasks.experiments.summary import accuracies, row, t_interval

    scores = accuracies(data)
    names = [str(arm) for arm in data["arm"].values]
    short, matching, lines = {}, {}, []
    for lr in RATES:
        suffix = at_rate("", lr)
        warm = [n for n in names if n.endswith(suffix) and not n.startswith(formula.rectified)]
        mine = scores[row(data, at_rate(formula.rectified, lr))]
        total = len(RATES) * len(warm)
        gaps = {n: t_interval(mine - scores[row(data, n)], comparisons=total) for n in warm}
        short[lr] = [n for n, gap in gaps.items() if gap.above(0)]
        matching[lr] = [n for n, gap in gaps.items() if gap.below(formula.margin)]
        lines.append("; ".join(f"{n} {gap}" for n, gap in gaps.items()))
    where = f"{LAPTOP_RESNET}, {data.sizes['step']} steps, {data.sizes['replica']} seeds"
    detail = f"{where}; RAdam's accuracy minus that of Adam with warm-up: {'; '.join(lines)}"
    if any(short[lr] and matching[lr] for lr in RATES):
        cases = [n for lr in RATES for n in short[lr]]
        return Finding.supports(f"{detail}. Falls short: {', '.join(cases)}", domain=where)
    if all(len(matching[lr]) > 0 and not short[lr] for lr in RATES):
        verdict = "no length falls short beyond noise, and at each rate one matches"
    else:
        verdict = f"no length both falls short beyond noise and has one that matches within {formula.margin:.0%}"
    return Finding.silent(
        f"{detail}; {verdict}. Warm-ups are scaled to this run; {PAPER_RESNET} with 100 to 1000 steps "
        "would decide it"
    )


@dataclass(frozen=True)
class HurtsMore:
    """Adam's unrectified steps hurt more at the place ``more`` than at the place ``less``."""

    more: str
    less: str


def check_first_steps(formula: HurtsMore, context: Context) -> Finding:
    """Train the three arms of Table 3."""
    from varlab.tasks.experiments import first_steps

    return decide_first_steps(
        formula, runs(first_steps(steps=FIRST_STEPS, seeds=FIRST_SEEDS), context)
    )


def decide_first_steps(formula: HurtsMore, data: xr.Dataset) -> Finding:
    """Paired differences of end loss and accuracy decide; the loss over the whole run is told beside."""
    from varlab.tasks.experiments.summary import accuracies, end_losses, row, t_interval

    more, less = row(data, formula.more), row(data, formula.less)
    ends, scores = end_losses(data), accuracies(data)
    whole = np.asarray(data["train_loss"].values).mean(axis=-1)
    loss = t_interval(ends[more] - ends[less], comparisons=FIRST_COMPARISONS)
    score = t_interval(scores[less] - scores[more], comparisons=FIRST_COMPARISONS)
    path = t_interval(np.where(np.isfinite(whole), whole, np.inf)[more] - whole[less])
    where = f"{LAPTOP_RESNET}, lr 0.1, {data.sizes['step']} steps, {data.sizes['replica']} seeds"
    detail = (
        f"{where}; {formula.more} against {formula.less}: end loss higher by {loss}, accuracy lower "
        f"by {score}; training loss over the whole run higher by {path}"
    )
    if (loss.above(0) and not score.below(0)) or (score.above(0) and not loss.below(0)):
        return Finding.supports(detail, domain=where)
    if (loss.below(0) and not score.above(0)) or (score.below(0) and not loss.above(0)):
        return Finding.refutes(
            detail,
            counterexample={
                "end loss, difference": loss.mean,
                "accuracy, difference": score.mean,
                "setting": where,
            },
        )
    return Finding.silent(
        f"{detail}; at the end, where the paper measures, the two do not differ beyond noise: the end "
        f"loss would take {seeds_needed(loss)}, the accuracy {seeds_needed(score)}, or the paper's "
        f"{PAPER_RESNET}"
    )


CLAIMS = (
    Claim(
        id="radam.fig1.controls",
        source="R Fig. 1",
        statement="warm-up, Adam-2k, Adam-eps and RAdam avoid plain Adam's bad optimum on a "
        "post-LayerNorm Transformer",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="6+6 layers of width 512, IWSLT'14 De-En, 70,000 steps",
        formula=AvoidsBadOptimum(
            "Adam", ("Adam with warm-up", "Adam-2k", "Adam-eps", "RAdam"), lr=1e-2
        ),
        checks=(training(check_controls),),
        equation=r"L_{\mathrm{control}}(T) < L_{\mathrm{Adam}}(T)",
    ),
    Claim(
        id="radam.fig6.robustness",
        source="R Fig. 6",
        statement="RAdam's curves overlap for lr 0.1, 0.03, 0.01, 0.003; Adam's and SGD's do not",
        kind=ClaimKind.EMPIRICAL,
        domain_stated=PAPER_RESNET,
        # One point of accuracy: about what R Fig. 6 shows between RAdam's own curves.
        formula=RatesOverlap("RAdam", ("SGD", "Adam"), margin=0.01),
        checks=(training(check_rates),),
        equation=r"\max_\alpha A(\alpha) - \min_\alpha A(\alpha) \approx 0",
    ),
    Claim(
        id="radam.fig7.warmup-tuning",
        source="R Fig. 7",
        statement="Adam with warm-up needs its length tuned (100, 200, 500, 1000) to match RAdam",
        kind=ClaimKind.EMPIRICAL,
        domain_stated=PAPER_RESNET,
        formula=NeedsTuning("RAdam", margin=0.01),
        checks=(training(check_warmups),),
        equation=r"\min_{T_w} A_{T_w} < A_{\mathrm{RAdam}} \le \max_{T_w} A_{T_w}",
    ),
    Claim(
        id="radam.table3",
        source="R Table 3",
        statement="Adam in steps 1-4 hurts more than Adam in steps 5-8 (RAdam otherwise)",
        kind=ClaimKind.EMPIRICAL,
        domain_stated=f"{PAPER_RESNET}, lr 0.1, 5 runs",
        formula=HurtsMore("Adam in steps 1-4", "SGD in 1-4, Adam in 5-8"),
        checks=(training(check_first_steps),),
        equation=r"L_{\mathrm{Adam},\,1..4}(T) > L_{\mathrm{Adam},\,5..8}(T)",
    ),
)
