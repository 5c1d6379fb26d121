"""The sources' experiments: they build, their arms are paired, they run, and their summaries are right."""

import numpy as np
import pytest
import torch
import xarray as xr

from varlab.core import DomainError, InputError
from varlab.optim import RAdam
from varlab.tasks import builtin
from varlab.tasks.experiments import EXPERIMENTS, controls, first_steps, warmup_tuning
from varlab.tasks.experiments.first_steps import RAdamWithAdamSteps
from varlab.tasks.experiments.gradients import gradients_at, log_sizes
from varlab.tasks.experiments.initialisation import normal_weights
from varlab.tasks.experiments.summary import accuracies, curve, end_losses, t_interval
from varlab.tasks.experiments.warmup_tuning import scaled_lengths
from varlab.tasks.training import train

# The smallest model each task has, so that all of them run in seconds.
TINY = {
    "controls": {"layers": 1, "width": 8, "feedforward": 8, "batch": 4},
    "schedules": {"layers": 1, "width": 8, "feedforward": 8, "batch": 4},
    "language-model": {"hidden": 8, "embedding": 8, "layers": 1, "batch": 4},
    "image": {"width": 2, "batch": 8},
    "robustness": {"width": 2, "batch": 8, "rates": (0.1, 0.01)},
    "warmup-tuning": {"width": 2, "batch": 8, "rates": (0.1,), "lengths": (1, 2)},
    "first-steps": {"width": 2, "batch": 8},
    "lenet-decay": {"batch": 8},
}
STEPS = {"controls": 5, "schedules": 5}  # their warm-ups are shares of the run


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_with_paired_arms(name):
    steps = STEPS.get(name, 3)
    experiment = EXPERIMENTS[name](steps=steps, seeds=2, **TINY[name])
    data = train(experiment, seed=3)
    losses = data.train_loss.values
    assert losses.shape == (len(experiment.arms), 2, steps)
    assert np.isfinite(losses[..., 0]).all()
    # The same initialisation and first batch in all arms, another one with another seed.
    assert np.unique(losses[:, 0, 0]).size == 1
    assert losses[0, 0, 0] != losses[0, 1, 0]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_sizes_are_options_and_part_of_the_label(name):
    small, large = EXPERIMENTS[name](), EXPERIMENTS[name](batch=7)
    assert small.label != large.label
    with pytest.raises(InputError, match="has no option"):
        EXPERIMENTS[name](bogus=1)


def test_runs_in_processes_are_the_same_runs():
    experiment = first_steps(steps=4, seeds=2, width=2, batch=8)
    assert train(experiment, jobs=2).identical(train(experiment, jobs=1))


def _steps_of(optimiser, rows):
    parameter = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    made = optimiser([parameter])
    moves = []
    for row in rows:
        before = parameter.detach().clone()
        parameter.grad = torch.tensor(row)
        made.step()
        moves.append((parameter.detach() - before).numpy())
    return np.array(moves)


def test_adam_steps_are_adams_and_the_others_radams():
    rows = np.random.default_rng(0).standard_normal((12, 3))
    mixed = _steps_of(lambda p: RAdamWithAdamSteps(p, 0.1, adam_steps=(5, 6)), rows)
    radam = _steps_of(lambda p: RAdam(p, 0.1), rows)
    adam = _steps_of(lambda p: torch.optim.Adam(p, 0.1), rows)
    # Gradients are given, so that all three have the same moments: each step can be compared.
    same = {"rtol": 1e-12}
    np.testing.assert_allclose(mixed[4:6], adam[4:6], **same)
    np.testing.assert_allclose(np.delete(mixed, [4, 5], 0), np.delete(radam, [4, 5], 0), **same)
    assert not np.allclose(radam[4:6], adam[4:6])


def test_normal_weights_are_normal_of_the_same_size_and_repeat():
    plain = builtin("mlp")(4)
    normal, again = (normal_weights("mlp", {}, 4) for _ in range(2))
    for before, after, repeated in zip(
        *(t.model.parameters() for t in (plain, normal, again)), strict=True
    ):
        assert torch.equal(after, repeated)
        if before.ndim == 1:
            assert torch.equal(before, after)
        elif before.numel() > 4000:
            # Excess kurtosis of 4096 normals: standard error 0.077, six of them; a uniform has -1.2.
            x = (after / after.square().mean().sqrt()).detach()
            assert abs(float((x**4).mean()) - 3) < 6 * 0.077
            assert float((after.std() / before.std()).detach()) == pytest.approx(
                1, abs=6 / (2 * 4096) ** 0.5
            )


def test_warmup_lengths_keep_the_papers_proportions():
    assert scaled_lengths(2000) == (100, 200, 500, 1000)
    assert scaled_lengths(200) == (10, 20, 50, 100)
    names = [arm.name for arm in warmup_tuning(steps=200).arms]
    assert len(names) == 4 * 5
    assert "warm-up 50, lr 0.03" in names


def test_too_short_a_run_for_its_shares_is_refused():
    with pytest.raises(DomainError, match="steps must be an integer >= 5"):
        controls(steps=4)


def test_gradients_are_those_of_the_trained_runs():
    experiment = controls(steps=10, seeds=2, **TINY["controls"])
    plain, warmed = (gradients_at(experiment, arm, steps=(1, 3)) for arm in experiment.arms[:2])
    assert plain.shape[:2] == (2, 2)
    np.testing.assert_array_equal(plain[:, 0], warmed[:, 0])
    assert not np.array_equal(plain[:, 1], warmed[:, 1])
    assert log_sizes(np.zeros(1, dtype=np.float32))[0] == pytest.approx(np.log(1e-9))


def planted(losses, accuracy=None):
    losses = np.asarray(losses, dtype=float)
    variables = {"train_loss": (("arm", "replica", "step"), losses)}
    if accuracy is not None:
        variables["test_accuracy"] = (("arm", "replica"), np.asarray(accuracy))
    return xr.Dataset(variables, coords={"arm": [f"a{i}" for i in range(len(losses))]})


def test_a_diverged_run_ends_at_infinity_and_guesses():
    data = planted([[[1.0, 2.0], [1.0, np.nan]]], [[0.9, np.nan]])
    np.testing.assert_array_equal(end_losses(data), [[2.0, np.inf]])
    np.testing.assert_array_equal(accuracies(data), [[0.9, 0.1]])
    interval = t_interval(end_losses(data)[0])
    assert not interval.above(0)
    assert not interval.below(0)


def test_a_curve_averages_windows_over_seeds():
    data = planted([[[4.0, 4.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]])
    assert curve(data, "a0", points=2)["mean"] == [2.5, 1.0]
    assert curve(data, "a0", points=2, logarithmic=True)["mean"] == pytest.approx([2.0, 1.0])
    assert curve(data, "a0", points=2)["step"] == [1.5, 3.5]


def test_a_curve_has_a_gap_where_a_loss_has_no_logarithm():
    data = planted([[[4.0, 4.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]])
    assert curve(data, "a0", points=2)["mean"] == [2.5, 0.5]
    assert curve(data, "a0", points=2, logarithmic=True)["low"][1] is None


def test_the_interval_covers_as_often_as_it_says():
    # 4000 samples of 4 normals: coverage has a standard error of 0.35%; four of them are allowed,
    # a false-fail rate of 6e-5, and a normal interval in place of t (cover 85%) is 29 away.
    rng = np.random.default_rng(1)
    intervals = [t_interval(x) for x in rng.standard_normal((4000, 4))]
    cover = np.mean([i.low < 0 < i.high for i in intervals])
    assert abs(cover - 0.95) < 4 * 0.0035
