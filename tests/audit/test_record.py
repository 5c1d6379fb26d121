"""The three protocols: reproducible, resumable, and the same one after another or all at once."""

from functools import partial

import numpy as np
import pytest
import torch
from faulty_layers import STATUSES, by_seed, task
from torch import nn

from varlab.audit.assess_recording import assess_recording
from varlab.audit.recorder.record import record
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.core import InputError
from varlab.tasks import Task, builtin

SMALL = {"lenet": {"batch": 4}, "transformer-lm": {"batch": 2, "length": 8}}


def own(seed):
    generator = torch.Generator().manual_seed(seed)
    model = nn.Linear(6, 1)

    def batches():
        while True:
            yield torch.randn(4, 6, generator=generator)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return Task(model, lambda m, x: (m(x) - 1).square().mean(), batches(), optimizer)


def test_replicas_differ_and_repeat_by_seed():
    first, again = (record(own, replicas=3, steps=4, seed=7) for _ in range(2))
    other = record(own, replicas=3, steps=4, seed=8)
    np.testing.assert_array_equal(first.gradients, again.gradients)
    assert not np.array_equal(first.gradients, other.gradients)
    assert not np.array_equal(first.gradients[0], first.gradients[1])
    assert first.gradients.shape == (3, 4, 7)


def test_a_replica_does_not_depend_on_how_many_there_are():
    few, many = (record(own, replicas=n, steps=3, vectorised=False) for n in (2, 4))
    np.testing.assert_array_equal(few.gradients, many.gradients[:2])


@pytest.mark.parametrize("name", ["mlp", "lenet", "transformer-lm", "lstm-lm"])
def test_all_at_once_gives_the_same_answer(name):
    factory = builtin(name, **SMALL.get(name, {}))
    together = record(factory, replicas=3, steps=4, vectorised=True, coordinates=16)
    apart = record(factory, replicas=3, steps=4, vectorised=False, coordinates=16)
    # Float32 sums in another order, over four steps of training.
    np.testing.assert_allclose(together.gradients, apart.gradients, rtol=1e-3, atol=1e-6)
    assert together.layers == apart.layers


def drawing_from_the_global_state(seed):
    task = own(seed)

    def batches():
        while True:
            yield torch.randn(4, 6)

    task.batches = batches()
    return task


@pytest.mark.parametrize("factory", [own, drawing_from_the_global_state])
def test_batches_of_a_generator_are_the_same_ones_in_lockstep(factory):
    torch.manual_seed(1)
    together = record(factory, replicas=3, steps=4, vectorised=True)
    torch.manual_seed(2)
    apart = record(factory, replicas=3, steps=4, vectorised=False)
    # Float32 sums in another order; a batch of another step would be off by its own size.
    np.testing.assert_allclose(together.gradients, apart.gradients, rtol=1e-4, atol=1e-6)


def test_a_block_does_not_depend_on_how_many_there_are():
    few, many = (record(builtin("mlp"), replicas=n, steps=3, coordinates=4) for n in (8, 20))
    np.testing.assert_array_equal(few.gradients, many.gradients[:8])


@pytest.mark.parametrize(
    "factory",
    [builtin("resnet20", depth=8, width=4), builtin("transformer-lm", dropout=0.1, length=8)],
    ids=["batch norm", "dropout"],
)
def test_what_torch_func_cannot_do_alike_runs_one_after_another(factory):
    assert record(factory, replicas=2, steps=2, coordinates=2).gradients.shape[0] == 2
    with pytest.raises(InputError, match=r"does not run through torch\.func"):
        record(factory, replicas=2, steps=2, vectorised=True)


@pytest.mark.parametrize(
    "optimise",
    [
        partial(torch.optim.SGD, lr=0.01, weight_decay=0.5),
        partial(torch.optim.AdamW, lr=0.01, weight_decay=0.5),
        partial(torch.optim.RAdam, lr=0.01, weight_decay=0.5, decoupled_weight_decay=True),
    ],
)
def test_weight_decay_is_seen_alike_all_at_once(optimise):
    factory = builtin("mlp", hidden=4, optimise=optimise)
    together, apart = (
        record(factory, replicas=2, steps=3, coordinates=8, vectorised=v) for v in (True, False)
    )
    # As above; the decay alone is of the size of the parameters.
    np.testing.assert_allclose(together.gradients, apart.gradients, rtol=1e-3, atol=1e-6)


class WithoutElements(nn.Module):
    def __init__(self):
        super().__init__()
        self.some, self.none = nn.Linear(6, 1), nn.Linear(6, 0)

    def forward(self, x):
        return self.some(x) + self.none(x).sum()


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("vectorised", [False, True])
def test_parameters_without_elements_are_told(vectorised):
    def factory(seed):
        model = WithoutElements()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        return Task(model, own(seed).loss, own(seed).batches, optimizer)

    recording = record(factory, replicas=30, steps=2, vectorised=vectorised)
    assert recording.statuses == {"none.weight": "empty", "none.bias": "empty"}
    assert np.isfinite(recording.gradients).all()
    audit = assess_recording(recording)
    assert [layer.status for layer in audit.layers] == ["ok", "ok", "empty", "empty"]
    assert audit.summary().count("empty: not tested") == 2
    assert '"status": "empty"' in audit.to_json()


