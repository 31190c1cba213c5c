"""The rule engine: load, check, plan, evaluate, test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from analyzer import cache, facts, logs
from analyzer.data import rule_dir
from analyzer.engine.evaluation import evaluate
from analyzer.engine.loading import load_rules as load_folders
from analyzer.engine.loading import patterns, rule_files
from analyzer.engine.rule import Rule
from analyzer.engine.spot import nearest
from analyzer.errors import UsageError

__all__ = ["evaluate", "find_rule", "load_rules", "patterns"]


def load_rules(folders: Sequence[Path], *, tests: bool = True) -> tuple[Rule, ...]:
    """The rules that come with the program and those of further folders, which replace rules of the same id.

    Without their `tests`, which are more than half of what rules say, they come from the cache in a third of the time.
    """
    found = [rule_dir(), *folders]
    files = [path for folder in found for path in rule_files(folder)]
    # A rule is checked against the facts and the log patterns, by the engine: it follows from all of that code.
    code = cache.stamps(Path(__file__).parent, *(Path(package.__path__[0]) for package in (facts, logs)))
    parts = [code, repr([str(folder) for folder in found])]
    try:
        parts += [f"{path}\n{path.read_text(encoding='utf-8')}" for path in files]
    except (OSError, UnicodeDecodeError):
        return load_folders(found)  # which says what is wrong with which file
    if tests:
        return cache.kept("rules", parts, lambda: load_folders(found))
    return cache.kept(
        "rules-bare", parts, lambda: tuple(msgspec.structs.replace(rule, tests=()) for rule in load_rules(folders))
    )


def find_rule(rules: Sequence[Rule], name: str) -> Rule:
    """The rule of this id; UsageError if there is none."""
    for rule in rules:
        if rule.id == name:
            return rule
    close = nearest(name, [rule.id for rule in rules])
    raise UsageError(
        f"there is no rule {name!r}" + (f"; did you mean {close!r}?" if close else "; `hairpin rules list` has all")
    )
