"""Recordings: what they refuse, and that nothing is lost on disk."""

import numpy as np
import pytest

from varlab.audit.recorder.recording import Recording
from varlab.audit.recorder.storage import RecordingWriter, load
from varlab.core import DomainError, InputError


def arrays(replicas=3, steps=5, coordinates=4, dtype=np.float32):
    return np.random.default_rng(0).standard_normal((replicas, steps, coordinates)).astype(dtype)


LAYERS = ["b", "b", "a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gradients": np.zeros((2, 3))}, "gradients must have axes"),
        ({"layers": ["a"]}, "layers must name each of the 4 coordinates"),
        ({"gradients": np.zeros((2, 3, 0)), "layers": []}, "at least one replica"),
        ({"beta2": 1.0}, r"beta2 must lie in \[0, 1\)"),
        ({"steps": [1, 3, 2, 4, 5]}, "steps must be 5 increasing numbers"),
        ({"protocol": "runs"}, "protocol must be one of frozen, run, ensemble"),
        ({"protocol": "run"}, "protocol run takes one replica"),
        ({"inits": [0, 1]}, "inits must hold 3 labels"),
    ],
)
def test_bad_input_is_refused_in_one_line(change, message):
    good = {"gradients": arrays(), "layers": LAYERS, "beta2": 0.999}
    with pytest.raises(InputError, match=message) as caught:
        Recording.from_arrays(**{**good, **change})
    assert "\n" not in str(caught.value)


def test_beta2_outside_its_domain_is_a_domain_error():
    with pytest.raises(DomainError):
        Recording.from_arrays(arrays(), LAYERS, -0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_recording_comes_back_the_same(tmp_path, dtype):
    x = arrays(dtype=dtype)
    recording = Recording.from_arrays(
        x,
        LAYERS,
        0.99,
        steps=[1, 2, 4, 8, 16],
        inits=[0, 0, 1],
        orders=[0, 1, 0],
        sampler="with replacement",
        task="mlp",
        seed=7,
        statuses={"emb": "sparse"},
        host="none",
    )
    recording.save(tmp_path / "r.zarr")
    back = load(tmp_path / "r.zarr")
    np.testing.assert_array_equal(back.gradients, x)
    assert back.gradients.dtype == dtype
    assert back.dataset.attrs == recording.dataset.attrs
    assert back.layers == ("b", "a", "emb")
    np.testing.assert_array_equal(back.layer("a"), x[:, :, 2:3])
    np.testing.assert_array_equal(back.steps, [1, 2, 4, 8, 16])
    np.testing.assert_array_equal(back.inits, [0, 0, 1])
    assert back.statuses == {"emb": "sparse"}


def test_labels_that_are_unknown_are_none():
    recording = Recording.from_arrays(arrays(), LAYERS)
    assert recording.inits is None
    assert recording.orders is None


def test_an_existing_place_is_not_overwritten(tmp_path):
    recording = Recording.from_arrays(arrays(), LAYERS)
    recording.save(tmp_path / "r")
    with pytest.raises(InputError, match="exists; choose another place"):
        recording.save(tmp_path / "r")
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


def test_no_file_of_a_store_is_a_pickle(tmp_path):
    Recording.from_arrays(arrays(), LAYERS).save(tmp_path / "r")
    for path in (tmp_path / "r").rglob("*"):
        if path.is_file():
            assert path.name == "zarr.json" or path.parts[-2] == "0" or "c" in path.parts


@pytest.mark.parametrize("content", [None, "empty", "text"])
def test_what_is_no_recording_is_refused(tmp_path, content):
    place = tmp_path / "r"
    if content == "empty":
        place.mkdir()
    elif content == "text":
        place.write_text("hello")
    with pytest.raises(InputError, match=r"no recording at|is not a recording"):
        load(place)


def writer(path, **kwargs):
    options = {
        "replicas": 3,
        "layers": LAYERS,
        "beta2": 0.999,
        "protocol": "ensemble",
        "flush_every": 2,
    }
    return RecordingWriter(path, **{**options, **kwargs})


def test_steps_of_all_replicas_together(tmp_path):
    x = arrays()
    with writer(tmp_path / "r") as out:
        for t in range(5):
            out.write(t + 1, x[:, t])
    back = load(tmp_path / "r")
    np.testing.assert_array_equal(back.gradients, x)
    assert back.dataset.attrs["complete"] is True


def test_replicas_one_after_another(tmp_path):
    x = arrays()
    with writer(tmp_path / "r") as out:
        for r in range(3):
            for t in range(5):
                out.write(t + 1, x[r, t], replica=r)
            out.flush()
    np.testing.assert_array_equal(load(tmp_path / "r").gradients, x)


def test_what_was_flushed_before_a_kill_is_read_and_resumed(tmp_path):
    x = arrays()
    out = writer(tmp_path / "r")
    for t in range(3):
        out.write(t + 1, x[:, t])
    del out  # never closed: the third step was only in memory
    back = load(tmp_path / "r")
    np.testing.assert_array_equal(back.gradients, x[:, :2])
    assert back.dataset.attrs["complete"] is False
    with writer(tmp_path / "r", resume=True) as again:
        np.testing.assert_array_equal(again.recorded, [2, 2, 2])
        for t in range(2, 5):
            again.write(t + 1, x[:, t])
    np.testing.assert_array_equal(load(tmp_path / "r").gradients, x)


def test_a_half_written_tail_is_never_seen(tmp_path):
    """A kill between the gradients and the count: the reader trusts the count."""
    x = arrays()
    out = writer(tmp_path / "r")
    out.write(1, x[:, 0])
    out.write(2, x[:, 1])
    out._gradients.resize((3, 4, 4))
    out._gradients[:, 2:3] = 99.0
    back = load(tmp_path / "r")
    np.testing.assert_array_equal(back.gradients, x[:, :2])


def test_of_unequal_replicas_the_largest_rectangle_is_kept(tmp_path):
    x = arrays()
    out = writer(tmp_path / "r")
    for r, length in ((0, 4), (1, 4), (2, 2)):
        for t in range(length):
            out.write(t + 1, x[r, t], replica=r)
    out.close()
    back = load(tmp_path / "r")
    np.testing.assert_array_equal(back.gradients, x[:2, :4])
    assert back.dataset.attrs["complete"] is False


def test_resuming_another_recording_is_refused(tmp_path):
    with writer(tmp_path / "r") as out:
        out.write(1, arrays()[:, 0])
    with pytest.raises(InputError, match="holds another recording"):
        writer(tmp_path / "r", beta2=0.9, resume=True)
    with pytest.raises(InputError, match="resume"):
        writer(tmp_path / "r")


def test_a_status_noted_while_recording_comes_back(tmp_path):
    with writer(tmp_path / "r") as out:
        out.write(1, arrays()[:, 0])
        out.set_statuses({"emb": "sparse"})
    assert load(tmp_path / "r").statuses == {"emb": "sparse"}


def test_a_store_of_a_newer_schema_is_refused(tmp_path):
    out = writer(tmp_path / "r")
    out._group.attrs.update({"schema": 2})
    with pytest.raises(InputError, match="reads up to 1"):
        load(tmp_path / "r")


def test_an_interrupted_block_keeps_data_but_is_not_complete(tmp_path):
    def interrupted():
        with writer(tmp_path / "r") as out:
            out.write(1, arrays()[:, 0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert load(tmp_path / "r").dataset.attrs["complete"] is False
