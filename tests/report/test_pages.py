"""The report page and the LaTeX table: whole, self-contained, and safe against any text."""

import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from varlab.claims import registry
from varlab.claims.ledger import Entry, Ledger
from varlab.core import Budget, Claim, ClaimKind, Finding, numeric
from varlab.report import html as page
from varlab.report.latex import escape, ledger_latex
from varlab.report.readme import findings, marks, peers, with_block
from varlab.report.text import number, point

HOSTILE = '<script>alert("x")</script>'
VOID = {"meta", "br", "img", "hr", "link", "input"}


def entry(statement=HOSTILE, *, agrees=True, equation=r"\rho > 2"):
    finding = (
        Finding.supports(HOSTILE, error=1e-16, domain="rho > 2")
        if agrees
        else Finding.refutes(HOSTILE, counterexample={"rho": 3.0, "a|b": HOSTILE})
    )
    claim = Claim(
        id=f"test.{'yes' if agrees else 'no'}",
        source="R Eq. 6 & §3_2",
        statement=statement,
        kind=ClaimKind.EXACT,
        domain_stated="rho > 4",
        formula=None,
        checks=(numeric(lambda f, c: finding),),
        equation=equation,
    )
    return Entry(claim, claim.decide())


@pytest.fixture
def ledger(monkeypatch):
    entries = (entry(), entry(agrees=False))
    sections = (("A <b>title</b>", tuple(e.claim.id for e in entries)),)
    monkeypatch.setattr(page, "sections", lambda: sections)
    return Ledger(entries, 0, Budget.FAST)


class Balance(HTMLParser):
    """Sees that every element that opens also closes, in order."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_hostile_text_stays_text(ledger):
    parser = Balance()
    parser.feed(page.ledger_html(ledger))
    assert parser.open == []
    assert "script" not in parser.seen
    assert parser.seen.count("details") == 3


def test_the_page_needs_nothing_from_outside(ledger):
    text = page.ledger_html(ledger).replace("http://www.w3.org/1998/Math/MathML", "")
    assert not re.search(r"https?://|@import|url\(|<link|<script|src=", text)


def test_the_page_shows_verdict_domain_and_counterexample(ledger):
    text = page.ledger_html(ledger)
    for part in ("holds", "fails", "rho &gt; 2", "rho = 3", "<math"):
        assert part in text


def test_every_equation_of_the_ledger_becomes_mathml():
    for claim in registry.collect().values():
        ElementTree.fromstring(page.mathml(claim.equation))


def test_latex_escapes_and_balances(ledger):
    table = ledger_latex(ledger)
    assert escape("a_b & 50% $x$ {y}") == r"a\_b \& 50\% \$x\$ \{y\}"
    assert table.count(r"\begin{longtable}") == table.count(r"\end{longtable}") == 1
    rows = [line for line in table.splitlines() if line.startswith(r"\texttt")]
    assert len(rows) == 2
    assert all(len(re.findall(r"(?<!\\)&", row)) == 5 for row in rows)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0, "0"),
        (0.6998, "0.7"),
        (2.307, "2.3"),
        (1234.5, "1234"),
        (3.2e-16, "3.2e-16"),
        (8.33e14, "8.3e14"),
    ],
)
def test_numbers_are_short(value, shown):
    assert number(value) == shown


def test_points_are_one_line():
    assert point({"rho": 3, "left": 1.0901408, "at": "t"}) == "rho = 3, left = 1.09014, at = t"
    assert point(None) == ""


def cells(markdown):
    return [
        re.split(r"(?<!\\)\|", line)[1:-1]
        for line in markdown.splitlines()
        if line.startswith("| ")
    ]


def test_a_block_replaces_only_what_stands_between_its_marks(ledger):
    start, end = marks("ledger")
    readme = f"before\n{start}\nstale\n{end}\nafter\n"
    text = with_block(readme, "ledger", findings(ledger.to_dict()))
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale" not in text
    assert "**1** fails" in text


def test_readme_tables_are_rectangular_whatever_the_text(ledger):
    for text in (findings(ledger.to_dict()), peers({"targets": [hostile_target()]})):
        rows = cells(text)
        assert len(rows) >= 2
        for table in text.split("\n\n"):
            assert len({len(row) for row in cells(table)}) <= 1


def hostile_target():
    return {
        "target": "a|b:RAdam",
        "version": "1",
        "verdict": "differs",
        "threshold": "other",
        "early_phase": "none",
        "max_relative_error": {"0.9": None},
        "eps_placement": "|v|",
        "weight_decay": "none",
        "findings": ["fault: a | b", "note: c"],
    }


def test_square_brackets_survive_in_the_terminal(ledger):
    from rich.console import Console

    from varlab.report.terminal import ledger_table

    entries = (entry("Var[psi]"), entry(agrees=False))
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(ledger_table(Ledger(entries, 0, Budget.FAST)))
    assert "a|b = <script>" in console.export_text()
