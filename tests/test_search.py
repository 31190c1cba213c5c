"""The engine's search, with its indexes and shortcuts, against trying every fact of every clause."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from analyzer.engine import evaluate, load_rules
from analyzer.engine.code import Code
from analyzer.engine.collected import Collected
from analyzer.engine.given import with_cluster
from analyzer.engine.hit import crowd, fact_of, hit_of
from analyzer.engine.inline import trial_facts
from analyzer.engine.plan import slots, step
from analyzer.engine.rule import Rule
from analyzer.engine.search import Search, cluster_of
from analyzer.facts import fact_types
from analyzer.facts.acyclic import acyclic
from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.logs import LogLine
from analyzer.facts.nodes import Node
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod

RULES = load_rules(())
AREAS = sorted({rule.area for rule in RULES})
EVERYTHING = [Coverage(fact=name) for name in fact_types()]


def _clusters(area: str) -> Iterator[Facts]:
    """The facts of all tests of an area in one cluster, some of them and some values taken away."""
    given = [
        fact
        for rule in RULES
        if rule.area == area
        for trial in rule.tests
        if not trial.files
        for fact in trial_facts(rule, trial, None).all()
        if type(fact).__name__ != "Cluster"
    ]
    for seed in range(2):
        choose = random.Random(seed)
        chosen = choose.sample(given, min(len(given), 150))
        yield Facts(with_cluster([_poorer(fact, choose) for fact in chosen]), EVERYTHING)


@pytest.mark.parametrize("area", AREAS)
def test_search_finds_what_trying_everything_finds(area: str) -> None:
    found = 0
    for facts in _clusters(area):
        for rule in RULES:
            if rule.area == area:
                search = Search(rule, facts)
                search.run()
                rows = [_marks(row.bound) for row in search.rows]
                assert sorted(rows) == sorted(_marks(row) for row in _every_way(rule, facts)), rule.id
                found += len(rows)
    assert found


def _poorer(fact: Fact, choose: random.Random) -> Fact:
    optional = [info.name for info in msgspec.structs.fields(fact) if info.default is None]
    lost = [name for name in optional if choose.random() < 0.05]
    return msgspec.structs.replace(fact, **dict.fromkeys(lost)) if lost else fact


def _marks(bound: Sequence[Any]) -> tuple[tuple[int, ...], ...]:
    listed = [() if one is None else one if isinstance(one, list | tuple) else (one,) for one in bound]
    return tuple(tuple(sorted(id(fact_of(item)) for item in some)) for some in listed)


def _every_way(rule: Rule, facts: Facts) -> Iterator[Sequence[Any]]:
    rows: list[list[Any]] = [[None] * len(rule.match)]
    for position, clause in enumerate(rule.match):
        cluster, this = cluster_of(facts), step(rule, position)
        holds = Code(slots(rule, clause.name)).predicate([condition.test for condition in clause.where])
        tried: Sequence[Any] = facts.of(clause.kind)
        if clause.text:
            tried = [hit for fact in tried if (hit := hit_of(clause.text, fact))]
        following: list[list[Any]] = []
        for row in rows:
            some: Sequence[Any] = [item for item in tried if holds is None or holds(row, item, cluster)]
            if clause.at_least > 1:
                some = crowd(some, clause.at_least, clause.within)
            if clause.quantifier == "none":
                unknown = this.known is not None and this.known(row, cluster) is None
                following += [row] if not some and not unknown else []
            elif clause.quantifier == "maybe" or (some and not this.expanded):
                following.append([*row[:position], some, *row[position + 1 :]])
            else:
                following += [[*row[:position], item, *row[position + 1 :]] for item in some]
        rows = following
    yield from rows


def test_logs_of_a_pod_are_told_by_its_own_log_or_by_one_that_may_be_anybodys() -> None:
    pods = [
        Pod(namespace="shop", name="web", node=NodeName("n1"), phase="Running"),
        Pod(namespace="shop", name="db", node=NodeName("n1"), phase="Running"),
    ]
    of_web = Coverage(fact="LogLine", pod="shop/web", path="web.log")
    of_node = Coverage(fact="LogLine", node="n1", component="kubelet", path="kubelet.log")
    of_somebody = Coverage(fact="LogLine", path="pasted.log")

    def searched(pod: str, *entries: Coverage) -> tuple[str, ...]:
        looked = Collected(Facts(pods, entries)).look(LogLine, {"pod": (pod,)})
        assert bool(looked.lacks) is not bool(looked.searched)
        return looked.searched

    assert searched("shop/web", of_web, of_node) == ("web.log",)
    assert searched("shop/db", of_web, of_node) == ()
    assert searched("shop/db", of_web, of_node, of_somebody) == ("pasted.log",)


def test_logs_of_one_node_tell_nothing_of_another() -> None:
    entries = [
        Coverage(fact="LogLine", node="n1", component="kubelet", path="n1/kubelet.log"),
        Coverage(fact="LogLine", pod="shop/web", path="web.log"),
    ]
    pod = Pod(namespace="shop", name="web", node=NodeName("n2"), phase="Running")
    known = Collected(Facts([pod], entries))
    assert known.look(LogLine, {"node": ("n1",), "component": ("kubelet",)}).searched == ("n1/kubelet.log",)
    assert known.look(LogLine, {"component": ("kubelet",)}).searched == ("n1/kubelet.log", "web.log")
    for scope in ({"node": ("n2",)}, {"node": ("n2",), "component": ("kubelet",)}, {"node": ("n3",)}):
        [lack] = known.look(LogLine, scope).lacks
        assert (lack.fact, lack.scope) == ("LogLine", scope["node"][0])


def test_no_search_for_cycles_while_a_rule_is_held_against_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    run = Search.run

    def watched(search: Search) -> None:
        seen.append(gc.isenabled())
        run(search)

    monkeypatch.setattr(Search, "run", watched)
    rule = next(rule for rule in RULES if rule.only_if is None)
    assert gc.isenabled()
    evaluate(rule, Facts([Node(name=NodeName("n1"))]))
    assert seen == [False] and gc.isenabled()


def test_cycles_are_sought_again_after_an_error_and_only_if_they_were_before() -> None:
    with pytest.raises(ValueError, match="bad"), acyclic():
        raise ValueError("bad")
    assert gc.isenabled()
    with acyclic(), acyclic():
        pass
    assert gc.isenabled()
    gc.disable()
    try:
        with acyclic():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_search_leaves_no_cycle_behind() -> None:
    """While cycles are not sought, nothing but counting references frees what a rule took."""
    facts = next(_clusters("services"))
    gc.collect()
    gc.disable()
    try:
        for rule in RULES:
            Search(rule, facts).run()
        assert not [one for one in gc.get_objects() if type(one) is Search]
    finally:
        gc.enable()
