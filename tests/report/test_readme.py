"""Every block of the README is what the committed data say, word for word."""

import pytest
from checkout import README, reads_the_checkout

from varlab.core import InputError
from varlab.report.readme import BLOCKS, marks, rewritten


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


def test_missing_marks_are_named():
    with pytest.raises(InputError, match="the README lacks the marks"):
        rewritten("nothing here")
