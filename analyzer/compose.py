"""An analysis to the report that every output format renders."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from analyzer import __version__
from analyzer.analysis import Analysis
from analyzer.bundle import Bundle
from analyzer.diagnosis import Diagnosed, diagnose, evidence_facts
from analyzer.drawing import drawn_path, path_hops
from analyzer.engine.outcome import Absence, Outcome
from analyzer.engine.rule import Rule
from analyzer.facts.derived import Cluster, Path
from analyzer.facts.fact import Fact
from analyzer.facts.logs import LogWindow
from analyzer.facts.nodes import Node
from analyzer.facts.services import Service
from analyzer.facts.source import Source
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.report import (
    BundleInfo,
    Check,
    ClusterInfo,
    Evidence,
    Failure,
    FileInfo,
    Finding,
    GapInfo,
    Missing,
    Moment,
    PathCell,
    Report,
    Span,
    Tool,
)
from analyzer.verdict import verdict_of

CONTEXT_LINES = 2
# Rows of the reachability matrix in which everything arrives; further ones are counted in one.
REACHED = 300
# Evidence beyond this is counted, not shown; the facts themselves stay in `hairpin facts`.
EVIDENCE_SHOWN = 50


def compose(analysis: Analysis) -> Report:
    """The report of an analysis."""
    findings = diagnose(analysis.rules, analysis.outcomes)
    rendered = tuple(_finding(one, findings, analysis) for one in findings)
    checks = tuple(_check(rule, outcome) for rule, outcome in zip(analysis.rules, analysis.outcomes, strict=True))
    recognition = analysis.collected.recognition
    gaps = tuple(
        GapInfo(path=gap.source.path, line=gap.source.line, text=gap.text, expected=gap.expected)
        for _, parsed in analysis.collected.parsed
        for gap in parsed.gaps
    )
    return Report(
        tool=Tool(name="hairpin", version=__version__, rules=len(analysis.rules)),
        bundle=BundleInfo(
            name=analysis.bundle.name,
            sha256=analysis.bundle.sha256,
            layout=recognition.layout,
            files=len(analysis.bundle.members),
            recognised=len({artifact.path for artifact in recognition.artifacts}),
            logs=_log_span(analysis),
            notes=tuple(
                f"{note.path}: {note.text}" if note.path else note.text
                for note in (*analysis.collected.collected_again, *analysis.bundle.notes)
            ),
        ),
        cluster=_cluster(analysis),
        verdict=verdict_of(rendered, checks),
        findings=rendered,
        checks=checks,
        missing=_missing(analysis.outcomes),
        gaps=gaps,
        files=tuple(_files(analysis)),
        failures=tuple(Failure(where=failure.where, text=failure.text) for failure in analysis.failures),
        timeline=_timeline(findings),
        paths=_matrix(analysis),
    )


def iso(seconds: float | None) -> str:
    """Seconds since 1970 as ISO 8601 in UTC; "" for None or a time no calendar holds."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""


def _finding(one: Diagnosed, findings: Sequence[Diagnosed], analysis: Analysis) -> Finding:
    facts = evidence_facts(one.match)
    times = [time for fact in facts for time in _times(fact)]
    shown = tuple(_evidence(fact, analysis.bundle) for fact in facts[:EVIDENCE_SHOWN])
    # A cause that names no packet's way shows the one that dies of it.
    ways = (drawn_path(match) for match in (one.match, *(findings[number].match for number in one.explains)))
    hops, caption = next((way for way in ways if way[0]), ((), ""))
    return Finding(
        id=one.id,
        rule=one.rule.id,
        area=one.rule.area,
        title=one.match.title,
        severity=one.rule.severity,
        confidence=one.rule.confidence,
        entities=one.match.entities,
        why=one.match.why,
        fix=one.match.fix,
        docs=one.rule.docs,
        first=iso(min(times, default=None)),
        last=iso(max(times, default=None)),
        evidence=shown,
        absent=tuple(_telling_first(gone, analysis.collected.facts) for gone in one.match.absent),
        explains=tuple(findings[number].id for number in one.explains),
        explained_by=tuple(findings[number].id for number in one.explained_by),
        path=hops,
        caption=caption,
    )


def _telling_first(gone: Absence, facts: Facts) -> Absence:
    """The artifact that holds most facts of the type first: there a reader sees that the one looked for is missing."""
    if len(gone.searched) < 2:
        return gone
    held = Counter(fact.origin.path for fact in facts.named(gone.fact))
    return msgspec.structs.replace(gone, searched=tuple(sorted(gone.searched, key=lambda path: (-held[path], path))))


def _times(fact: Fact) -> list[float]:
    return [
        time
        for name in ("time", "first", "last", "last_finished")
        if isinstance(time := getattr(fact, name, None), float)
    ]


def _evidence(fact: Fact, bundle: Bundle) -> Evidence:
    origin: Source = fact.origin
    lines = bundle.lines(origin.path, max(1, origin.line - CONTEXT_LINES), origin.line + CONTEXT_LINES)
    hit = min(CONTEXT_LINES, origin.line - 1)
    text = lines[hit] if hit < len(lines) else ""
    return Evidence(
        fact=type(fact).__name__,
        path=origin.path,
        line=origin.line,
        text=text,
        before=tuple(lines[:hit]),
        after=tuple(lines[hit + 1 :]),
        cut=max(0, origin.end - origin.line - CONTEXT_LINES),
    )


