"""Connections that are told from others like them: the same fate as if each had been followed."""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from analyzer import listing
from analyzer.analysis import Options, collect
from analyzer.bundle import open_bundle
from analyzer.facts import derived
from analyzer.facts.store import Facts
from analyzer.listing import list_paths
from analyzer.logs import Patterns
from analyzer.packet import pairs, paths
from analyzer.packet.verdict import Trace
from tests.oddities import ODD_NODES, ODDITIES
from tests.random_cluster import cluster

EVERYTHING = 10**9
SEED, SERVICES = 5, 18
FATE = ("node", "kind", "service", "target", "ok", "verdict", "at_node", "table", "chain", "author", "tool")
MANY = 5  # nodes


class Told(NamedTuple):
    """The fates of all probes, each followed and by likeness, and how many were told by likeness."""

    followed: list[tuple[object, ...]]
    alike: list[tuple[object, ...]]
    spared: int


def facts_of(folder: Path) -> Facts:
    """The facts of a bundle without its paths."""
    with pytest.MonkeyPatch.context() as patch, open_bundle([folder]) as bundle:
        patch.setattr(paths, "derive_paths", lambda facts, until: ([], []))
        return collect(bundle, Patterns(()), Options(strict=True)).facts


def told(folder: Path) -> Told:
    """Both ways of one bundle."""
    facts = facts_of(folder)
    every, _ = paths.derive_paths(facts, EVERYTHING, EVERYTHING, EVERYTHING)
    some, _ = paths.derive_paths(facts, EVERYTHING, EVERYTHING, 0)
    return Told(_fates(every), _fates(some), sum("nothing tells it apart" in (path.reason or "") for path in some))


@cache
def plain(routed: bool, nodes: int = 3, overlay: bool = False) -> Told:
    """A cluster in which nothing is odd."""
    with TemporaryDirectory() as folder:
        cluster(Path(folder), SEED, services=SERVICES, odd={}, routed=routed, nodes=nodes, overlay=overlay)
        return told(Path(folder))


def _fates(found: list[derived.Path]) -> list[tuple[object, ...]]:
    # The chain that decides may be that of another Service of the same form; where and by which table it is not.
    return [tuple(getattr(path, name) for name in FATE if name != "chain") for path in found]


