"""What is told of a fact from elsewhere: copies of rule sets, kinds of links; and where it must not be."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.facts.address import cidr
from analyzer.facts.fact import NodeName
from analyzer.facts.firewall import Chain, Rule
from analyzer.facts.routing import Interface
from analyzer.link_kinds import with_link_kinds
from analyzer.listings import without_copies

NODE = NodeName("n1")
KUBE = [f"KUBE-SVC-{number}" for number in range(20)]


def table(backend: str | None, policy: str = "ACCEPT", *more: Rule) -> list[tuple[int, Any]]:
    """A filter table of kube-proxy with this policy of FORWARD."""
    chains = {"INPUT": "ACCEPT", "FORWARD": policy, "OUTPUT": "ACCEPT"}
    common: dict[str, Any] = {"node": NODE, "backend": backend, "table": "filter"}
    facts: list[Any] = [Chain(**common, name=name, policy=said) for name, said in chains.items()]
    facts += [Chain(**common, name=name) for name in KUBE]
    facts += [Rule(**common, chain="FORWARD", position=number, target=name) for number, name in enumerate(KUBE, 1)]
    return [(1, fact) for fact in (*facts, *more)]


def of_listing(pairs: list[tuple[int, Any]]) -> int:
    return sum(isinstance(fact, Rule | Chain) and fact.backend is None for _, fact in without_copies(pairs))


def test_a_listing_of_a_dumped_rule_set_counts_once() -> None:
    assert of_listing([*table(None), *table("nft")]) == 0


def test_another_policy_is_that_of_another_rule_set() -> None:
    # iptables -L lists the legacy rules, which the dump of nft does not hold.
    assert of_listing([*table(None, "DROP"), *table("nft")]) == len(table(None))


def test_a_rule_of_a_built_in_chain_that_the_dump_lacks_is_not_lost() -> None:
    more = Rule(node=NODE, table="filter", chain="INPUT", position=1, target="DROP", source=cidr("10.0.0.0/8"))
    assert of_listing([*table(None, "ACCEPT", more), *table("nft")]) == len(table(None)) + 1


def test_chains_of_services_may_have_changed_between_the_two() -> None:
    more = Rule(node=NODE, table="filter", chain=KUBE[3], position=1, target="REJECT")
    assert of_listing([*table(None, "ACCEPT", more), *table("nft")]) == 0


@pytest.mark.parametrize(
    ("master", "peer", "kind"),
    [
        pytest.param("pods0", 2, "bridge", id="a veth hangs on it"),
        pytest.param("lag0", None, None, id="a bond by another name"),
        pytest.param("bond0", None, None, id="a bond"),
        pytest.param("vrf-blue", 2, None, id="a veth in a routing domain"),
    ],
)
def test_a_master_is_a_bridge_if_veth_pairs_hang_on_it(master: str, peer: int | None, kind: str | None) -> None:
    port = Interface(node=NODE, name="p1", master=master, peer_index=peer)
    found = with_link_kinds([Interface(node=NODE, name=master), port])
    assert next(one.kind for one in found if isinstance(one, Interface)) == kind
