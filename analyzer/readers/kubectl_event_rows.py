"""Rows of the table of events that `kubectl describe` prints at the end of an object: Type Reason Age From Message."""

from __future__ import annotations

import re

import msgspec

from analyzer.readers.kubectl_columns import ages

# A long source reaches the message, with one blank between them
_ROW = re.compile(
    r"\s*(?P<type>Normal|Warning)\s{2,}(?P<reason>[A-Z]\w*)\s{2,}"
    r"(?P<age>\S+(?: \(x(?P<count>\d+) over [^)\s]+\))?)\s{2,}"
    r"(?P<source>[\w.-]+(?:, [\w.-]+)?)\s+(?P<message>\S.*)"
)


class EventRow(msgspec.Struct, frozen=True):
    """One row; `age` in seconds, None if it is none."""

    type: str
    reason: str
    age: float | None
    count: int
    source: str
    message: str


def event_row(text: str) -> EventRow | None:
    """The row that a line holds; None for titles, dashes and anything else."""
    found = _ROW.fullmatch(text.rstrip())
    if found is None:
        return None
    return EventRow(
        type=found["type"],
        reason=found["reason"],
        age=ages(found["age"].split(" ", 1)[0]),
        count=int(found["count"] or 1),
        source=found["source"],
        message=found["message"],
    )
