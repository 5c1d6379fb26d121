"""Names from a user's model on a page: shown as they are, never run.

The ledger's page and its LaTeX are held against hostile claims in ``tests/report/test_pages.py``.
"""

from html.parser import HTMLParser

import numpy as np

import varlab

NAMES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'; alert(1); '",
    "</style></title></svg><script>alert(1)</script>",
    "]]><!-- --><![CDATA[",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "$\\alpha_{unbalanced$ 50% #{x}",
    "layer." * 400 + "weight",
    "\u202egnp.tfel-ot-thgir \u2066isolated\u2069",
    "naïve 重み \U0001f600 \x00\x07\n\t",
    "",
]
# Elements that the page itself has; anything else came from a name.
FORBIDDEN = {"script", "img", "iframe", "object", "embed", "link", "base", "form"}


class Elements(HTMLParser):
    """All elements with their attributes, and the text in the table's cells."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.cells, self.inside = [], [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag == "td":
            self.inside = True
            self.cells.append("")

    def handle_endtag(self, tag):
        if tag == "td":
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def parsed(layers, path, text):
    """A page about these layers, with the text wherever else a user's text goes."""
    values = np.random.default_rng(0).normal(size=(24, 1, len(layers)))
    about = {"task": text, "sampler": text, "quantity": text}
    audit = varlab.assess(varlab.Recording.from_arrays(values, layers, **about), command=text)
    audit.to_html(path)
    assert isinstance(audit.to_json(), str)
    page = Elements()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_hostile_names_are_text(tmp_path):
    page = parsed(NAMES, tmp_path / "a.html", " ".join(NAMES))
    plain = parsed([f"layer{i}" for i in range(len(NAMES))], tmp_path / "b.html", "harmless")
    assert FORBIDDEN.isdisjoint(page.tags)
    assert not [a for a in page.attributes if a.startswith("on")]
    for tag in ("style", "svg", "table", "tr", "td"):
        assert page.tags.count(tag) == plain.tags.count(tag)
    shown = [name for name in NAMES if "\x00" not in name]  # HTML has no such character
    assert [name for name in shown if name not in page.cells] == []


def test_the_test_would_see_a_name_that_is_not_escaped(tmp_path):
    page = Elements()
    page.feed("<td>" + NAMES[0] + NAMES[1] + "</td>")
    assert {"script", "img"} <= set(page.tags)
    assert "onerror" in page.attributes


def test_hostile_names_survive_saving(tmp_path):
    values = np.random.default_rng(0).normal(size=(3, 2, len(NAMES)))
    varlab.Recording.from_arrays(values, NAMES).save(tmp_path / "r")
    assert varlab.load(tmp_path / "r").layers == tuple(NAMES)
