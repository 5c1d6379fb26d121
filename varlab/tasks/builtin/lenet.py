"""LeNet-5 (B1's model) on images enlarged to 32 x 32."""

from torch import nn

from varlab.tasks.builtin.images import ImageFamily
from varlab.tasks.data.images import Images
from varlab.tasks.models.lenet import LeNet5


def model(images: Images) -> nn.Module:
    """LeNet-5 on images enlarged to 32 x 32 (digits are bundled; CIFAR-10 or MNIST by data)."""
    return LeNet5(images.train.shape[1], images.classes)


TASK = ImageFamily(model, size=32)
