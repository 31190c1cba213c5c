"""A rule held against the facts of a cluster: findings with their evidence, or why there are none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from analyzer.engine.code import Code, Slot
from analyzer.engine.expression import (
    Compare,
    Contained,
    Negation,
    Presence,
    Refer,
    Test,
    conjuncts,
    mentioned,
    references,
)
from analyzer.engine.fields import fields
from analyzer.engine.hit import Hit, fact_of
from analyzer.engine.message import render, show
from analyzer.engine.outcome import Absence, Lack, Match, Outcome, Word
from analyzer.engine.pins import LOGS
from analyzer.engine.rule import Clause, Rule
from analyzer.engine.scopes import place_of, scopes
from analyzer.engine.search import Absent, Row, Search, cluster_of
from analyzer.facts.acyclic import acyclic
from analyzer.facts.derived import Cluster
from analyzer.facts.fact import Fact
from analyzer.facts.store import Facts


@acyclic()
def evaluate(rule: Rule, facts: Facts) -> Outcome:
    """The outcome of one rule: found, clear, not collected or not applicable. Never raises on any facts."""
    applies = applicable(rule, cluster_of(facts))
    if applies == "not applicable":
        return Outcome(rule=rule.id, word="not applicable")
    if applies == "not collected":
        return Outcome(rule=rule.id, word="not collected", lacks=(_unknown_cluster(rule),))
    search = Search(rule, facts)
    search.run()
    matches, subjects = _matches(rule, search.rows)
    said = {id(doubt.lacks): doubt.lacks for doubt in search.doubts}
    lacks = {lack for some in said.values() for lack in some}
    word: Word = "found" if matches else "not collected" if lacks else "clear"
    return Outcome(
        rule=rule.id,
        word=word,
        matches=matches,
        lacks=tuple(sorted(lacks, key=attrgetter("fact", "scope", "command", "note"))),
        scopes=scopes(rule, facts, subjects, search.doubts),
        evaluated=search.evaluated,
    )


def applicable(rule: Rule, cluster: Cluster) -> Word:
    """`clear` if the rule applies, `not applicable`, or `not collected` if what `only_if` asks for is unknown.

    A missing value is taken for some other value than the one that is asked for: a rule for every proxy but one runs
    where the proxy is unknown, a rule for one CNI does not.
    """
    if rule.only_if is None:
        return "clear"
    code = Code({"cluster": Slot("c", "Cluster")})
    test = rule.only_if.test
    holds = code.predicate([test])
    if holds is not None and holds(None, None, cluster):
        return "clear"
    fails = code.predicate([Negation(test)])
    if fails is not None and fails(None, None, cluster):
        return "not applicable"
    return "clear" if _supposed(test, cluster) else "not collected"


def _supposed(test: Test, cluster: Cluster) -> bool:
    """Whether the test would hold if every missing value were some other value than those it is compared with."""
    if isinstance(test, Negation):
        return not _supposed(test.of, cluster)
    if any(getattr(cluster, refer.field) is None for refer in references(test)):
        if isinstance(test, Compare):
            return test.operator == "!="
        if isinstance(test, Presence | Contained) or not hasattr(test, "of"):
            return isinstance(test, Presence) and not test.present
        kind = type(test).__name__
        held = [_supposed(one, cluster) for one in test.of]
        return all(held) if kind == "Both" else any(held)
    holds = Code({"cluster": Slot("c", "Cluster")}).predicate([test])
    return bool(holds and holds(None, None, cluster))


def _unknown_cluster(rule: Rule) -> Lack:
    assert rule.only_if is not None
    names = sorted({refer.field for refer in references(rule.only_if.test)})
    return Lack(
        fact="Cluster",
        command="kubectl get nodes,pods,services -A -o json; kubectl get configmaps -n kube-system -o json",
        note=f"whether {rule.only_if.text} is not known ({', '.join(names)})",
    )


def _matches(rule: Rule, rows: Sequence[Row]) -> tuple[tuple[Match, ...], list[str]]:
    """One match for each combination of `each` facts, in a stable order, and the node that each is about."""
    each = [position for position, clause in enumerate(rule.match) if clause.quantifier == "each"]
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(_mark(row.bound[position]) for position in each)].append(row)
    made = [_match(rule, group) for group in groups.values()]
    made.sort(key=lambda one: (one[0].subjects, one[0].title, one[0].why))
    return tuple(match for match, _ in made), [node for _, node in made if node]


def _mark(item: Any) -> Any:
    """What makes two bindings of `each` the same: the fact; of log lines the writer and what was captured."""
    fact = fact_of(item)
    if isinstance(item, Hit) and type(fact).__name__ in LOGS:
        return (
            fact.node,
            fact.pod,
            fact.container,
            fact.component,
            tuple(sorted((k, str(v)) for k, v in item.captured.items())),
        )
    return id(fact)


def _match(rule: Rule, rows: Sequence[Row]) -> tuple[Match, str]:
    found: dict[str, list[Any]] = {}
    for position, clause in enumerate(rule.match):
        seen: dict[int, Any] = {}
        for row in rows:
            bound = row.bound[position]
            for item in bound if isinstance(bound, list | tuple) else (bound,):
                if item is not None:
                    seen.setdefault(id(fact_of(item)), item)
        found[clause.name] = sorted(seen.values(), key=_order)
    proof = [clause for clause in rule.match if clause.quantifier in ("each", "some")]
    facts: dict[int, Fact] = {}
    for clause, decisive in _evidence(rule):
        facts |= {id(fact_of(item)): _located(fact_of(item), decisive) for item in found[clause.name]}
    absent = dict.fromkeys(
        _absence(rule, row, gone) for row in rows for gone in sorted(row.absent, key=lambda one: one.position)
    )
    touched = {entity for clause in proof for item in found[clause.name] for entity in entities(fact_of(item))}
    each = [clause for clause in rule.match if clause.quantifier == "each"]
    subjects = tuple(dict.fromkeys(subject(found[clause.name][0]) for clause in each if found[clause.name]))
    match = Match(
        title=render(rule.title, found),
        why=render(rule.why, found),
        fix=tuple(render(text, found) for text in rule.fix),
        facts=tuple(facts.values()),
        absent=tuple(absent),
        entities=tuple(sorted(touched)),
        subjects=subjects,
    )
    return match, _node(each, found)


def _weight(clause: Clause) -> int:
    """The order of evidence: what was said, what was tested, what corroborates, what the finding merely hangs on."""
    if clause.text and clause.quantifier != "maybe":
        return 0
    if clause.quantifier == "maybe":
        return 2
    return 1 if clause.where else 3


@lru_cache(maxsize=1024)
def _evidence(rule: Rule) -> list[tuple[Clause, list[str]]]:
    """The clauses in the order of evidence, each with the fields that decide it."""
    return [(clause, _decisive(clause)) for clause in sorted(rule.match, key=_weight)]


def _decisive(clause: Clause) -> list[str]:
    """The fields of its own fact that a clause tests, those first that are not merely joined to other facts."""
    tests = [test for condition in clause.where for test in conjuncts(condition.test)]
    tests.sort(key=lambda test: mentioned(test) != {clause.name})
    return [refer.field for test in tests for refer in references(test) if refer.name == clause.name and refer.field]


def _located(fact: Fact, fields: Sequence[str]) -> Fact:
    """A fact that several artifacts state, pointing at the one that states what was tested."""
    source = fact.origin.of(fields[0]) if fields and fact.origin.also else fact.origin
    return fact if source is fact.origin else msgspec.structs.replace(fact, origin=source)


def _order(item: Any) -> tuple[Any, ...]:
    fact = fact_of(item)
    time = getattr(fact, "time", None)
    return (time is None, time or 0.0, fact.key, fact.origin.path, fact.origin.line, repr(fact))


def _node(each: Sequence[Clause], found: dict[str, list[Any]]) -> str:
    """The node that a finding is about: of the first `each` that is a node or stands on one."""
    for clause in each:
        for item in found[clause.name]:
            name = place_of(fact_of(item))
            if name:
                return name
    return ""


def entities(fact: Fact) -> Iterable[str]:
    """The entities that a fact touches: itself, and those that its references point at."""
    kind = type(fact)
    if kind.reference:
        yield f"{kind.__name__}/{fact.key}"
    for name, field in fields(kind).items():
        listed = field.of if field.sort == "list" and field.of else None
        if field.sort == "reference" or (listed and listed.sort == "reference"):
            value = getattr(fact, name)
            refers = field.refers or (listed.refers if listed else "")
            for one in value if isinstance(value, tuple) else (value,):
                if one:
                    yield f"{refers}/{one}"


def subject(item: Any) -> str:
    """What identifies a fact across bundles: its name, or the values of its identity."""
    fact = fact_of(item)
    kind: type[Fact] = type(fact)
    if kind.reference:
        return f"{kind.__name__}/{fact.key}"
    if isinstance(item, Hit) and kind.__name__ in LOGS:
        values = [fact.node, fact.pod, fact.component, *(value for _, value in sorted(item.captured.items()))]
    else:
        values = [getattr(fact, name) for name in kind.identity or fields(kind)]
    return "/".join([kind.__name__, *(show(value) for value in values if value is not None)])


def _absence(rule: Rule, row: Row, gone: Absent) -> Absence:
    """What a `none` looked for, with the values of this binding put in."""
    clause = rule.match[gone.position]
    where = [_spelled(clause, test, mentions, row) for test, mentions in _asked(rule, gone.position)]
    where += [f"text {text!r}" for text in clause.text]
    return Absence(fact=clause.fact, where=tuple(where), searched=gone.searched)


@lru_cache(maxsize=4096)
def _asked(rule: Rule, position: int) -> list[tuple[Test, list[tuple[Refer, int]]]]:
    """The tests of a clause, each with the other facts that it mentions and the numbers of the clauses binding them."""
    places = {clause.name: at for at, clause in reversed(list(enumerate(rule.match)))}
    own = rule.match[position].name
    tests = (test for condition in rule.match[position].where for test in conjuncts(condition.test))
    return [
        (test, [(one, places[one.name]) for one in references(test) if one.name in places and one.name != own])
        for test in tests
    ]


def _spelled(clause: Clause, test: Test, mentions: Sequence[tuple[Refer, int]], row: Row) -> str:
    """A condition in words, the values of bound facts in place of their names."""
    from analyzer.engine.prose import spell

    values: dict[tuple[str, str], str] = {}
    for refer, position in mentions:
        bound = row.bound[position]
        if bound is not None and not isinstance(bound, list | tuple):
            fact = fact_of(bound)
            if refer.captured:
                value: Any = bound.captured.get(refer.field)
            else:
                value = getattr(fact, refer.field) if refer.field else fact.key
            if refer.item is not None:
                value = (value or {}).get(refer.item)
            values[refer.name, refer.field] = show(value)
    return spell(test, clause.name, values)
