"""The built-in tasks: they learn, they are reproducible, seeds separate initialisation from order."""

import pytest
import torch

from varlab.core import InputError
from varlab.tasks import TASKS, Task, build, builtin, separates_order


def losses(task, steps):
    values = []
    for _, batch in zip(range(steps), task.batches, strict=False):
        task.optimizer.zero_grad()
        loss = task.loss(task.model, batch)
        loss.backward()
        task.optimizer.step()
        values.append(float(loss.detach()))
    return values


def weights(task):
    return torch.cat([p.detach().flatten() for p in task.model.parameters()])


@pytest.mark.parametrize("name", TASKS)
def test_a_task_learns_and_repeats_bit_for_bit(name):
    first, again = (build(builtin(name), seed=5) for _ in range(2))
    values = losses(first, 12)
    assert values == losses(again, 12)
    assert min(values[-3:]) < values[0]
    torch.testing.assert_close(weights(first), weights(again), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["mlp", "transformer-lm"])
def test_order_and_initialisation_have_seeds_of_their_own(name):
    factory = builtin(name)
    assert separates_order(factory)
    base, order, init = (build(factory, s, o) for s, o in ((1, 1), (1, 2), (2, 1)))
    assert torch.equal(weights(base), weights(order))
    assert not torch.equal(weights(base), weights(init))
    batch = [next(iter(task.batches))[0] for task in (base, order, init)]
    assert not torch.equal(batch[0], batch[1])
    assert torch.equal(batch[0], batch[2])


def test_building_leaves_the_global_random_state_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    build(builtin("mlp"), 3)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_no_position_sees_the_next_tokens(norm):
    model = build(builtin("transformer-lm", norm=norm), 0).model.eval()
    tokens = torch.randint(256, (1, 32), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[0, 20:] = 0
    with torch.no_grad():
        before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[0, :20], after[0, :20])
    assert not torch.allclose(before[0, 20:], after[0, 20:])


def test_resnet20_has_the_papers_size_on_cifar_shapes():
    from varlab.tasks.models.resnet import ResNet

    # He et al. 2016, Table 6: ResNet-20 has 0.27 million parameters.
    parameters = sum(p.numel() for p in ResNet(20, channels=3).parameters())
    assert round(parameters / 1e6, 2) == 0.27


def test_lenet5_has_its_published_size():
    from varlab.tasks.models.lenet import LeNet5

    # 61,706 trainable parameters with fully connected C3 on one channel (LeCun et al. 1998's sizes).
    assert sum(p.numel() for p in LeNet5(channels=1).parameters()) == 61706


def test_evaluation_restores_the_mode():
    task = build(builtin("resnet20", depth=8, width=4), 0)
    task.model.train()
    before = [b.clone() for b in task.model.buffers()]
    assert set(task.evaluate(task.model)) == {"loss", "accuracy"}
    assert task.model.training
    assert all(torch.equal(a, b) for a, b in zip(before, task.model.buffers(), strict=True))


def test_each_epoch_shows_every_example_once_and_replacement_does_not():
    batches = build(builtin("mlp"), 0).batches
    batches.take = lambda rows: rows
    stream = iter(batches)
    epoch = torch.cat([next(stream) for _ in range(batches.length // batches.size)])
    assert len(epoch.unique()) == len(epoch)
    drawn = batches.with_replacement()
    stream = iter(drawn)
    rows = torch.cat([next(stream) for _ in range(batches.length // batches.size)])
    assert len(rows.unique()) < len(rows)
    assert (batches.sampler, drawn.sampler) == ("without-replacement", "with-replacement")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: builtin("vgg"), "no task 'vgg'; there are mlp"),
        (lambda: builtin("mlp", heads=2), "task mlp has no option 'heads'"),
        (lambda: build(builtin("transformer-lm", norm="mid"), 0), "norm must be post or pre"),
        (lambda: build(builtin("transformer-lm", width=30), 0), "width must be a multiple"),
        (lambda: build(builtin("mlp", batch=0), 0), r"batch size must lie in 1\.\."),
        (lambda: build(lambda seed: None, 0), "returns a varlab.Task; got NoneType"),
        (lambda: build(lambda seed: 1 / 0, 0), "the task factory raised ZeroDivisionError"),
    ],
)
def test_bad_requests_are_one_clear_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_users_own_task_needs_only_the_four_parts():
    def factory(seed):
        model = torch.nn.Linear(2, 1)
        return Task(
            model,
            lambda m, x: m(x).square().mean(),
            [torch.ones(4, 2)] * 3,
            torch.optim.SGD(model.parameters(), lr=0.1),
        )

    task = build(factory, 0)
    assert task.sampler == "unknown"
    assert len(losses(task, 10)) == 3
    assert torch.equal(weights(build(factory, 4)), weights(build(factory, 4)))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_lives_on_its_device_alone(name):
    # The meta device computes nothing but refuses to mix with tensors of another device.
    task = build(builtin(name, device="meta"), 0)
    loss = task.loss(task.model, next(iter(task.batches)))
    loss.backward()
    assert loss.device.type == "meta"
    assert {p.grad.device.type for p in task.model.parameters() if p.grad is not None} == {"meta"}


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device must be auto, cpu or cuda; got 'gpu'"),
        pytest.param(
            "cuda",
            "device must be cpu or auto here; got 'cuda'; torch sees no GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_a_device_that_is_not_there_is_one_clear_line(device, message):
    with pytest.raises(InputError) as caught:
        build(builtin("mlp", device=device), 0)
    assert str(caught.value) == message


def test_auto_is_the_cpu_where_there_is_no_gpu():
    where = next(build(builtin("mlp", device="auto"), 0).model.parameters()).device.type
    assert where == ("cuda" if torch.cuda.is_available() else "cpu")
