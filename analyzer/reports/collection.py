"""The shell script that collects everything a report lacked, into the paths where the next run looks for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from posixpath import basename, dirname

from analyzer.report import Missing, Report
from analyzer.reports.visible import visible

# Names come out of bundles, and people will paste this script: only what can be a host name becomes an argument.
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
# A command with quotes or a loop is one command, whatever semicolons it holds.
WHOLE = re.compile(r"""["']|\bdo\b|\|""")
HEAD = """#!/bin/sh
# Collects what this report lacked. Run it where kubectl works; `on` is how a command gets to a node.
# Then: hairpin report BUNDLE hairpin-more
on() { ssh "$1" sudo sh -s; }
mkdir -p hairpin-more && cd hairpin-more || exit 1
"""


def script(report: Report) -> str:
    """The script, grouped by node; "" if nothing is missing."""
    here: dict[str, str] = {}
    nodes: dict[str, dict[str, str]] = {}
    skipped: dict[str, None] = {}
    for entry in report.missing:
        for command, file in _commands(entry):
            if command.startswith("kubectl"):
                here.setdefault(command, f"cluster/{file}")
                continue
            for node in [entry.scope] if entry.scope else report.cluster.nodes:
                if HOST.fullmatch(node):
                    nodes.setdefault(node, {}).setdefault(command, f"nodes/{node}/{file}")
                else:
                    skipped[node] = None
    if not here and not nodes:
        return ""
    lines = [HEAD]
    if here:
        lines += ["# the cluster", "mkdir -p cluster"]
        lines += [f"{command} > {shlex.quote(path)}" for command, path in here.items()]
    for node, commands in sorted(nodes.items()):
        lines += ["", f"# {node}", f"mkdir -p {shlex.quote(dirname(next(iter(commands.values()))))}"]
        for command, path in commands.items():
            lines += [f"on {node} > {shlex.quote(path)} <<'END'", command, "END"]
    lines += [f"# left out, not the name of a host: {visible(name)}" for name in skipped]
    return "\n".join(lines) + "\n"


def _commands(entry: Missing) -> Iterable[tuple[str, str]]:
    """Each command of an entry with the name of the file for its output: one output per file is recognised best."""
    if not entry.command:
        return
    parts = [entry.command] if WHOLE.search(entry.command) else [part.strip() for part in entry.command.split(";")]
    for number, part in enumerate(filter(None, parts)):
        named = basename(entry.file) if number == 0 and entry.file else ""
        yield part, named if re.fullmatch(r"[\w.+-]+", named) else file_name(part)


def file_name(command: str) -> str:
    """A file name for the output of a command."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", command).strip("-.")[:60] or "output"
    return f"{slug}.{'json' if '-o json' in command else 'txt'}"
