"""Every rule that comes with the program: its own tests, and the three that come free."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.analysis import facts_of
from analyzer.data import rule_dir
from analyzer.engine import load_rules
from analyzer.engine.inline import run_tests
from analyzer.engine.rule import Rule
from analyzer.engine.schema import rule_schema

RULES = load_rules(())
SCHEMA = Path(__file__).parent.parent / "docs" / "rule.schema.json"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule(rule: Rule) -> None:
    assert run_tests(rule, RULES, facts_of) == []


def test_every_rule_file_is_loaded() -> None:
    assert len(RULES) == len(list(rule_dir().rglob("*.y*ml")))


def test_schema_is_up_to_date() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == rule_schema(), "run `hairpin rules schema`"
