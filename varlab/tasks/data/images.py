"""Images and labels: scikit-learn's bundled digits, CIFAR-10 (binary version), MNIST (IDX)."""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from varlab.core import InputError

CIFAR_RECORD = 1 + 3 * 32 * 32  # label byte, then the three colour planes
IDX_IMAGES, IDX_LABELS = 0x803, 0x801  # magic numbers of unsigned bytes with 3 and 1 dimensions
HELD_OUT = 5  # of the bundled digits, every fifth image is for evaluation


@dataclass(frozen=True)
class Images:
    """Training and held-out images [n, channels, h, w] with labels [n].

    Pixels are standardised to mean 0 and variance 1 over the training set, channel by channel.
    """

    name: str
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    classes: int


def digits() -> Images:
    """1797 handwritten digits, 8 x 8, bundled with scikit-learn (UCI ML hand-written digits).

    Raises
    ------
    InputError
        When scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError(
            "the bundled digits need scikit-learn; pip install 'varlab[tasks]'"
        ) from None
    bunch = load_digits()
    pixels = torch.tensor(bunch.images, dtype=torch.float32)[:, None]
    labels = torch.tensor(bunch.target, dtype=torch.long)
    held = torch.arange(len(labels)) % HELD_OUT == 0
    return _standardised(
        "digits", pixels[~held], labels[~held], pixels[held], labels[held], classes=10
    )


def cifar10(folder: Path) -> Images:
    """CIFAR-10's binary version: data_batch_1.bin to data_batch_5.bin and test_batch.bin in ``folder``.

    Raises
    ------
    InputError
        A missing, truncated or foreign file.
    """
    train = [_cifar_file(folder / f"data_batch_{i}.bin") for i in range(1, 6)]
    test, test_labels = _cifar_file(folder / "test_batch.bin")
    return _standardised(
        "cifar10",
        torch.cat([images for images, _ in train]),
        torch.cat([labels for _, labels in train]),
        test,
        test_labels,
        classes=10,
    )


def mnist(folder: Path) -> Images:
    """MNIST's four IDX files in ``folder``, plain or gzipped.

    Raises
    ------
    InputError
        A missing, truncated or foreign file.
    """
    parts = [
        _idx_file(folder, f"{part}-{kind}-ubyte", magic)
        for part in ("train", "t10k")
        for kind, magic in (("images-idx3", IDX_IMAGES), ("labels-idx1", IDX_LABELS))
    ]
    for images, labels in (parts[:2], parts[2:]):
        if len(images) != len(labels):
            raise InputError(f"{folder}: {len(images)} images but {len(labels)} labels")
    return _standardised(
        "mnist",
        parts[0][:, None].float(),
        parts[1].long(),
        parts[2][:, None].float(),
        parts[3].long(),
        classes=10,
    )


@cache  # every replica of an audit asks for the same data
def load_images(data: Path | None) -> Images:
    """The bundled digits, or CIFAR-10 or MNIST, whichever lies in the folder ``data``."""
    if data is None:
        return digits()
    if not data.is_dir():
        raise InputError(f"--data must name a folder with CIFAR-10 or MNIST files; got {data}")
    if (data / "data_batch_1.bin").exists():
        return cifar10(data)
    if any(data.glob("train-images-idx3-ubyte*")):
        return mnist(data)
    raise InputError(
        f"no data_batch_1.bin (CIFAR-10, binary version) or train-images-idx3-ubyte (MNIST) in {data}"
    )


def _cifar_file(path: Path) -> tuple[Tensor, Tensor]:
    raw = _read(path)
    if not raw or len(raw) % CIFAR_RECORD:
        raise InputError(
            f"{path} has {len(raw)} bytes, not a multiple of {CIFAR_RECORD}: truncated or no CIFAR-10"
        )
    records = np.frombuffer(raw, dtype=np.uint8).reshape(-1, CIFAR_RECORD)
    if records[:, 0].max() > 9:
        raise InputError(f"{path} has label {records[:, 0].max()}, beyond 9: no CIFAR-10 file")
    images = torch.tensor(records[:, 1:].reshape(-1, 3, 32, 32), dtype=torch.float32)
    return images, torch.tensor(records[:, 0].astype(np.int64))


def _idx_file(folder: Path, name: str, magic: int) -> Tensor:
    path = folder / name
    if not path.exists():
        path = folder / f"{name}.gz"
    raw = _read(path)
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError):
            raise InputError(f"{path} is a damaged gzip file; fetch it again") from None
    dimensions = magic & 0xFF
    header = 4 + 4 * dimensions
    if len(raw) < header or struct.unpack(">I", raw[:4])[0] != magic:
        raise InputError(f"{path} is no IDX file of {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", raw[4:header])
    if len(raw) - header != int(np.prod(shape)):
        raise InputError(f"{path} is truncated: {len(raw) - header} bytes for shape {shape}")
    return torch.tensor(np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(shape).copy())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _standardised(
    name: str, train: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor, *, classes: int
) -> Images:
    mean = train.mean((0, 2, 3), keepdim=True)
    scale = train.std((0, 2, 3), keepdim=True)
    return Images(name, (train - mean) / scale, labels, (test - mean) / scale, test_labels, classes)
