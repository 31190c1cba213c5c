"""Whether anything in the cluster carries network policies out: the API takes them whether or not it does."""

from __future__ import annotations

import re

from analyzer.facts import firewall, workloads
from analyzer.facts.store import Facts

# Plugins that enforce policies themselves, and agents that do it beside one that does not.
PLUGINS = frozenset(("calico", "cilium", "antrea", "ovn", "weave", "kube-router"))
AGENTS = re.compile(
    r"calico-node|canal|cilium|kube-router|antrea|weave-net|azure-npm|kube-network-polic|kubeproxy-netpol|ovnkube|"
    r"kube-flannel-np|romana"
)
CHAINS = ("KUBE-ROUTER-", "KUBE-NWPLCY", "KUBE-POD-FW", "cali-", "CILIUM_", "WEAVE-NPC", "AZURE-NPM")
# k3s and RKE2 hold kube-router's controller in their own process.
BUILT_IN = frozenset(("k3s", "rke2", "openshift"))
WITHOUT = frozenset(("flannel", "kubenet", "bridge"))


def policies_enforced(facts: Facts, cni: str | None, distribution: str | None) -> bool | None:
    """None where too little was collected to tell; cloud plugins may or may not be told to enforce."""
    if cni in PLUGINS or distribution in BUILT_IN:
        return True
    names = [pod.name for pod in facts.of(workloads.Pod)]
    names += [load.name for load in facts.of(workloads.Workload)]
    if any(AGENTS.search(name) for name in names):
        return True
    # Rules of other namespaces on a machine are those of other clusters, if any.
    if any(rule.node and rule.chain.startswith(CHAINS) for rule in facts.of(firewall.Rule)):
        return True
    # The agent may run in any namespace: only a list of all of them tells that there is none.
    whole = any(
        entry.complete and entry.namespace is None and entry.node is None for entry in facts.coverage(workloads.Pod)
    )
    return False if cni in WITHOUT and whole else None
