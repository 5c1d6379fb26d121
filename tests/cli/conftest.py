"""Run the command line in this process: fast, with stdout, stderr and status."""

from dataclasses import dataclass

import pytest

from varlab.cli import run


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def varlab(capsys):
    def call(*arguments):
        status = run([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return call
