"""What grows with size, and how fast: the kept figure, and memory that must not grow, measured here."""

import numpy as np
import pytest

from paper_figures import scale
from paper_figures.store import figure

PANELS = {panel["name"]: panel for panel in figure("scale").load()["panels"]}


@pytest.mark.parametrize("name", ["trajectories", "steps", "parameters", "replicas"])
def test_the_kept_costs_are_linear(name):
    """In the upper half of the sizes, where fixed costs no longer count."""
    panel = PANELS[name]
    upper = len(panel["size"]) // 2
    slope = np.polyfit(np.log(panel["size"][upper:]), np.log(panel["seconds"][upper:]), 1)[0]
    assert panel["exponent"] == pytest.approx(slope, abs=0.01)
    assert 0.8 < slope < 1.25


def test_a_path_costs_less_than_its_steps():
    """psi_variance_path interpolates between steps: 10,000 times the steps cost 21 times as much."""
    panel = PANELS["path"]
    assert panel["seconds"][-1] / panel["seconds"][0] < panel["size"][-1] / panel["size"][0] / 50
    assert panel["memory"][-1] * 2**20 < 256 * panel["size"][-1]  # a few numbers a step


@pytest.mark.parametrize("name", ["trajectories", "steps", "parameters", "replicas"])
def test_the_kept_memory_is_constant(name):
    """The allocator's steps, 10 MB in all; the gradients of the longest simulation would take 400."""
    memory = PANELS[name]["memory"]
    assert memory[-1] - memory[0] < 10


@pytest.mark.parametrize(("name", "sizes"), [("trajectories", (300_000, 3_000_000))])
def test_memory_does_not_grow_with_trajectories(name, sizes):
    """Ten times the trajectories: one float32 kept for each would take 10 MB more."""
    small, large = (
        after - before for _, before, after in scale._measured(scale.SERIES[name], list(sizes))
    )
    assert large - small < 5
