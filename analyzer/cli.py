"""The command line: every command by its name, and what becomes of whatever ends one; the only module that exits.

Exit codes: 0 analysed, 1 a finding at or above --fail-on, 2 the command line is wrong, 3 the bundle cannot be opened,
exceeds a limit or holds nothing that is known, 4 a grammar, layout or rule file is wrong, 70 a bug of ours. Nothing but
the result goes to stdout.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

import click

from analyzer import __version__, commands
from analyzer.errors import AnalyzerError
from analyzer.options import InOrder, complaint
from analyzer.rule_commands import rules


@click.group(
    cls=InOrder,
    no_args_is_help=True,
    context_settings={"show_default": True},
    epilog="Begin with: hairpin report BUNDLE, where BUNDLE is what a collector left behind: a folder, an archive, "
    "a single file, or - for standard input.",
)
@click.version_option(__version__, message="hairpin %(version)s", help="Print the version.")
def app() -> None:
    """Offline log and dump analyzer for Kubernetes networks."""


for command in (
    commands.report, commands.files, commands.facts, commands.trace, commands.paths, commands.diff, rules,
):  # fmt: skip
    app.add_command(command)


def main() -> None:
    """The entry point: runs a command and turns whatever ends it into one line and an exit code."""
    sys.excepthook = _bug
    # Facts hold no cycles, so there is hardly any garbage to collect: at Python's 700 new objects, a tenth of a short
    # run goes into looking for it.
    gc.set_threshold(100_000, 20, 100)
    signal.signal(signal.SIGTERM, _terminated)
    if sys.stdout is not None:
        # A name in a script that the terminal's encoding lacks must not end the run.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        # Not app(): that would put its own hook in place, and exit with 1, which means a finding, at a closed pipe.
        with app.make_context("hairpin", sys.argv[1:]) as context:
            app.invoke(context)
        sys.stdout.flush()
        sys.exit(0)
    except click.exceptions.Exit as ended:
        sys.stdout.flush()
        sys.exit(ended.exit_code)
    except AnalyzerError as error:
        _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        sys.exit(2)
    except click.UsageError as error:
        _fail(complaint(error), 2)
    except BrokenPipeError:
        # The reader went away (`| head`); Python would complain again while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except KeyboardInterrupt:
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
