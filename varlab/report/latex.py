"""The ledger as a LaTeX longtable."""

from __future__ import annotations

from varlab.claims.ledger import Ledger
from varlab.report.terminal import found
from varlab.report.text import number

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "§": r"\S{}",
}


def escape(text: str) -> str:
    """``text`` with LaTeX's special characters made literal."""
    return "".join(SPECIAL.get(character, character) for character in text)


def _identifier(claim_id: str) -> str:
    # Ids are long words: let them break after their dots.
    return r"\texttt{" + escape(claim_id).replace(".", r".\allowbreak ") + "}"


def ledger_latex(ledger: Ledger) -> str:
    r"""A ``longtable`` for a document that loads the packages longtable and booktabs."""
    head = (
        r"\begin{longtable}{p{.24\linewidth}p{.1\linewidth}p{.1\linewidth}r"
        r"p{.14\linewidth}p{.26\linewidth}}"
    )
    rows = [
        " & ".join(
            (
                _identifier(e.claim.id),
                escape(e.claim.source),
                escape(e.ruling.verdict.value),
                number(e.ruling.error),
                escape(e.claim.domain_stated),
                escape(found(e)),
            )
        )
        + r" \\"
        for e in ledger.entries
    ]
    return "\n".join(
        (
            f"% varlab ledger: {ledger.summary()}",
            head,
            r"\toprule",
            r"claim & source & verdict & error & domain stated & domain found \\",
            r"\midrule",
            r"\endhead",
            *rows,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        )
    )
