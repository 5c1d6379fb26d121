"""The built-in tasks: real models on real data, every size an option. A new task: one function, one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlab.core import InputError
from varlab.tasks.batches import IndexBatches
from varlab.tasks.data.images import Images, load_images
from varlab.tasks.data.parallel import PADDING, load_parallel
from varlab.tasks.data.text import VOCABULARY, load_text
from varlab.tasks.models.language import LSTMLanguageModel, TransformerLanguageModel
from varlab.tasks.models.lenet import LeNet5
from varlab.tasks.models.mlp import MLP
from varlab.tasks.models.resnet import ResNet
from varlab.tasks.models.translation import TranslationTransformer
from varlab.tasks.task import Task, torch_seed

Optimise = Callable[[Any], torch.optim.Optimizer]


def adam(lr: float) -> Optimise:
    """Adam with its default betas: the optimiser of all tasks unless another is given."""
    return partial(torch.optim.Adam, lr=lr)


def lenet(
    seed: int,
    *,
    order_seed: int | None = None,
    data: Path | None = None,
    batch: int = 32,
    lr: float = 1e-3,
    optimise: Optimise | None = None,
) -> Task:
    """LeNet-5 on images enlarged to 32 x 32 (digits are bundled; CIFAR-10 or MNIST by data)."""
    images = load_images(data)
    model = _initialised(seed, lambda: LeNet5(images.train.shape[1], images.classes))
    return _image_task(model, images, seed, order_seed, batch, optimise or adam(lr), size=32)


def resnet20(
    seed: int,
    *,
    order_seed: int | None = None,
    data: Path | None = None,
    batch: int = 32,
    lr: float = 1e-3,
    depth: int = 20,
    width: int = 16,
    optimise: Optimise | None = None,
) -> Task:
    """ResNet-20, the paper's CIFAR-10 model (bundled digits at 8 x 8 by default)."""
    images = load_images(data)
    channels = images.train.shape[1]
    model = _initialised(seed, lambda: ResNet(depth, channels, images.classes, width))
    return _image_task(model, images, seed, order_seed, batch, optimise or adam(lr))


def mlp(
    seed: int,
    *,
    order_seed: int | None = None,
    data: Path | None = None,
    batch: int = 32,
    lr: float = 1e-3,
    hidden: int = 64,
    layers: int = 2,
    optimise: Optimise | None = None,
) -> Task:
    """A multilayer perceptron on images."""
    images = load_images(data)
    inputs = images.train[0].numel()
    model = _initialised(seed, lambda: MLP(inputs, (hidden,) * layers, images.classes))
    return _image_task(model, images, seed, order_seed, batch, optimise or adam(lr))


def lstm_lm(
    seed: int,
    *,
    order_seed: int | None = None,
    data: Path | None = None,
    batch: int = 16,
    length: int = 32,
    embedding: int = 32,
    hidden: int = 64,
    layers: int = 2,
    dropout: float = 0.0,
    lr: float = 1e-3,
    optimise: Optimise | None = None,
) -> Task:
    """An LSTM language model over bytes (the paper's 2-layer LSTM, small)."""
    model = _initialised(
        seed, lambda: LSTMLanguageModel(VOCABULARY, embedding, hidden, layers, dropout)
    )
    return _language_task(model, seed, order_seed, data, batch, length, optimise or adam(lr))


def transformer_lm(
    seed: int,
    *,
    order_seed: int | None = None,
    data: Path | None = None,
    batch: int = 16,
    length: int = 32,
    width: int = 32,
    heads: int = 4,
    layers: int = 2,
    feedforward: int = 64,
    dropout: float = 0.0,
    norm: str = "post",
    lr: float = 1e-3,
    optimise: Optimise | None = None,
) -> Task:
    """A causal Transformer language model over bytes; norm="post" or "pre"."""
    model = _initialised(
        seed,
        lambda: TransformerLanguageModel(
            VOCABULARY, length, width, heads, layers, feedforward, dropout, norm
        ),
    )
    return _language_task(model, seed, order_seed, data, batch, length, optimise or adam(lr))


