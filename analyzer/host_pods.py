"""Pods that use the network of their node, told by their address where the artifact does not say so.

`kubectl get pods -o wide` has no column for it; a pod of its own network never has its node's address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from analyzer.facts.address import IP
from analyzer.facts.fact import Fact
from analyzer.facts.nodes import Node
from analyzer.facts.workloads import Pod


def with_host_pods(facts: Iterable[Fact]) -> list[Fact]:
    """The facts, with `host_network` of pods whose address and node's addresses are known."""
    told = list(facts)
    addresses: dict[str, set[IP]] = defaultdict(set)
    for fact in told:
        if isinstance(fact, Node):
            addresses[fact.name].update(one for one in (fact.ip, *(fact.addresses or ())) if one is not None)
    return [_settled(fact, addresses) if isinstance(fact, Pod) else fact for fact in told]


def _settled(pod: Pod, addresses: dict[str, set[IP]]) -> Pod:
    if pod.host_network is not None or pod.ip is None or not addresses.get(pod.node or ""):
        return pod
    return msgspec.structs.replace(pod, host_network=pod.ip in addresses[pod.node or ""])
