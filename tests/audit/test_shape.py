"""The shape of a recording that ``calibrate`` takes: sizes, and the correlation between coordinates."""

from dataclasses import asdict

import numpy as np
import pytest

from varlab.audit.processes import Shape, scale_drift
from varlab.audit.protocol import Protocol
from varlab.audit.recorder.recording import Recording
from varlab.audit.shape import HIGHEST, recording_shape, rms_correlation
from varlab.core import InputError

# Protocol -> replicas and steps.
SIZES = {"ensemble": (48, 10), "run": (1, 400), "frozen": (1, 400)}


def recording(protocol, correlation, seed=0, coordinates=(16, 16)):
    rng = np.random.default_rng(seed)
    parts = [Shape(*SIZES[protocol], c, correlation).normals(rng) for c in coordinates]
    names = [f"layer {i}" for i, c in enumerate(coordinates) for _ in range(c)]
    return Recording.from_arrays(np.concatenate(parts, axis=2), names, protocol=protocol)


@pytest.mark.parametrize("protocol", SIZES)
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_the_planted_correlation_is_measured(protocol, correlation):
    """Over 20 recordings the largest deviation was 0.03; without the correction 0 reads as 0.15 or 0.05."""
    measured = recording_shape(recording(protocol, correlation)).correlation
    assert abs(measured - correlation) < 0.05


def test_chance_adds_nothing():
    """Mean over 200 samples of 24 rows: s.e. 0.0006 at 0, 0.006 at 0.5, where the adjusted r^2 is low
    by 0.014; uncorrected, 0 would read as 0.043."""
    for correlation in (0.0, 0.5):
        shape = Shape(24, 200, 8, correlation)
        x = shape.normals(np.random.default_rng(1))
        found = rms_correlation(x, Protocol.ENSEMBLE) ** 2
        assert abs(found - correlation**2) < (0.035 if correlation else 0.005)


def test_signs_do_not_cancel_and_scales_do_not_matter():
    x = Shape(48, 10, 16, 0.5).normals(np.random.default_rng(2))
    flipped = x * np.where(np.arange(16) % 2, -1.0, 1.0) * np.logspace(-3, 3, 16)
    first, second = (rms_correlation(a, Protocol.ENSEMBLE) for a in (x, flipped))
    assert first == pytest.approx(second, rel=1e-9)


def test_few_rows_or_few_columns_give_the_same_number():
    """Pairs one by one, as NumPy counts them."""
    for rows, columns in ((24, 40), (40, 24)):
        x = Shape(rows, 1, columns, 0.4).normals(np.random.default_rng(3))
        r = np.corrcoef(x[:, 0], rowvar=False)[np.triu_indices(columns, 1)]
        square = np.mean(r**2 - (1 - r**2) / (rows - 2))
        assert rms_correlation(x, Protocol.ENSEMBLE) == pytest.approx(np.sqrt(square), rel=1e-9)


def test_a_shared_drift_of_scale_is_no_correlation():
    x = scale_drift(3.0)(Shape(1, 400, 16), np.random.default_rng(4))
    assert rms_correlation(x, Protocol.RUN) < 0.05


def test_dead_steps_are_left_out_and_copies_stay_below_one():
    x = Shape(48, 10, 16, 0.5).normals(np.random.default_rng(5))
    dead = x.copy()
    dead[:, 4:] = 0.0
    expected = rms_correlation(x[:, :4], Protocol.ENSEMBLE)
    assert rms_correlation(dead, Protocol.ENSEMBLE) == pytest.approx(expected)
    assert rms_correlation(np.zeros((48, 2, 3)), Protocol.ENSEMBLE) == 0.0
    copies = Recording.from_arrays(np.repeat(x[:, :, :1], 3, axis=2), ["a"] * 3)
    assert recording_shape(copies).correlation == HIGHEST


def test_sizes_are_those_of_the_tested_layers():
    x = Shape(24, 3, 10).normals(np.random.default_rng(6))
    x[:, :, 7] = 1.0  # constant: a coordinate of b that nothing can be said about
    x[2, 1, 9] = np.nan
    names = ["a"] * 5 + ["b"] * 3 + ["one"] + ["bad"]
    assert asdict(recording_shape(Recording.from_arrays(x, names))) | {"correlation": 0.0} == {
        "protocol": "ensemble",
        "replicas": 24,
        "steps": 3,
        "coordinates": 2,
        "layers": 3,
        "correlation": 0.0,
    }
    with pytest.raises(InputError, match=r"no layer .* ensemble needs at least 24 replicas"):
        recording_shape(Recording.from_arrays(x[:23], names))
