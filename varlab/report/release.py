"""Release a ledger: keep it in the package and write its findings into the README.

``python -m varlab.report.release out/ledger.json`` after ``varlab verify --out out``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from varlab.claims import ledger as ledger_module
from varlab.claims.ledger import COMMITTED, SCHEMA
from varlab.core import InputError, Verdict
from varlab.core.files import write_atomic
from varlab.report.text import number, point

START = "<!-- ledger: start (written by `make ledger`) -->"
END = "<!-- ledger: end -->"


def released(data: dict[str, Any]) -> dict[str, Any]:
    """The ledger as it is kept: without the seconds, which differ from run to run."""
    claims = [
        {
            **claim,
            "evidence": [
                {k: v for k, v in evidence.items() if k != "seconds"}
                for evidence in claim["evidence"]
            ],
        }
        for claim in data["claims"]
    ]
    return {**data, "claims": claims}


def findings_markdown(data: dict[str, Any]) -> str:
    """The headline findings as Markdown: counts, what fails and where, what holds only within an error."""
    claims = data["claims"]
    counts = {v: sum(c["verdict"] == v.value for c in claims) for v in Verdict}
    counted = ", ".join(f"**{n}** {v.value}" for v, n in counts.items() if n)
    lines = [f"{len(claims)} statements decided: {counted}.", ""]
    lines += ["| does not hold as stated | source | counterexample | where it does hold |"]
    lines += ["|---|---|---|---|"]
    for claim in _with(claims, Verdict.FAILS):
        found = claim["domain_found"] or "nowhere found"
        cells = (claim["statement"], claim["source"], point(claim["counterexample"]), found)
        lines.append(f"| `{claim['id']}`: " + " | ".join(_cell(c) for c in cells) + " |")
    lines += ["", "| holds within | source | error | on |", "|---|---|---|---|"]
    for claim in _with(claims, Verdict.HOLDS_WITHIN):
        domain = claim["domain_found"] or claim["domain_stated"]
        cells = (claim["statement"], claim["source"], number(claim["error"]), domain)
        lines.append(f"| `{claim['id']}`: " + " | ".join(_cell(c) for c in cells) + " |")
    return "\n".join(lines)


def with_findings(readme: str, data: dict[str, Any]) -> str:
    """``readme`` with the block between the two marks replaced."""
    if START not in readme or END not in readme:
        raise InputError(f"the README lacks the marks {START} and {END}; restore them")
    before, rest = readme.split(START, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{START}\n{findings_markdown(data)}\n{END}{after}"


def _with(claims: list[dict[str, Any]], verdict: Verdict) -> list[dict[str, Any]]:
    return [claim for claim in claims if claim["verdict"] == verdict.value]


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def main(source: str) -> None:
    """Keep the ledger in ``source`` and rewrite the README's block."""
    data = json.loads(Path(source).read_text(encoding="utf-8"))
    if data.get("schema") != SCHEMA or not data.get("claims"):
        raise InputError(f"{source} is no ledger of schema {SCHEMA}; write one with varlab verify")
    package = Path(ledger_module.__file__).parent
    kept = json.dumps(released(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(package / COMMITTED, kept)
    readme = package.parents[1] / "README.md"
    write_atomic(readme, with_findings(readme.read_text(encoding="utf-8"), released(data)))


if __name__ == "__main__":
    main(sys.argv[1])
