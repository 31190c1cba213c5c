"""What plain `ip addr` does not say of an interface, told by its name and by those that name it their master.

Only `ip -d` prints kinds. The names are those that CNI plugins and the kernel give; others stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from analyzer.facts.fact import Fact
from analyzer.facts.routing import Interface

# Names, the kind, and the bytes that a tunnel of IPv4 adds.
NAMED = (
    (re.compile(r"flannel\.\d+|vxlan\.calico|cilium_vxlan"), "vxlan", 50),
    (re.compile(r"tunl0"), "ipip", 20),
    (re.compile(r"cni0|cbr0|docker0|kube-bridge|br-[0-9a-f]{12}"), "bridge", None),
    (re.compile(r"(veth|cali|lxc|azv|eni)[0-9a-f_]{4,}"), "veth", None),
)
NO_BRIDGE = re.compile(r"bond|team|vrf|ovs|dp")  # other masters that a veth may have


def with_link_kinds(facts: Iterable[Fact]) -> list[Fact]:
    """The facts, with the kind of interfaces that their name tells, where no artifact said it."""
    told = list(facts)
    masters: set[tuple[str | None, str | None, str | None]] = {
        (one.node, one.netns, one.master)
        for one in told
        # what has its other end in another namespace is a port of a bridge; those of bonds and teams have none
        if isinstance(one, Interface) and one.master and one.peer_index is not None
    }
    return [_named(fact, masters) if isinstance(fact, Interface) and fact.kind is None else fact for fact in told]


def _named(link: Interface, masters: set[tuple[str | None, str | None, str | None]]) -> Interface:
    for pattern, kind, overhead in NAMED:
        if pattern.fullmatch(link.name) and (kind != "veth" or link.peer_index is not None):
            return msgspec.structs.replace(link, kind=kind, overhead=link.overhead or overhead)
    if (link.node, link.netns, link.name) in masters and not NO_BRIDGE.match(link.name):
        return msgspec.structs.replace(link, kind="bridge")
    return link
