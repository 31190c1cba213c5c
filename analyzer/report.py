"""The report: one value that every output format renders, and the shape of `hairpin-report/1`."""

from __future__ import annotations

import msgspec

from analyzer.engine.outcome import Absence, Confidence, Severity, Word


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """The program that made the report."""

    name: str
    version: str
    rules: int


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span of time, ISO 8601 in UTC; empty where unknown."""

    start: str = ""
    end: str = ""


class BundleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was analysed. `notes` say what is wrong with the archive itself: cut off, links out of the tree, limits."""

    name: str
    sha256: str
    layout: str
    files: int
    recognised: int
    logs: Span
    notes: tuple[str, ...] = ()


class ClusterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster in one line of the report; empty texts are unknown."""

    version: str = ""
    cni: str = ""
    service_proxy: str = ""
    distribution: str = ""
    nodes: tuple[str, ...] = ()
    pods: int = 0
    services: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The report in one sentence; `worst` is the worst severity found, or ""."""

    text: str
    worst: str = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that proves a finding. `before` and `after` are up to two lines around; `cut` counts lines left out."""

    fact: str
    path: str
    line: int
    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cut: int = 0


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One box of a drawn packet path; `broken` if the packet dies on the way from here to the next box."""

    label: str
    kind: str = ""
    broken: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong. `id` is stable across bundles: a hash of rule and sorted subjects.

    `explains` and `explained_by` are ids of findings; a finding that nothing explains is a cause.
    """

    id: str
    rule: str
    area: str
    title: str
    severity: Severity
    confidence: Confidence
    entities: tuple[str, ...]
    why: str
    fix: tuple[str, ...]
    docs: tuple[str, ...]
    first: str = ""
    last: str = ""
    evidence: tuple[Evidence, ...] = ()
    absent: tuple[Absence, ...] = ()
    explains: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    path: tuple[Hop, ...] = ()
    caption: str = ""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and what came of it. `facts` are the fact types it looked at."""

    rule: str
    area: str
    title: str
    severity: Severity
    outcome: Word
    evaluated: int
    facts: tuple[str, ...] = ()
    scopes: dict[str, Word] = {}
    lacks: tuple[str, ...] = ()


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not collected, the command that collects it, where to put the output, who needs it."""

    fact: str
    scope: str
    command: str
    file: str = ""
    note: str = ""
    rules: tuple[str, ...] = ()


class GapInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Text that nobody could read."""

    path: str
    line: int
    text: str
    expected: str


class FileInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the bundle: recognised as what and why, or why not."""

    path: str
    kind: str = ""
    why: str = ""
    node: str = ""
    facts: int = 0
    gaps: int = 0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A bug of ours in one file or one rule, caught and told."""

    where: str
    text: str


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A point of the timeline."""

    time: str
    entity: str
    text: str
    finding: str


class PathCell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the reachability matrix: a target (row) seen from a node (column), and the way if it is broken."""

    row: str
    node: str
    verdict: str
    reason: str = ""
    path: tuple[Hop, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is told about a bundle. Causes stand first in `findings`, symptoms after them."""

    schema: str = "hairpin-report/1"
    tool: Tool
    bundle: BundleInfo
    cluster: ClusterInfo
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    missing: tuple[Missing, ...] = ()
    gaps: tuple[GapInfo, ...] = ()
    files: tuple[FileInfo, ...] = ()
    failures: tuple[Failure, ...] = ()
    timeline: tuple[Moment, ...] = ()
    paths: tuple[PathCell, ...] = ()