def test_inits_and_orders_are_crossed():
    recording = record(builtin("mlp"), inits=2, orders=3, steps=1, coordinates=8)
    assert recording.inits.tolist() == [0, 0, 0, 1, 1, 1]
    assert recording.orders.tolist() == [0, 1, 2, 0, 1, 2]
    first = recording.gradients[:, 0]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[3])


def test_frozen_draws_leave_the_parameters_alone():
    models = []

    def factory(seed):
        task = own(seed)
        models.append((task.model, task.model.weight.detach().clone()))
        return task

    recording = record(factory, protocol="frozen", steps=50)
    model, before = models[0]
    assert torch.equal(model.weight, before)
    assert recording.gradients.shape == (1, 50, 7)
    # Draws at one point: no trend, and the mean of halves agrees within five standard errors.
    halves = recording.gradients[0].reshape(2, 25, 7)
    difference = np.abs(halves[0].mean(0) - halves[1].mean(0))
    assert (difference < 5 * recording.gradients[0].std(0) * np.sqrt(2 / 25)).all()


def test_training_before_recording_moves_the_parameters():
    early = record(own, protocol="frozen", steps=200)
    late = record(own, protocol="frozen", steps=200, after=300)
    assert np.abs(late.gradients.mean(1)).max() < 0.2 * np.abs(early.gradients.mean(1)).max()


def test_built_in_tasks_draw_with_replacement_when_frozen():
    recording = record(builtin("mlp"), protocol="frozen", steps=2, coordinates=2)
    assert recording.dataset.attrs["sampler"] == "with-replacement"
    recording = record(builtin("mlp"), protocol="run", steps=2, coordinates=2)
    assert recording.dataset.attrs["sampler"] == "without-replacement"


@pytest.mark.parametrize("vectorised", [False, True])
def test_an_interrupted_recording_resumes_to_the_same_bits(tmp_path, monkeypatch, vectorised):
    request = {"replicas": 4, "steps": 20, "coordinates": 4, "vectorised": vectorised}
    whole = record(builtin("mlp"), **request)
    written = []
    write = RecordingWriter.write

    def killed(self, *arguments, **options):
        if len(written) == (50 if not vectorised else 18):
            raise KeyboardInterrupt
        written.append(1)
        write(self, *arguments, **options)

    monkeypatch.setattr(RecordingWriter, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        record(builtin("mlp"), out=tmp_path / "a.zarr", **request)
    monkeypatch.setattr(RecordingWriter, "write", write)
    resumed = record(builtin("mlp"), out=tmp_path / "a.zarr", resume=True, **request)
    np.testing.assert_array_equal(resumed.gradients, whole.gradients)
    assert resumed.dataset.attrs["complete"]


def test_another_request_does_not_resume_into_a_store(tmp_path):
    record(own, replicas=2, steps=2, out=tmp_path / "a.zarr")
    with pytest.raises(InputError, match="holds another recording"):
        record(own, replicas=3, steps=2, out=tmp_path / "a.zarr", resume=True)
    with pytest.raises(InputError, match="exists"):
        record(own, replicas=2, steps=2, out=tmp_path / "a.zarr")


MLP = partial(builtin, "mlp", hidden=4)


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ({"inits": 2, "orders": 3}, {"inits": 3, "orders": 2}, "inits is 2 there, 3 here"),
        ({"inits": 2, "orders": 2}, {"replicas": 4}, "inits is 2 there, 4 here"),
        ({"replicas": 2}, {"replicas": 3}, "replicas is 2 there, 3 here"),
        ({"replicas": 2}, {"replicas": 2, "seed": 1}, "seed is 0 there, 1 here"),
        ({"replicas": 2}, {"replicas": 2, "steps": 1}, "steps is 2 there, 1 here"),
        ({"replicas": 2}, {"replicas": 2, "coordinates": 1}, "coordinates is 2 there, 1 here"),
        (
            {"replicas": 2, "select": "*"},
            {"replicas": 2, "select": "body.1.*"},
            "select is * there, body.1.* here",
        ),
        ({"protocol": "run"}, {"protocol": "run", "after": 30}, "after is 0 there, 30 here"),
        (
            {"replicas": 2, "factory": MLP(lr=1e-3)},
            {"replicas": 2, "factory": MLP(lr=0.5)},
            "lr is 0.001 there, 0.5 here",
        ),
        (
            {"replicas": 2, "factory": MLP(optimise=torch.optim.SGD)},
            {"replicas": 2},
            "optimise is <class 'torch.optim.sgd.SGD'> there, not set here",
        ),
        (
            {"replicas": 2, "factory": own, "task": "t"},
            {"replicas": 2, "factory": drawing_from_the_global_state, "task": "t"},
            "factory is own there, drawing_from_the_global_state here",
        ),
    ],
)
def test_a_refused_continuation_names_what_differs(tmp_path, first, second, difference):
    def recorded(options, resume):
        given = {"factory": MLP(), "steps": 2, "coordinates": 2, "out": tmp_path / "a", **options}
        return record(**given, resume=resume)

    before = recorded(first, False)
    np.testing.assert_array_equal(recorded(first, True).gradients, before.gradients)
    with pytest.raises(InputError) as caught:
        recorded(second, True)
    message = f"holds another recording ({difference}); choose another place"
    assert str(caught.value) == f"{tmp_path / 'a'} {message}"
    np.testing.assert_array_equal(load(tmp_path / "a").gradients, before.gradients)


