"""Hosts to node names."""

from __future__ import annotations

import pytest

from analyzer.facts.address import ip
from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.nodes import Node, Sysctl
from analyzer.facts.routing import InterfaceAddress
from analyzer.facts.source import Place
from analyzer.facts.workloads import Namespace, Pod
from analyzer.join import joint_coverage, node_names, over_namespaces, rename_fact

NODES: list[Fact] = [
    Node(name=NodeName("ip-10-0-0-1.ec2.internal"), ip=ip("10.0.0.1")),
    Node(name=NodeName("w1.prod"), ip=ip("10.0.0.2")),
    Node(name=NodeName("w1.test"), ip=ip("10.0.0.3")),
]


def _address(host: str, text: str) -> InterfaceAddress:
    address = ip(text)
    assert address
    return InterfaceAddress(node=NodeName(host), dev="eth0", ip=address)


def _agent(name: str, host_network: bool) -> Pod:
    return Pod(namespace="kube-system", name=name, node=NodeName("w1.prod"), host_network=host_network)


@pytest.mark.parametrize(
    ("host", "facts", "expected"),
    [
        pytest.param("w1.prod", [], {}, id="same name"),
        pytest.param("h-7", [_address("h-7", "10.0.0.1")], {"h-7": "ip-10-0-0-1.ec2.internal"}, id="by address"),
        pytest.param("ip-10-0-0-1", [], {"ip-10-0-0-1": "ip-10-0-0-1.ec2.internal"}, id="short name"),
        pytest.param("w1", [], {}, id="short name of two nodes"),
        pytest.param("w1", [_address("w1", "10.0.0.3")], {"w1": "w1.test"}, id="address decides between two"),
        pytest.param("bastion", [_address("bastion", "10.9.9.9")], {}, id="not a node"),
        pytest.param("agent-x", [_agent("agent-x", True)], {"agent-x": "w1.prod"}, id="by the agent's pod"),
        pytest.param("agent-x", [_agent("agent-x", False)], {}, id="a pod with a network of its own"),
    ],
)
def test_node_names(host: str, facts: list[Fact], expected: dict[str, str]) -> None:
    assert node_names([*NODES, *facts], [host]) == expected


def test_rename_keeps_the_name_of_the_netns() -> None:
    renamed = rename_fact(Sysctl(netns="host-7:web-1", name="a", value="1"), {"host-7": "n7"})
    assert isinstance(renamed, Sysctl)
    assert renamed.netns == "n7:web-1"
    assert renamed.node is None


def test_one_node_and_one_host_are_the_same() -> None:
    assert node_names(NODES[:1], ["laptop"]) == {"laptop": "ip-10-0-0-1.ec2.internal"}
    assert node_names(NODES[:1], ["laptop", "other"]) == {}


def _covered(namespace: str | None, complete: bool = True, fact: str = "Pod") -> Coverage:
    return Coverage(fact=fact, namespace=namespace, complete=complete, note="" if complete else "cut off")


SPACES: list[Fact] = [Namespace(name="a"), Namespace(name="b")]


@pytest.mark.parametrize(
    ("coverage", "whole"),
    [
        pytest.param([_covered("a"), _covered("b"), _covered(None, fact="Namespace")], ["Pod"], id="every namespace"),
        pytest.param([_covered("a"), _covered(None, fact="Namespace")], [], id="one is missing"),
        pytest.param([_covered("a"), _covered("b", False), _covered(None, fact="Namespace")], [], id="one is cut off"),
        pytest.param([_covered("a"), _covered("b")], [], id="there may be more namespaces"),
        pytest.param([_covered("a"), _covered("b"), _covered(None, False, "Namespace")], [], id="a part of the list"),
    ],
)
def test_all_namespaces_are_the_cluster(coverage: list[Coverage], whole: list[str]) -> None:
    assert [entry.fact for entry in over_namespaces(SPACES, coverage)] == whole


def test_one_bad_file_spoils_a_list_in_files() -> None:
    good, bad = Parsed(coverage=(_covered(None, fact="Node"),)), Parsed(coverage=(_covered(None, False, "Node"),))
    one_each = Place(together=True)
    assert [entry.complete for entry in joint_coverage([(one_each, good), (one_each, bad)])] == [False]
    assert [entry.complete for entry in joint_coverage([(one_each, good), (one_each, good)])] == [True, True]
    assert [entry.complete for entry in joint_coverage([(Place(), good), (Place(), bad)])] == [True, False]
    assert [entry.complete for entry in joint_coverage([(one_each, good)], "half.tar.gz")] == [False]