@pytest.mark.parametrize("name", ODDITIES)
def test_one_oddity_is_not_overlooked(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SPEAKING", 1)
    what, text, routed = ODDITIES[name]
    odd = {what: text}
    if "set" in name:
        odd["ipset-save.txt"] = "create odd hash:ip family inet\nadd odd 10.42.1.4\n"
    cluster(tmp_path, SEED, services=SERVICES, odd=odd, routed=routed)
    seen = told(tmp_path)
    assert seen.alike == seen.followed
    assert seen.followed != plain(routed).followed, "the oddity does nothing: it tests nothing"


@pytest.mark.parametrize("name", ODD_NODES)
def test_one_odd_node_is_not_overlooked(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SPEAKING", 1)
    what, text, overlay = ODD_NODES[name]
    odd = {f"node-1 {what}": text}
    if "set" in name:
        odd["node-1 ipset-save.txt"] = "create odd hash:ip family inet\nadd odd 192.168.0.12\n"
    if "third" in name:
        odd["node-0 filter"] = "-A FORWARD -i eth0 -o eth0 -j DROP"
    cluster(tmp_path, SEED, services=SERVICES, odd=odd, routed=False, nodes=MANY, overlay=overlay)
    seen = told(tmp_path)
    assert seen.alike == seen.followed
    assert seen.followed != plain(False, MANY, overlay).followed, "the oddity does nothing: it tests nothing"


def test_a_third_node_that_answers_for_others_is_not_overlooked(tmp_path: Path) -> None:
    """It is the next hop of all, and drops what comes from the pods of one."""
    odd = {
        "ip-route.txt": "10.42.2.0/24 via 192.168.0.12 => 10.42.2.0/24 via 192.168.0.99",
        "node-3 ip-route.txt": "192.168.0.99 dev cni0 scope link\n",
        "node-3 sysctl.txt": "net.ipv4.conf.eth0.proxy_arp = 0 => net.ipv4.conf.eth0.proxy_arp = 1",
        "node-3 filter": "-A FORWARD -s 10.42.0.0/24 -i eth0 -j DROP",
    }
    cluster(tmp_path, SEED, services=SERVICES, odd=odd, routed=False, nodes=MANY)
    seen = told(tmp_path)
    assert seen.alike == seen.followed
    arrived = {fate[0] for fate in seen.followed if fate[1] == "pod-to-service" and fate[4]}
    lost = {fate[0] for fate in seen.followed if fate[1] == "pod-to-service" and not fate[4]}
    assert "node-0" in lost and "node-1" in arrived - lost, "the third node treats all alike: it tests nothing"


@pytest.mark.parametrize(("routed", "overlay"), [(False, False), (False, True), (True, False)])
def test_equal_nodes_cost_little_more_than_one(routed: bool, overlay: bool) -> None:
    few, many = plain(routed, 3, overlay), plain(routed, 2 * MANY, overlay)
    assert many.alike == many.followed
    followed = [len(seen.alike) - seen.spared - _of_pods(seen) for seen in (few, many)]
    assert followed[1] < 1.5 * followed[0], followed


def _of_pods(seen: Told) -> int:
    """How many probes are not for Services, which are all followed."""
    return sum(fate[FATE.index("service")] is None for fate in seen.alike)


def test_most_are_alike_where_nothing_is_odd() -> None:
    for routed in (False, True):
        calm = plain(routed)
        assert calm.alike == calm.followed
        assert calm.spared > len(calm.alike) // 4


@pytest.mark.parametrize("seed", range(8))
def test_random_clusters(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SPEAKING", 1)
    cluster(tmp_path, seed, services=30, nodes=3 + seed % 3, overlay=seed % 2 == 1)
    seen = told(tmp_path)
    assert seen.alike == seen.followed
    assert seen.spared > 0


def test_a_pod_that_asks_its_own_service_is_told_by_its_own_part() -> None:
    """Outcomes of one fate are told as one: what is unknown may be the part that leads back."""
    unknown, dropped = Trace(verdict="unknown", missing=("hairpin_mode",)), Trace(verdict="dropped")
    for outcomes in ((dropped, unknown), (unknown, dropped)):
        assert paths._chosen_itself(Trace(verdict="one-of", outcomes=outcomes), "10.42.0.2") is unknown


def test_whatever_the_path_asks_is_compared() -> None:
    """A setting, or a kind of fact whose absence counts, that pairs of nodes do not compare would go unnoticed."""
    source = "".join(path.read_text() for path in Path(pairs.__file__).parent.glob("*.py"))
    asked = set(re.findall(r'interface_setting\([\w.]+, "([\w-]+)"', source))
    asked |= {name.rpartition(".")[2] for name in re.findall(r'"(net\.[\w.{}-]+)"', source) if not name.endswith(".")}
    assert len(asked) > 8
    assert asked - {"conf", "ipv"} <= pairs.SETTINGS  # these two are how names begin
    told = set(re.findall(r'\.collected\("(\w+)"\)', source))
    # Sockets and tracked connections do not decide about the first packet of a connection.
    assert told - {"Listener", "Connection"} <= set(pairs.COLLECTED)


def test_beyond_what_is_followed_and_kept_it_is_said(tmp_path: Path) -> None:
    cluster(tmp_path, SEED, services=SERVICES, odd={})
    facts = facts_of(tmp_path)
    few, coverage = paths.derive_paths(facts, 60, EVERYTHING, EVERYTHING)
    assert len(few) == 60
    assert not any(entry.complete for entry in coverage)
    assert any("packets were not followed" in entry.note for entry in coverage)
    every, _ = paths.derive_paths(facts, EVERYTHING, EVERYTHING, 0)
    counted, _ = paths.derive_paths(facts, EVERYTHING, 100, 0)
    further = [path for path in counted if "further Services" in (path.reason or "")]
    assert further
    assert sum(int((path.reason or "").split()[0]) for path in further) == len(every) - len(counted) + len(further)


def test_many_that_arrive_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster(tmp_path, SEED, services=SERVICES, odd={"filter": "-A FORWARD -d 10.42.1.4/32 -j DROP"})
    facts = facts_of(tmp_path)
    found, coverage = paths.derive_paths(facts, EVERYTHING, EVERYTHING, 0)
    whole = facts.plus(found, coverage)
    lost = sum(path.ok is False for path in found)
    each = list_paths(whole, "text")
    assert len(each.splitlines()) > len(found)
    monkeypatch.setattr(listing, "ARRIVED", 20)
    text = list_paths(whole, "text")
    lines = text.splitlines()
    assert sum(line.startswith("BROKEN") for line in lines) == lost > 0
    assert sum(int(line.split()[3]) for line in lines if line.startswith("ok ")) == sum(bool(p.ok) for p in found)
    assert f"{len(found):,} paths:" in text


def test_when_time_is_up_no_more_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster(tmp_path, SEED, services=SERVICES, odd={})
    facts = facts_of(tmp_path)
    monkeypatch.setattr(paths, "GRACE", 0.0)
    found, coverage = paths.derive_paths(facts, until=time.monotonic())
    assert not found
    assert all("the time limit was reached" in entry.note and not entry.complete for entry in coverage)
    monkeypatch.setattr(paths, "GRACE", 600.0)
    found, coverage = paths.derive_paths(facts, until=time.monotonic())
    assert found
    assert all("time limit" not in entry.note for entry in coverage)
