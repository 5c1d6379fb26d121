"""Keep a ledger in the package: ``python -m varlab.report.release out/ledger.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from varlab.claims import ledger as ledger_module
from varlab.claims.ledger import COMMITTED, SCHEMA
from varlab.core import InputError, Verdict
from varlab.core.files import write_atomic


def released(data: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The ledger as it is kept: without the seconds, which differ from run to run.

    A claim that was not run, for want of a larger budget, keeps what ``before`` says of it.
    """
    earlier = {claim["id"]: claim for claim in before["claims"]} if before else {}
    claims = [
        earlier[claim["id"]]
        if claim["verdict"] == Verdict.NOT_RUN and claim["id"] in earlier
        else {
            **claim,
            "evidence": [
                {k: v for k, v in evidence.items() if k != "seconds"}
                for evidence in claim["evidence"]
            ],
        }
        for claim in data["claims"]
    ]
    return {**data, "claims": claims}


def release(source: Path) -> None:
    """Keep the ledger in ``source``.

    Raises
    ------
    InputError
        Not a whole ledger of the current schema.
    """
    data = json.loads(source.read_text(encoding="utf-8"))
    if data.get("schema") != SCHEMA or not data.get("claims"):
        raise InputError(f"{source} is no ledger of schema {SCHEMA}; write one with varlab verify")
    place = Path(ledger_module.__file__).parent / COMMITTED
    before = json.loads(place.read_text(encoding="utf-8")) if place.exists() else None
    kept = json.dumps(released(data, before), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(place, kept)


if __name__ == "__main__":
    release(Path(sys.argv[1]))
