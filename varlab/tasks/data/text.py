"""Text as bytes: the Python standard library's own source, or any file."""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from varlab.core import InputError, require

VOCABULARY = 256  # bytes
# Enough for any run on a laptop, read in a few milliseconds.
BUNDLED_BYTES = 1_000_000
HELD_OUT = 0.1


@dataclass(frozen=True)
class Text:
    """Training and held-out bytes, LongTensors [n]."""

    name: str
    train: Tensor
    test: Tensor

    def windows(self, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Inputs and next tokens, both [len(starts), length]."""
        index = starts[:, None] + torch.arange(length + 1, device=starts.device)
        chunk = self.train[index]
        return chunk[:, :-1], chunk[:, 1:]


def standard_library() -> Text:
    """The first million bytes of the installed Python standard library's top-level modules, by name.

    The text differs a little between Python versions; the name carries the version.
    """
    folder = Path(sysconfig.get_paths()["stdlib"])
    parts: list[bytes] = []
    total = 0
    for path in sorted(folder.glob("*.py")):
        parts.append(path.read_bytes())
        total += len(parts[-1])
        if total >= BUNDLED_BYTES:
            break
    return _split(f"python-{sysconfig.get_python_version()}", b"".join(parts)[:BUNDLED_BYTES])


def text_file(path: Path) -> Text:
    """The bytes of a file.

    Raises
    ------
    InputError
        A file that cannot be read, or holds less than a few windows.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    return _split(path.name, raw)


@cache  # every replica of an audit asks for the same data
def load_text(data: Path | None, length: int) -> Text:
    """The bundled text, or the file ``data``; long enough for windows of ``length``."""
    text = standard_library() if data is None else text_file(data)
    require(
        len(text.train) > length + 1 and len(text.test) > length + 1,
        "text",
        f"hold at least {10 * (length + 2)} bytes",
        len(text.train) + len(text.test),
        "use a longer file or a shorter window",
    )
    return text


def _split(name: str, raw: bytes) -> Text:
    data = torch.frombuffer(bytearray(raw or b"\0"), dtype=torch.uint8).long()
    cut = int(len(data) * (1 - HELD_OUT))
    return Text(name, data[:cut], data[cut:])
