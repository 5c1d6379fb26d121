"""The README's findings are the released ledger's, word for word."""

from pathlib import Path

from varlab.claims.ledger import released_ledger
from varlab.report.release import with_findings

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_findings_in_the_readme_are_the_released_ones():
    text = README.read_text(encoding="utf-8")
    assert with_findings(text, released_ledger()) == text


def test_a_number_typed_by_hand_would_be_noticed():
    text = README.read_text(encoding="utf-8")
    changed = text.replace("statements decided", "statements settled", 1)
    assert with_findings(changed, released_ledger()) != changed
