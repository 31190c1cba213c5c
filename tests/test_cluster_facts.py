"""What is derived of the cluster as a whole."""

from __future__ import annotations

from analyzer.facts.derived import Cluster
from analyzer.facts.fact import NodeName
from analyzer.facts.firewall import Rule
from analyzer.facts.store import Facts
from analyzer.model.cluster import cluster


def test_rules_of_other_namespaces_do_not_make_a_machine_a_node() -> None:
    def proxy(node: str | None, netns: str | None) -> str | None:
        rule = Rule(
            node=NodeName(node) if node else None,
            netns=netns,
            table="nat",
            chain="KUBE-SERVICES",
            position=1,
            target="X",
        )
        found = cluster(Facts([rule]))
        assert isinstance(found, Cluster)
        return found.service_proxy

    assert proxy("worker-1", None) == "iptables"
    assert proxy(None, "laptop:cluster-in-a-box") is None
