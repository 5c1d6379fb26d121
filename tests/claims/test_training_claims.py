"""The claims decided by training: planted results in, the right finding out; runs survive a kill."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from varlab.audit.protocol import Assumption
from varlab.claims import gradients, pooling, registry, training_runs
from varlab.claims.trained import runs, seeds_needed
from varlab.core import Budget, Context, EvidenceKind, Verdict
from varlab.tasks import training
from varlab.tasks.experiments import first_steps
from varlab.tasks.experiments.arms import RATES, at_rate
from varlab.tasks.experiments.summary import Interval

CLAIMS = registry.collect()
SEEDS = 8
TRAINED = [c for c in CLAIMS.values() if all(k.budget is Budget.FULL for k in c.checks)]


def planted(ends, scores=None, noise=0.01):
    """A dataset whose arms end at the given losses and accuracies, up to a little noise."""
    rng = np.random.default_rng(7)
    shape = (len(ends), SEEDS, 20)
    losses = np.array(list(ends.values()))[:, None, None] + noise * rng.standard_normal(shape)
    variables = {"train_loss": (("arm", "replica", "step"), losses)}
    if scores is not None:
        spread = noise * rng.standard_normal(shape[:2])
        variables["test_accuracy"] = (("arm", "replica"), np.array(scores)[:, None] + spread)
    return xr.Dataset(variables, coords={"arm": list(ends)})


def test_training_waits_for_the_full_budget_and_is_of_its_kind():
    assert len(TRAINED) == 7
    for claim in TRAINED:
        assert claim.decide().verdict is Verdict.NOT_RUN
        assert {check.kind for check in claim.checks} == {EvidenceKind.TRAINING}


CONTROLS = CLAIMS["radam.fig1.controls"].formula


@pytest.mark.parametrize(
    ("ends", "agrees"),
    [
        ([3.0, 2.0, 2.0, 2.0, 2.0], True),
        ([3.0, 2.0, 2.0, 2.0, 4.0], False),  # one control worse than plain Adam
        ([3.0, 3.0, 3.0, 3.0, 3.0], None),  # no bad optimum to avoid
        ([3.0, 2.0, 3.0, 2.0, 2.0], None),  # one control no better
        ([3.0, 4.0, 4.0, 4.0, 4.0], None),  # plain Adam is the best
    ],
)
def test_controls(ends, agrees):
    names = (CONTROLS.plain, *CONTROLS.controls)
    finding = training_runs.decide_controls(CONTROLS, planted(dict(zip(names, ends, strict=True))))
    assert finding.agrees is agrees


def rate_data(spreads):
    """Accuracies that fall by the optimiser's spread from the first to the last rate."""
    scores = {
        at_rate(name, lr): 0.97 - spread * i / (len(RATES) - 1)
        for name, spread in spreads.items()
        for i, lr in enumerate(RATES)
    }
    return planted(dict.fromkeys(scores, 0.1), list(scores.values()), noise=0.0005)


@pytest.mark.parametrize(
    ("spreads", "agrees"),
    [
        ({"SGD": 0.1, "Adam": 0.05, "RAdam": 0.0}, True),
        ({"SGD": 0.1, "Adam": 0.05, "RAdam": 0.03}, None),  # RAdam's own do not overlap
        ({"SGD": 0.0, "Adam": 0.05, "RAdam": 0.0}, None),  # SGD's overlap as well
        ({"SGD": 0.0, "Adam": 0.0, "RAdam": 0.1}, None),  # reversed, on another task
    ],
)
def test_rates(spreads, agrees):
    formula = CLAIMS["radam.fig6.robustness"].formula
    assert training_runs.decide_rates(formula, rate_data(spreads)).agrees is agrees


@pytest.mark.parametrize(
    ("short", "agrees"),
    [((0.05, 0.0), True), ((0.0, 0.0), None), ((0.05, 0.05), None), ((-0.05, -0.05), None)],
)
def test_warmups(short, agrees):
    scores = {}
    for lr in RATES:
        scores[at_rate("RAdam", lr)] = 0.95
        for length, loss in zip((10, 100), short, strict=True):
            scores[at_rate(f"warm-up {length}", lr)] = 0.95 - loss
    data = planted(dict.fromkeys(scores, 0.1), list(scores.values()), noise=0.0005)
    formula = CLAIMS["radam.fig7.warmup-tuning"].formula
    assert training_runs.decide_warmups(formula, data).agrees is agrees


