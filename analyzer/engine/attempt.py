"""A rule tried on a bundle: clause by clause, how many facts were left, and where the search ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyzer.engine.code import Code
from analyzer.engine.evaluation import applicable, evaluate
from analyzer.engine.expression import mentioned
from analyzer.engine.hit import fact_of, hit_of
from analyzer.engine.outcome import Outcome
from analyzer.engine.plan import slots
from analyzer.engine.rule import Clause, Rule
from analyzer.engine.search import cluster_of
from analyzer.facts.store import Facts

# More bindings than this are not followed: the point is to see where a rule loses its facts.
FOLLOWED = 2000
SHOWN = 4


def attempt(rule: Rule, facts: Facts) -> str:
    """How the clauses of a rule fare on these facts, one line each, and the outcome."""
    outcome = evaluate(rule, facts)
    lines = []
    if rule.only_if:
        word = {"clear": "holds", "not applicable": "does not hold"}.get(
            applicable(rule, cluster_of(facts)), "is not known"
        )
        lines.append(f"only_if  {rule.only_if.text} {word}")
    rows: list[list[Any]] = [[None] * len(rule.match)]
    alive = True
    for position, clause in enumerate(rule.match):
        if not alive:
            lines.append(f"{clause.quantifier:<5} {clause.fact} {clause.name}: not reached")
            continue
        rows, line = _clause(rule, position, clause, facts, rows)
        lines.append(f"{clause.quantifier:<5} {clause.fact} {clause.name:<14} {line}")
        alive = bool(rows)
    return "\n".join([*lines, *_ending(outcome)]) + "\n"


def _clause(
    rule: Rule, position: int, clause: Clause, facts: Facts, rows: list[list[Any]]
) -> tuple[list[list[Any]], str]:
    """The bindings that survive a clause, and what to tell of it."""
    cluster = cluster_of(facts)
    everything: Sequence[Any] = facts.of(clause.kind)
    counts = []
    if clause.text:
        everything = [hit for fact in everything if (hit := hit_of(clause.text, fact))]
        counts.append(f"text {len(everything)}")
    code = Code(slots(rule, clause.name))
    local = [one for one in clause.where if mentioned(one.test) <= {clause.name, "cluster"}]
    for condition in local:
        holds = code.predicate([condition.test])
        everything = [fact for fact in everything if holds and holds(None, fact, cluster)]
        counts.append(f"{condition.text}  {len(everything)}")
    joined = code.predicate([one.test for one in clause.where if one not in local])
    survivors: list[list[Any]] = []
    told: list[str] = []
    for row in rows[:FOLLOWED]:
        found = [fact for fact in everything if joined is None or joined(row, fact, cluster)]
        told.append(f"{len(found)} for {_named(rule, row)}" if _named(rule, row) else str(len(found)))
        if clause.quantifier == "none" and not found:
            survivors.append(row)
        elif clause.quantifier == "maybe" or (found and clause.quantifier == "some" and not _later(rule, position)):
            survivors.append([*row[:position], found, *row[position + 1 :]])
        elif found and clause.quantifier in ("each", "some") and len(survivors) < FOLLOWED:
            survivors += [[*row[:position], fact, *row[position + 1 :]] for fact in found]
    more = f", and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    parts = [f"{len(facts.of(clause.kind))} → {len(everything)}", *counts]
    if joined is not None:
        parts.append(", ".join(told[:SHOWN]) + more)
    if clause.at_least > 1:
        parts.append(f"at least {clause.at_least} are needed")
    return survivors, "  ·  ".join(parts)


def _later(rule: Rule, position: int) -> bool:
    name = rule.match[position].name
    return any(name in mentioned(one.test) for clause in rule.match[position + 1 :] for one in clause.where)


def _named(rule: Rule, row: Sequence[Any]) -> str:
    """The names of what is bound so far."""
    keys = [fact_of(item).key for item in row if item is not None and not isinstance(item, list | tuple)]
    return " ".join(key for key in keys if key)


def _ending(outcome: Outcome) -> list[str]:
    if outcome.matches:
        return [f"found {len(outcome.matches)}:", *(f"  {match.title}" for match in outcome.matches[:20])]
    lines: list[str] = [outcome.word]
    for lack in outcome.lacks[:20]:
        where = f" on {lack.scope}" if lack.scope else ""
        note = f" ({lack.note})" if lack.note else ""
        lines.append(f"  {lack.fact}{where}: run {lack.command}{note}")
    return lines
