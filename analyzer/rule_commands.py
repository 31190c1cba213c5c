"""`hairpin rules …`: look at, check, try and write rules."""

# Imports stand inside the commands, as in `commands`.
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from analyzer.commands import analysed
from analyzer.errors import UsageError
from analyzer.limits import Limits
from analyzer.options import InOrder, bounded, one_bundle, rule_folders, rule_id


@click.group(cls=InOrder, no_args_is_help=True)
def rules() -> None:
    """Look at, check, try and write rules."""


@rules.command("list")
@rule_folders
def list_(rules: Sequence[Path]) -> None:
    """List every rule."""
    from analyzer.engine import load_rules
    from analyzer.engine.prose import list_rules

    print(list_rules(load_rules(rules)))


@rules.command()
@rule_id
@rule_folders
def explain(id: str, rules: Sequence[Path]) -> None:
    """Print one rule as prose."""
    from analyzer.engine import find_rule, load_rules
    from analyzer.engine.prose import explain

    loaded = load_rules(rules)
    print(explain(find_rule(loaded, id), loaded))


@rules.command(short_help="Type-check rules and run their tests.")
@click.argument(
    "folder",
    required=False,
    type=Path,
    metavar="[FOLDER]",
    help="A folder of rules; without it, those that come along.",
)
def check(folder: Path | None) -> None:
    """Type-check rules and run their tests; exits with 4 if one is wrong."""
    from analyzer.analysis import facts_of
    from analyzer.engine import load_rules
    from analyzer.engine.inline import run_tests

    loaded = load_rules([folder] if folder else ())
    wanted = [rule for rule in loaded if folder is None or Path(rule.path).resolve().is_relative_to(folder.resolve())]
    failed = [text for rule in wanted for text in run_tests(rule, loaded, facts_of)]
    for text in failed:
        print(text)
    print(f"{len(wanted)} rules checked, {len(failed)} tests failed")
    if failed:
        raise click.exceptions.Exit(4)


@rules.command("try", short_help="Run one rule over a bundle, clause by clause.")
@rule_id
@one_bundle
@rule_folders
@bounded
def try_(id: str, bundle: Path, limits: Limits, rules: Sequence[Path]) -> None:
    """Run one rule over a bundle and say, clause by clause, what was left."""
    from analyzer.engine import find_rule, load_rules
    from analyzer.engine.attempt import attempt

    find_rule(load_rules(rules), id)
    analysis = analysed([bundle], rules, 0, limits)
    with analysis.bundle:
        print(attempt(find_rule(analysis.rules, id), analysis.collected.facts))


@rules.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors."""
    import json

    from analyzer.engine.schema import rule_schema

    print(json.dumps(rule_schema(), indent=1))


@rules.command()
@rule_folders
def catalogue(rules: Sequence[Path]) -> None:
    """Print every rule as one Markdown page."""
    from analyzer.engine import load_rules
    from analyzer.engine.catalogue import catalogue

    print(catalogue(load_rules(rules)), end="")


@rules.command(short_help="Write a rule file to fill in.")
@click.argument("id", metavar="ID", help="Its id: the failing state, such as dns-upstream-refused.")
@click.option("--in", "folder", default="rules", type=Path, metavar="FOLDER", help="Where to write it.")
def new(id: str, folder: Path) -> None:
    """Write a new rule file with the required parts and two failing tests."""
    from analyzer.engine.template import new_rule
    from analyzer.output import check_outputs, write_all

    path, text = folder / f"{id}.yaml", new_rule(id)
    if path.exists():
        raise UsageError(f"{path} exists already")
    check_outputs([path])
    write_all([(path, text.encode())])
    print(f"wrote {path}; fill it in, then: hairpin rules check {folder}")
