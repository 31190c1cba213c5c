"""`date`: when a node was collected, by its own clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.nodes import Clock
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "date"
COMMAND = "date"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/date.txt", "**/date", "**/sos_commands/date/date*", "**/systeminfo/date*")
BEGINS = (
    r"\A\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d( [AP]M)? \S+ \d{4}\s*\Z",
    r"\A\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s*\Z",
    r"^\s*Universal time: ",
)
RANK = 50

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PLAIN = re.compile(r"\w{3} (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?: ([AP]M))? (\S+) (\d{4})")
ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)")
# hours east of Greenwich of zone names that mean one thing only; with any other name the time stays unknown
ZONES = {"UTC": 0, "GMT": 0, "Z": 0, "CET": 1, "CEST": 2, "EDT": -4, "PST": -8, "PDT": -7, "MSK": 3, "JST": 9, "KST": 9}


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """A Clock fact, if the zone is known; `timedatectl` gives universal time."""
    text = NodeText(data, path, place, first_line)
    for number, line in text.lines:
        time = None if text.facts else _time(line.split("time:", 1)[-1] if "Local time" not in line else "")
        if time is not None:
            text.add(Clock, number, time=time)
    if not text.facts:
        text.gap(text.lines[0][0], "a date with a known time zone", text.lines[0][1])
    return text.done([Clock])


def _time(line: str) -> float | None:
    found = PLAIN.search(line)
    if found and found[1] in MONTHS and found[7] in ZONES:
        hour = int(found[3]) % 12 + (12 if found[6] == "PM" else 0) if found[6] else int(found[3])
        parts = (int(found[8]), MONTHS.index(found[1]) + 1, int(found[2]), hour, int(found[4]), int(found[5]))
        return _seconds(parts, timezone(timedelta(hours=ZONES[found[7]])))
    found = ISO.search(line)
    if found:
        zone = UTC
        if found[7][0] in "+-":
            minutes = int(found[7][1:3]) * 60 + int(found[7][-2:])
            zone = timezone(timedelta(minutes=minutes if found[7][0] == "+" else -minutes)) if minutes < 1440 else UTC
        return _seconds(tuple(int(found[index]) for index in range(1, 7)), zone)
    found = re.search(r"Universal time: \w{3} (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", "Universal time:" + line)
    return _seconds(tuple(int(part) for part in found.groups()), UTC) if found else None


def _seconds(parts: tuple[int, ...], zone: timezone) -> float | None:
    try:
        year, month, day, hour, minute, second = parts
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None