def _check(rule: Rule, outcome: Outcome) -> Check:
    return Check(
        rule=rule.id,
        area=rule.area,
        title=rule.title,
        severity=rule.severity,
        outcome=outcome.word,
        evaluated=outcome.evaluated,
        facts=rule.facts,
        scopes={str(scope): word for scope, word in sorted(outcome.scopes.items())},
        lacks=tuple(
            dict.fromkeys(
                f"{lack.fact}{f' on {lack.scope}' if lack.scope else ''}{f' ({lack.note})' if lack.note else ''}"
                for lack in outcome.lacks
            )
        ),
    )


def _missing(outcomes: Iterable[Outcome]) -> tuple[Missing, ...]:
    needed: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for outcome in outcomes:
        for lack in outcome.lacks:
            needed[lack.scope, lack.fact, lack.command, lack.note].add(outcome.rule)
    return tuple(
        Missing(
            fact=fact, scope=scope, command=command, file=_file_for(scope, command), note=note, rules=tuple(sorted(r))
        )
        for (scope, fact, command, note), r in sorted(needed.items())
    )


def _file_for(scope: str, command: str) -> str:
    """Where to put the output of a command so that the next run finds it."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", command.split(";")[0].strip()).strip("-.")[:60] or "output"
    folder = "cluster" if not scope or command.startswith("kubectl") else f"nodes/{scope}"
    return f"{folder}/{slug}.{'json' if '-o json' in command else 'txt'}"


def _files(analysis: Analysis) -> Iterable[FileInfo]:
    for artifact, parsed in analysis.collected.parsed:
        yield FileInfo(
            path=artifact.path,
            kind=artifact.kind,
            why=artifact.why,
            node=artifact.place.node or artifact.place.netns or "",
            facts=len(parsed.facts),
            gaps=len(parsed.gaps),
        )
    recognition = analysis.collected.recognition
    for path, kind, message in recognition.failed:
        yield FileInfo(path=path, kind="failed", why=f"holds an error instead of {kind}: {message}")
    for path in recognition.known:
        yield FileInfo(path=path, kind="known", why="known, not needed by any rule")
    for path, why in recognition.unrecognised:
        yield FileInfo(path=path, why=why)


def _cluster(analysis: Analysis) -> ClusterInfo:
    facts = analysis.collected.facts
    cluster = next(iter(facts.of(Cluster)), Cluster())
    return ClusterInfo(
        version=cluster.version or "",
        cni=cluster.cni or "",
        service_proxy=cluster.service_proxy or "",
        distribution=cluster.distribution or "",
        nodes=tuple(sorted(str(node.name) for node in facts.of(Node))),
        pods=len(facts.of(Pod)),
        services=len(facts.of(Service)),
    )


def _log_span(analysis: Analysis) -> Span:
    windows = analysis.collected.facts.of(LogWindow)
    return Span(
        start=iso(min((window.first for window in windows if window.first is not None), default=None)),
        end=iso(max((window.last for window in windows if window.last is not None), default=None)),
    )


def _timeline(findings: Sequence[Diagnosed]) -> tuple[Moment, ...]:
    moments = set()
    for one in findings:
        dated = sorted({time for fact in evidence_facts(one.match) for time in _times(fact)})
        entity = one.match.entities[0] if one.match.entities else ""
        for time in {dated[0], dated[-1]} if dated else ():
            moments.add((iso(time), entity, one.match.title, one.id))
    return tuple(Moment(time=t, entity=e, text=text, finding=f) for t, e, text, f in sorted(moments) if t)


def _matrix(analysis: Analysis) -> tuple[PathCell, ...]:
    worst: dict[str, dict[str, Path]] = {}
    for path in analysis.collected.facts.of(Path):
        if path.kind.startswith("pod-to") and path.service:
            row = f"service {path.service}"
        else:
            row = path.kind.replace("-", " ")
        cells = worst.setdefault(row, {})
        if path.node not in cells or _rank(path) > _rank(cells[path.node]):
            cells[path.node] = path
    whole = sorted(row for row, cells in worst.items() if all(path.ok for path in cells.values()))
    further = {row: worst.pop(row) for row in whole[REACHED:]}
    found = [
        PathCell(
            row=row,
            node=str(node),
            verdict="ok" if path.ok else _worded(path),
            reason=path.reason or "",
            path=path_hops(path)[0] if path.ok is False else (),
        )
        for row, cells in sorted(worst.items())
        for node, path in sorted(cells.items())
    ]
    counts = Counter(str(node) for cells in further.values() for node in cells)
    name = f"{len(further):,} further rows"
    found += [
        PathCell(row=name, node=node, verdict="ok", reason=f"{counts[node]:,} reached") for node in sorted(counts)
    ]
    return tuple(found)


def _rank(path: Path) -> int:
    return 0 if path.ok else (1 if path.ok is None else 2)


def _worded(path: Path) -> str:
    """The verdict, or what became of the reply if only that was lost."""
    if path.verdict == "delivered" and path.reply not in (None, "ok"):
        return f"reply {path.reply}"
    return path.verdict
