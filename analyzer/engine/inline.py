"""The tests of a rule: its own, and three that every rule passes without a line being written."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from analyzer.engine.evaluation import evaluate
from analyzer.engine.given import build_coverage, build_facts, with_cluster
from analyzer.engine.outcome import Outcome
from analyzer.engine.rule import Rule, Trial
from analyzer.engine.spot import Spot
from analyzer.errors import DefinitionError
from analyzer.facts import fact_types
from analyzer.facts.fact import Coverage, Fact
from analyzer.facts.store import Facts

# Path and text of files to the facts that recognising, parsing and deriving them gives.
Reader = Callable[[Mapping[str, str]], Facts]


def run_tests(rule: Rule, rules: Sequence[Rule] = (), reader: Reader | None = None) -> list[str]:
    """What is wrong with a rule by its tests, one line each with file and line; empty if all is well.

    `rules` are all rules, whose log patterns the `reader` knows. Tests with `files:` are skipped without a reader.
    """
    failures = []
    if not any(trial.fires for trial in rule.tests):
        failures.append(f"{rule.path}: {rule.id} has no test that expects a finding")
    if not any(trial.expect == "clear" for trial in rule.tests):
        failures.append(f"{rule.path}: {rule.id} has no test that expects clear")
    failures += _empty_cluster(rule)
    for trial in rule.tests:
        if trial.files and reader is None:
            continue
        try:
            facts = trial_facts(rule, trial, reader)
        except DefinitionError as error:
            failures.append(str(error))
            continue
        outcome = evaluate(rule, facts)
        wrong = _difference(trial, outcome)
        if wrong:
            failures.append(f"{rule.path}:{trial.line}: {trial.name}: {wrong}")
        elif outcome.word == "found":
            failures += [f"{rule.path}:{trial.line}: {trial.name}: {text}" for text in _free(rule, facts, outcome)]
    return failures


def trial_facts(rule: Rule, trial: Trial, reader: Reader | None) -> Facts:
    """The facts of one test. Facts that are given directly imply that all was collected but what is missing."""
    spot = Spot(rule.path, trial.line)
    given = build_facts(trial.given or (), rule.path)
    if not trial.files:
        given = with_cluster(given)
        return Facts(given, build_coverage(trial.missing, given, spot))
    assert reader is not None
    read = reader(trial.files)
    lost = {text.partition(" ")[0] for text in trial.missing}
    kept = [entry for entry in read.all_coverage() if entry.fact not in lost]
    if trial.given is not None:
        covered = {entry.fact for entry in kept}
        kept += [entry for entry in build_coverage(trial.missing, given, spot) if entry.fact not in covered]
    return Facts([*read.all(), *given], kept)


def _difference(trial: Trial, outcome: Outcome) -> str:
    titles = sorted(match.title for match in outcome.matches)
    if not isinstance(trial.expect, str):
        if titles != sorted(trial.expect):
            return f"expected {sorted(trial.expect)}, got {titles or _told(outcome)}"
        return ""
    return (
        "" if outcome.word == trial.expect else f"expected {trial.expect}, got {_told(outcome)} {titles or ''}".strip()
    )


def _told(outcome: Outcome) -> str:
    lacks = ", ".join(
        f"{lack.fact} {lack.scope}".strip() + (f" ({lack.note})" if lack.note else "") for lack in outcome.lacks
    )
    return outcome.word + (f": {lacks}" if lacks else "")


def _free(rule: Rule, facts: Facts, outcome: Outcome) -> list[str]:
    """Without a fact type that it needs a rule says so; the order of facts changes nothing."""
    failures = []
    for name in rule.needs:
        word = evaluate(rule, without(facts, name)).word
        if word != "not collected":
            failures.append(f"without any {name} the rule must say not collected, it says {word}")
    for seed in (1, 2):
        again = evaluate(rule, shuffled(facts, seed))
        if again != outcome:
            failures.append("the order of facts changes the finding")
            break
    return failures


def without(facts: Facts, name: str) -> Facts:
    """The same cluster with nothing of one fact type collected."""
    kind = fact_types()[name]
    return Facts(
        [fact for fact in facts.all() if type(fact) is not kind],
        [entry for entry in facts.all_coverage() if entry.fact != name],
    )


def shuffled(facts: Facts, seed: int) -> Facts:
    """The same facts and coverage in another order."""
    found: list[Fact] = list(facts.all())
    entries: list[Coverage] = list(facts.all_coverage())
    order = random.Random(seed)
    order.shuffle(found)
    order.shuffle(entries)
    return Facts(found, entries)


def _empty_cluster(rule: Rule) -> Sequence[str]:
    facts = Facts(with_cluster([]), [Coverage(fact=name) for name in fact_types()])
    if evaluate(rule, facts).word == "found":
        return [
            f"{rule.path}: {rule.id} is found in an empty cluster; add a clause that shows there is something to break"
        ]
    return []
