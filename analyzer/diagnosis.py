"""Outcomes to causes and symptoms, in the order in which a reader needs them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from analyzer.engine.outcome import Match, Outcome
from analyzer.engine.rule import Rule
from analyzer.facts.fact import Fact

SEVERITIES = ("error", "warning", "info")
CONFIDENCES = ("certain", "likely", "possible")


class Diagnosed(msgspec.Struct, frozen=True, kw_only=True):
    """One finding before it is rendered: its rule, what matched, and what it explains (indexes into the diagnosis)."""

    id: str
    rule: Rule
    match: Match
    explains: tuple[int, ...] = ()
    explained_by: tuple[int, ...] = ()


def diagnose(rules: Sequence[Rule], outcomes: Sequence[Outcome]) -> tuple[Diagnosed, ...]:
    """Every finding: causes first, by severity, by how much they explain, by confidence; then the symptoms likewise.

    Finding A explains finding B if A's rule lists B's rule and both touch a common entity. A cause that touches no
    entity (the API server is down) explains any. A symptom of a symptom belongs to the root as well.
    """
    by_id = {rule.id: rule for rule in rules}
    plain = [
        Diagnosed(id=identity(outcome.rule, match), rule=by_id[outcome.rule], match=match)
        for outcome in outcomes
        for match in outcome.matches
    ]
    plain.sort(key=lambda one: (one.rule.id, one.match.subjects, one.match.title, one.id))
    edges = _edges(plain)
    causes: dict[int, list[int]] = defaultdict(list)
    for cause, symptoms in edges.items():
        for symptom in symptoms:
            causes[symptom].append(cause)
    weight = {number: len(_reach(number, edges)) for number in range(len(plain))}
    order = sorted(
        range(len(plain)),
        key=lambda number: (
            bool(causes[number]),
            SEVERITIES.index(plain[number].rule.severity),
            -weight[number],
            CONFIDENCES.index(plain[number].rule.confidence),
            plain[number].rule.id,
            plain[number].match.subjects,
            plain[number].id,
        ),
    )
    place = {number: position for position, number in enumerate(order)}
    return tuple(
        msgspec.structs.replace(
            plain[number],
            explains=tuple(sorted(place[other] for other in edges.get(number, ()))),
            explained_by=tuple(sorted(place[other] for other in causes[number])),
        )
        for number in order
    )


def identity(rule: str, match: Match) -> str:
    """Eight hex digits that stay the same for the same rule and subjects, in whichever bundle."""
    subjects = match.subjects or match.entities or (match.title,)
    text = "\n".join((rule, *sorted(subjects)))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def evidence_facts(match: Match) -> list[Fact]:
    """The facts that prove a match and stand in a file, each place once."""
    seen: set[tuple[str, int]] = set()
    result = []
    for fact in match.facts:
        place = (fact.origin.path, fact.origin.line)
        if fact.origin.path and place not in seen:
            seen.add(place)
            result.append(fact)
    return result


def _edges(findings: Sequence[Diagnosed]) -> dict[int, tuple[int, ...]]:
    of_rule: dict[str, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        of_rule[finding.rule.id].append(number)
    touching: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        for entity in finding.match.entities:
            touching[finding.rule.id, entity].append(number)
    edges: dict[int, tuple[int, ...]] = {}
    for number, finding in enumerate(findings):
        symptoms: set[int] = set()
        for wanted in finding.rule.explains:
            if not finding.match.entities:
                symptoms.update(of_rule[wanted])
            for entity in finding.match.entities:
                symptoms.update(touching[wanted, entity])
            # A symptom that touches nothing speaks of the cluster as a whole, so any node's cause may explain it.
            symptoms.update(other for other in of_rule[wanted] if not findings[other].match.entities)
        symptoms.discard(number)
        if symptoms:
            edges[number] = tuple(sorted(symptoms))
    return edges


def _reach(start: int, edges: Mapping[int, tuple[int, ...]]) -> set[int]:
    seen: set[int] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            waiting.extend(edges.get(number, ()))
    return seen