def test_more_steps_go_on_from_what_is_there(tmp_path):
    few = {"replicas": 2, "coordinates": 2, "out": tmp_path / "a"}
    record(MLP(), steps=2, **few)
    longer = record(MLP(), steps=4, resume=True, **few)
    np.testing.assert_array_equal(
        longer.gradients, record(MLP(), steps=4, replicas=2, coordinates=2).gradients
    )
    with pytest.raises(InputError, match=r"steps is 4 there, 2 here"):
        record(MLP(), steps=2, resume=True, **few)


def test_options_are_told_apart_by_text_without_addresses(tmp_path):
    request = {"replicas": 2, "steps": 1, "coordinates": 2, "out": tmp_path / "a"}

    def optimise():
        return lambda parameters: torch.optim.SGD(parameters, lr=0.1)

    record(MLP(optimise=optimise()), **request)
    record(MLP(optimise=optimise()), resume=True, **request)


def killed_after(monkeypatch, rows, **request):
    write, written = RecordingWriter.write, []

    def killed(self, *arguments, **options):
        if len(written) == rows:
            self.flush()
            raise KeyboardInterrupt
        written.append(1)
        write(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(RecordingWriter, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            record(**request)


def test_statuses_survive_a_kill(tmp_path, monkeypatch):
    request = {"factory": by_seed, "replicas": 4, "steps": 6, "out": tmp_path / "a"}
    killed_after(monkeypatch, 8, **request)
    kept = load(tmp_path / "a")
    assert not kept.dataset.attrs["complete"]
    assert kept.statuses.keys() == STATUSES.keys()
    assert kept.statuses["words.weight"] == "sparse(step 1)"
    resumed = record(resume=True, **request)
    whole = record(by_seed, replicas=4, steps=6)
    assert resumed.statuses == whole.statuses


def test_faults_of_replicas_that_were_finished_before_a_kill_are_kept(tmp_path, monkeypatch):
    seeds = []

    def factory(seed):
        seeds.append(seed)
        return task(1 if seed == seeds[0] else 9)

    request = {"factory": factory, "replicas": 3, "steps": 4, "out": tmp_path / "a"}
    killed_after(monkeypatch, 4, **request)
    assert record(resume=True, **request).statuses["late"] == "no-gradient(step 2)"


def test_storage_is_announced_before_it_is_used():
    said = []
    record(own, replicas=2, steps=3, announce=said.append)
    assert said[0] == "recording 2 replicas x 3 steps x 7 coordinates: 0.0 MB in memory"


@pytest.mark.parametrize(
    ("asked", "few"),
    [
        ({"replicas": 23}, "too few independent replicas: 23, needs at least 24"),
        ({"inits": 2, "orders": 12}, "too few independent replicas: 2, needs at least 24"),
        ({"replicas": 24}, None),
        ({"protocol": "run", "steps": 95}, "too few steps: 95, needs at least 96"),
        ({"protocol": "frozen", "steps": 31}, "too few draws: 31, needs at least 32"),
        ({"protocol": "frozen", "steps": 32}, None),
    ],
)
def test_what_will_be_too_few_for_a_verdict_is_said_before_it_is_run(asked, few):
    said = []
    record(builtin("mlp"), **{"steps": 1, "coordinates": 1, **asked}, announce=said.append)
    assert len(said) == 1 + (few is not None)
    assert few is None or said[1].startswith(few)


def ending(seed):
    task = own(seed)
    task.batches = [torch.ones(4, 6)] * 2
    return task


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [
        (own, {"steps": 0}, "steps must be an integer >= 1; got 0"),
        (own, {"replicas": 1}, "replicas must be an integer >= 2; got 1"),
        (own, {"protocol": "all"}, "protocol must be one of frozen, run, ensemble; got 'all'"),
        (own, {"protocol": "run", "replicas": 4}, "protocol run runs one replica"),
        (own, {"inits": 2, "orders": 2}, "need a factory with a parameter order_seed"),
        (builtin("mlp"), {"inits": 2}, "inits and orders go together"),
        (own, {"after": 3, "replicas": 2}, "after must be 0 under ensemble"),
        (own, {"select": "x*", "replicas": 2}, "no parameter matches 'x\\*'"),
        (ending, {"protocol": "run", "steps": 3}, "the batches ended before step 3"),
        (lambda seed: 3, {"replicas": 2}, "returns a varlab.Task; got int"),
    ],
)
def test_bad_requests_are_one_clear_line(factory, options, message):
    with pytest.raises(InputError, match=message) as caught:
        record(factory, **options)
    assert "\n" not in str(caught.value)
