"""The blocks of the README that are written from committed data: ``python -m varlab.report.readme``.

Each block stands between two marks. A test holds the README against what is written here, so no
number in a block is ever typed by hand.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from varlab.core import Budget, EvidenceKind, InputError, Verdict
from varlab.core.files import write_atomic
from varlab.report.text import number, point, sources_of

Data = dict[str, Any]
ROOT = Path(__file__).parents[2]


def findings(data: Data) -> str:
    """What the ledger found: counts, what fails and where, what holds only within an error."""
    claims = data["claims"]
    counts = {v: sum(c["verdict"] == v.value for c in claims) for v in Verdict}
    counted = ", ".join(f"**{n}** {v.value}" for v, n in counts.items() if n)
    failing = [
        (_claim(c), c["source"], point(c["counterexample"]), c["domain_found"] or "not determined")
        for c in claims
        if c["verdict"] == Verdict.FAILS
    ]
    within = [
        (_claim(c), c["source"], number(c["error"]), c["domain_found"] or c["domain_stated"])
        for c in claims
        if c["verdict"] == Verdict.HOLDS_WITHIN
    ]
    open_ = [
        (_claim(c), c["source"], "; ".join(e["detail"].rsplit("; ", 1)[-1] for e in c["evidence"]))
        for c in claims
        if c["verdict"] == Verdict.UNDECIDED
    ]
    return "\n".join(
        (
            f"{len(claims)} statements: {counted}.",
            *_how(data),
            "",
            *_table(
                ("does not hold as stated", "source", "counterexample", "where it does hold"),
                failing,
            ),
            "",
            *_table(("holds within", "source", "error", "on"), within),
            "",
            *(
                [
                    *_table(
                        ("not decided at laptop scale", "source", "what would decide it"), open_
                    ),
                    "",
                ]
                if open_
                else []
            ),
            "Sources: "
            + "; ".join(
                f"**{letter}** {work}"
                for letter, work in sources_of(
                    row[1] for row in (*failing, *within, *open_)
                ).items()
            )
            + ".",
        )
    )


def _how(data: Data) -> list[str]:
    """What to type for this ledger, and how much of it comes without training."""
    trained = [
        claim
        for claim in data["claims"]
        if claim["evidence"] and all(e["kind"] == EvidenceKind.TRAINING for e in claim["evidence"])
    ]
    if data["budget"] != Budget.FULL or not trained:
        return []
    return [
        "",
        "So says `varlab verify --budget full`, in some ten minutes on two cores (with `--out DIR` it goes "
        f"on after a kill); without `--budget full` the {len(trained)} statements that training decides are "
        "not run.",
    ]


def peers(data: Data) -> str:
    """Every RAdam that was measured, with the first fault found."""
    rows = []
    for target in data["targets"]:
        errors = [e for e in target["max_relative_error"].values() if e is not None]
        faults = [f.removeprefix("fault: ") for f in target["findings"] if f.startswith("fault")]
        rows.append(
            (
                f"`{target['target']}` {target['version']}",
                f"**{target['verdict']}**",
                f"> {target['threshold']}",
                target["early_phase"],
                number(max(errors, default=None)),
                target["eps_placement"],
                target["weight_decay"],
                "; ".join(faults) or "-",
            )
        )
    head = (
        "target",
        "verdict",
        "adaptive if rho_t",
        "early phase",
        "largest error of r_t",
        "denominator",
        "weight decay",
        "faults",
    )
    return "\n".join(_table(head, rows))


def audits(data: Data) -> str:
    """Per task the verdicts of its layers, and how many times the theory's variance they have."""
    rows = [
        (
            f"`{audit['task']}`",
            *(" / ".join(map(str, audit["layers"][name])) for name in data["assumptions"]),
            f"{audit['lowest']:.2g}, {audit['median']:.2g}, {audit['highest']:.2g}",
        )
        for audit in data["audits"]
    ]
    head = ("task", *data["assumptions"], "lowest, median, highest layer")
    return "\n".join((data["caption"], "", *_table(head, rows)))


def layer_kinds(data: Data) -> str:
    """Per kind of layer, over all tasks, how many times the theory's variance vhat has."""
    pooled: dict[str, list[float]] = {}
    tasks: dict[str, int] = {}
    for audit in data["audits"]:
        for kind, ratios in audit["ratios"].items():
            pooled.setdefault(kind, []).extend(ratios)
            tasks[kind] = tasks.get(kind, 0) + 1
    rows = [
        (
            kind,
            str(tasks[kind]),
            str(len(ratios)),
            f"{min(ratios):.2g}, {statistics.median(ratios):.2g}, {max(ratios):.2g}",
        )
        for kind, ratios in sorted(pooled.items(), key=lambda item: -statistics.median(item[1]))
    ]
    head = ("kind of layer", "tasks", "layers", "lowest, median, highest")
    return "\n".join(_table(head, rows))


def benchmarks(data: Data) -> str:
    """Every ratio that was measured beside what it was measured against, and what was asked."""
    rows = [
        (
            row["name"],
            row["ours"],
            row["against"],
            f"**{_ratio(row['ratio'])}**",
            _asked(row),
            row["limit"] or "-",
        )
        for row in data["rows"]
    ]
    head = ("what", "varlab", "against", "ratio", "asked", "what limits it, how it was come by")
    intro = f"Measured on {data['machine']}."
    return "\n".join((intro, "", *_table(head, rows)))


def _ratio(value: float) -> str:
    """Three digits, so that 1.03 does not read as 1."""
    return f"{value:.3g}" if value < 1000 else number(value)


def _asked(row: Data) -> str:
    """The bound, and whether it was missed."""
    if not row["bound"]:
        return "-"
    return row["bound"] if row["met"] else f"{row['bound']}: missed"


# Name of the block -> its data, relative to the repository, and how it is written.
BLOCKS: dict[str, tuple[str, Callable[[Data], str]]] = {
    "ledger": ("varlab/claims/released_ledger.json", findings),
    "peers": ("tests/optim/conformance/peers_measured.json", peers),
    "benchmarks": ("tests/benchmarks/measured.json", benchmarks),
    "audits": ("tests/audit/audits_measured.json", audits),
    "layers": ("tests/audit/audits_measured.json", layer_kinds),
}


def marks(name: str) -> tuple[str, str]:
    """The lines between which a block stands."""
    return f"<!-- {name}: start (written by `make readme`) -->", f"<!-- {name}: end -->"


def with_block(readme: str, name: str, text: str) -> str:
    """``readme`` with one block replaced.

    Raises
    ------
    InputError
        When the marks are not there.
    """
    start, end = marks(name)
    if start not in readme or end not in readme:
        raise InputError(f"the README lacks the marks {start} and {end}; restore them")
    before, rest = readme.split(start, 1)
    return f"{before}{start}\n{text}\n{end}{rest.split(end, 1)[1]}"


def rewritten(readme: str, root: Path = ROOT) -> str:
    """``readme`` with every block written afresh from the committed data."""
    for name, (source, write) in BLOCKS.items():
        data = json.loads((root / source).read_text(encoding="utf-8"))
        readme = with_block(readme, name, write(data))
    return readme


def _claim(claim: Data) -> str:
    return f"`{claim['id']}`: {claim['statement']}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]


def _cell(text: str) -> str:
    # A bar would end the cell, an asterisk or underscore begin emphasis.
    shown = " ".join(str(text).split()).replace("|", "\\|")
    return shown if shown.startswith(("`", "**")) else shown.replace("*", "\\*")


if __name__ == "__main__":
    path = ROOT / "README.md"
    write_atomic(path, rewritten(path.read_text(encoding="utf-8")))
