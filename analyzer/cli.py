"""The commands; the only module that prints or exits.

Exit codes: 0 analysed, 1 a finding at or above --fail-on, 2 the command line is wrong, 3 the bundle cannot be opened
or exceeds a limit, 4 a grammar, layout or rule file is wrong. Nothing but the result goes to stdout.
"""

# Imports stand inside the commands: `hairpin --help` must not load parsers, templates or the pattern database.
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.errors import AnalyzerError, UsageError

if TYPE_CHECKING:
    from analyzer.analysis import Analysis, Options
    from analyzer.bundle import Limits
    from analyzer.report import Report

app = typer.Typer(
    name="hairpin",
    help="Offline log and dump analyzer for Kubernetes networks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
rules_app = typer.Typer(help="Look at, check, try and write rules.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(rules_app, name="rules")

Paths = Annotated[list[Path], typer.Argument(help="Bundles: directories, archives, single files, or - for stdin.")]
Bundles = Annotated[Path, typer.Argument(help="A bundle: directory, archive, single file, or - for stdin.")]
RuleDirs = Annotated[list[Path] | None, typer.Option("--rules", help="A folder of further rules; may be repeated.")]
Outputs = Annotated[list[Path] | None, typer.Option("--output", "-o", help="A file; its ending names the format.")]
Format = Annotated[str, typer.Option("--format", "-f", help="text or json.")]
Folder = Annotated[Path, typer.Option("--in", help="Where to write it.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Processes; 0 takes one per core.", min=0)]
MaxMembers = Annotated[int | None, typer.Option("--max-members", help="Most files in a bundle.", min=1)]
MaxSize = Annotated[int | None, typer.Option("--max-total-mib", help="Most MiB of a bundle, unpacked.", min=1)]
MaxFile = Annotated[int | None, typer.Option("--max-file-mib", help="Most MiB of one file.", min=1)]
MaxRatio = Annotated[int | None, typer.Option("--max-ratio", help="Most times an archive may grow.", min=1)]


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from analyzer import __version__

        print(f"hairpin {__version__}")
        raise typer.Exit


@app.command()
def report(
    paths: Paths,
    output: Annotated[
        list[Path] | None, typer.Option("--output", "-o", help="A file; its ending names the format.")
    ] = None,
    format: Annotated[str | None, typer.Option("--format", "-f", help="Format for stdout.")] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help="error, warning, info or never.")] = "error",
    rules: RuleDirs = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the totals.")] = False,
    jobs: Jobs = 0,
    max_members: MaxMembers = None,
    max_total_mib: MaxSize = None,
    max_file_mib: MaxFile = None,
    max_ratio: MaxRatio = None,
) -> None:
    """Analyse bundles as one cluster and say what is broken, why, and what to do."""
    from analyzer.compose import compose
    from analyzer.reports import format_of, render_as
    from analyzer.reports.threshold import fails

    if fail_on not in ("error", "warning", "info", "never"):
        raise UsageError(f"--fail-on takes error, warning, info or never, not {fail_on!r}")
    formats = [(path, format_of(path)) for path in output or []]
    analysis = _analyse(paths, rules, jobs, _limits(max_members, max_total_mib, max_file_mib, max_ratio))
    with analysis.bundle:
        result = compose(analysis)
    for path, name in formats:
        _write_whole(path, render_as(name, result, fail_on=fail_on))
    if format:
        sys.stdout.buffer.write(render_as(format, result, fail_on=fail_on))
    elif not formats or sys.stdout.isatty() or quiet:
        _print_terminal(result, quiet, formats[0][0] if formats else None)
    if any(fails(finding, fail_on) for finding in result.findings):
        raise typer.Exit(1)


@app.command()
def files(paths: Paths, jobs: Jobs = 0) -> None:
    """List each file of a bundle: recognised as what, by what, whose, how many facts and gaps, or why not."""
    from analyzer.compose import compose
    from analyzer.reports.visible import visible

    analysis = _analyse(paths, None, jobs, None)
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


@app.command()
def facts(
    paths: Paths,
    type: Annotated[str | None, typer.Option("--type", "-t", help="Only facts of this type.")] = None,
    where: Annotated[str | None, typer.Option("--where", help="A condition over `fact`, as in a rule.")] = None,
    format: Annotated[str, typer.Option("--format", "-f", help="text, json or csv.")] = "text",
    jobs: Jobs = 0,
) -> None:
    """Show the facts of a bundle in the rule language's own terms."""
    from analyzer.listing import list_facts

    analysis = _analyse(paths, None, jobs, None)
    with analysis.bundle:
        sys.stdout.write(list_facts(analysis.collected.facts, type, where, format))


