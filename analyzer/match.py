"""Kinds told from names and from first lines: exact content before path, path before guess."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from analyzer.cache import kept_data
from analyzer.command import Command
from analyzer.glob import Globs
from analyzer.kinds import LOG, Kind, kinds
from analyzer.layout import FOLDER, KNOWN, Told

# Kinds whose tool prints nothing when there is nothing to show
_MAY_BE_EMPTY = re.compile(r"ipset|iptables-save|neigh|arp|bridge|netns|tc-|hairpin|conntrack|^iptables-save$|^log$")
LINES_LOOKED_AT = 40
LOG_GLOBS = (
    "**/*.log", "**/*.log.[0-9]*", "**/logs.txt", "**/logs/**", "**/*journal*", "**/*dmesg*",
    "**/var/log/{messages,syslog}*", "**/podlogs/**", "**/pod-logs/**", "**/*_logs_*", "**/pods/logs/**",
    "commands/kubectl*_logs_*", "commands/docker_logs*", "commands/crictl_logs*", "sections/**",
)  # fmt: skip
_LOG_LINE = re.compile(
    r"""^(?:\s*)(?:
      [IWEF]\d{4}\ \d\d:\d\d:\d\d\.\d+                                      # klog
    | [A-Z][a-z]{2}\ [ \d]\d\ \d\d:\d\d:\d\d(?:\.\d+)?\ \S+\ [^\s:]+:\       # journal, syslog
    | \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d                                     # ISO
    | \{"(?:log|level|ts|time|msg|t)":
    | \{.*"(?:MESSAGE|__REALTIME_TIMESTAMP)":
    | __CURSOR=
    | time="?\d{4}-
    | level=(?:info|debug|warn\w*|error)
    | (?:<\d+>)?\[\s*\d+\.\d{6}\]                                          # dmesg
    | \[[A-Z][a-z]{2}\ [A-Z][a-z]{2}\ [ \d]\d\ \d\d:\d\d:\d\d\ \d{4}\]      # dmesg -T
    | \[(?:INFO|ERROR|WARNING|DEBUG)\]\                                    # CoreDNS
    | \d{4}/\d\d/\d\d\ \d\d:\d\d:\d\d
    | type=[A-Z_]+\ msg=audit\(
    | --\ (?:Logs\ begin|Journal\ begins|Boot)\b
    )""",
    re.VERBOSE,
)


class Matcher:
    """All kinds, ready to be matched with names and texts."""

    def __init__(self) -> None:
        self.kinds: set[str] = {*kinds(), LOG}
        pairs = [(glob, kind.name) for kind in kinds().values() for glob in kind.files]
        self._files = Globs([*pairs, *((glob, LOG) for glob in LOG_GLOBS)])
        known = _not_needed()
        self._known = Globs((glob, "known") for glob in known["files"])
        self._ordered = sorted(kinds().values(), key=lambda kind: (-kind.rank, kind.name))

    def by_path(self, names: tuple[str, ...]) -> list[str]:
        """Kinds whose globs match one of these names, those of the first name first; logs last."""
        found = list(dict.fromkeys(owner for name in names for owner in self._files.owners(name)))
        return sorted(found, key=lambda name: name == LOG)

    def not_needed(self, names: tuple[str, ...], told: Told | None) -> bool:
        """Whether a file is one of those that are known and not read."""
        if not any(self._known.owners(name) for name in names):
            return False
        return not [name for name in self.by_path(names) if name != LOG]

    def command_not_needed(self, command: Command) -> bool:
        """Whether a command's output is known and not read."""
        return bool(command.text and _known_commands().match(command.plain))

    def may_be_empty(self, kind: str) -> bool:
        """Whether no output means that there is nothing."""
        return bool(_MAY_BE_EMPTY.search(kind))

    def choose(self, names: tuple[str, ...], head: str) -> tuple[str, str]:
        """The kind of a text and how it was told, or two empty texts."""
        by_path = self.by_path(names)
        both = [(start, kind) for kind in self._of(by_path) if (start := kind.start(head)) >= 0]
        if both:
            return min(both, key=lambda pair: (pair[0], -pair[1].rank, pair[1].name))[1].name, "by name and content"
        named = [kind for kind in self._of(by_path) if not kind.begins and kind.sniff is None]
        if named:
            return max(named, key=lambda kind: kind.rank).name, "by its name"
        is_log = _is_log(head)
        if is_log and LOG in by_path:
            return LOG, "by name and content"
        first = _first_lines(head)
        by_content = [(start, kind) for kind in self._ordered if (start := kind.start(first)) >= 0]
        if by_content and not (is_log and min(start for start, _ in by_content) > len(first.split("\n", 1)[0])):
            return min(by_content, key=lambda pair: (pair[0], -pair[1].rank, pair[1].name))[1].name, "by its content"
        if is_log:
            return LOG, "by its content"
        if by_path:
            return by_path[0], "by its name alone"
        return "", ""

    def _of(self, names: list[str]) -> list[Kind]:
        return [kinds()[name] for name in names if name in kinds()]


def _first_lines(head: str) -> str:
    return "\n".join(head.split("\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT])


def _is_log(head: str) -> bool:
    """Whether most of the first lines begin as log lines do."""
    if head.startswith("__CURSOR="):  # entries of many lines
        return True
    lines = [line[:200] for line in head.split("\n")[:30] if line.strip()][:20]
    hits = sum(1 for line in lines if _LOG_LINE.match(line))
    return hits > 0 and hits * 2 >= len(lines)


@cache
def _known_commands() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in _not_needed()["commands"]) or r"(?!)")


@cache
def _not_needed() -> dict[str, list[str]]:
    text = (Path(FOLDER) / KNOWN).read_text(encoding="utf-8")
    return kept_data("not-needed", [text], lambda: _read(text), dict[str, list[str]])


def _read(text: str) -> dict[str, list[str]]:
    import yaml

    said = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {"files": list(said["files"]), "commands": list(said["commands"])}
