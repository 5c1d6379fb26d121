"""ResNet-20, the paper's CIFAR-10 model."""

from torch import nn

from varlab.tasks.builtin.images import ImageFamily
from varlab.tasks.data.images import Images
from varlab.tasks.models.resnet import ResNet


def model(images: Images, *, depth: int = 20, width: int = 16) -> nn.Module:
    """ResNet-20, the paper's CIFAR-10 model (bundled digits at 8 x 8 by default)."""
    return ResNet(depth, images.train.shape[1], images.classes, width)


TASK = ImageFamily(model)
