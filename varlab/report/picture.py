"""The paper's Fig. 8 as it stands in the package, inline in a page and in the page's own colours."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

# The claim that the figure is about: a page that holds the claim shows the figure.
PICTURED = "radam.fig8.accuracy"
CAPTION = (
    "Fig. 8 of the paper, with what it leaves out: the variance of psi by Eq. 2, by the first-order "
    "Eq. 5 on which r_t rests, and by the exact law of the moving average; below, the errors of both."
)


@cache
def figure() -> str:
    """``<figure>`` with the committed drawing; empty where the drawing is not installed."""
    try:
        drawing = files("paper_figures").joinpath("rendered", "fig8.svg").read_text("utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        return ""
    return (
        f"<figure>{inline(drawing, 'fig8-caption')}"
        f'<figcaption id="fig8-caption">{CAPTION} <a href="#{PICTURED}">What it shows</a>; drawn by '
        "<code>varlab figures fig8</code>.</figcaption></figure>"
    )


def inline(drawing: str, label: str) -> str:
    """A Matplotlib SVG file as an element of HTML: black ink and white paper become the page's.

    Its metadata and style sheet, which would reach beyond the picture, are left out; ``label`` is the
    id of the element that describes it.
    """
    text = drawing[drawing.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', text)
    body = text[text.index(">") + 1 :].strip()
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.S)
    body = re.sub(r"#(000000|1c2024)\b", "currentColor", body).replace("#ffffff", "none")
    return f'<svg role="img" aria-labelledby="{label}" {box.group(0) if box else ""}>{body}'