def transformer_mt(
    seed: int,
    *,
    order_seed: int | None = None,
    data: Path | None = None,
    batch: int = 32,
    longest: int = 24,
    width: int = 32,
    heads: int = 4,
    layers: int = 2,
    feedforward: int = 64,
    dropout: float = 0.0,
    norm: str = "post",
    smoothing: float = 0.1,
    lr: float = 1e-3,
    optimise: Optimise | None = None,
) -> Task:
    """The paper's encoder-decoder Transformer, small, on German and English names or a TSV file."""
    pairs = load_parallel(data, longest)
    model = _initialised(
        seed,
        lambda: TranslationTransformer(
            pairs.vocabulary, pairs.length, width, heads, layers, feedforward, dropout, norm
        ),
    )

    def loss(model: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
        source, target = examples
        logits = model(source, target[:, :-1])
        return F.cross_entropy(
            logits.flatten(0, 1),
            target[:, 1:].flatten(),
            ignore_index=PADDING,
            label_smoothing=smoothing,
        )

    batches = IndexBatches(
        len(pairs.source),
        batch,
        lambda rows: (pairs.source[rows], pairs.target[rows]),
        seed=seed if order_seed is None else order_seed,
    )
    return Task(model, loss, batches, (optimise or adam(lr))(model.parameters()))


TASKS: dict[str, Callable[..., Task]] = {
    "mlp": mlp,
    "lenet": lenet,
    "resnet20": resnet20,
    "lstm-lm": lstm_lm,
    "transformer-lm": transformer_lm,
    "transformer-mt": transformer_mt,
}


def builtin(name: str, **options: Any) -> Callable[..., Task]:
    """The factory of the task ``name`` with ``options`` set.

    Raises
    ------
    InputError
        An unknown task or option.
    """
    if name not in TASKS:
        raise InputError(f"no task {name!r}; there are {', '.join(TASKS)}")
    task = TASKS[name]
    known = [p for p in inspect.signature(task).parameters if p not in ("seed", "order_seed")]
    for option in options:
        if option not in known:
            raise InputError(f"task {name} has no option {option!r}; it has {', '.join(known)}")
    return partial(task, **options)


def _initialised(seed: int, make: Callable[[], nn.Module]) -> nn.Module:
    """The model drawn from its own seed, whatever was drawn before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "init"))
        return make()


def _image_task(
    model: nn.Module,
    images: Images,
    seed: int,
    order_seed: int | None,
    batch: int,
    optimise: Optimise,
    size: int | None = None,
) -> Task:
    def enlarge(pixels: Tensor) -> Tensor:
        if size is None or pixels.shape[-1] == size:
            return pixels
        return F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False)

    def loss(model: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
        pixels, labels = examples
        return F.cross_entropy(model(pixels), labels)

    def evaluate(model: nn.Module) -> dict[str, float]:
        training = model.training
        model.eval()
        with torch.no_grad():
            logits = model(enlarge(images.test))
        model.train(training)
        return {
            "loss": float(F.cross_entropy(logits, images.test_labels)),
            "accuracy": float((logits.argmax(1) == images.test_labels).float().mean()),
        }

    batches = IndexBatches(
        len(images.train),
        batch,
        lambda rows: (enlarge(images.train[rows]), images.train_labels[rows]),
        seed=seed if order_seed is None else order_seed,
    )
    return Task(model, loss, batches, optimise(model.parameters()), evaluate)


def _language_task(
    model: nn.Module,
    seed: int,
    order_seed: int | None,
    data: Path | None,
    batch: int,
    length: int,
    optimise: Optimise,
) -> Task:
    text = load_text(data, length)

    def loss(model: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
        tokens, following = examples
        return F.cross_entropy(model(tokens).flatten(0, 1), following.flatten())

    def evaluate(model: nn.Module) -> dict[str, float]:
        training = model.training
        model.eval()
        windows = (len(text.test) - 1) // length
        tokens = text.test[: windows * length].view(-1, length)[:64]
        following = text.test[1 : windows * length + 1].view(-1, length)[:64]
        with torch.no_grad():
            value = float(F.cross_entropy(model(tokens).flatten(0, 1), following.flatten()))
        model.train(training)
        return {"loss": value}

    batches = IndexBatches(
        len(text.train) - length - 1,
        batch,
        lambda starts: text.windows(starts, length),
        seed=seed if order_seed is None else order_seed,
    )
    return Task(model, loss, batches, optimise(model.parameters()), evaluate)
