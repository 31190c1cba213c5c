"""The rule engine: load, check, plan, evaluate, test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analyzer.data import rule_dir
from analyzer.engine.condition import nearest
from analyzer.engine.evaluation import evaluate
from analyzer.engine.loading import load_rules as load_folders
from analyzer.engine.loading import patterns
from analyzer.engine.rule import Rule
from analyzer.errors import UsageError

__all__ = ["evaluate", "find_rule", "load_rules", "patterns"]


def load_rules(folders: Sequence[Path]) -> tuple[Rule, ...]:
    """The rules that come with the program and those of further folders, which replace rules of the same id."""
    return load_folders([rule_dir(), *folders])


def find_rule(rules: Sequence[Rule], name: str) -> Rule:
    """The rule of this id; UsageError if there is none."""
    for rule in rules:
        if rule.id == name:
            return rule
    close = nearest(name, [rule.id for rule in rules])
    raise UsageError(
        f"there is no rule {name!r}" + (f"; did you mean {close!r}?" if close else "; `hairpin rules list` has all")
    )
