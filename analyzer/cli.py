"""The commands; the only module that prints or exits.

Exit codes: 0 analysed, 1 a finding at or above --fail-on, 2 the command line is wrong, 3 the bundle cannot be opened,
exceeds a limit or holds nothing that is known, 4 a grammar, layout or rule file is wrong, 70 a bug of ours. Nothing but
the result goes to stdout.
"""

# Imports stand inside the commands: `hairpin --help` must not load parsers, templates or the pattern database.
from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from analyzer.errors import AnalyzerError, UsageError
from analyzer.limits import Limits
from analyzer.options import (
    TEXT_OR_JSON,
    Bundles,
    Format,
    Jobs,
    ParserError,
    Paths,
    RuleDirs,
    RuleId,
    bounded,
    complaint,
    one_of,
)

if TYPE_CHECKING:
    from analyzer.analysis import Analysis, Options
    from analyzer.report import Report

app = typer.Typer(
    name="hairpin",
    help="Offline log and dump analyzer for Kubernetes networks.",
    epilog="Begin with: hairpin report BUNDLE, where BUNDLE is what a collector left behind: a folder, an archive, "
    "a single file, or - for standard input.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
rules_app = typer.Typer(help="Look at, check, try and write rules.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(rules_app, name="rules")


def _print_version(wanted: bool) -> None:
    if wanted:
        from analyzer import __version__

        print(f"hairpin {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command(short_help="Say what is broken in a bundle, why, and what to do.")
@bounded
def report(
    paths: Paths,
    limits: Limits,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a report; the ending names the format: .html .json .xml (JUnit) .sarif .sqlite .txt. May be "
            "repeated.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="Write a report to standard output: html, json, junit, sarif, sqlite or terminal.",
        ),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", metavar="LEVEL", help="Exit with 1 from here up: error, warning, info or never."),
    ] = "error",
    rules: RuleDirs = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the totals.")] = False,
    jobs: Jobs = 0,
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
    outputs = output or []
    check_outputs(outputs, paths)
    wanted = [(path, format_of(path)) for path in outputs]
    if format:
        one_of("--format", format, formats())
        _not_to_a_terminal(format)
    analysis = _analyse(paths, rules, jobs, limits)
    with analysis.bundle:
        result = compose(analysis)
    write_all([(path, render_as(name, result, fail_on=fail_on)) for path, name in wanted])
    if format:
        sys.stdout.buffer.write(render_as(format, result, fail_on=fail_on))
    elif not wanted or sys.stdout.isatty() or quiet:
        _print_terminal(result, quiet, wanted[0][0] if wanted else None)
    if any(fails(finding, fail_on) for finding in result.findings):
        raise typer.Exit(1)


@app.command(short_help="List each file: recognised as what, or why not.")
@bounded
def files(paths: Paths, limits: Limits, jobs: Jobs = 0) -> None:
    """List each file of a bundle: recognised as what, on which node, how many facts and gaps, and why (or why not).

    The columns are separated by tabs; gaps (text that nobody could read) and notes follow.
    """
    from analyzer.compose import compose
    from analyzer.reports.visible import visible

    analysis = _analyse(paths, None, jobs, limits, all_unknown=True)
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


@app.command(short_help="Show what was read, in the words of rules.")
@bounded
def facts(
    paths: Paths,
    limits: Limits,
    type: Annotated[
        str | None, typer.Option("--type", "-t", metavar="TYPE", help="Only facts of this type, such as Route.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="CONDITION", help="Only those, as in a rule: 'fact.node == \"worker-1\"'."),
    ] = None,
    format: Annotated[
        str | None, typer.Option("--format", "-f", metavar="FORMAT", help="text, json, csv or sqlite.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A file; .txt .json .csv .sqlite or .db name the format."),
    ] = None,
    jobs: Jobs = 0,
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
    analysis = _analyse(paths, None, jobs, limits)
    with analysis.bundle:
        gaps = [gap for _, parsed in analysis.collected.parsed for gap in parsed.gaps]
        found = list_facts(analysis.collected.facts, wanted, format, gaps)
    if output:
        write_all([(output, found)])
    else:
        sys.stdout.buffer.write(found)


@app.command(short_help="Follow one packet through the dumps.")
@bounded
def trace(
    bundle: Bundles,
    limits: Limits,
    source: Annotated[
        str | None, typer.Option("--from", metavar="END", help="pod/NS/NAME, svc/NS/NAME, node/NAME, IP or external.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="END", help="The same, with :PORT if it is not to be guessed.")
    ] = None,
    proto: Annotated[str, typer.Option("--proto", metavar="NAME", help="tcp, udp, icmp or a number.")] = "tcp",
    reply: Annotated[bool, typer.Option("--reply", help="Show the way back as well.")] = False,
    flow: Annotated[
        Path | None, typer.Option("--flow", metavar="FILE", help="A flow as JSON, instead of --from and --to.")
    ] = None,
    topology: Annotated[
        Path | None, typer.Option("--topology", metavar="FILE", help="Links that dumps cannot show, as JSON.")
    ] = None,
    format: Format = "text",
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


@app.command(short_help="Services and probes against nodes: what arrives.")
@bounded
def paths(bundle: Bundles, limits: Limits, format: Format = "text", jobs: Jobs = 0) -> None:
    """Services and standard probes against nodes: what arrives, and why the rest does not."""
    from analyzer.listing import list_paths

    one_of("--format", format, TEXT_OR_JSON)
    analysis = _analyse([bundle], None, jobs, limits)
    with analysis.bundle:
        sys.stdout.write(list_paths(analysis.collected.facts, format))


@app.command(short_help="Compare two JSON reports of one cluster.")
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE.json", help="What `hairpin report -o` wrote earlier.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER.json", help="And what it wrote later.")],
) -> None:
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
def rules_explain(id: RuleId, rules: RuleDirs = None) -> None:
    """Print one rule as prose."""
    from analyzer.engine import find_rule, load_rules
    from analyzer.engine.prose import explain

    loaded = load_rules(rules or ())
    print(explain(find_rule(loaded, id), loaded))


@rules_app.command("check", short_help="Type-check rules and run their tests.")
def rules_check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="A folder of rules; without it, those that come along.")
    ] = None,
) -> None:
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
        raise typer.Exit(4)


@rules_app.command("try", short_help="Run one rule over a bundle, clause by clause.")
@bounded
def rules_try(id: RuleId, bundle: Bundles, limits: Limits, rules: RuleDirs = None) -> None:
    """Run one rule over a bundle and say, clause by clause, what was left."""
    from analyzer.engine import find_rule, load_rules
    from analyzer.engine.attempt import attempt

    find_rule(load_rules(rules or ()), id)
    analysis = _analyse([bundle], rules, 0, limits)
    with analysis.bundle:
        print(attempt(find_rule(analysis.rules, id), analysis.collected.facts))


@rules_app.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of rule files, for editors."""
    import json

    from analyzer.engine.schema import rule_schema

    print(json.dumps(rule_schema(), indent=1))


@rules_app.command("catalogue")
def rules_catalogue(rules: RuleDirs = None) -> None:
    """Print every rule as one Markdown page."""
    from analyzer.engine import load_rules
    from analyzer.engine.catalogue import catalogue

    print(catalogue(load_rules(rules or ())), end="")


@rules_app.command("new", short_help="Write a rule file to fill in.")
def rules_new(
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id: the failing state, such as dns-upstream-refused.")],
    folder: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="Where to write it.")] = Path("rules"),
) -> None:
    """Write a new rule file with the required parts and two failing tests."""
    from analyzer.engine.template import new_rule
    from analyzer.output import check_outputs, write_all

    path, text = folder / f"{id}.yaml", new_rule(id)
    if path.exists():
        raise UsageError(f"{path} exists already")
    check_outputs([path])
    write_all([(path, text.encode())])
    print(f"wrote {path}; fill it in, then: hairpin rules check {folder}")


def main() -> None:
    """The entry point: runs a command and turns whatever ends it into one line and an exit code."""
    sys.excepthook = _bug
    signal.signal(signal.SIGTERM, _terminated)
    if sys.stdout is not None:
        # A name in a script that the terminal's encoding lacks must not end the run.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        # Not app(): that would put its own hook in place, and exit with 1, which means a finding, at a closed pipe.
        command = typer.main.get_command(app)
        with command.make_context("hairpin", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
        sys.exit(0)
    except typer.Exit as ended:
        sys.stdout.flush()
        sys.exit(ended.exit_code)
    except AnalyzerError as error:
        _fail(str(error), error.exit_code)
    except ParserError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)
            sys.exit(2)
        _fail(complaint(error), 2)
    except BrokenPipeError:
        # The reader went away (`| head`); Python would complain again while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (KeyboardInterrupt, typer.Abort):
        try:
            _fail("interrupted, nothing written", 128 + signal.SIGINT)
        finally:
            # Python would join the threads of a pool whose processes were killed, and they may wait for ever.
            sys.stderr.flush()
            os._exit(128 + signal.SIGINT)
    except MemoryError:
        _fail("there is not enough memory for this bundle (--max-memory raises the limit, where one is set)", 3)
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"cannot write the result: {error.strerror}", 2)


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _fail(text: str, code: int) -> NoReturn:
    from analyzer.reports.visible import visible

    print(f"hairpin: {visible(text, 1200)}", file=sys.stderr)
    sys.exit(code)


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What no handler was written for: neither a traceback at a user nor an exit code that means something else."""
    if os.environ.get("HAIRPIN_STRICT"):
        sys.__excepthook__(kind, error, trace)
        sys.exit(70)
    import traceback

    frame = (traceback.extract_tb(trace) or [traceback.FrameSummary("?", 0, "?")])[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    _fail(f"this is a bug: {kind.__name__}: {error} ({where}); please report it with HAIRPIN_STRICT=1 set", 70)


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _analyse(
    paths: list[Path], rules: list[Path] | None, jobs: int, limits: Limits, *, all_unknown: bool = False
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


def _options(rules: list[Path] | None, jobs: int, limits: Limits) -> Options:
    from analyzer.analysis import Options

    # HAIRPIN_STRICT makes our own bugs tracebacks instead of lines in the report, for developers.
    return Options(
        limits=limits,
        rule_dirs=tuple(rules or ()),
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
