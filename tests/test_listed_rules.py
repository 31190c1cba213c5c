"""What becomes of packets, told from `iptables -nvL` alone as from `iptables-save`: sos collects nothing else."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from analyzer.analysis import Options, collect
from analyzer.bundle import Limits, open_bundle
from analyzer.facts.derived import Path as PacketPath
from analyzer.facts.derived import ProgrammedEndpoint, ProgrammedService
from analyzer.logs import Patterns

BUNDLES = Path(__file__).resolve().parents[2] / "shared" / "bundles"
SAVED = re.compile(r"(iptables|ip6tables).*save|nft-ruleset")


def _told(path: Path) -> dict[str, set[str]]:
    with open_bundle([path], Limits()) as bundle:
        facts = collect(bundle, Patterns(()), Options(strict=True)).facts
    ways = facts.of(PacketPath)
    return {
        "paths": {f"{one.kind} {one.from_pod} {one.node} {one.target} {one.verdict} {one.reply}" for one in ways},
        "services": {f"{one.node} {one.address}:{one.port} {one.protocol}" for one in facts.of(ProgrammedService)},
        "endpoints": {f"{one.address}:{one.port} {one.ip}" for one in facts.of(ProgrammedEndpoint)},
    }


@pytest.mark.parametrize("name", ["s02-forward-drop-policy", "s03-hairpin-off", "s10-route-to-peer-deleted"])
def test_listed_rules_decide_as_saved_ones(name: str, tmp_path: Path) -> None:
    archive = BUNDLES / f"{name}.tar.xz"
    if not archive.exists():
        pytest.skip("the real bundles are not here")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, [one for one in packed if not SAVED.search(one.name)], filter="data")
    listed = _told(tmp_path)
    assert listed == _told(archive)
    assert listed["paths"]
    assert listed["endpoints"]
