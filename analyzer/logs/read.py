"""A log to facts: the lines that rules ask for, the time that the log covers, and of whom it is complete.

Of each pattern and file the first and the last 1,000 lines become facts; the coverage then says how many there were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

import msgspec

from analyzer.facts.fact import Coverage, NodeName, Parsed, PodName
from analyzer.facts.logs import LogLine, LogWindow
from analyzer.facts.source import Place, Source
from analyzer.logs.clock import Moment
from analyzer.logs.components import CLIENT, by_tag, component_of, place_of
from analyzer.logs.found import DAEMONS, KEPT_FIRST, KEPT_LAST, Kept, Scanned, scan_log
from analyzer.logs.lines import Line, read_line, writer
from analyzer.logs.scan import SAMPLE, Hit, Patterns
from analyzer.logs.template import plain

_SECTION = re.compile(r"==== (START|END) logs for container (\S+) of pod ([^\s/]+)/(\S+) ====")
_WITH_YEAR = re.compile(r".{0,40}?\b(?:19|20)\d\d-\d\d-\d\d[T ]")
_ONLY_AN_ERROR = re.compile(
    r"\s*(?:Error from server|error: (?:a container|You must|timed out|the server|unable)"
    r"|-- No entries --|No journal files were found|Request log error"
    r"|unable to retrieve container logs|a container name must be specified|failed to try resolving symlinks"
    r"|previous terminated container"
    r"|The connection to the server \S+ was refused|Unable to connect to the server|bash: |sh: |timeout: failed to run"
    r"|dmesg: read kernel buffer failed|cat: |tail: cannot open|journalctl: |E\d{4} .*memcache\.go)"
    r"[^\n]*(?:\n[^\n]*){0,2}\s*\Z"
)


class _Section:
    """One container's part of a file, or the whole file."""

    def __init__(self, place: Place, begin: int) -> None:
        self.place, self.begin, self.end = place, begin, 0
        self.first: Moment | None = None
        self.last: Moment | None = None

    @property
    def pod(self) -> PodName | None:
        pod, namespace = self.place.pod, self.place.namespace
        return None if pod is None else PodName(f"{namespace}/{pod}" if namespace else pod)


def read_log(
    stream: BinaryIO, path: str, place: Place, patterns: Patterns, mtime: float | None = None, first_line: int = 1
) -> Parsed:
    """The facts of a log; no content makes it raise. `mtime`, or the time of collection, tells unsaid years."""
    return facts_of_scan(scan_log(stream, patterns, first_line), path, place, patterns, mtime, first_line)


def facts_of_scan(
    scan: Scanned, path: str, place: Place, patterns: Patterns, mtime: float | None = None, first_line: int = 1
) -> Parsed:
    """The facts of a log that was looked through."""
    base, kept, tags = place_of(path, place), scan.kept, scan.tags
    sections = [_Section(base, first_line)]
    for hit in scan.turns:
        _turn(sections, hit, base)
    if (
        base.component != CLIENT
        and scan.lines <= 4
        and len(scan.head) < 4096
        and _ONLY_AN_ERROR.match(_text(scan.head))
    ):
        return Parsed(lines=scan.lines, understood=scan.lines)
    sections[-1].end = sections[-1].end or first_line + scan.lines
    if len(sections) > 1 and sections[1].begin == first_line + 1:
        del sections[0]
    reference, writers = _windows(scan, sections, first_line, mtime)
    # A log of an unknown writer bears the name of its file: an open component would cover all that a node has.
    if len(writers) < 2:
        for section in sections:
            name = section.place.component or next(iter(writers), PurePosixPath(path).stem)
            section.place = msgspec.structs.replace(section.place, component=name)
    facts: list[LogLine | LogWindow] = _lines(kept, sections, patterns, path, reference)
    coverage: list[Coverage] = []
    note = _note(kept, patterns)
    for section in sections:
        facts.append(_window(section, path))
        coverage += _coverage(section, _components(section, writers, tags), note, path, scan.lines == 0)
    return Parsed(facts=tuple(facts), coverage=tuple(coverage), lines=scan.lines, understood=scan.lines)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8-sig", "replace").replace("\0", "")


def _turn(sections: list[_Section], hit: Hit, base: Place) -> None:
    """Begin or end the part of a container, at a line of `kubectl cluster-info dump`."""
    for found in _SECTION.finditer(_text(hit.text)):
        kind, container, namespace, pod = found.groups()
        # The END of a log that does not end with a line feed stands in its last line.
        sections[-1].end = sections[-1].end or hit.line + (kind == "END" and found.start() > 0)
        if kind == "START":
            place = msgspec.structs.replace(
                base, namespace=namespace, pod=pod, container=container, component=component_of(pod, container)
            )
            sections.append(_Section(place, hit.line + 1))


