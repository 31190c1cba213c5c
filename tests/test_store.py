"""Facts: merging what several artifacts state, indexes, coverage."""

from __future__ import annotations

import random

import pytest

from analyzer.facts.address import cidr, ip
from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.firewall import Rule
from analyzer.facts.nodes import Node, Sysctl
from analyzer.facts.routing import Route
from analyzer.facts.source import Source
from analyzer.facts.store import Facts, merge

A, B = Source("a.txt", 3, 3), Source("b.txt", 9, 9)


def test_richer_artifact_wins_and_the_other_fills_in() -> None:
    text = Node(name=NodeName("n1"), ready=True, version="v1", origin=A)
    json = Node(name=NodeName("n1"), version="v1.29", pod_cidr=cidr("10.0.0.0/24"), origin=B)
    [merged] = merge([(1, text), (5, json)])
    assert isinstance(merged, Node)
    assert (merged.version, merged.ready, merged.pod_cidr) == ("v1.29", True, cidr("10.0.0.0/24"))
    assert (merged.origin.path, merged.origin.line) == (B.path, B.line)
    assert (merged.origin.of("ready"), merged.origin.of("version")) == (A, merged.origin)


def test_a_rule_set_comes_from_one_artifact() -> None:
    """Two dumps of one table, taken at different times, are never mixed: positions would lie."""

    def rule(position: int, origin: Source) -> Rule:
        return Rule(node=NodeName("n1"), table="nat", chain="C", position=position, target="ACCEPT", origin=origin)

    merged = merge([(5, rule(1, A)), (1, rule(1, B)), (1, rule(2, B))])
    assert [(fact.origin.path) for fact in merged] == ["a.txt"]


def test_same_route_in_two_dumps_is_one_fact() -> None:
    route = {"node": NodeName("n1"), "destination": cidr("10.1.0.0/24"), "dev": "eth0", "via": ip("10.0.0.1")}
    merged = merge([(1, Route(**route, origin=A)), (1, Route(**route, origin=B))])  # type: ignore[arg-type]
    assert len(merged) == 1


def test_order_of_artifacts_decides_nothing() -> None:
    pairs: list[tuple[int, Fact]] = [
        (rank, Sysctl(node=NodeName("n1"), name=f"s{number % 3}", value=str(rank), origin=Source(f"f{number}", 1, 1)))
        for number, rank in enumerate([3, 1, 2, 2, 5, 4])
    ]
    expected = merge(pairs)
    for seed in range(10):
        shuffled = pairs[:]
        random.Random(seed).shuffle(shuffled)
        assert merge(shuffled) == expected


@pytest.mark.parametrize("fields", [(), ("name",), ("node",), ("node", "name"), ("name", "node", "value")])
@pytest.mark.parametrize("alike", [0, 1, 300], ids=lambda number: f"{number} settings twice")
def test_index_holds_every_fact_by_its_values(fields: tuple[str, ...], alike: int) -> None:
    """Two facts of one key may stand far behind those that suggest that keys tell facts apart."""
    once = [Sysctl(node=NodeName(f"n{n % 7}"), name=f"s{n}", value="1", origin=Source("f", n, n)) for n in range(600)]
    facts = [*once, *(Sysctl(node=one.node, name=one.name, value="1", origin=B) for one in once[:alike])]
    index = Facts(facts).index(Sysctl, fields)
    for fact in facts:
        key = tuple(getattr(fact, name) for name in fields)
        assert list(index[key]) == [one for one in facts if tuple(getattr(one, name) for name in fields) == key]
    assert sum(map(len, index.values())) == len(facts)
    assert not Facts(()).index(Sysctl, fields)


def test_coverage_by_dimension() -> None:
    facts = Facts(
        (),
        (
            Coverage(fact="Route", node="n1"),
            Coverage(fact="Route", node="n2", complete=False, note="cut off at line 7"),
            Coverage(fact="Pod"),
        ),
    )
    assert facts.collected(Route, node="n1")
    assert not facts.collected(Route, node="n2")
    assert [entry.note for entry in facts.coverage(Route, node="n2")] == ["cut off at line 7"]
    assert not facts.coverage(Route, node="n3")
    assert facts.collected("Pod", namespace="shop")


def test_index_is_a_look_up() -> None:
    facts = Facts([Sysctl(node=NodeName("n1"), name="a", value="1"), Sysctl(node=NodeName("n2"), name="a", value="0")])
    assert [fact.value for fact in facts.where(Sysctl, node="n2", name="a")] == ["0"]
    assert not facts.where(Sysctl, node="n3", name="a")


def test_further_facts_are_found_and_the_indexes_of_other_types_are_kept() -> None:
    facts = Facts([Sysctl(node=NodeName("n1"), name="a", value="1"), Node(name=NodeName("n1"))])
    nodes, settings = facts.index(Node, ("name",)), facts.index(Sysctl, ("node",))
    more = facts.plus([Sysctl(node=NodeName("n1"), name="b", value="2")])
    assert [one.name for one in more.where(Sysctl, node="n1")] == ["a", "b"]
    assert [one.name for one in facts.where(Sysctl, node="n1")] == ["a"]
    assert more.index(Node, ("name",)) is nodes
    assert facts.index(Sysctl, ("node",)) is settings
