"""What the loader refuses beyond types: unpinned absence, unconnected facts, bad messages, cycles of causes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from analyzer.engine.expression import Compare, Constant, Contained, Matches, Selects, Test, conjuncts, mentioned
from analyzer.engine.message import check_message
from analyzer.engine.pins import unpinned
from analyzer.engine.rule import Clause, Rule
from analyzer.engine.spot import Bound, Spot, nearest

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


def check_clauses(clauses: Sequence[Clause], path: str) -> None:
    """Refuse conditions that do not mention their own fact, unpinned absence, and facts that nothing connects."""
    for clause in clauses:
        for condition in clause.where:
            if clause.name not in mentioned(condition.test):
                Spot(path, condition.line).fail(
                    f"`{condition.text}` does not mention {clause.name}; put it under the clause it speaks of"
                )
        advice = unpinned(clause) if clause.quantifier == "none" else ""
        if advice:
            whole = "node" if clause.kind.per == "node" else "part"
            Spot(path, clause.line).fail(
                f"{advice}, so that a {whole} that was not collected is not mistaken for an absence"
            )
    _check_connected(clauses, path)


def _check_connected(clauses: Sequence[Clause], path: str) -> None:
    joined = {clause.name: {clause.name} for clause in clauses}
    for clause in clauses:
        for condition in clause.where:
            names = [name for name in mentioned(condition.test) if name != "cluster"]
            group = set().union(*(joined[name] for name in names))
            for name in group:
                joined[name] = group
    first = next((clause for clause in clauses if clause.quantifier == "each"), clauses[0])
    for clause in clauses:
        if clause.name in joined[first.name] or (clause.quantifier in ("some", "none") and _anchored(clause)):
            continue
        Spot(path, clause.line).fail(
            f"no condition connects {clause.name} with {first.name}: every combination would match"
        )


def _anchored(clause: Clause) -> bool:
    """Whether a clause asks for particular facts of the cluster, so that it may stand by itself."""
    return bool(clause.text) or any(_anchors(test) for one in clause.where for test in conjuncts(one.test))


def _anchors(test: Test) -> bool:
    if isinstance(test, Matches):
        return True
    if isinstance(test, Compare | Contained | Selects):
        sides = [getattr(test, name) for name in test.__struct_fields__]
        return any(isinstance(side, Constant) for side in sides) or "cluster" in mentioned(test)
    return False


def check_rule(rule: Rule, names: Mapping[str, Bound], stem: str) -> None:
    """Refuse a wrong id, messages that name what is not there, and documentation that is not https."""
    path = rule.path
    if rule.id != stem:
        Spot(path, rule.lines["id"]).fail(f"the id {rule.id!r} is not the name of its file", stem)
    if not KEBAB.match(rule.id):
        Spot(path, rule.lines["id"]).fail("an id is written in small letters, digits and single dashes")
    maybe = frozenset(clause.name for clause in rule.match if clause.quantifier == "maybe")
    for key, texts in (("title", (rule.title,)), ("why", (rule.why,)), ("fix", rule.fix)):
        for text in texts:
            check_message(text, names, maybe, Spot(path, rule.lines[key]))
    for link in rule.docs:
        if not link.startswith("https://"):
            Spot(path, rule.lines["docs"]).fail(f"docs: {link!r} is not an https address")


def check_set(rules: Sequence[Rule]) -> None:
    """Refuse `explains` of rules that do not exist, and causes that explain themselves in a circle."""
    by_id = {rule.id: rule for rule in rules}
    for rule in rules:
        for other in rule.explains:
            if other not in by_id:
                Spot(rule.path, _line_of(rule, other)).fail(
                    f"explains: there is no rule {other!r}", nearest(other, by_id)
                )
            if other == rule.id:
                Spot(rule.path, _line_of(rule, other)).fail("explains: a rule does not explain itself")
    done: set[str] = set()
    for rule in rules:
        _walk(rule, by_id, [], done)


def _walk(rule: Rule, by_id: Mapping[str, Rule], trail: list[str], done: set[str]) -> None:
    if rule.id in trail:
        circle = " → ".join([*trail[trail.index(rule.id) :], rule.id])
        Spot(rule.path, _line_of(rule, "explains")).fail(f"explains: goes round in a circle, {circle}")
    if rule.id in done:
        return
    for other in rule.explains:
        _walk(by_id[other], by_id, [*trail, rule.id], done)
    done.add(rule.id)


def _line_of(rule: Rule, word: str) -> int:
    return rule.lines.get(word, rule.lines.get("explains", 0))
