"""The page of all rules: what the command prints, and no rule left out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from analyzer.engine import load_rules
from analyzer.engine.catalogue import catalogue

RULES = load_rules(())
PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
KNOWN = PAGE.with_name("known-failures.md")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue(RULES), "run `hairpin rules catalogue > docs/rules.md`"


def test_every_rule_has_a_heading_and_a_row_of_the_coverage_table() -> None:
    page = catalogue(RULES)
    heads = re.findall(r"^### (\S+)$", page, re.MULTILINE)
    rows = re.findall(r"^\| \[(\S+?)\]\(#\S+\) \|", page, re.MULTILINE)
    assert sorted(heads) == sorted(rows) == sorted(rule.id for rule in RULES)


def test_every_link_of_the_page_leads_to_a_heading() -> None:
    page = catalogue(RULES)
    heads = set(re.findall(r"^### (\S+)$", page, re.MULTILINE))
    assert set(re.findall(r"\]\(#([\w-]+)\)", page)) == heads


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    columns = 0
    for line in catalogue(RULES).split("\n"):
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not cells or not columns or cells == columns, line
        columns = cells


def test_doubled_braces_are_shown_as_they_print() -> None:
    """In a message `{{pod}}` prints {pod}; the page shows what is printed."""
    rule = msgspec.structs.replace(RULES[0], fix=("`echo ${HOME} {{pod}}`",))
    assert "1. `echo ${HOME} {pod}`" in catalogue([rule])


def test_every_rule_fires_on_the_text_of_files() -> None:
    """Typed facts prove the conditions of a rule; only raw text proves that a grammar gives such facts."""
    silent = [rule.id for rule in RULES if not any(trial.files and trial.fires for trial in rule.tests)]
    assert silent == [], "give each a firing test with `files:`"


def test_known_failures_without_a_rule_of_their_name_lead_to_rules() -> None:
    page = KNOWN.read_text(encoding="utf-8")
    named = set(re.findall(r"\(rules\.md#([\w-]+)\)", page))
    failures = re.findall(r"^\| (?!failure )([\w-]+) \| ", page, re.MULTILINE)
    ids = {rule.id for rule in RULES}
    assert named <= ids
    assert not ids & set(failures), "they have a rule of their own name now: take them out"
    assert len(failures) == len(set(failures))


def commands() -> list[tuple[str, str]]:
    """Rule and command, for what stands between backquotes in the advice and has arguments."""
    quoted = ((rule.id, text) for rule in RULES for line in rule.fix for text in re.findall(r"`([^`]+)`", line))
    return [(name, text) for name, text in quoted if " " in text and not text.startswith("-")]


def test_commands_of_the_advice_are_shell() -> None:
    for name, text in commands():
        filled = re.sub(r"(?<!\$)\{[a-z]\w*(\.\w+)?\}", "X", text)
        told = subprocess.run(["bash", "-n", "-c", filled], capture_output=True, text=True, check=False)
        assert told.returncode == 0, f"{name}: {text}: {told.stderr}"


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        pytest.param(
            r"modprobe (?!-)\S+ \w",
            "modprobe takes parameters after the first module; write modprobe -a",
            id="modprobe",
        ),
        pytest.param(
            r"logs -l (?!.*--tail)[^|;]*\|", "with a selector kubectl shows ten lines; add --tail=-1", id="tail"
        ),
        pytest.param(r"<[a-z-]+>|\.\.\.|…", "write what is to be filled in as CAPITALS", id="gaps"),
    ],
)
def test_commands_of_the_advice_can_be_pasted(pattern: str, advice: str) -> None:
    assert not [(name, text, advice) for name, text in commands() if re.search(pattern, text)]
