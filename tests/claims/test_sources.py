"""What the ledger must contain: one entry for every statement collected from the sources."""

from pathlib import Path

from varlab.claims.registry import collect
from varlab.theory.catalogue import names

# The sections whose evidence needs layers that are still to come.
COMING = ("K",)


def collected_ids() -> dict[str, list[str]]:
    """Ids by section letter, from the collection of the sources' statements."""
    sections: dict[str, list[str]] = {}
    text = Path(__file__).with_name("claim_ids.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            letter = line[2]
            sections[letter] = []
        else:
            sections[letter].append(line)
    return sections


def test_every_statement_has_its_entry():
    wanted = [i for letter, ids in collected_ids().items() if letter not in COMING for i in ids]
    assert len(wanted) > 60
    assert [i for i in wanted if i not in collect()] == []


def test_no_entry_without_a_collected_statement():
    known = {i for ids in collected_ids().values() for i in ids}
    assert [i for i in collect() if i not in known] == []


def test_entries_say_what_they_decide():
    for claim in collect().values():
        assert claim.statement, claim.id
        assert claim.source, claim.id
        assert claim.domain_stated, claim.id
        assert claim.equation, f"{claim.id} has no equation for the report"
        assert claim.checks, claim.id


def test_derivations_are_in_the_catalogue():
    named = {claim.derivation for claim in collect().values() if claim.derivation}
    assert named <= set(names())
    # Every derivation speaks for a claim, so that the report page shows all of them.
    assert set(names()) <= named