@pytest.mark.parametrize(
    ("ends", "scores", "agrees"),
    [
        ([0.1, 0.4, 0.2], [0.95, 0.90, 0.93], True),
        ([0.1, 0.2, 0.4], [0.95, 0.93, 0.90], False),
        ([0.1, 0.2, 0.2], [0.95, 0.93, 0.93], None),
        ([0.1, 0.4, 0.2], [0.95, 0.98, 0.90], None),  # loss and accuracy contradict each other
    ],
)
def test_first_steps(ends, scores, agrees):
    formula = CLAIMS["radam.table3"].formula
    data = planted(
        dict(zip(("RAdam", formula.more, formula.less), ends, strict=True)), scores, 1e-3
    )
    assert training_runs.decide_first_steps(formula, data).agrees is agrees


def test_distortion():
    formula = CLAIMS["radam.fig2.distortion"].formula
    noise = 0.05 * np.random.default_rng(3).standard_normal((2, SEEDS))
    for shifts, agrees in (
        ((-3.0, -1.0), True),
        ((-0.2, -0.1), False),  # hardly moves
        ((-3.0, -3.0), None),  # moves with warm-up as well
    ):
        planted_shifts = dict(
            zip((formula.arm, formula.control), np.array(shifts)[:, None] + noise, strict=True)
        )
        assert gradients.decide_distortion(formula, planted_shifts).agrees is agrees


def audit(**verdicts):
    """What the decision reads of an audit, with one tested layer."""

    def word(value):
        return SimpleNamespace(value=value)

    results = {
        Assumption(name): SimpleNamespace(
            verdict=word(v), effect_name="effect", effect=2.0, ci=(1.5, 2.5), band=(-1.0, 1.0)
        )
        for name, v in verdicts.items()
    }
    layer = SimpleNamespace(layer="head", assumptions=results)
    return SimpleNamespace(model=results, tested_layers=(layer,))


def test_assumptions():
    formula = gradients.EarlyGradients(("zero-mean", "normality"), steps=4)
    holds, bad = {"zero-mean": "holds"}, {"zero-mean": "violated"}
    cases = (
        ({**holds, "normality": "holds"}, True),
        ({**holds, "normality": "undecided"}, None),
        ({**bad, "normality": "holds"}, False),
    )
    for verdicts, agrees in cases:
        finding = gradients.decide_assumptions(formula, {"task": audit(**verdicts)})
        assert finding.agrees is agrees
    assert finding.counterexample["layer"] == "head"


def test_pooled_recordings_differ_although_their_histograms_do_not():
    iid = np.random.default_rng(0).standard_normal((50, 2, 6)) * np.arange(1, 7)
    for other, _ in pooling.constructions(iid).values():
        np.testing.assert_array_equal(pooling.pooled(other), pooling.pooled(iid))
        assert not np.array_equal(other, iid)


def test_finished_runs_are_not_repeated(tmp_path, monkeypatch):
    context = Context(seed=1, claim="radam.table3", store=tmp_path)
    experiment = first_steps(steps=3, seeds=1, width=2, batch=8)
    first = runs(experiment, context)
    monkeypatch.setattr(training, "run_arm", lambda *a: pytest.fail("a finished run was repeated"))
    assert runs(experiment, context).identical(first)
    monkeypatch.undo()
    other = runs(first_steps(steps=2, seeds=1, width=2, batch=8), context)
    assert other.sizes["step"] == 2


def test_seeds_that_would_decide():
    # Half width 1 over 4 seeds shrinks like the root of their number: a mean of 0.5 takes 16.
    assert seeds_needed(Interval(0.5, -0.5, 1.5, 4)) == "some 16 seeds"
    assert seeds_needed(Interval(0.0, -1.0, 1.0, 4)) == "more than 1000 seeds"
    assert "diverged" in seeds_needed(Interval(float("nan"), -np.inf, np.inf, 4))
