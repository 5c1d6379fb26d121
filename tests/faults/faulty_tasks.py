"""Task factories that go wrong, each in one way: targets of ``varlab audit`` in the tests."""

import sys
from collections import OrderedDict

import torch
from torch import nn

import varlab


def task(model=None, loss=None, batches=None, optimizer=None):
    model = model or nn.Linear(3, 1)

    def endless():
        while True:
            yield torch.ones(4, 3)

    return varlab.Task(
        model,
        loss or (lambda model, batch: model(batch).square().mean()),
        endless() if batches is None else batches,
        optimizer or torch.optim.Adam(model.parameters()),
    )


def good(seed):
    return task()


def raises(seed):
    raise RuntimeError("first\nsecond")


def exits(seed):
    sys.exit(0)


class Speechless(BaseException):
    """Neither an Exception, nor one that can be printed."""

    def __str__(self):
        raise ValueError


def raises_speechless(seed):
    raise Speechless


def no_task(seed):
    return 3


def no_argument():
    return task()


def no_model(seed):
    return varlab.Task(None, None, None, None)


def loss_of_four(seed):
    return task(loss=lambda model, batch: model(batch))


def loss_detached(seed):
    return task(loss=lambda model, batch: model(batch).mean().detach())


def loss_a_number(seed):
    return task(loss=lambda model, batch: 3.0)


def loss_raises(seed):
    return task(loss=lambda model, batch: {}["x"])


def loss_exits(seed):
    return task(loss=lambda model, batch: sys.exit(0))


def wrong_shape(seed):
    return task(batches=[torch.ones(4, 2)] * 9)


def ends_early(seed):
    return task(batches=[torch.ones(4, 3)] * 2)


def empty(seed):
    return task(batches=[])


def fails_halfway(seed):
    def batches():
        yield torch.ones(4, 3)
        raise OSError("the drive is gone")

    return task(batches=batches())


def elsewhere(seed):
    """The batches on another device: meta stands in for a GPU."""
    return task(batches=[torch.ones(4, 3, device="meta")] * 9)


def nowhere(seed):
    return task(model=nn.Linear(3, 1, device="meta"))


def wants_a_closure(seed):
    model = nn.Linear(3, 1)
    return task(model=model, optimizer=torch.optim.LBFGS(model.parameters()))


def of_another_model(seed):
    return task(optimizer=torch.optim.Adam(nn.Linear(3, 1).parameters()))


def interrupted(seed):
    calls = []

    def loss(model, batch):
        calls.append(1)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return model(batch).square().mean()

    return task(loss=loss)


def wider(seed):
    """Of another width for some seeds; as many coordinates are sampled of each."""
    return task(model=nn.Linear(3, 70 + seed % 2, bias=False))


def renamed(seed):
    return task(model=nn.Sequential(OrderedDict({f"of{seed % 2}": nn.Linear(3, 1)})))


def shallower(seed):
    return task(model=nn.Sequential(*(nn.Linear(3, 3, bias=False) for _ in range(1 + seed % 2))))


def deeper(seed):
    return task(model=nn.Sequential(*(nn.Linear(3, 3, bias=False) for _ in range(2 - seed % 2))))


def freezes(seed):
    model = nn.Linear(3, 1)
    model.bias.requires_grad_(seed % 2 == 0)
    return task(model=model)


def of_two_decays(seed):
    model = nn.Linear(3, 1)
    betas = (0.9, 0.99 if seed % 2 else 0.999)
    return task(model=model, optimizer=torch.optim.Adam(model.parameters(), betas=betas))


CALLS = []


def of_every_call(seed):
    """Not the same for the same seed."""
    CALLS.append(seed)
    return task(model=nn.Linear(3, len(CALLS)))


def interrupted_at_once(seed):
    def loss(model, batch):
        raise KeyboardInterrupt

    return task(loss=loss)


def interrupted_while_built(seed):
    raise KeyboardInterrupt