@app.command()
def trace(
    bundle: Bundles,
    source: Annotated[str | None, typer.Option("--from", help="pod/NS/NAME, node/NAME, IP or external.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="pod/…, svc/NS/NAME[:PORT], node/…, IP[:PORT].")] = None,
    proto: Annotated[str, typer.Option("--proto", help="tcp, udp or icmp.")] = "tcp",
    reply: Annotated[bool, typer.Option("--reply", help="Show the way back as well.")] = False,
    flow: Annotated[Path | None, typer.Option("--flow", help="A flow as JSON, instead of --from and --to.")] = None,
    topology: Annotated[Path | None, typer.Option("--topology", help="Links that dumps cannot show, as JSON.")] = None,
    format: Format = "text",
) -> None:
    """Follow one packet through the dumps: which rule decides each step, and where does it die?"""
    from analyzer.analysis import collect, network_options
    from analyzer.bundle import Limits, open_bundle
    from analyzer.logs import Patterns
    from analyzer.packet.command import traced

    if format not in ("text", "json"):
        raise UsageError(f"--format takes text or json, not {format!r}")
    with open_bundle([bundle], Limits()) as opened:
        collected = collect(opened, Patterns(()), network_options())
    sys.stdout.write(traced(collected.facts, source, target, proto, flow, topology, format, reply))


@app.command()
def paths(
    bundle: Bundles, format: Annotated[str, typer.Option("--format", "-f", help="text or json.")] = "text"
) -> None:
    """Services and standard probes against nodes: what arrives, and why the rest does not."""
    from analyzer.listing import list_paths

    analysis = _analyse([bundle], None, 0, None)
    with analysis.bundle:
        sys.stdout.write(list_paths(analysis.collected.facts, format))


@app.command()
def diff(before: Path, after: Path) -> None:
    """Compare two JSON reports: what was fixed, what is new, what can no longer be decided."""
    from analyzer.comparison import compare

    print(compare(before, after))


@rules_app.command("list")
def rules_list(rules: RuleDirs = None) -> None:
    """List every rule."""
    from analyzer.engine import load_rules
    from analyzer.engine.prose import list_rules

    print(list_rules(load_rules(rules or ())))


@rules_app.command("explain")
def rules_explain(id: str, rules: RuleDirs = None) -> None:
    """Print one rule as prose."""
    from analyzer.engine import find_rule, load_rules
    from analyzer.engine.prose import explain

    loaded = load_rules(rules or ())
    print(explain(find_rule(loaded, id), loaded))


@rules_app.command("check")
def rules_check(folder: Annotated[Path | None, typer.Argument(help="A folder of rules.")] = None) -> None:
    """Type-check rules and run their tests."""
    from analyzer.analysis import facts_of
    from analyzer.engine import load_rules
    from analyzer.engine.inline import run_tests

    loaded = load_rules([folder] if folder else ())
    wanted = [rule for rule in loaded if folder is None or Path(rule.path).resolve().is_relative_to(folder.resolve())]
    failed = [f"{rule.path}: {text}" for rule in wanted for text in run_tests(rule, loaded, facts_of)]
    for text in failed:
        print(text)
    print(f"{len(wanted)} rules checked, {len(failed)} tests failed")
    if failed:
        raise typer.Exit(4)


@rules_app.command("try")
def rules_try(id: str, bundle: Bundles, rules: RuleDirs = None) -> None:
    """Run one rule over a bundle and say, clause by clause, what was left."""
    from analyzer.engine import find_rule
    from analyzer.engine.attempt import attempt

    analysis = _analyse([bundle], rules, 0, None)
    with analysis.bundle:
        print(attempt(find_rule(analysis.rules, id), analysis.collected.facts))


@rules_app.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of rule files, for editors."""
    import json

    from analyzer.engine.schema import rule_schema

    print(json.dumps(rule_schema(), indent=1))


@rules_app.command("new")
def rules_new(
    id: str, folder: Annotated[Path, typer.Option("--in", help="Where to write it.")] = Path("rules")
) -> None:
    """Write a new rule file with the required parts and one failing test."""
    from analyzer.engine.template import new_rule

    path = folder / f"{id}.yaml"
    if path.exists():
        raise UsageError(f"{path} exists already")
    _write_whole(path, new_rule(id).encode())
    print(f"wrote {path}")


def main() -> None:
    """The entry point: runs a command and turns the four errors into one line and an exit code."""
    try:
        app()
    except AnalyzerError as error:
        from analyzer.reports.visible import visible

        print(f"hairpin: {visible(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader went away (`| head`); Python would complain again while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        print("hairpin: interrupted, nothing written", file=sys.stderr)
        sys.exit(130)


def _limits(members: int | None, total_mib: int | None, file_mib: int | None, ratio: int | None) -> Limits:
    from analyzer.bundle import Limits

    given = {
        "members": members,
        "total_size": total_mib and total_mib << 20,
        "member_size": file_mib and file_mib << 20,
        "ratio": ratio,
    }
    return Limits(**{name: value for name, value in given.items() if value is not None})


def _analyse(paths: list[Path], rules: list[Path] | None, jobs: int, limits: Limits | None) -> Analysis:
    from analyzer.analysis import analyse
    from analyzer.progress import progress

    with progress() as tell:
        return analyse(paths, _options(rules, jobs, limits), tell)


def _options(rules: list[Path] | None, jobs: int, limits: Limits | None) -> Options:
    from analyzer.analysis import Options
    from analyzer.bundle import Limits

    # HAIRPIN_STRICT makes our own bugs tracebacks instead of lines in the report, for developers.
    return Options(
        limits=limits or Limits(),
        rule_dirs=tuple(rules or ()),
        jobs=jobs or os.cpu_count() or 1,
        strict=bool(os.environ.get("HAIRPIN_STRICT")),
    )


def _print_terminal(result: Report, quiet: bool, full: Path | None) -> None:
    from analyzer.reports import terminal

    tty = sys.stdout.isatty()
    color = bool(os.environ.get("FORCE_COLOR")) or (tty and not os.environ.get("NO_COLOR"))
    sys.stdout.buffer.write(terminal.render(result, color=color, quiet=quiet, full=str(full) if full else ""))


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            # A device or a pipe (/dev/stdout) cannot be replaced.
            path.write_bytes(content)
            return
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
