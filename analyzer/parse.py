"""An artifact read by its grammar or reader: facts, gaps and coverage, the latter lowered where text is missing."""

from __future__ import annotations

import io
import re

import msgspec

from analyzer import text
from analyzer.bundle import Bundle
from analyzer.facts.fact import Coverage, Parsed
from analyzer.facts.firewall import NO_TABLE
from analyzer.facts.source import Gap, Source
from analyzer.kinds import LOG, kinds
from analyzer.logs import Part, Patterns, Scanned, facts_of_scan, parts, read_log, scan_log
from analyzer.logs.export import BEGINS as EXPORTED
from analyzer.logs.export import as_json_lines
from analyzer.masked import mask_in, without_addresses
from analyzer.recognise import Artifact
from analyzer.twins import Twins

# Enough of a file to see whether its addresses are masked
LOOKED_AT = 4 << 20
EMPTY = "the file is empty"
# Kinds whose records are objects of the API, and how such an object begins.
OBJECTS = ("kubectl-yaml", "kubectl-describe")
OBJECT = re.compile(rb"^(?:Name:|- |---|apiVersion:)", re.MULTILINE)
LONG = "a line of at most {limit:,} characters"


def parse(
    artifact: Artifact,
    bundle: Bundle,
    patterns: Patterns,
    scanned: Scanned | None = None,
    twins: Twins | None = None,
) -> Parsed:
    """What an artifact says. Incomplete coverage says why, so that absence in it proves nothing.

    `scanned`: what was found in a log that is not to be read again; `twins`: what was read before.
    """
    if scanned is not None:
        parsed = facts_of_scan(scanned, artifact.path, artifact.place, patterns, _mtime(artifact, bundle))
    else:
        log = artifact.kind == LOG
        parsed = _log(artifact, bundle, patterns) if log else _document(artifact, bundle, twins or Twins())
    if artifact.kind == "iptables-save" and not parsed.coverage:
        # It prints nothing where there are no tables, and nothing where it failed: there may be no rules.
        nothing = Coverage(
            fact="Rule",
            node=artifact.place.node,
            pod=artifact.place.netns,
            table=NO_TABLE,
            complete=False,
            note=EMPTY,
            path=artifact.path,
        )
        parsed = msgspec.structs.replace(parsed, coverage=(nothing,))
    why = artifact.masked or mask_in(bundle.read(artifact.path, LOOKED_AT))
    if why:
        parsed = without_addresses(parsed, why)
    note = artifact.cut
    if artifact.path in bundle.truncated and artifact.last is None:
        last = _last_line(bundle, artifact)
        note = note or f"cut off at line {last}"
        if artifact.kind != LOG and not _is_json(bundle.read(artifact.path, 64)):
            begun = _last_object(bundle, artifact) if artifact.kind in OBJECTS else last - 1
            parsed = _before(parsed, begun)
    if note:
        coverage = tuple(
            msgspec.structs.replace(entry, complete=False, note=entry.note or note) for entry in parsed.coverage
        )
        parsed = msgspec.structs.replace(parsed, coverage=coverage)
    return parsed


def _last_line(bundle: Bundle, artifact: Artifact) -> int:
    with bundle.open(artifact.path) as file:
        return 1 + sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def _last_object(bundle: Bundle, artifact: Artifact) -> int:
    """The line where the last object of the API begins; its facts name that line or a later one."""
    data = bundle.read(artifact.path)
    begin = max((found.start() for found in OBJECT.finditer(data)), default=0)
    return artifact.first + data.count(b"\n", 0, begin)


def _before(parsed: Parsed, begun: int) -> Parsed:
    """Without the record, begun at this line, that a cut goes through: half of it may say the opposite of the whole.

    An interface whose line of flags is lost would be down, a virtual server whose next line is lost without servers.
    """
    return msgspec.structs.replace(parsed, facts=tuple(fact for fact in parsed.facts if fact.origin.end < begun))


def log_parts(artifact: Artifact, bundle: Bundle, size: int, count: int) -> list[Part]:
    """A large log in at most `count` parts that can be scanned by themselves; none for what must be read whole."""
    if artifact.kind != LOG or artifact.last is not None:
        return []
    with bundle.open(artifact.path) as file:
        head = file.read(512)
        return [] if text.wide(head) or head.startswith(EXPORTED) else parts(file, size, count)


def scan_part(artifact: Artifact, bundle: Bundle, patterns: Patterns, part: Part) -> Scanned:
    """What one part of a log holds."""
    with bundle.open(artifact.path) as file:
        return scan_log(file, patterns, part=part)


def _mtime(artifact: Artifact, bundle: Bundle) -> float | None:
    return bundle.mtime(artifact.path)


def _log(artifact: Artifact, bundle: Bundle, patterns: Patterns) -> Parsed:
    mtime = _mtime(artifact, bundle)
    if artifact.last is not None:
        data = _section(artifact, bundle.read(artifact.path))
        return read_log(io.BytesIO(data), artifact.path, artifact.place, patterns, mtime, artifact.first)
    with bundle.open(artifact.path) as file:
        if text.wide(file.read(512)):
            file.seek(0)
            data = text.decode(file.read()).encode()
            return read_log(io.BytesIO(data), artifact.path, artifact.place, patterns, mtime)
        file.seek(0)
        if file.read(len(EXPORTED)) == EXPORTED:
            file.seek(0)
            data = as_json_lines(file.read())
            return read_log(io.BytesIO(data), artifact.path, artifact.place, patterns, mtime)
        file.seek(0)
        return read_log(file, artifact.path, artifact.place, patterns, mtime)


def _document(artifact: Artifact, bundle: Bundle, twins: Twins) -> Parsed:
    data = bundle.read(artifact.path)
    if artifact.last is not None:
        data = _section(artifact, data)
    data, gaps = _shortened(artifact, data, bundle.limits.line_length)
    kind = kinds()[artifact.kind]
    parsed = twins.parse(kind, data, artifact.path, artifact.place, artifact.first, artifact.command)
    if gaps:
        coverage = tuple(
            msgspec.structs.replace(entry, complete=False, note=entry.note or gaps[0].expected)
            for entry in parsed.coverage
        )
        parsed = msgspec.structs.replace(parsed, gaps=(*parsed.gaps, *gaps), coverage=coverage)
    return parsed


def _section(artifact: Artifact, data: bytes) -> bytes:
    lines = text.decode(data).split("\n")[artifact.first - 1 : artifact.last]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _is_json(data: bytes) -> bool:
    """Whether a text is JSON by its first character; of JSON only whole objects are read."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _shortened(artifact: Artifact, data: bytes, limit: int) -> tuple[bytes, tuple[Gap, ...]]:
    """The data with overlong lines cut, and a gap for each; a JSON document may stand in one line of any length."""
    if len(data) <= limit or _is_json(data):
        return data, ()
    lines = data.split(b"\n")
    gaps = []
    for index, line in enumerate(lines):
        if len(line) > limit:
            lines[index] = line[:limit]
            source = Source(artifact.path, artifact.first + index, artifact.first + index)
            shown = text.decode(line[:400])
            gaps.append(Gap(source, LONG.format(limit=limit), shown))
    return (b"\n".join(lines) if gaps else data), tuple(gaps)
