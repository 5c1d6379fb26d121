"""The harness: paired arms, reproducible, resumable, honest about divergence."""

from functools import partial

import numpy as np
import pytest
import torch

from varlab.core import InputError
from varlab.tasks import builtin, training
from varlab.tasks.training import Arm, Experiment, train

ADAM = Arm("Adam", partial(torch.optim.Adam, lr=1e-2))
SGD = Arm("SGD", partial(torch.optim.SGD, lr=1e-1))


def experiment(*arms, steps=6, seeds=2, label="test"):
    return Experiment(label, builtin("mlp", hidden=8, layers=1), arms, steps, seeds)


def test_arms_share_initialisation_and_order_so_their_first_losses_agree():
    data = train(experiment(ADAM, SGD))
    assert data.train_loss.shape == (2, 2, 6)
    np.testing.assert_array_equal(data.train_loss[0, :, 0], data.train_loss[1, :, 0])
    assert not np.array_equal(data.train_loss[0, :, 1], data.train_loss[1, :, 1])
    assert set(data.data_vars) == {"train_loss", "test_loss", "test_accuracy"}


def test_runs_repeat_by_seed():
    first, again, other = (train(experiment(ADAM), seed=s) for s in (1, 1, 2))
    assert first.identical(again)
    assert not np.array_equal(first.train_loss, other.train_loss)


def test_a_schedule_is_stepped_once_a_step():
    freeze = Arm(
        "frozen after 2",
        partial(torch.optim.SGD, lr=0.1),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: float(t < 2)),
    )
    same = Arm(
        "frozen at once",
        partial(torch.optim.SGD, lr=0.0),
    )
    data = train(experiment(freeze, same, SGD, steps=4, seeds=1))
    frozen, still, moving = data.train_loss.values[:, 0]
    assert frozen[2] == moving[2]
    assert frozen[3] != moving[3]
    assert still[1] != moving[1]


def test_a_plateau_schedule_sees_mean_losses():
    seen = []

    class Plateau(torch.optim.lr_scheduler.ReduceLROnPlateau):
        def step(self, metrics, epoch=None):
            seen.append(metrics)
            super().step(metrics)

    arm = Arm("plateau", partial(torch.optim.SGD, lr=0.1), Plateau, plateau_every=3)
    losses = train(experiment(arm, steps=6, seeds=1)).train_loss.values[0, 0]
    np.testing.assert_allclose(seen, [losses[:3].mean(), losses[3:].mean()])


def test_clipping_bounds_the_step():
    clipped = Arm("clipped", partial(torch.optim.SGD, lr=1.0), clip=1e-9)
    losses = train(experiment(clipped, SGD, steps=2, seeds=1)).train_loss.values[:, 0]
    still = train(experiment(Arm("no step", partial(torch.optim.SGD, lr=0.0)), steps=2, seeds=1))
    np.testing.assert_allclose(losses[0], still.train_loss.values[0, 0], rtol=1e-6)


def test_divergence_is_marked_and_not_evaluated():
    wild = Arm("wild", partial(torch.optim.SGD, lr=1e30))
    data = train(experiment(wild, ADAM, steps=6, seeds=1))
    assert np.isnan(data.train_loss.values[0, 0, -1])
    assert np.isnan(data.test_loss.values[0, 0])
    assert np.isfinite(data.test_loss.values[1, 0])


def test_a_killed_experiment_goes_on_to_the_same_result(tmp_path, monkeypatch):
    whole = train(experiment(ADAM, SGD))
    done = []
    run = training.run_arm

    def killed(*arguments):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return run(*arguments)

    monkeypatch.setattr(training, "run_arm", killed)
    with pytest.raises(KeyboardInterrupt):
        train(experiment(ADAM, SGD), out=tmp_path / "runs")
    done[:] = [1, 1]
    resumed = train(experiment(ADAM, SGD), out=tmp_path / "runs")
    assert len(done) == 3, "only the missing run was made"
    assert resumed.identical(whole)


def test_foreign_and_damaged_stores_are_left_alone(tmp_path):
    train(experiment(ADAM), out=tmp_path / "runs")
    with pytest.raises(InputError, match="holds another experiment: "):
        train(experiment(ADAM, steps=7), out=tmp_path / "runs")
    (tmp_path / "runs" / "run-0-1.json").write_text("{")
    with pytest.raises(InputError, match="is damaged; remove it"):
        train(experiment(ADAM), out=tmp_path / "runs")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="is not empty and holds no experiment"):
        train(experiment(ADAM), out=tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps must be an integer >= 1; got 0"),
        ({"seeds": 0}, "seeds must be an integer >= 1; got 0"),
    ],
)
def test_bad_experiments_are_one_clear_line(change, message):
    with pytest.raises(InputError, match=message):
        experiment(ADAM, **change)
    with pytest.raises(InputError, match="arms must have names that differ"):
        experiment(ADAM, ADAM)


def test_what_the_factory_refuses_leaves_no_store(tmp_path):
    wrong = Experiment("test", builtin("mlp", batch=0), (ADAM,), 6, 2)
    with pytest.raises(InputError):
        train(wrong, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
