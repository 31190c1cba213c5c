"""One artifact to its facts, gaps and coverage: a pure function that can run in its own process."""

from __future__ import annotations

import msgspec

from analyzer.bundle import Bundle
from analyzer.facts.fact import Parsed
from analyzer.kinds import LOG, kinds
from analyzer.logs import Patterns, read_log
from analyzer.recognise import Artifact


def parse(artifact: Artifact, bundle: Bundle, patterns: Patterns) -> Parsed:
    """The facts of an artifact; what is known to be cut off covers its facts only in part."""
    if artifact.kind == LOG:
        mtime = next((member.mtime for member in bundle.members if member.path == artifact.path), None)
        with bundle.open(artifact.path) as stream:
            parsed = read_log(stream, artifact.path, artifact.place, patterns, mtime)
    else:
        data = bundle.read(artifact.path)
        if artifact.last is not None or artifact.first > 1:
            lines = data.splitlines(keepends=True)
            data = b"".join(lines[artifact.first - 1 : artifact.last])
        kind = kinds()[artifact.kind]
        parsed = kind.parse(data, artifact.path, artifact.place, artifact.first, artifact.command)
    if not artifact.cut:
        return parsed
    return msgspec.structs.replace(
        parsed,
        coverage=tuple(
            msgspec.structs.replace(entry, complete=False, note=entry.note or artifact.cut) for entry in parsed.coverage
        ),
    )
