"""How numbers and empty fields are shown, the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# The letters by which claims name their sources.
SOURCES = {
    "R": "Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, arXiv 1908.03265",
    "RR": "the README of the repository of R's authors",
    "U": "Ma and Yarats, On the Adequacy of Untuned Warmup for Adaptive Optimization, arXiv 1910.04209",
    "KB": "Kalra and Barkeshli, Why Warmup the Learning Rate?, arXiv 2406.09405",
    "A": "Kingma and Ba, Adam: A Method for Stochastic Optimization, arXiv 1412.6980",
    "N": "a public reading note of R (yoheikikuta/paper-reading, 50)",
    "B1": "a blog on Adam with decay of the learning rate",
    "B2": "a blog on GD, Adam, AdamW and LAMB",
    "B3": "a blog on Adagrad, RMSProp, Adam and schedules",
    "S": "slides on warm-up and linear decay",
    "V": "varlab's own, beyond the paper",
}


def number(value: float | None) -> str:
    """Two significant digits, from 100 on all before the point; powers of ten only where they help.

    An empty field for None. The audit's numbers are :func:`varlab.audit.views.text.two_digits`.
    """
    if value is None:
        return ""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def sources_of(texts: Iterable[str]) -> dict[str, str]:
    """Letter and work of every source that ``texts``, such as ``R §4.2, Fig. 8``, name."""
    text = " ".join(texts)
    return {letter: work for letter, work in SOURCES.items() if re.search(rf"\b{letter}\b", text)}


def point(values: Mapping[str, object] | None) -> str:
    """A counterexample on one line: ``rho = 3, left = 1.09``."""
    if not values:
        return ""
    return ", ".join(f"{name} = {_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
