"""A multilayer perceptron on images."""

from torch import nn

from varlab.tasks.builtin.images import ImageFamily
from varlab.tasks.data.images import Images
from varlab.tasks.models.mlp import MLP


def model(images: Images, *, hidden: int = 64, layers: int = 2) -> nn.Module:
    """A multilayer perceptron on images."""
    return MLP(images.train[0].numel(), (hidden,) * layers, images.classes)


TASK = ImageFamily(model)
