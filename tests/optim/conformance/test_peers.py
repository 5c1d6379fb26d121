"""Other people's RAdams, measured. Skipped, with the reason, where they are not installed."""

import json
import tomllib
from pathlib import Path

import pytest
from checkout import ROOT, reads_the_checkout
from packaging.requirements import Requirement

from varlab.optim.conformance import conform, known_peers, missing_peers
from varlab.optim.conformance.peers import PEERS

MEASURED = Path(__file__).with_name("peers_measured.json")
OUTSIDE_THE_EXTRA = {"timm"}  # the reason stands beside it in PEERS and in pyproject.toml


def test_known_peers_are_installed_or_missing():
    assert {p.name for p in known_peers()} | {p.name for p in missing_peers()} == {
        p.name for p in PEERS
    }
    assert "torch.optim:RAdam (foreach=True)" in {p.name for p in known_peers()}


@reads_the_checkout
def test_the_extra_installs_every_peer_but_those_that_say_why():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"]["peers"]
    extra = {Requirement(line).name.replace("-", "_") for line in lines}
    assert not extra & OUTSIDE_THE_EXTRA
    assert {peer.package for peer in PEERS} == extra | OUTSIDE_THE_EXTRA | {"torch", "varlab"}


@pytest.mark.peers
@pytest.mark.parametrize("peer", PEERS, ids=lambda p: p.name)
def test_a_peer_is_as_measured(peer):
    if not peer.installed:
        pytest.skip(f"{peer.package} is not installed; see the extra 'peers'")
    result = conform(peer.load(), name=peer.name)
    print(result)
    assert result.verdict in ("conforms", "conforms-float32", "differs")
    measured = {t["target"]: t for t in json.loads(MEASURED.read_text())["targets"]}
    if measured.get(peer.name, {}).get("version") == result.version:
        # the same version: the committed table must be what comes out
        now = result.to_json_dict()
        for key in (
            "verdict",
            "threshold",
            "early_phase",
            "shift",
            "weight_decay",
            "eps_placement",
        ):
            assert now[key] == measured[peer.name][key]
