"""The events of an object without the object: the end of `kubectl describe`, as people paste it.

Nothing in it names the object. Its events bear kind "Object", no namespace, and the place of the table for a name, so
that those of one object stay together and apart from others.
"""

from __future__ import annotations

import re

from analyzer.facts.fact import Coverage, Fact, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.facts.workloads import Event
from analyzer.readers.kubectl_event_rows import event_row
from analyzer.text import decode

ARTIFACT = "kubectl-events"
COMMAND = "kubectl describe pod NAME, only its events"
PER = "cluster"
FILES = ()
BEGINS = (
    r"^[ \t]*(?:Events:[ \t]*\n\s*)?Type +Reason +Age +From +Message\s*$",
    r"^[ \t]*(?:Normal|Warning) {2,}[A-Z]\w+ {2,}\d+[smhd]\S*(?: \(x\d+ over \S+\))? {2,}\S+",
)
RANK = 55

_TITLES = re.compile(r"(?:Events:\s*|\s*Type\s+Reason\s+Age\s+From\s+Message\s*|[\s-]+)")
_BEGINS = re.compile(r"Events:\s*|\s*Type\s+Reason\s+Age\s+From\s+Message\s*")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Event facts of each table; they cover nothing but the object that is not named."""
    facts: list[Fact] = []
    gaps: list[Gap] = []
    begun, titled, inside, lost, count = first_line, False, False, False, 0
    for number, text in enumerate(decode(data).split("\n"), first_line):
        if not text.strip():
            inside = False
            continue
        count += 1
        if _TITLES.fullmatch(text):
            if _BEGINS.fullmatch(text) and not titled:
                begun = number
            titled = inside = True
            continue
        titled = False
        row = event_row(text)
        if row is None:
            # what stands above or below a table is none of its rows
            lost = lost or inside
            gaps.append(Gap(Source(path, number, number), "an event of kubectl describe", text[:400]))
            continue
        inside = True
        facts.append(
            Event(
                namespace="",
                kind="Object",
                name=f"{path}:{begun}",
                type=row.type,
                reason=row.reason,
                message=row.message,
                count=row.count,
                age=row.age,
                origin=Source(path, number, number),
            )
        )
    note = "rows were not understood" if lost else ""
    coverage = (Coverage(fact="Event", namespace="", complete=not note, note=note, path=path),) if facts else ()
    return Parsed(facts=tuple(facts), gaps=tuple(gaps), coverage=coverage, lines=count, understood=count - len(gaps))
