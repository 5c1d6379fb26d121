"""Classifiers of images: bundled digits, CIFAR-10 or MNIST; cross-entropy; held-out accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlab.tasks.batches import IndexBatches
from varlab.tasks.builtin.family import Family, Setup
from varlab.tasks.data.device import on_device
from varlab.tasks.data.images import load_images
from varlab.tasks.task import Task


@dataclass(frozen=True)
class ImageFamily(Family):
    """``model(images, **options)`` maps [batch, channels, h, w] to logits [batch, classes].

    Attributes
    ----------
    size : int, optional
        Images are enlarged to size x size (bilinear); as they are when None.
    """

    size: int | None = None

    def make(self, setup: Setup, **own: Any) -> Task:
        """The task."""
        images = on_device(load_images(setup.data), setup.device)
        model = setup.initialised(lambda: self.model(images, **setup.options))

        def loss(model: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
            pixels, labels = examples
            return F.cross_entropy(model(pixels), labels)

        def evaluate(model: nn.Module) -> dict[str, float]:
            training = model.training
            model.eval()
            with torch.no_grad():
                logits = model(self._enlarged(images.test))
            model.train(training)
            return {
                "loss": float(F.cross_entropy(logits, images.test_labels)),
                "accuracy": float((logits.argmax(1) == images.test_labels).float().mean()),
            }

        def take(rows: Tensor) -> tuple[Tensor, Tensor]:
            rows = rows.to(setup.device)
            return self._enlarged(images.train[rows]), images.train_labels[rows]

        batches = IndexBatches(len(images.train), setup.batch, take, seed=setup.order_seed)
        return Task(model, loss, batches, setup.optimise(model.parameters()), evaluate)

    def _enlarged(self, pixels: Tensor) -> Tensor:
        if self.size is None or pixels.shape[-1] == self.size:
            return pixels
        return F.interpolate(
            pixels, size=(self.size, self.size), mode="bilinear", align_corners=False
        )