def _windows(
    scan: Scanned, sections: list[_Section], first_line: int, mtime: float | None
) -> tuple[float | None, set[str]]:
    """Set first and last time of sections from the beginning and end of the file; the reference year, and tags seen."""
    head, tail = _text(scan.head).split("\n"), _text(scan.tail).split("\n")
    with_year = [raw for raw in (*head, *reversed(tail)) if _WITH_YEAR.match(raw)]
    moments = [read_line(raw).moment for raw in (*with_year[:20], *with_year[-20:])]
    reference = max((one.seconds for one in moments if one and one.dated), default=mtime)
    writers: set[str] = set()
    if sections[0].place.component is None:
        writers = {by_tag(tag) for tag in map(writer, (*head, *tail)) if tag}
    if len(scan.head) < SAMPLE:
        for section in sections:
            lines = head[section.begin - first_line : max(section.end - first_line, 0)]
            section.first, section.last = _first(lines, reference), _first(lines[::-1], reference)
    else:
        sections[0].first = _first(head, reference)
        sections[-1].last = _first(tail[::-1], reference)
    return reference, writers


def _first(lines: list[str], reference: float | None) -> Moment | None:
    """The first time in these lines; a log that shows none in a hundred lines has none."""
    for raw in lines[:100]:
        moment = read_line(raw, reference).moment if raw else None
        if moment:
            return moment
    return None


def _lines(
    kept: Kept, sections: list[_Section], patterns: Patterns, path: str, reference: float | None
) -> list[LogLine | LogWindow]:
    facts: list[LogLine | LogWindow] = []
    at = 0
    for hit in kept.all():
        while at + 1 < len(sections) and sections[at + 1].begin <= hit.line:
            at += 1
        section = sections[at]
        raw = _text(hit.text)
        line = read_line(raw, reference)
        compiled = [patterns.compiled[number] for number in hit.patterns]
        missed = [template for template in compiled if template.match(line.message) is None]
        if any(template.match(raw) is not None for template in missed):
            # The pattern spans what was taken off the front: then the line as a whole is the message.
            line.message = plain(raw).strip()
        elif len(missed) == len(compiled):
            continue
        facts.append(_fact(line, section, Source(path, hit.line, hit.line)))
    return facts


def _fact(line: Line, section: _Section, origin: Source) -> LogLine:
    place, moment, last = section.place, line.moment, section.last
    age = None
    if moment and last and moment.dated == last.dated:
        age = round(max(0.0, last.seconds - moment.seconds), 6)
    pod = section.pod
    if pod is None and line.pod:
        pod = PodName(f"{place.namespace}/{line.pod}" if place.namespace else line.pod)
    component = component_of(line.pod, line.container) if line.pod and not section.pod else place.component
    if component is None and line.writer:
        component = by_tag(line.writer)
    return LogLine(
        origin=origin,
        node=NodeName(place.node) if place.node else None,
        pod=pod,
        container=place.container or line.container,
        component=component,
        time=moment.seconds if moment and moment.dated else None,
        level=line.level,
        message=line.message,
        previous=place.previous,
        age=age,
    )


def _window(section: _Section, path: str) -> LogWindow:
    first, last = section.first, section.last
    return LogWindow(
        origin=Source(path, section.begin, max(section.begin, section.end - 1)),
        node=NodeName(section.place.node) if section.place.node else None,
        pod=section.pod,
        component=section.place.component,
        first=first.seconds if first and first.dated else None,
        last=last.seconds if last and last.dated else None,
        lines=max(0, section.end - section.begin),
    )


def _components(section: _Section, writers: set[str], tags: set[int]) -> Sequence[str | None]:
    """Of whom a section is the log. A journal of all units is that of the kernel and of every writer seen in it."""
    if section.place.component or section.pod:
        return [section.place.component]
    return sorted({"kernel", *writers, *(DAEMONS[number] for number in tags)})


def _note(kept: Kept, patterns: Patterns) -> str:
    return "; ".join(
        f"{count:,} lines hold {patterns.templates[number]!r}: the first {KEPT_FIRST:,} and last {KEPT_LAST:,} are kept"
        for number, count in kept.dropped().items()
    )


def _coverage(section: _Section, components: Sequence[str | None], note: str, path: str, empty: bool) -> list[Coverage]:
    note = note or ("the file is empty" if empty else "")
    if not note and section.pod is None and not section.place.node:
        # It may be anybody's: that a line is not in it says nothing about any pod or node.
        note = "whose log it is is not known"
    return [
        Coverage(
            fact=fact,
            node=section.place.node,
            pod=section.pod,
            component=component,
            complete=not note,
            note=note,
            path=path,
        )
        for component in components
        for fact in ("LogLine", "LogWindow")
    ]
