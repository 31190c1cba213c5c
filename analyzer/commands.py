"""The commands that read bundles and reports. Each prints its result; `cli` turns what ends it into an exit code."""

# Imports stand inside the commands: `hairpin --help` must not load parsers, templates or the pattern database.
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.errors import UsageError
from analyzer.limits import Limits
from analyzer.options import (
    TEXT_OR_JSON,
    bounded,
    one_bundle,
    one_of,
    processes_used,
    rule_folders,
    several_bundles,
    text_or_json,
)

if TYPE_CHECKING:
    from analyzer.analysis import Analysis, Options
    from analyzer.report import Report


@click.command(short_help="Say what is broken in a bundle, why, and what to do.")
@several_bundles
@click.option(
    "--output",
    "-o",
    "outputs",
    multiple=True,
    type=Path,
    metavar="FILE",
    help="Write a report; the ending names the format: .html .json .xml (JUnit) .sarif .sqlite .txt. May be repeated.",
)
@click.option(
    "--format",
    "-f",
    metavar="FORMAT",
    help="Write a report to standard output: html, json, junit, sarif, sqlite or terminal.",
)
@click.option(
    "--fail-on", default="error", metavar="LEVEL", help="Exit with 1 from here up: error, warning, info or never."
)
@rule_folders
@click.option("--quiet", "-q", is_flag=True, help="Only the totals.")
@processes_used
@bounded
def report(
    paths: Sequence[Path],
    limits: Limits,
    outputs: Sequence[Path],
    format: str | None,
    fail_on: str,
    rules: Sequence[Path],
    quiet: bool,
    jobs: int,
) -> None:
    """Analyse bundles as one cluster and say what is broken, why, and what to do.

    Exits with 0 if no finding is as severe as --fail-on, 1 if one is, 2 if the command line is wrong, 3 if the bundle
    cannot be read, 4 if a rule file is wrong.
    """
    from analyzer.compose import compose
    from analyzer.output import check_outputs, write_all
    from analyzer.reports import format_of, formats, render_as
    from analyzer.reports.threshold import LEVELS, fails

    one_of("--fail-on", fail_on, LEVELS)
    check_outputs(outputs, paths)
    wanted = [(path, format_of(path)) for path in outputs]
    if format:
        one_of("--format", format, formats())
        _not_to_a_terminal(format)
    analysis = analysed(paths, rules, jobs, limits)
    with analysis.bundle:
        result = compose(analysis)
    write_all([(path, render_as(name, result, fail_on=fail_on)) for path, name in wanted])
    if format:
        sys.stdout.buffer.write(render_as(format, result, fail_on=fail_on))
    elif not wanted or sys.stdout.isatty() or quiet:
        _print_terminal(result, quiet, wanted[0][0] if wanted else None)
    if any(fails(finding, fail_on) for finding in result.findings):
        raise click.exceptions.Exit(1)


@click.command(short_help="List each file: recognised as what, or why not.")
@several_bundles
@processes_used
@bounded
def files(paths: Sequence[Path], limits: Limits, jobs: int) -> None:
    """List each file of a bundle: recognised as what, on which node, how many facts and gaps, and why (or why not).

    The columns are separated by tabs; gaps (text that nobody could read) and notes follow.
    """
    from analyzer.compose import compose
    from analyzer.reports.visible import visible

    analysis = analysed(paths, (), jobs, limits, all_unknown=True)
    with analysis.bundle:
        result = compose(analysis)
    for entry in sorted(result.files, key=lambda entry: entry.path):
        kind = entry.kind or "unrecognised"
        counts = f"{entry.facts} facts, {entry.gaps} gaps" if entry.facts or entry.gaps else ""
        print("\t".join(visible(text) for text in (entry.path, kind, entry.node, counts, entry.why)))
    for gap in result.gaps:
        print(visible(f"gap {gap.path}:{gap.line}: expected {gap.expected}: {gap.text}"))
    for note in result.bundle.notes:
        print(visible(f"note {note}"))


@click.command(short_help="Show what was read, in the words of rules.")
@several_bundles
@click.option("--type", "-t", metavar="TYPE", help="Only facts of this type, such as Route.")
@click.option("--where", metavar="CONDITION", help="Only those, as in a rule: 'fact.node == \"worker-1\"'.")
@click.option("--format", "-f", metavar="FORMAT", help="text, json, csv or sqlite.")
@click.option(
    "--output", "-o", type=Path, metavar="FILE", help="A file; .txt .json .csv .sqlite or .db name the format."
)
@processes_used
@bounded
def facts(
    paths: Sequence[Path],
    limits: Limits,
    type: str | None,
    where: str | None,
    format: str | None,
    output: Path | None,
    jobs: int,
) -> None:
    """Show the facts of a bundle in the rule language's own terms; without a type, how many there are of each.

    The type may stand behind the bundles as well: hairpin facts BUNDLE Route.
    """
    from analyzer.facts import fact_types
    from analyzer.listing import ENDINGS, FORMATS, list_facts, query
    from analyzer.output import check_outputs, write_all

    if type is None and len(paths) > 1 and str(paths[-1]) in fact_types() and not paths[-1].exists():
        *paths, last = paths
        type = str(last)
    wanted = query(type, where)
    if output:
        check_outputs([output], paths)
        if format is None:
            ending = one_of("-o: the ending", output.suffix, ENDINGS)
            format = ENDINGS[ending]
    format = one_of("--format", format or "text", FORMATS)
    if not output:
        _not_to_a_terminal(format)
    analysis = analysed(paths, (), jobs, limits)
    with analysis.bundle:
        gaps = [gap for _, parsed in analysis.collected.parsed for gap in parsed.gaps]
        found = list_facts(analysis.collected.facts, wanted, format, gaps)
    if output:
        write_all([(output, found)])
    else:
        sys.stdout.buffer.write(found)


