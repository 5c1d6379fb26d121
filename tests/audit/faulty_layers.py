"""Task factories whose layers lack a dense gradient: sparse, never used, used at first, without elements."""

from itertools import count

import torch
from torch import nn

from varlab.tasks import Task


class Faulty(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5, 2, sparse=True)
        self.head = nn.Linear(2, 1)
        self.unused = nn.Parameter(torch.ones(3))
        self.late = nn.Parameter(torch.ones(2))
        self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)
        self.nothing = nn.Parameter(torch.ones(0))


def task(used):
    """``late`` is used in the first ``used`` steps."""
    model = Faulty()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)

    def loss(m, batch):
        words, step = batch
        hidden = m.words(words)
        hidden = hidden * m.late if step <= used else hidden
        return (m.head(hidden) - 1).square().mean() + m.nothing.sum()

    return Task(model, loss, ((torch.tensor([i % 5, 1]), i) for i in count(1)), optimizer)


def by_seed(seed):
    """Replicas that miss ``late`` at steps of their own: 3, 4 or 5."""
    return task(2 + seed % 3)


STATUSES = {
    "words.weight": "sparse(step 1)",
    "unused": "no-gradient(step 1)",
    "late": "no-gradient(step 3)",
    "frozen": "no-gradient",
    "nothing": "empty",
}
