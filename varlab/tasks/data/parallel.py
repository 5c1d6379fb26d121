"""Pairs of German and English text: Babel's CLDR names, or a two-column TSV file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from varlab.core import InputError, require

PADDING, START, END = 0, 1, 2
SPECIAL = 3


@dataclass(frozen=True)
class Parallel:
    """Source and target as padded LongTensors [n, length]; targets begin with START.

    Characters are the tokens; ``vocabulary`` counts them with the three special ones.
    """

    name: str
    source: Tensor
    target: Tensor
    vocabulary: int

    @property
    def length(self) -> int:
        """The longer padded length, START and END included."""
        return max(self.source.shape[1], self.target.shape[1])


def cldr_names() -> list[tuple[str, str]]:
    """German and English names of languages, territories and currencies from Unicode CLDR, by Babel.

    Raises
    ------
    InputError
        When Babel is not installed.
    """
    try:
        from babel import Locale
    except ImportError:
        raise InputError(
            "the bundled parallel text needs Babel; pip install 'varlab[tasks]'"
        ) from None
    german, english = Locale("de"), Locale("en")
    pairs = []
    for field in ("languages", "territories", "currencies"):
        here, there = getattr(german, field), getattr(english, field)
        pairs += [(here[key], there[key]) for key in sorted(here) if key in there]
    return pairs


def tsv(path: Path) -> list[tuple[str, str]]:
    """Lines ``source<TAB>target`` in UTF-8.

    Raises
    ------
    InputError
        A file that cannot be read, or the first line without exactly one tab.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text") from None
    pairs = []
    for number, line in enumerate(lines, 1):
        columns = line.split("\t")
        if len(columns) != 2:
            raise InputError(f"{path} line {number} has {len(columns)} columns, not two")
        pairs.append((columns[0], columns[1]))
    if not pairs:
        raise InputError(f"{path} is empty")
    return pairs


@cache  # every replica of an audit asks for the same data
def load_parallel(data: Path | None, longest: int) -> Parallel:
    """Pairs of at most ``longest`` characters on either side, encoded.

    Raises
    ------
    InputError
        When no pair is short enough, or the file is bad.
    """
    pairs = cldr_names() if data is None else tsv(data)
    kept = [(a, b) for a, b in pairs if max(len(a), len(b)) <= longest]
    require(bool(kept), "longest", "admit at least one pair of the text", longest)
    characters = sorted({c for pair in kept for text in pair for c in text})
    code = {c: i + SPECIAL for i, c in enumerate(characters)}
    name = "cldr-names" if data is None else data.name
    return Parallel(
        name,
        _encode([a for a, _ in kept], code, start=False),
        _encode([b for _, b in kept], code, start=True),
        len(characters) + SPECIAL,
    )


def _encode(texts: list[str], code: dict[str, int], *, start: bool) -> Tensor:
    rows = [[START] * start + [code[c] for c in text] + [END] for text in texts]
    width = max(len(row) for row in rows)
    return torch.tensor([row + [PADDING] * (width - len(row)) for row in rows])
