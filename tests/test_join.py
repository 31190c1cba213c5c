"""Hosts to node names."""

from __future__ import annotations

import pytest

from analyzer.facts.address import ip
from analyzer.facts.fact import Fact, NodeName
from analyzer.facts.nodes import Node, Sysctl
from analyzer.facts.routing import InterfaceAddress
from analyzer.join import node_names, rename_fact

NODES: list[Fact] = [
    Node(name=NodeName("ip-10-0-0-1.ec2.internal"), ip=ip("10.0.0.1")),
    Node(name=NodeName("w1.prod"), ip=ip("10.0.0.2")),
    Node(name=NodeName("w1.test"), ip=ip("10.0.0.3")),
]


def _address(host: str, text: str) -> InterfaceAddress:
    address = ip(text)
    assert address
    return InterfaceAddress(node=NodeName(host), dev="eth0", ip=address)


@pytest.mark.parametrize(
    ("host", "facts", "expected"),
    [
        pytest.param("w1.prod", [], {}, id="same name"),
        pytest.param("h-7", [_address("h-7", "10.0.0.1")], {"h-7": "ip-10-0-0-1.ec2.internal"}, id="by address"),
        pytest.param("ip-10-0-0-1", [], {"ip-10-0-0-1": "ip-10-0-0-1.ec2.internal"}, id="short name"),
        pytest.param("w1", [], {}, id="short name of two nodes"),
        pytest.param("w1", [_address("w1", "10.0.0.3")], {"w1": "w1.test"}, id="address decides between two"),
        pytest.param("bastion", [_address("bastion", "10.9.9.9")], {}, id="not a node"),
    ],
)
def test_node_names(host: str, facts: list[Fact], expected: dict[str, str]) -> None:
    assert node_names([*NODES, *facts], [host]) == expected


def test_rename_keeps_the_name_of_the_netns() -> None:
    renamed = rename_fact(Sysctl(netns="host-7:web-1", name="a", value="1"), {"host-7": "n7"})
    assert isinstance(renamed, Sysctl)
    assert renamed.netns == "n7:web-1"
    assert renamed.node is None
