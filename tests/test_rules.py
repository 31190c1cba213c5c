"""Every rule that comes with the program: its own tests, and the three that come free."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.analysis import facts_of
from analyzer.data import rule_dir
from analyzer.engine import load_rules
from analyzer.engine.evaluation import evaluate
from analyzer.engine.inline import run_tests, trial_facts
from analyzer.engine.rule import Rule
from analyzer.engine.schema import rule_schema
from analyzer.facts.store import Facts

RULES = load_rules(())
SCHEMA = Path(__file__).parent.parent / "docs" / "rule.schema.json"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule(rule: Rule) -> None:
    assert run_tests(rule, RULES, facts_of) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_is_clear_is_not_collected_where_nothing_was_collected(rule: Rule) -> None:
    """The facts of a clear test stay, and no artifact says that there are no others."""
    for trial in rule.tests:
        if trial.expect == "clear" and not trial.files:
            facts = Facts(trial_facts(rule, trial, None).all(), [])
            assert evaluate(rule, facts).word == "not collected", trial.name


def test_every_rule_file_is_loaded() -> None:
    assert len(RULES) == len(list(rule_dir().rglob("*.y*ml")))


def test_schema_is_up_to_date() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == rule_schema(), "run `hairpin rules schema`"
