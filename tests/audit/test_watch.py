"""Watching changes no bit of training, and records what the optimiser is about to square."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from varlab.audit.recorder.storage import load
from varlab.audit.recorder.tap import ROWS
from varlab.audit.recorder.watch import watch
from varlab.core import InputError
from varlab.tasks import build, builtin


def train(task, steps, during=lambda task: None):
    torch.manual_seed(0)
    for _, batch in zip(range(steps), task.batches, strict=False):
        task.optimizer.zero_grad()
        task.loss(task.model, batch).backward()
        during(task)
        task.optimizer.step()


def state(task):
    return [t.clone() for t in task.model.state_dict().values()]


def small():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def step(model, optimizer, scale=1.0):
    optimizer.zero_grad()
    inputs = torch.arange(6.0).reshape(2, 3)
    (scale * model(inputs).square().mean()).backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {}),
        ("resnet20", {"depth": 8, "width": 4}),
        ("lstm-lm", {"dropout": 0.3, "length": 8}),
        ("transformer-lm", {"dropout": 0.3, "length": 8}),
    ],
)
def test_training_is_bit_identical_with_and_without(name, options):
    plain, watched = (build(builtin(name, **options), 3) for _ in range(2))
    train(plain, 20)
    with watch(watched.model, watched.optimizer) as recording:
        train(watched, 20)
    for a, b in zip(state(plain), state(watched), strict=True):
        assert torch.equal(a, b)
    assert recording.gradients.shape[:2] == (1, 20)
    assert np.isfinite(recording.gradients).all()


def test_the_recorded_values_are_the_gradients():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    seen = []
    optimizer.register_step_pre_hook(
        lambda *_: seen.append(torch.cat([p.grad.flatten() for p in model.parameters()]).clone())
    )
    recording = watch(model, optimizer, coordinates=1000)
    for _ in range(3):
        step(model, optimizer)
    recording.close()
    step(model, optimizer)
    np.testing.assert_array_equal(recording.gradients[0], torch.stack(seen[:3]).numpy())
    assert recording.layers == ("0.weight", "0.bias", "2.weight", "2.bias")


def test_clipping_and_accumulation_come_before():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer, coordinates=1000) as recording:
        optimizer.zero_grad()
        for _ in range(2):
            model(torch.ones(1, 3)).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        optimizer.step()
    assert np.linalg.norm(recording.gradients) == pytest.approx(1e-3, rel=1e-4)


@pytest.mark.parametrize(
    ("optimizer", "coupled"),
    [
        (lambda p: torch.optim.Adam(p, weight_decay=0.5), True),
        (lambda p: torch.optim.AdamW(p, weight_decay=0.5), False),
        (lambda p: torch.optim.RAdam(p, weight_decay=0.5, decoupled_weight_decay=True), False),
        (lambda p: torch.optim.Adam(p, weight_decay=0.5, maximize=True), True),
    ],
)
def test_the_record_is_what_enters_the_second_moment(optimizer, coupled):
    """exp_avg_sq after the first step is (1 - beta2) times the square of what was recorded."""
    model = small()
    opt = optimizer(list(model.parameters()))
    with watch(model, opt, coordinates=1000) as recording:
        step(model, opt)
    v = torch.cat([opt.state[p]["exp_avg_sq"].flatten() for p in model.parameters()])
    np.testing.assert_allclose(recording.gradients[0, 0] ** 2 * 0.001, v.numpy(), rtol=1e-4)
    plain = torch.cat([p.grad.flatten() for p in model.parameters()]).numpy()
    assert np.allclose(np.abs(recording.gradients[0, 0]), np.abs(plain)) != coupled


def test_the_scale_of_a_fused_optimizer_is_undone():
    """GradScaler hands the scale to a fused optimiser instead of unscaling: imitate it."""
    model = small()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    with watch(model, optimizer, coordinates=1000) as recording:
        step(model, optimizer)
        reference = copy.deepcopy(recording.gradients)
    again = small()
    optimizer = torch.optim.Adam(again.parameters(), fused=True)
    with watch(again, optimizer, coordinates=1000) as recording:
        optimizer.grad_scale = torch.tensor(1024.0)
        optimizer.found_inf = torch.tensor(0.0)
        step(again, optimizer, scale=1024.0)
    np.testing.assert_allclose(recording.gradients, reference, rtol=1e-6)


def test_a_closure_is_recorded_after_it_ran():
    model = small()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    evaluations = []

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(1, 3)).square().sum()
        loss.backward()
        evaluations.append(torch.cat([p.grad.flatten() for p in model.parameters()]).clone())
        return loss

    with watch(model, optimizer, coordinates=1000) as recording:
        optimizer.step(closure)
    assert len(evaluations) > 1
    np.testing.assert_array_equal(recording.gradients[0, 0], evaluations[0].numpy())


def test_frozen_unused_and_late_parameters_have_a_status():
    model = small()
    model[0].bias.requires_grad_(False)
    model.register_parameter("unused", nn.Parameter(torch.ones(3)))
    optimizer = torch.optim.Adam(p for p in model.parameters() if p.requires_grad)
    with watch(model, optimizer) as recording:
        step(model, optimizer)
    assert recording.statuses == {"0.bias": "no-gradient", "unused": "no-gradient(step 1)"}


def test_sparse_gradients_have_a_status():
    model = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SparseAdam(model.parameters())
    with watch(model, optimizer) as recording:
        model(torch.tensor([1])).sum().backward()
        optimizer.step()
    assert recording.statuses == {"weight": "sparse(step 1)"}


def test_tied_weights_are_recorded_once():
    model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
    model["b"].weight = model["a"].weight
    recording = watch(model, torch.optim.Adam(model.parameters()))
    model["b"](model["a"](torch.ones(1, 3))).sum().backward()
    recording._feed.tap.optimizer.step()
    assert recording.layers == ("a.weight", "a.bias", "b.bias")


def test_autocast_and_bfloat16_gradients_are_recorded():
    model = small().to(torch.bfloat16)
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer) as recording, torch.autocast("cpu", dtype=torch.bfloat16):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    assert recording.gradients.dtype == np.float32
    assert np.isfinite(recording.gradients).all()


def test_float64_models_are_recorded_in_float64():
    model = small().double()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer) as recording:
        model(torch.ones(1, 3).double()).sum().backward()
        optimizer.step()
    assert recording.gradients.dtype == np.float64


def test_the_prefix_of_compiled_models_is_dropped():
    class Compiled(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self._orig_mod = inner

    model = Compiled(small())
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer, select="0.*") as recording:
        step(model._orig_mod, optimizer)
    assert recording.layers == ("0.weight", "0.bias")


def test_the_model_keeps_no_trace():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    before = pickle.dumps(model)
    recording = watch(model, optimizer)
    assert pickle.dumps(model) == before
    recording.close()
    recording.close()
    assert not optimizer._optimizer_step_pre_hooks
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())


def test_every_records_every_so_many_steps():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer, every=3) as recording:
        for _ in range(8):
            step(model, optimizer)
    assert recording.steps.tolist() == [1, 4, 7]


def test_counts_may_be_numpys():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer, every=np.int64(2), coordinates=np.int32(1)) as recording:
        for _ in range(3):
            step(model, optimizer)
    assert recording.gradients.shape == (1, 2, 4)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_parameters_without_elements_have_a_status():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 0))
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer) as recording:
        model[0](torch.ones(1, 3)).sum().backward()
        optimizer.step()
    assert recording.statuses == {"1.weight": "empty", "1.bias": "empty"}
    with pytest.raises(InputError, match=r"matches '1\.\*' and is updated has elements"):
        watch(model, optimizer, select="1.*")


def test_a_selection_does_not_move_another_layers_coordinates():
    model = nn.Sequential(nn.Linear(40, 40), nn.Linear(40, 40))
    optimizer = torch.optim.Adam(model.parameters())
    everything = watch(model, optimizer, coordinates=5)
    some = watch(model, optimizer, select="1.weight", coordinates=5)
    model(torch.randn(2, 40)).square().sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(everything.layer("1.weight"), some.layer("1.weight"))


def test_a_store_is_readable_while_training_and_after_a_kill(tmp_path):
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    recording = watch(model, optimizer, path=tmp_path / "run.zarr", coordinates=4)
    for _ in range(20):
        step(model, optimizer)
    alive = load(tmp_path / "run.zarr")  # as after a kill: nothing was closed
    assert alive.gradients.shape[1] >= 16
    assert not alive.dataset.attrs["complete"]
    recording.close()
    whole = load(tmp_path / "run.zarr")
    assert whole.gradients.shape[1] == 20
    np.testing.assert_array_equal(whole.gradients[:, : alive.gradients.shape[1]], alive.gradients)
    np.testing.assert_array_equal(recording.gradients, whole.gradients)


def test_a_status_is_on_disk_before_the_rows_that_it_explains(tmp_path):
    model = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = watch(model, optimizer, path=tmp_path / "run.zarr")
    for _ in range(20):
        model(torch.tensor([1])).sum().backward()
        optimizer.step()
    alive = load(tmp_path / "run.zarr")  # as after a kill: nothing was closed
    assert alive.statuses == {"weight": "sparse(step 1)"}
    recording.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": "no.*"}, r"no parameter matches 'no\.\*'; the model has 0\.weight"),
        ({"coordinates": 0}, "coordinates must be an integer >= 1; got 0"),
        ({"every": 0}, "every must be an integer >= 1; got 0"),
    ],
)
def test_bad_requests_are_one_clear_line(options, message):
    model = small()
    with pytest.raises(InputError, match=message):
        watch(model, torch.optim.Adam(model.parameters()), **options)


def test_an_optimizer_of_another_model_is_refused():
    with pytest.raises(InputError, match="pass the optimizer that trains the model"):
        watch(small(), torch.optim.Adam(small().parameters()))


def test_reading_before_the_first_step_is_refused():
    model = small()
    recording = watch(model, torch.optim.Adam(model.parameters()))
    with pytest.raises(InputError, match="nothing recorded yet"):
        _ = recording.gradients


def test_an_existing_store_is_left_alone(tmp_path):
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    (tmp_path / "run.zarr").mkdir()
    with pytest.raises(InputError, match="exists"):
        watch(model, optimizer, path=tmp_path / "run.zarr")
    assert not optimizer._optimizer_step_pre_hooks


def test_rows_survive_those_that_come_after():
    """The tap writes its rows in turn: what was recorded must be copied before they are used again."""
    steps = 2 * ROWS + 5
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    with watch(model, optimizer, coordinates=8) as recording:
        for step in range(steps):
            optimizer.zero_grad()
            model(torch.full((1, 2), float(step))).sum().backward()
            seen.append(torch.cat([p.grad.flatten() for p in model.parameters()]).clone())
            optimizer.step()
            if step == ROWS + 2:  # reading half way changes nothing
                assert recording.dataset.sizes["step"] == ROWS + 3
    expected = torch.stack(seen).numpy()
    np.testing.assert_array_equal(recording.dataset["gradients"].values[0], expected)
