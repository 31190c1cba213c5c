"""The model's short ways to ranges and pods, against looking at every one."""

from __future__ import annotations

import random

import pytest

from analyzer.facts.address import CIDR, cidr, contains, ip, overlaps
from analyzer.facts.fact import Coverage, NodeName, Selector
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.model.cluster import _widest
from analyzer.model.labels import Labelled
from analyzer.model.names import workload_of
from analyzer.model.ranges import Ranges

SEEDS = range(20)


def _network(choose: random.Random) -> CIDR:
    if choose.random() < 0.3:
        net = cidr(f"fd00::{choose.randrange(16):x}00/{choose.choice([0, 8, 116, 120, 124, 128])}")
    else:
        net = cidr(f"10.{choose.randrange(3)}.{choose.randrange(4)}.0/{choose.choice([0, 8, 15, 16, 23, 24, 25, 32])}")
    assert net is not None
    return net


@pytest.mark.parametrize("seed", SEEDS)
def test_widest_networks_are_those_in_no_other(seed: int) -> None:
    choose = random.Random(seed)
    nets = {_network(choose) for _ in range(choose.randrange(1, 30))}
    expected = {net for net in nets if not any(contains(other, net) for other in nets if other != net)}
    found = _widest(choose.sample(sorted(nets, key=str), len(nets)))
    assert set(found) == expected and len(found) == len(expected)
    assert list(found) == sorted(found, key=lambda net: (net.version, net.prefixlen, int(net.network_address)))


@pytest.mark.parametrize("seed", SEEDS)
def test_ranges_that_meet_a_network(seed: int) -> None:
    choose = random.Random(seed)
    stated = [
        (kind, net)
        for kind in ("service", "pod")
        for net in _widest([_network(choose) for _ in range(choose.randrange(12))])
    ]
    ranges = Ranges(stated)
    for _ in range(200):
        net = _network(choose)
        found = sorted((one.number, one.kind, one.net) for one in ranges.meeting(net))
        assert found == [(n, kind, one) for n, (kind, one) in enumerate(stated) if overlaps(one, net)]
        address = net.network_address + choose.randrange(256) % net.num_addresses
        assert ranges.hold(address) is any(address in one for _, one in stated)
    assert bool(ranges) is bool(stated)
    last = ip("10.0.0.255")
    assert last is not None
    assert Ranges([("pod", cidr("10.0.0.0/24") or _network(choose))]).hold(last)


@pytest.mark.parametrize("seed", SEEDS)
def test_pods_by_labels_and_by_name(seed: int) -> None:
    choose = random.Random(seed)
    names = ["web", "web-a", "web-a-b", "web.x", "webb", "db", "web-", "we"]
    pods = [
        Pod(
            namespace="shop",
            name=f"{choose.choice(names)}-{number}",
            owner=choose.choice([None, *names]),
            labels=None
            if choose.random() < 0.1
            else {key: choose.choice("xy") for key in choose.sample("abc", choose.randrange(4))},
        )
        for number in range(40)
    ]
    herd = Labelled(pods)
    assert herd.unknown is any(pod.labels is None for pod in pods)
    for _ in range(50):
        labels = {key: choose.choice("xyz") for key in choose.sample("abc", choose.randrange(3))}
        expressions = (("a", choose.choice(["Exists", "DoesNotExist"]), ()),) if choose.random() < 0.3 else ()
        selector = Selector(labels, expressions)
        assert herd.selected(selector) == [pod for pod in pods if selector.selects(pod.labels or {})]
    for name in names:
        called = [pod for pod in pods if workload_of(pod) == name or workload_of(pod).startswith(f"{name}-")]
        assert sorted(pod.key for pod in herd.called(name)) == sorted(pod.key for pod in called)


def test_coverage_of_a_node_keeps_its_order() -> None:
    entries = [
        Coverage(fact="Route", node=node, pod=pod, path=f"{number}")
        for number, (node, pod) in enumerate([("n1", None), (None, "n1:web"), ("n2", None), (None, None), ("n1", None)])
    ]
    facts = Facts([], entries)
    assert [one.path for one in facts.coverage("Route", node="n1")] == ["0", "1", "3", "4"]
    assert [one.path for one in facts.coverage("Route", node=NodeName("n3"))] == ["1", "3"]
    assert [one.path for one in facts.coverage("Route", node="n1", pod="n2:db")] == ["0", "3", "4"]
    assert len(facts.coverage("Route")) == 5
