"""What is derived of the cluster as a whole."""

from __future__ import annotations

from analyzer.facts.derived import Cluster
from analyzer.facts.fact import Coverage, NodeName
from analyzer.facts.firewall import Rule
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.model.cluster import cluster
from analyzer.model.enforcement import policies_enforced


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


def test_policies_are_enforced_by_what_stands_on_nodes() -> None:
    def enforced(node: str | None, netns: str | None) -> bool | None:
        rule = Rule(
            node=NodeName(node) if node else None,
            netns=netns,
            table="filter",
            chain="KUBE-POD-FW-X",
            position=1,
            target="X",
        )
        return policies_enforced(Facts([rule], [Coverage(fact="Pod")]), "flannel", None)

    assert enforced("worker-1", None) is True
    assert enforced(None, "laptop:cluster-in-a-box") is False
    assert policies_enforced(Facts([]), "flannel", None) is None
    assert policies_enforced(Facts([], [Coverage(fact="Pod", namespace="shop")]), "flannel", None) is None


def test_a_few_pods_do_not_tell_that_there_is_no_kube_proxy() -> None:
    agent = Pod(namespace="kube-system", name="cilium-x7k2p")
    web = Pod(namespace="shop", name="web-1")

    def proxy(*coverage: Coverage) -> str | None:
        found = cluster(Facts([agent, web], coverage))
        assert isinstance(found, Cluster)
        assert found.cni == "cilium"
        return found.service_proxy

    assert proxy(Coverage(fact="Pod")) == "cilium"
    assert proxy(Coverage(fact="Pod", namespace="kube-system")) == "cilium"
    assert proxy(Coverage(fact="Pod", complete=False)) is None
    assert proxy(Coverage(fact="Pod", namespace="kube-system", pod="kube-system/cilium-x7k2p")) is None
