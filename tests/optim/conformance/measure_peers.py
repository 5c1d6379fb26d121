"""Measure every installed peer anew: ``python tests/optim/conformance/measure_peers.py``.

Writes the table that the README quotes and that the tests of the tier ``peers`` compare with.
"""

import json
from pathlib import Path

import torch

from varlab.optim.conformance import conform, known_peers, missing_peers, why_not_compiled

TABLE = Path(__file__).with_name("peers_measured.json")


def measure():
    for peer in known_peers():
        yield conform(peer.load(), name=peer.name)
    if not why_not_compiled():
        yield conform(torch.optim.RAdam, name="torch.optim:RAdam", compiled=True)


if __name__ == "__main__":
    targets = []
    for result in measure():
        print(result)
        targets.append(result.to_json_dict())
    for peer in missing_peers():
        print(f"not installed: {peer.name}")
    TABLE.write_text(json.dumps({"schema": 1, "targets": targets}, indent=1) + "\n")
