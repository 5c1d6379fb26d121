"""The ledger as one self-contained HTML page: verdict first, equation in MathML, evidence on demand."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from latex2mathml.converter import convert

from varlab import __version__
from varlab.claims.ledger import Entry, Ledger
from varlab.claims.registry import sections
from varlab.core import Evidence, Verdict
from varlab.report.text import number, point
from varlab.theory.catalogue import derivation

WORDS = {
    Verdict.HOLDS: "holds",
    Verdict.HOLDS_WITHIN: "holds within",
    Verdict.FAILS: "fails",
    Verdict.UNDECIDED: "undecided",
    Verdict.NOT_RUN: "not run",
}
MARKS = {True: ("✓", "agrees"), False: ("✗", "refutes"), None: ("–", "could not tell")}


def ledger_html(ledger: Ledger) -> str:
    """A page without any outside resource; every text from a claim is escaped."""
    style = files("varlab.report").joinpath("report.css").read_text(encoding="utf-8")
    by_id = {entry.claim.id: entry for entry in ledger.entries}
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>varlab: the ledger</title>",
        f"<style>{style}</style></head><body>",
        _header(ledger),
        '<main id="claims">',
    ]
    for title, ids in sections():
        entries = [by_id[i] for i in ids if i in by_id]
        if entries:
            parts.append(f"<section><h2>{escape(title)}</h2>")
            parts += [_claim(entry) for entry in entries]
            parts.append("</section>")
    parts.append("</main></body></html>\n")
    return "\n".join(parts)


def _header(ledger: Ledger) -> str:
    counts = "".join(
        f'<li class="{v.value}"><b>{n}</b> {WORDS[v]}</li>' for v, n in ledger.counts().items() if n
    )
    failing = [e for e in ledger.entries if e.ruling.verdict is Verdict.FAILS]
    links = "".join(
        f'<li><a href="#{escape(e.claim.id)}"><code>{escape(e.claim.id)}</code></a> '
        f"{escape(e.claim.statement)}</li>"
        for e in failing
    )
    refuted = (
        f'<details class="refuted" open><summary>{len(failing)} statements that do not hold as '
        f"made</summary><ul>{links}</ul></details>"
        if failing
        else ""
    )
    return (
        "<header><h1>The variance theory of RAdam, decided by computing</h1>"
        f"<p>{len(ledger.entries)} statements of the paper, its critics and its readers. Each verdict "
        "below is computed from the evidence under it.</p>"
        f'<ul class="counts">{counts}</ul>{refuted}'
        f"<p class=meta>varlab {escape(__version__)}, seed {ledger.seed}, budget "
        f"{ledger.budget.value}: <code>varlab verify --seed {ledger.seed} --budget "
        f"{ledger.budget.value}</code></p></header>"
    )


def _claim(entry: Entry) -> str:
    claim, ruling = entry.claim, entry.ruling
    verdict = ruling.verdict
    error = f" {number(ruling.error)}" if verdict is Verdict.HOLDS_WITHIN else ""
    rows = [("stated for", claim.domain_stated)]
    if ruling.domain_found:
        rows.append(("found to hold for", ruling.domain_found))
    if ruling.counterexample:
        rows.append(("counterexample", point(ruling.counterexample)))
    if claim.tolerance is not None:
        rows.append(("tolerance", f"{number(claim.tolerance)}: {claim.tolerance_reason}"))
    if verdict in (Verdict.UNDECIDED, Verdict.NOT_RUN):
        rows.append(("why", ruling.reason))
    table = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows)
    equation = f'<div class="equation">{mathml(claim.equation)}</div>' if claim.equation else ""
    evidence = "".join(_evidence(e) for e in ruling.evidence)
    steps = _derivation(claim.derivation) if claim.derivation else ""
    return (
        f'<details class="claim {verdict.value}" id="{escape(claim.id)}"><summary>'
        f'<span class="badge">{WORDS[verdict]}{escape(error)}</span>'
        f'<span class="statement">{escape(claim.statement)}</span>'
        f'<span class="where"><code>{escape(claim.id)}</code> {escape(claim.source)}</span>'
        f"</summary>{equation}<dl>{table}</dl>"
        f'<ol class="evidence">{evidence}</ol>{steps}</details>'
    )


@cache  # several claims share a derivation
def _derivation(name: str) -> str:
    shown = derivation(name)
    steps = "".join(
        f"<li><b>{escape(step.title)}</b> <span class=where>{escape(step.source)}</span>"
        f'<div class="equation">{equation}</div>{escape(step.why)}</li>'
        for step, equation in zip(shown.steps, shown.to_mathml(), strict=True)
    )
    return (
        f'<details class="derivation"><summary>{escape(shown.title)}: {len(shown.steps)} steps, '
        f"{escape(shown.source)}</summary><ol>{steps}</ol></details>"
    )


def _evidence(evidence: Evidence) -> str:
    mark, word = MARKS[evidence.agrees]
    return (
        f'<li class="e{word[0]}"><span class="kind">{evidence.kind.value}</span> '
        f'<span class="mark" title="{word}">{mark} {word}</span> '
        f"{escape(evidence.finding.detail)} "
        f'<span class="seconds">{evidence.seconds:.2f} s</span></li>'
    )


def mathml(latex: str) -> str:
    """Presentation MathML of a LaTeX equation."""
    return str(convert(latex, display="block"))
