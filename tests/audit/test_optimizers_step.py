"""What optimisers do in step(): hooks, weight decay, skipped steps, groups that change under way."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from varlab.audit.recorder.recording import QUANTITY
from varlab.audit.recorder.storage import load
from varlab.audit.recorder.watch import watch
from varlab.audit.recorder.weight_decay import WITHOUT_DECAY, convention
from varlab.core import InputError
from varlab.optim import LAMB, SGD, Adam2k, Algorithm1, RAdam, pairs

DECAY = 0.5


def small():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def gradients(model, scale=1.0):
    model.zero_grad()
    (scale * model(torch.arange(6.0).reshape(2, 3)).square().mean()).backward()


def plain(model):
    return torch.cat([p.grad.flatten() for p in model.parameters()]).numpy().copy()


class OwnAdamW(torch.optim.Optimizer):
    """A user's optimiser, which keeps weight decay out of the moments."""

    def __init__(self, params, lr=1e-3, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * p.grad.sign())


class OwnStep(torch.optim.Adam):
    """Decays beside the step, whatever its parent's groups say."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["weight_decay"])


class OwnName(torch.optim.Adam):
    """Nothing of its own in step()."""


CONVENTIONS = [
    (lambda p: torch.optim.Adam(p, weight_decay=DECAY), "coupled"),
    (lambda p: OwnName(p, weight_decay=DECAY), "coupled"),
    (lambda p: torch.optim.SGD(p, weight_decay=DECAY), "coupled"),
    (lambda p: torch.optim.RMSprop(p, weight_decay=DECAY), "coupled"),
    (lambda p: SGD(p, lr=0.1, weight_decay=DECAY), "coupled"),
    (lambda p: RAdam(p, weight_decay=DECAY), "coupled"),
    (lambda p: Adam2k(p, weight_decay=DECAY), "coupled"),
    (lambda p: Algorithm1(p, pairs.adam(), lr=0.1, weight_decay=DECAY), "coupled"),
    (lambda p: torch.optim.AdamW(p, weight_decay=DECAY), "decoupled"),
    (lambda p: torch.optim.Adafactor(p, weight_decay=DECAY), "decoupled"),
    (lambda p: LAMB(p, weight_decay=DECAY), "decoupled"),
    (lambda p: OwnAdamW(p, weight_decay=DECAY), "unknown"),
    (lambda p: OwnStep(p, weight_decay=DECAY), "unknown"),
]


@pytest.mark.parametrize(("make", "expected"), CONVENTIONS)
def test_weight_decay_is_added_where_it_is_known_to_be(make, expected):
    model = small()
    optimizer = make(list(model.parameters()))
    with watch(model, optimizer, coordinates=1000) as recording:
        gradients(model)
        raw = plain(model)
        weights = nn.utils.parameters_to_vector(model.parameters()).detach().numpy().copy()
        optimizer.step()
    added = DECAY * weights if expected == "coupled" else 0
    np.testing.assert_allclose(recording.gradients[0, 0], raw + added, rtol=1e-6, atol=1e-7)
    known = QUANTITY if expected != "unknown" else WITHOUT_DECAY
    assert recording.dataset.attrs["quantity"] == known


@pytest.mark.parametrize("said", ["coupled", "decoupled"])
def test_the_convention_of_an_optimizer_of_ones_own_can_be_said(said):
    model = small()
    optimizer = OwnAdamW(model.parameters(), weight_decay=DECAY)
    with watch(model, optimizer, coordinates=1000, weight_decay=said) as recording:
        gradients(model)
        raw = plain(model)
        optimizer.step()
    assert np.allclose(recording.gradients[0, 0], raw) == (said == "decoupled")
    assert recording.dataset.attrs["quantity"] == QUANTITY


def test_an_unknown_convention_without_decay_leaves_nothing_open():
    model = small()
    optimizer = OwnAdamW(model.parameters())
    assert convention(optimizer) == "unknown"
    with watch(model, optimizer) as recording:
        gradients(model)
        optimizer.step()
    assert recording.dataset.attrs["quantity"] == QUANTITY


def test_another_word_for_the_convention_is_refused():
    model = small()
    with pytest.raises(
        InputError, match=r"weight_decay must be 'coupled' or 'decoupled'; got 0\.1"
    ):
        watch(model, torch.optim.Adam(model.parameters()), weight_decay=0.1)


@pytest.mark.parametrize("stored", [False, True])
def test_steps_skipped_on_overflow_are_counted_and_not_recorded(tmp_path, stored):
    model = small()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    seen = []
    recording = watch(
        model, optimizer, coordinates=1000, path=tmp_path / "run.zarr" if stored else None
    )
    for overflow in (True, False, False, True, True):
        model.zero_grad()
        loss = model(torch.arange(6.0).reshape(2, 3)).square().mean()
        scaled = scaler.scale(loss) * (float("inf") if overflow else 1.0)
        scaled.backward()
        if not overflow:
            seen.append(plain(model) / scaler.get_scale())
        scaler.step(optimizer)
        scaler.update()
    assert recording.dataset.attrs["skipped_steps"] == 3  # while it grows
    recording.close()
    assert recording.dataset.attrs["skipped_steps"] == 3
    assert recording.steps.tolist() == [1, 2]
    assert recording.statuses == {}
    np.testing.assert_allclose(recording.gradients[0], np.stack(seen), rtol=1e-5, atol=1e-8)
    # v_t saw two steps, and so does Adam count.
    assert {int(state["step"]) for state in optimizer.state.values()} == {2}


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.z = nn.Parameter(torch.randn(3, dtype=torch.complex64))
        self.w = nn.Parameter(torch.randn(2))

    def forward(self):
        return (self.z * (1 + 2j)).abs().square().sum() + (self.z.imag.sum() * self.w.sum())


@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.filterwarnings("error")
def test_complex_parameters_are_two_real_coordinates_each(decay):
    model = Complex()
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=decay)
    with watch(model, optimizer) as recording:
        model().backward()
        optimizer.step()
    v = torch.view_as_real(optimizer.state[model.z]["exp_avg_sq"]).flatten().numpy()
    assert recording.layer("z").shape == (1, 1, 6)
    np.testing.assert_allclose(recording.layer("z")[0, 0] ** 2 * 0.001, v, rtol=1e-4)
    assert recording.statuses == {}


def test_complex128_is_recorded_in_float64():
    model = Complex()
    model.z = nn.Parameter(model.z.detach().to(torch.complex128))
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer, select="z") as recording:
        model().backward()
        optimizer.step()
    assert recording.gradients.dtype == np.float64
    parts = torch.view_as_real(model.z.grad).flatten().numpy()
    np.testing.assert_array_equal(recording.gradients[0, 0], parts)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("how", ["unfrozen", "group added"])
def test_parameters_that_are_updated_later_are_recorded_from_then_on(tmp_path, how, stored):
    model = small()
    late = list(model[0].parameters())
    if how == "unfrozen":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    else:
        optimizer = torch.optim.Adam(model[2].parameters(), lr=0.01)
    for parameter in late:
        parameter.requires_grad_(False)
    place = tmp_path / "run.zarr" if stored else None
    with watch(model, optimizer, coordinates=1000, path=place) as recording:
        for step in range(1, 40):
            if step == 36:  # the tap's rows have all been used once
                for parameter in late:
                    parameter.requires_grad_(True)
                if how == "group added":
                    optimizer.add_param_group({"params": late})
            gradients(model)
            optimizer.step()
            if step == 35:
                assert recording.statuses == {"0.weight": "no-gradient", "0.bias": "no-gradient"}
    assert recording.statuses == {"0.weight": "late(step 36)", "0.bias": "late(step 36)"}
    first = recording.layer("0.weight")[0]
    assert np.isnan(first[:35]).all()
    assert np.isfinite(first[35:]).all()
    np.testing.assert_array_equal(first[-1], model[0].weight.grad.flatten().numpy())
    assert np.isfinite(recording.layer("2.weight")).all()


def test_a_group_added_before_the_first_step_is_recorded_in_full(tmp_path):
    model = small()
    optimizer = torch.optim.Adam(model[2].parameters())
    with watch(model, optimizer, path=tmp_path / "run.zarr") as recording:
        optimizer.add_param_group({"params": list(model[0].parameters())})
        gradients(model)
        optimizer.step()
    assert recording.statuses == {}
    assert np.isfinite(recording.gradients).all()


def test_gradients_of_another_optimizers_parameters_are_not_this_ones():
    model = small()
    mine = torch.optim.Adam(model[2].parameters())
    with watch(model, mine) as recording:
        gradients(model)
        mine.step()
    assert recording.statuses == {"0.weight": "no-gradient", "0.bias": "no-gradient"}
    assert np.isnan(recording.layer("0.weight")).all()


def test_a_loaded_state_brings_its_own_weight_decay():
    """load_state_dict replaces the groups."""
    model = small()
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=0.0)
    other = torch.optim.Adam(small().parameters(), weight_decay=DECAY)
    with watch(model, optimizer, coordinates=1000) as recording:
        optimizer.load_state_dict(other.state_dict())
        gradients(model)
        optimizer.step()
    v = torch.cat([optimizer.state[p]["exp_avg_sq"].flatten() for p in model.parameters()])
    np.testing.assert_allclose(recording.gradients[0, 0] ** 2 * 0.001, v.numpy(), rtol=1e-4)


def clip(optimizer, *_):
    nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1e-3)


def test_hooks_that_were_there_are_seen_and_later_ones_are_told():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    optimizer.register_step_pre_hook(clip)
    with watch(model, optimizer, coordinates=1000) as recording:
        gradients(model)
        optimizer.step()
    assert np.linalg.norm(recording.gradients) == pytest.approx(1e-3, rel=1e-4)
    with watch(model, optimizer, coordinates=1000) as recording, watch(model, optimizer):
        optimizer.register_step_pre_hook(clip)
        gradients(model)
        with pytest.warns(UserWarning, match=r"after watch\(\).*; register it before") as told:
            optimizer.step()
        assert len(told) == 2  # once a recording
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            optimizer.step()


@pytest.mark.filterwarnings("error")
def test_two_recordings_of_one_optimizer_do_not_warn():
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer) as one, watch(model, optimizer) as two:
        gradients(model)
        optimizer.step()
    np.testing.assert_array_equal(one.gradients, two.gradients)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_run_that_an_error_ends_is_kept_and_not_called_complete(tmp_path, error, stored):
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    place = tmp_path / "run.zarr"
    recording = watch(model, optimizer, path=place if stored else None)

    def run():
        with recording:
            for _ in range(3):
                gradients(model)
                optimizer.step()
            raise error

    with pytest.raises(error):
        run()
    assert recording.steps.tolist() == [1, 2, 3]
    assert not recording.dataset.attrs["complete"]
    assert not optimizer._optimizer_step_pre_hooks
    recording.close()  # too late to call it complete
    assert not recording.dataset.attrs["complete"]
    if stored:
        assert not load(place).dataset.attrs["complete"]


def test_an_error_before_the_first_step_leaves_no_store(tmp_path):
    model = small()
    with (
        pytest.raises(ValueError, match="early"),
        watch(model, torch.optim.Adam(model.parameters()), path=tmp_path / "a") as recording,
    ):
        raise ValueError("early")
    assert not (tmp_path / "a").exists()
    with pytest.raises(InputError, match="no recording at"):
        _ = recording.dataset


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_parameters_without_a_shape_yet_are_refused():
    model = nn.Sequential(nn.LazyLinear(2))
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(InputError, match=r"0\.weight has no shape yet; run the model once"):
        watch(model, optimizer)
    model(torch.ones(1, 3))
    assert watch(model, optimizer)._feed.layers == ["0.weight"] * 6 + ["0.bias"] * 2


@pytest.mark.parametrize("select", ["head.*", "head.weight"])
def test_a_tied_weight_is_found_by_any_of_its_names(select):
    model = nn.ModuleDict({"emb": nn.Embedding(4, 3), "head": nn.Linear(3, 4)})
    model["head"].weight = model["emb"].weight
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer, select=select) as recording:
        model["head"](model["emb"](torch.tensor([0, 2]))).square().sum().backward()
        optimizer.step()
    bias = ("head.bias",) if select == "head.*" else ()
    assert recording.layers == ("emb.weight", *bias)
