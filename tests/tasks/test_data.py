"""Loaders: what they read, and the one clear line for files that are missing, truncated or foreign."""

import gzip
import struct

import numpy as np
import pytest
import torch

from varlab.core import InputError
from varlab.tasks.data.images import CIFAR_RECORD, digits, load_images
from varlab.tasks.data.parallel import END, PADDING, START, load_parallel
from varlab.tasks.data.text import load_text, standard_library


def cifar(folder, records=4):
    rng = np.random.default_rng(0)
    for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
        rows = rng.integers(0, 256, (records, CIFAR_RECORD), dtype=np.uint8)
        rows[:, 0] %= 10
        (folder / name).write_bytes(rows.tobytes())


def mnist(folder, count=6, *, zipped=False):
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8).tobytes()
        labels = rng.integers(0, 10, count, dtype=np.uint8).tobytes()
        files = {
            f"{part}-images-idx3-ubyte": struct.pack(">4I", 0x803, count, 28, 28) + pixels,
            f"{part}-labels-idx1-ubyte": struct.pack(">2I", 0x801, count) + labels,
        }
        for name, raw in files.items():
            path = folder / (name + ".gz" * zipped)
            path.write_bytes(gzip.compress(raw) if zipped else raw)


def test_digits_are_standardised_and_held_out():
    images = digits()
    assert images.train.shape[1:] == (1, 8, 8)
    assert len(images.train) + len(images.test) == 1797
    assert abs(float(images.train.mean())) < 1e-5  # float32 rounding over 92,000 pixels
    assert abs(float(images.train.std()) - 1) < 1e-5


def test_cifar_is_read_in_planes(tmp_path):
    cifar(tmp_path)
    images = load_images(tmp_path)
    assert images.train.shape == (20, 3, 32, 32)
    assert images.test.shape == (4, 3, 32, 32)
    raw = np.frombuffer((tmp_path / "data_batch_1.bin").read_bytes(), dtype=np.uint8)
    assert int(images.train_labels[0]) == raw[0]
    # Standardising is affine in each channel: the order of pixels within a plane must survive.
    plane = images.train[0, 1].flatten().argsort(stable=True)
    expected = torch.tensor(raw[1 + 1024 : 1 + 2048].astype(float)).argsort(stable=True)
    assert torch.equal(plane, expected)


@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_is_read_plain_or_zipped(tmp_path, zipped):
    mnist(tmp_path, zipped=zipped)
    images = load_images(tmp_path)
    assert images.train.shape == (6, 1, 28, 28)
    assert images.name == "mnist"


def truncated_cifar(folder):
    cifar(folder)
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-7])


def foreign_cifar(folder):
    cifar(folder)
    (folder / "test_batch.bin").write_bytes(b"\xff" * CIFAR_RECORD)


def missing_cifar(folder):
    cifar(folder)
    (folder / "data_batch_5.bin").unlink()


def truncated_mnist(folder):
    mnist(folder)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])


def foreign_mnist(folder):
    mnist(folder)
    (folder / "train-labels-idx1-ubyte").write_bytes(b"hello, world")


def damaged_gzip(folder):
    mnist(folder, zipped=True)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:40])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (truncated_cifar, "not a multiple of 3073: truncated"),
        (foreign_cifar, "label 255, beyond 9"),
        (missing_cifar, "cannot read .*data_batch_5.bin: No such file"),
        (truncated_mnist, "is truncated: 4703 bytes"),
        (foreign_mnist, "is no IDX file of 1 dimensions"),
        (damaged_gzip, "is a damaged gzip file"),
        (lambda folder: None, r"no data_batch_1\.bin .* or train-images"),
    ],
)
def test_bad_image_files_are_named(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(InputError, match=message):
        load_images(tmp_path)


def test_a_path_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="must name a folder"):
        load_images(tmp_path / "nowhere")


def test_text_windows_are_shifted_by_one():
    text = standard_library()
    tokens, following = text.windows(torch.tensor([0, 7]), 5)
    assert torch.equal(tokens[:, 1:], following[:, :-1])
    assert torch.equal(tokens[1], text.train[7:12])
    assert len(text.train) + len(text.test) == 1_000_000


def test_a_short_or_missing_text_is_named(tmp_path):
    (tmp_path / "short.txt").write_text("too short")
    with pytest.raises(InputError, match="text must hold at least 340 bytes; got 9"):
        load_text(tmp_path / "short.txt", 32)
    with pytest.raises(InputError, match="cannot read"):
        load_text(tmp_path / "nowhere.txt", 32)


def test_bundled_pairs_are_encoded_with_start_end_and_padding():
    pairs = load_parallel(None, 24)
    assert len(pairs.source) == len(pairs.target) > 500
    assert (pairs.target[:, 0] == START).all()
    assert ((pairs.source == END).sum(1) == 1).all()
    ends = (pairs.target == END).int().argmax(1)
    for row, end in zip(pairs.target[:50], ends[:50], strict=True):
        assert (row[end + 1 :] == PADDING).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\nonly one column\n", "line 2 has 1 columns"),
        ("", "is empty"),
        ("x" * 99 + "\ty\n", "longest must admit at least one pair"),
    ],
)
def test_bad_parallel_files_are_named(tmp_path, text, message):
    path = tmp_path / "pairs.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_parallel(path, 24)


def test_parallel_text_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        load_parallel(path, 24)
