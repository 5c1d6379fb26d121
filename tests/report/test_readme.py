"""Every block of the README is what the committed data say, word for word."""

import pytest
from checkout import README, reads_the_checkout

from varlab.claims.ledger import released_ledger
from varlab.claims.registry import collect
from varlab.core import Budget, InputError
from varlab.report.readme import BLOCKS, findings, marks, rewritten


@reads_the_checkout
def test_the_blocks_in_the_readme_are_written_from_the_data():
    text = README.read_text(encoding="utf-8")
    assert rewritten(text) == text


@reads_the_checkout
@pytest.mark.parametrize("name", BLOCKS)
def test_a_number_typed_by_hand_would_be_noticed(name):
    text = README.read_text(encoding="utf-8")
    start, end = marks(name)
    before, rest = text.split(start)
    block, after = rest.split(end)
    assert block.count("\n| ") >= 5, "a block without rows says nothing"
    digit = next(c for c in block if c.isdigit())
    changed = block.replace(digit, str((int(digit) + 1) % 10), 1)
    assert rewritten(before + start + changed + end + after) == text


def test_the_ledgers_block_says_how_to_come_by_it():
    """Counted from the evidence that is kept; here from the budgets that the checks ask for."""
    waiting = [c for c in collect().values() if all(k.budget is Budget.FULL for k in c.checks)]
    said = (
        f"without `--budget full` the {len(waiting)} statements that training decides are not run."
    )
    block = findings(released_ledger())
    assert waiting
    assert said in block
    assert "`varlab verify --budget full`" in block
    assert said not in findings({**released_ledger(), "budget": "fast"})


def test_missing_marks_are_named():
    with pytest.raises(InputError, match="the README lacks the marks"):
        rewritten("nothing here")
