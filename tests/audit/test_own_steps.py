"""Tasks that do more in a step than their optimiser's class says, and what a DataLoader brings."""

from itertools import count

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from varlab.audit.recorder import vectorised
from varlab.audit.recorder.plan import make_plan
from varlab.audit.recorder.record import record
from varlab.audit.recorder.storage import load
from varlab.core import InputError
from varlab.tasks import Task, builtin


def loss(model, batch):
    return (model(batch[0]).squeeze() - batch[1]).square().mean()


def steep(seed):
    """Gradients of some hundreds: what clips them shows."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    inputs = (torch.randn(16, 4, generator=generator) for _ in count())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return Task(model, loss, ((x, 50 * x[:, 0]) for x in inputs), optimizer)


def clipped_by_hook(seed):
    task = steep(seed)
    task.optimizer.register_step_pre_hook(
        lambda *_: nn.utils.clip_grad_norm_(task.model.parameters(), 1.0) and None
    )
    return task


def clipped_by_step(seed):
    task = steep(seed)
    step = task.optimizer.step

    def clipped(closure=None):
        nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
        return step(closure)

    task.optimizer.step = clipped
    return task


def clipped_by_parameters(seed):
    """Acts from the second step on: the first gradients give nothing away."""
    task = steep(seed)
    for parameter in task.model.parameters():
        calls = count()
        parameter.register_hook(lambda g, calls=calls: g.clamp(-1, 1) if next(calls) else g)
    return task


def scheduled(seed):
    """A learning rate that is 0 from the second step on."""
    task = steep(seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(task.optimizer, lambda step: float(step == 0))
    task.optimizer.register_step_post_hook(lambda *_: schedule.step())
    return task


def scheduled_by_loss(seed):
    """The step() that a scheduler puts in the optimiser is the only mark it leaves there."""
    task = steep(seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(task.optimizer, lambda step: 0.5**step)

    def stepping(model, batch):
        schedule.step()
        return loss(model, batch)

    task.loss = stepping
    return task


OWN = [clipped_by_hook, clipped_by_step, clipped_by_parameters, scheduled, scheduled_by_loss]


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("factory", OWN)
def test_what_happens_beside_the_step_happens_to_every_replica(factory):
    tried, apart = (record(factory, replicas=9, steps=5, vectorised=v) for v in (None, False))
    np.testing.assert_array_equal(tried.gradients, apart.gradients)
    with pytest.raises(InputError, match=r"does not run through torch\.func"):
        record(factory, replicas=2, steps=1, vectorised=True)


def test_an_optimiser_of_its_own_is_every_replicas():
    """The first and the last replica alone are compared with ordinary steps; here the middle one differs."""
    replicas = {}

    def mixed(seed):
        which = replicas.setdefault(seed, len(replicas))
        task = steep(seed)
        task.optimizer = torch.optim.SGD(task.model.parameters(), lr=0.5 if which == 1 else 0.1)
        return task

    tried, apart = (record(mixed, replicas=3, steps=5, vectorised=v) for v in (None, False))
    np.testing.assert_array_equal(tried.gradients, apart.gradients)


def test_a_plain_step_still_runs_in_lockstep():
    record(steep, replicas=2, steps=2, vectorised=True)


def lockstep(factory):
    plan = make_plan(factory, "ensemble", 3, 2, 0, None, None, "*", 64, 0, "task")
    return vectorised.vectorise(plan, range(3), plan.build(0))


class HalfStep(torch.optim.SGD):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(0.5 * group["lr"] * parameter.grad)


def halved(seed):
    task = steep(seed)
    task.optimizer = HalfStep(task.model.parameters(), lr=0.1)
    return task


def test_the_first_step_is_compared_and_not_only_its_gradients(monkeypatch):
    monkeypatch.setattr(vectorised, "ELEMENTWISE", (HalfStep,))
    assert lockstep(halved) is not None
    monkeypatch.setattr(vectorised, "_hyperparameters", lambda optimizer: {"lr": 0.0999})
    assert lockstep(halved) is None


def dataset(size=400):
    generator = torch.Generator().manual_seed(0)
    return TensorDataset(
        torch.randn(size, 4, generator=generator), torch.randn(size, generator=generator)
    )


def with_loader(**options):
    def factory(seed):
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        loader = DataLoader(dataset(), **{"batch_size": 10, **options})
        return Task(model, loss, loader, torch.optim.Adam(model.parameters()))

    return factory


class OwnSampler(RandomSampler):
    pass


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"shuffle": True}, "without-replacement"),
        ({"shuffle": False}, "without-replacement"),
        ({"sampler": RandomSampler(dataset(), replacement=True)}, "with-replacement"),
        ({"sampler": OwnSampler(dataset(), replacement=True)}, "unknown"),
        (
            {
                "batch_size": 1,
                "batch_sampler": BatchSampler(
                    RandomSampler(dataset(), replacement=True), 10, False
                ),
            },
            "with-replacement",
        ),
        ({"batch_size": 1, "batch_sampler": [[0, 1], [2, 3]] * 9}, "unknown"),
    ],
)
def test_the_sampler_of_a_loader_is_one_of_three_words(options, word):
    assert with_loader(**options)(0).sampler == word


@pytest.mark.parametrize("replacement", [True, False])
def test_what_is_known_of_a_loader_is_recorded_of_frozen_draws_too(replacement):
    factory = with_loader(sampler=RandomSampler(dataset(), replacement=replacement))
    recording = record(factory, protocol="frozen", steps=2)
    word = "with-replacement" if replacement else "without-replacement"
    assert recording.dataset.attrs["sampler"] == word


def test_a_sampler_that_is_no_word_is_unknown():
    task = steep(0)

    class Batches:
        sampler = object()

        def __iter__(self):
            return iter(())

    task.batches = Batches()
    assert task.sampler == "unknown"


@pytest.mark.parametrize(
    ("protocol", "vectorised"), [("run", False), ("ensemble", None), ("ensemble", False)]
)
def test_a_loaders_recording_resumes_and_leaves_the_callers_random_state(
    tmp_path, protocol, vectorised
):
    replicas = 3 if protocol == "ensemble" else None
    request = {"protocol": protocol, "replicas": replicas, "vectorised": vectorised}
    factory = with_loader(shuffle=True)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    record(factory, steps=3, out=tmp_path / "a", **request)
    longer = record(factory, steps=6, out=tmp_path / "a", resume=True, **request)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)  # nor does it depend on it
    whole = record(factory, steps=6, **request)
    np.testing.assert_array_equal(longer.gradients, whole.gradients)
    assert longer.dataset.attrs["sampler"] == "without-replacement"


def double(seed):
    task = steep(seed)
    task.model.double()
    task.batches = ((x.double(), y.double()) for x, y in task.batches)
    return task


@pytest.mark.parametrize("vectorised", [True, False])
@pytest.mark.parametrize("stored", [False, True])
def test_float64_tasks_are_recorded_in_float64(tmp_path, vectorised, stored):
    said = []
    recording = record(
        double,
        replicas=3,
        steps=2,
        coordinates=1000,
        vectorised=vectorised,
        out=tmp_path / "a" if stored else None,
        announce=said.append,
    )
    assert recording.gradients.dtype == np.float64
    assert (recording.gradients != recording.gradients.astype(np.float32)).any()
    assert f"{recording.gradients.nbytes / 1e6:.1f} MB" in said[0]
    if stored:
        assert load(tmp_path / "a").gradients.dtype == np.float64


def test_a_store_of_another_precision_is_not_continued(tmp_path):
    def factory(seed):
        return (steep if factory.single else double)(seed)

    factory.single = True
    record(factory, replicas=2, steps=2, out=tmp_path / "a")
    factory.single = False
    with pytest.raises(InputError, match="dtype is float32 there, float64 here"):
        record(factory, replicas=2, steps=3, out=tmp_path / "a", resume=True)


@pytest.mark.parametrize("vectorised", [None, False])
def test_bfloat16_tasks_are_recorded_in_float32(vectorised):
    def factory(seed):
        task = steep(seed)
        task.model.bfloat16()
        task.batches = ((x.bfloat16(), y.bfloat16()) for x, y in task.batches)
        return task

    recording = record(factory, replicas=2, steps=1, vectorised=vectorised)
    assert recording.gradients.dtype == np.float32


def test_optimizers_of_unknown_weight_decay_are_told_in_the_recording():
    class Own(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    recording = record(
        builtin("mlp", hidden=4, optimise=lambda p: Own(p, lr=0.01, weight_decay=0.5)),
        replicas=2,
        steps=1,
        coordinates=4,
    )
    assert "weight decay not included" in recording.dataset.attrs["quantity"]
