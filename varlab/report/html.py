"""The ledger as one self-contained HTML page: verdict first, equation in MathML, evidence on demand.

Nothing on the page needs a script or a network: claims open as ``<details>``, and the filter by verdict is
CSS over radio buttons (report.css).
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.resources import files

from latex2mathml.converter import convert

from varlab import __version__
from varlab.claims.ledger import Entry, Ledger
from varlab.claims.registry import sections
from varlab.core import Budget, Evidence, Verdict
from varlab.core.palette import INK
from varlab.report.text import number, point, sources_of
from varlab.theory.catalogue import derivation

WORDS = {
    Verdict.HOLDS: "holds",
    Verdict.HOLDS_WITHIN: "holds within",
    Verdict.FAILS: "fails",
    Verdict.UNDECIDED: "undecided",
    Verdict.NOT_RUN: "not run",
}
# A sign beside each verdict, so that none is told by its colour alone.
SIGNS = {
    Verdict.HOLDS: "✓",
    Verdict.HOLDS_WITHIN: "≈",
    Verdict.FAILS: "✗",
    Verdict.UNDECIDED: "?",
    Verdict.NOT_RUN: "–",
}
MARKS = {True: ("✓", "agrees"), False: ("✗", "refutes"), None: ("–", "could not tell")}

# The claim that the figure is about: a page that holds the claim shows the figure.
PICTURED = "radam.fig8.accuracy"
CAPTION = (
    "Fig. 8 of the paper, with what it leaves out: the variance of psi by Eq. 2, by the first-order "
    "Eq. 5 on which r_t rests, and by the exact law of the moving average; below, the errors of both."
)


def ledger_html(ledger: Ledger) -> str:
    """A page without any outside resource; every text from a claim is escaped."""
    style = files("varlab.report").joinpath("report.css").read_text(encoding="utf-8")
    themes = _themes(ledger)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        "<title>varlab: the variance theory of RAdam, decided by computing</title>",
        f"<style>{style}</style></head><body>",
        '<a class="skip" href="#claims">Skip to the statements</a>',
        _header(ledger),
        _contents(themes),
        _filter(ledger),
        '<main id="claims" tabindex="-1">',
    ]
    for place, (title, entries) in enumerate(themes, 1):
        parts.append(f'<section class="theme" id="theme-{place}"><h2>{escape(title)}</h2>')
        parts += [_claim(entry, ledger) for entry in entries]
        parts.append("</section>")
    parts.append(f"</main>{_sources(ledger)}</body></html>\n")
    return "\n".join(parts)


def _themes(ledger: Ledger) -> list[tuple[str, list[Entry]]]:
    by_id = {entry.claim.id: entry for entry in ledger.entries}
    themes = [(title, [by_id[i] for i in ids if i in by_id]) for title, ids in sections()]
    return [(title, entries) for title, entries in themes if entries]


def _header(ledger: Ledger) -> str:
    total = len(ledger.entries)
    counted = ", ".join(
        f'<b class="{v.value}">{n} {SIGNS[v]} {_verb(v, n)}</b>'
        for v, n in ledger.counts().items()
        if n
    )
    command = f"varlab verify --seed {ledger.seed} --budget {ledger.budget.value}"
    picture = _figure() if any(e.claim.id == PICTURED for e in ledger.entries) else ""
    statements = "1 statement" if total == 1 else f"{total} statements"
    return (
        "<header><h1>The variance theory of RAdam, decided by computing</h1>"
        f'<p class="answer">{statements} of the paper, its critics and its readers: {counted}.</p>'
        "<p>A statement holds only if all its evidence agrees, and fails only with a counterexample. "
        'Open one to see both. <a href="#sources">What R, A, U and the other letters stand for</a>.</p>'
        f'<p class="meta">varlab {escape(__version__)}: <code>{command}</code></p>'
        f'<div class="first">{_refuted(ledger)}{picture}</div></header>'
    )


def _verb(verdict: Verdict, count: int) -> str:
    """``3 hold``, but ``1 holds``."""
    word = WORDS[verdict]
    if count == 1 or verdict in (Verdict.UNDECIDED, Verdict.NOT_RUN):
        return word
    return word.replace("holds", "hold").replace("fails", "fail")


def _refuted(ledger: Ledger) -> str:
    failing = [e for e in ledger.entries if e.ruling.verdict is Verdict.FAILS]
    if not failing:
        return ""
    links = "".join(
        f'<li><a href="#{escape(e.claim.id)}">{escape(e.claim.statement)}</a> '
        f'<span class="where">{escape(e.claim.source)}</span></li>'
        for e in failing
    )
    counted = "1 statement that does" if len(failing) == 1 else f"{len(failing)} statements that do"
    return (
        f'<details class="refuted" open><summary>{counted} not hold as made</summary>'
        f"<ul>{links}</ul></details>"
    )


def _contents(themes: list[tuple[str, list[Entry]]]) -> str:
    """Links to the themes, each with the verdicts of its claims in a row."""
    items = []
    for place, (title, entries) in enumerate(themes, 1):
        verdicts = [e.ruling.verdict for e in entries]
        signs = "".join(f'<span class="{v.value}">{SIGNS[v]}</span>' for v in verdicts)
        spoken = ", ".join(
            f"{verdicts.count(v)} {WORDS[v]}" for v in Verdict if verdicts.count(v) > 0
        )
        items.append(
            f'<li><a href="#theme-{place}">{escape(title)}</a> <span class="signs" role="img" '
            f'aria-label="{spoken}">{signs}</span></li>'
        )
    return f'<nav class="contents" aria-label="Themes"><ol>{"".join(items)}</ol></nav>'


def _filter(ledger: Ledger) -> str:
    """Radio buttons: report.css hides what does not match the checked one."""
    counts = {v: n for v, n in ledger.counts().items() if n}
    choices = [_choice("all", f"all {len(ledger.entries)}", checked=True)]
    choices += [_choice(v.value, f"{SIGNS[v]} {WORDS[v]} {n}") for v, n in counts.items()]
    return (
        f'<fieldset class="filter"><legend>Show the statements with verdict</legend>'
        f"{''.join(choices)}</fieldset>"
    )


def _sources(ledger: Ledger) -> str:
    """The works that the claims on this page come from."""
    sources = sources_of(entry.claim.source for entry in ledger.entries)
    rows = "".join(f"<dt>{letter}</dt><dd>{escape(work)}</dd>" for letter, work in sources.items())
    return f'<footer id="sources"><h2>Sources</h2><dl>{rows}</dl></footer>'


def _choice(value: str, text: str, *, checked: bool = False) -> str:
    state = " checked" if checked else ""
    return (
        f'<label class="{value}"><input type="radio" name="verdict" id="only-{value}"{state}>'
        f"<span>{escape(text)}</span></label>"
    )


def _claim(entry: Entry, ledger: Ledger) -> str:
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
    listed = f'<ul class="evidence">{evidence}</ul>' if evidence else ""
    steps = _derivation(claim.derivation) if claim.derivation else ""
    does, command = _next_command(claim.id, verdict, ledger)
    # The id sits inside: a link to it opens the claim.
    return (
        f'<details class="claim {verdict.value}"><summary>'
        f'<span class="badge">{SIGNS[verdict]} {WORDS[verdict]}{escape(error)}</span>'
        f'<span class="statement">{escape(claim.statement)}</span>'
        f'<span class="where">{escape(claim.source)} · {claim.kind.value}</span></summary>'
        f'<div class="body" id="{escape(claim.id)}">{equation}<dl>{table}</dl>{listed}{steps}'
        f'<p class="meta">{does} it: <code>{escape(command)}</code></p></div></details>'
    )


def _next_command(claim_id: str, verdict: Verdict, ledger: Ledger) -> tuple[str, str]:
    """What to type to repeat a verdict, or to come by one that this budget could not make."""
    open_ = verdict is Verdict.NOT_RUN
    budget = Budget.FULL if open_ else ledger.budget
    option = f" --budget {budget.value}" if budget is not Budget.FAST else ""
    return "Decide" if open_ else "Repeat", f"varlab verify {claim_id} --seed {ledger.seed}{option}"


@cache  # several claims share a derivation
def _derivation(name: str) -> str:
    shown = derivation(name)
    steps = "".join(
        f'<li><b>{escape(step.title)}</b> <span class="where">{escape(step.source)}</span>'
        f'<div class="equation">{_minus(equation)}</div>{escape(step.why)}</li>'
        for step, equation in zip(shown.steps, shown.to_mathml(), strict=True)
    )
    return (
        f'<details class="derivation"><summary>Derivation in {len(shown.steps)} steps: '
        f"{escape(shown.title)} ({escape(shown.source)})</summary><ol>{steps}</ol></details>"
    )


def _minus(equation: str) -> str:
    """SymPy writes a hyphen where typesetting has a minus sign."""
    return equation.replace("<mo>-</mo>", "<mo>−</mo>")


def _evidence(evidence: Evidence) -> str:
    mark, word = MARKS[evidence.agrees]
    finding = evidence.finding
    figures = [f"{evidence.seconds:.2f} s"]
    if finding.error and number(finding.error) not in finding.detail:
        figures.insert(0, f"error {number(finding.error)}")
    return (
        f'<li class="e{word[0]}"><span class="mark" aria-hidden="true">{mark}</span>'
        f'<b class="kind">{evidence.kind.value} <span class="word">{word}</span></b> '
        f'{escape(finding.detail)} <span class="seconds">{escape(", ".join(figures))}</span></li>'
    )


def mathml(latex: str) -> str:
    """Presentation MathML of a LaTeX equation."""
    return str(convert(latex, display="block"))


@cache
def _figure() -> str:
    """``<figure>`` with the committed drawing; empty where the drawing is not installed."""
    try:
        drawing = files("paper_figures").joinpath("rendered", "fig8.svg").read_text("utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        return ""
    return (
        f"<figure>{_inline(drawing, 'fig8-caption')}"
        f'<figcaption id="fig8-caption">{CAPTION} <a href="#{PICTURED}">What it shows</a>; drawn by '
        "<code>varlab figures fig8</code>.</figcaption></figure>"
    )


def _inline(drawing: str, label: str) -> str:
    """A Matplotlib SVG file as an element of HTML: black ink and white paper become the page's.

    Its metadata and style sheet, which would reach beyond the picture, are left out; ``label`` is the
    id of the element that describes it.
    """
    text = drawing[drawing.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', text)
    body = text[text.index(">") + 1 :].strip()
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.S)
    body = re.sub(rf"(#000000|{INK})\b", "currentColor", body).replace("#ffffff", "none")
    return f'<svg role="img" aria-labelledby="{label}" {box.group(0) if box else ""}>{body}'