@click.command(short_help="Follow one packet through the dumps.")
@one_bundle
@click.option("--from", "source", metavar="END", help="pod/NS/NAME, svc/NS/NAME, node/NAME, IP or external.")
@click.option("--to", "target", metavar="END", help="The same, with :PORT if it is not to be guessed.")
@click.option("--proto", default="tcp", metavar="NAME", help="tcp, udp, icmp or a number.")
@click.option("--reply", is_flag=True, help="Show the way back as well.")
@click.option("--flow", type=Path, metavar="FILE", help="A flow as JSON, instead of --from and --to.")
@click.option("--topology", type=Path, metavar="FILE", help="Links that dumps cannot show, as JSON.")
@text_or_json
@bounded
def trace(
    bundle: Path,
    limits: Limits,
    source: str | None,
    target: str | None,
    proto: str,
    reply: bool,
    flow: Path | None,
    topology: Path | None,
    format: str,
) -> None:
    """Follow one packet through the dumps: which rule decides each step, and where does it die?

    For example: hairpin trace BUNDLE --from pod/shop/web-1 --to svc/shop/api:80
    """
    from analyzer.analysis import collect, network_options
    from analyzer.bundle import open_bundle
    from analyzer.known import require_known
    from analyzer.logs import Patterns
    from analyzer.packet.command import traced

    one_of("--format", format, TEXT_OR_JSON)
    if not flow and (source is None or target is None):
        raise UsageError("say which packet: --from and --to, or --flow FILE.json")
    with open_bundle([bundle], limits) as opened:
        collected = collect(opened, Patterns(()), network_options())
        require_known(opened, collected.recognition, [bundle])
    sys.stdout.write(traced(collected.facts, source, target, proto, flow, topology, format, reply))


@click.command(short_help="Services and probes against nodes: what arrives.")
@one_bundle
@text_or_json
@processes_used
@bounded
def paths(bundle: Path, limits: Limits, format: str, jobs: int) -> None:
    """Services and standard probes against nodes: what arrives, and why the rest does not."""
    from analyzer.listing import list_paths

    one_of("--format", format, TEXT_OR_JSON)
    analysis = analysed([bundle], (), jobs, limits)
    with analysis.bundle:
        sys.stdout.write(list_paths(analysis.collected.facts, format))


@click.command(short_help="Compare two JSON reports of one cluster.")
@click.argument("before", type=Path, metavar="BEFORE.json", help="What `hairpin report -o` wrote earlier.")
@click.argument("after", type=Path, metavar="AFTER.json", help="And what it wrote later.")
def diff(before: Path, after: Path) -> None:
    """Compare two JSON reports: what was fixed, what is new, what can no longer be decided."""
    from analyzer.comparison import compare

    print(compare(before, after))


def analysed(
    paths: Sequence[Path], rules: Sequence[Path], jobs: int, limits: Limits, *, all_unknown: bool = False
) -> Analysis:
    """An analysis; BundleError if nothing in the bundle is known, unless `all_unknown` is fine."""
    from analyzer.analysis import analyse
    from analyzer.known import require_known
    from analyzer.progress import progress

    with progress() as tell:
        analysis = analyse(paths, _options(rules, jobs, limits), tell)
    if not all_unknown:
        with ExitStack() as undo:
            undo.enter_context(analysis.bundle)
            require_known(analysis.bundle, analysis.collected.recognition, paths)
            undo.pop_all()
    return analysis


def _options(rules: Sequence[Path], jobs: int, limits: Limits) -> Options:
    from analyzer.analysis import Options

    # HAIRPIN_STRICT makes our own bugs tracebacks instead of lines in the report, for developers.
    return Options(
        limits=limits,
        rule_dirs=tuple(rules),
        jobs=jobs or os.cpu_count() or 1,
        strict=bool(os.environ.get("HAIRPIN_STRICT")),
    )


def _print_terminal(result: Report, quiet: bool, full: Path | None) -> None:
    from analyzer.reports import terminal

    tty = sys.stdout.isatty()
    color = bool(os.environ.get("FORCE_COLOR")) or (tty and not os.environ.get("NO_COLOR"))
    sys.stdout.buffer.write(terminal.render(result, color=color, quiet=quiet, full=str(full) if full else ""))


def _not_to_a_terminal(format: str) -> None:
    if format == "sqlite" and sys.stdout.isatty():
        raise UsageError("a database is no text for a terminal; write it to a file with -o FILE.sqlite")
