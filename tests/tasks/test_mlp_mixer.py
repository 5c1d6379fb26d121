"""The Mixer: its published size, what mixes with what, and a patch that does not fit."""

import pytest
import torch

from varlab.core import InputError
from varlab.tasks import build, builtin
from varlab.tasks.builtin.mlp_mixer import Mixer, MixerBlock


def test_it_has_the_published_size():
    # Tolstikhin et al. 2021, Table 1: Mixer-S/16 at 224 x 224 has 18.5 million parameters in all
    # with its head of 1000 classes (token and channel widths 256 and 2048 for width 512).
    mixer = Mixer((3, 224, 224), classes=1000, patch=16, width=512, layers=8)
    assert round(sum(p.numel() for p in mixer.parameters()) / 1e6, 1) == 18.5


def test_patches_meet_in_the_token_mlp_alone():
    block = MixerBlock(patches=4, width=6, token_hidden=5, channel_hidden=7).double()
    torch.nn.init.zeros_(block.tokens[2].weight)  # no mixing over patches left
    x = torch.randn(1, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[0, 0] += 1
    with torch.no_grad():
        before, after = block(x), block(changed)
    torch.testing.assert_close(before[0, 1:], after[0, 1:], rtol=0, atol=0)
    assert not torch.equal(before[0, 0], after[0, 0])


def test_a_patch_that_does_not_fit_is_one_line():
    with pytest.raises(InputError, match="patch must divide the image's 8 x 8 pixels; got 3"):
        build(builtin("mlp-mixer", patch=3), 0)
