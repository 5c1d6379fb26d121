"""ResNet-20 for small images (He et al. 2016, section 4.2): the paper's CIFAR-10 model."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from varlab.core import require


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions; the shortcut without parameters pads channels with zeros (option A)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.extra = channels - channels_in

    def forward(self, x: Tensor) -> Tensor:
        """Features [batch, channels, height / stride, width / stride]."""
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + shortcut)


class ResNet(nn.Module):
    """Depth 6 n + 2: images [batch, channels, h, w] -> logits [batch, classes]."""

    def __init__(
        self, depth: int = 20, channels: int = 3, classes: int = 10, width: int = 16
    ) -> None:
        super().__init__()
        require(depth >= 8 and depth % 6 == 2, "depth", "be 6 n + 2 with n >= 1", depth)
        blocks = (depth - 2) // 6
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        stages: list[nn.Module] = []
        previous = width
        for stage, size in enumerate((width, 2 * width, 4 * width)):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(BasicBlock(previous, size, stride))
                previous = size
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(previous, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        features = self.stages(self.stem(images)).mean((2, 3))
        logits: Tensor = self.head(features)
        return logits
