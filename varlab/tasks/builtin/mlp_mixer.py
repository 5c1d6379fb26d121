"""MLP-Mixer (Tolstikhin et al., arXiv 2105.01601): neither convolution nor attention."""

import torch.nn.functional as F
from torch import Tensor, nn

from varlab.core import require
from varlab.tasks.builtin.images import ImageFamily
from varlab.tasks.data.images import Images


class MixerBlock(nn.Module):
    """x [batch, patches, width] -> the same shape: an MLP over patches, then one over channels."""

    def __init__(self, patches: int, width: int, token_hidden: int, channel_hidden: int) -> None:
        super().__init__()
        self.token_norm, self.channel_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(
            nn.Linear(patches, token_hidden), nn.GELU(), nn.Linear(token_hidden, patches)
        )
        self.channels = nn.Sequential(
            nn.Linear(width, channel_hidden), nn.GELU(), nn.Linear(channel_hidden, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Both mixings, each on a residual path with LayerNorm before it."""
        x = x + self.tokens(self.token_norm(x).mT).mT
        mixed: Tensor = x + self.channels(self.channel_norm(x))
        return mixed


class Mixer(nn.Module):
    """Images [batch, channels, h, w] -> logits [batch, classes]."""

    def __init__(
        self, shape: tuple[int, int, int], classes: int, patch: int, width: int, layers: int
    ) -> None:
        super().__init__()
        channels, height, breadth = shape
        require(
            patch >= 1 and height % patch == 0 and breadth % patch == 0,
            "patch",
            f"divide the image's {height} x {breadth} pixels",
            patch,
        )
        patches = (height // patch) * (breadth // patch)
        self.patch = patch
        self.stem = nn.Linear(channels * patch**2, width)
        # The paper's proportions: half the width over patches, four times over channels.
        self.blocks = nn.Sequential(
            *(MixerBlock(patches, width, width // 2, 4 * width) for _ in range(layers))
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits from the mean over patches."""
        patches = F.unfold(pixels, self.patch, stride=self.patch).mT
        logits: Tensor = self.head(self.norm(self.blocks(self.stem(patches))).mean(dim=1))
        return logits


def model(images: Images, *, patch: int = 2, width: int = 32, layers: int = 2) -> nn.Module:
    """An MLP-Mixer on images: neither convolution nor attention."""
    channels, height, breadth = images.train.shape[1:]
    return Mixer((channels, height, breadth), images.classes, patch, width, layers)


TASK = ImageFamily(model)
