"""Times of log lines: with a zone, without one (taken as UTC), without a year, or only seconds since boot."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

DAY = 86400.0
# The last leap year before the epoch of logs; a date without a year is placed in it when nothing tells the year.
SOME_YEAR = 1972

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?")


class Moment(msgspec.Struct, frozen=True):
    """A point in time in seconds. `dated`: since 1970; else only differences within one log mean something."""

    seconds: float
    dated: bool = True


def iso(text: str) -> Moment | None:
    """The moment of `2026-11-23T12:11:47.112150623Z` and the like; a time without a zone is taken as UTC."""
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    start = _day(year, month, day)
    if start is None:
        return None
    fraction = float(f"0.{found[7]}") if found[7] else 0.0
    return Moment(start + hour * 3600 + minute * 60 + second + fraction - _offset(found[8] or "Z"))


def yearless(month: str | int, day: int, clock: str, reference: float | None) -> Moment | None:
    """A date without a year: of the latest year in which it is at most a day after `reference` (seconds since 1970)."""
    number = _MONTHS.get(month.lower()) if isinstance(month, str) else month
    seconds = of_day(clock)
    if number is None or seconds is None:
        return None
    if reference is None:
        start = _day(SOME_YEAR, number, day)
        return None if start is None else Moment(start + seconds, dated=False)
    year = datetime.fromtimestamp(min(max(reference, 0.0), 4e9) + DAY, UTC).year
    for candidate in range(year, year - 5, -1):
        start = _day(candidate, number, day)
        if start is not None and start + seconds <= reference + DAY:
            return Moment(start + seconds)
    return None


def dated(month: str, day: int, clock: str, year: int) -> Moment | None:
    """The moment of `Nov 23 11:56:13` in a year."""
    start = _day(year, _MONTHS.get(month.lower(), 0), day)
    seconds = of_day(clock)
    return None if start is None or seconds is None else Moment(start + seconds)


def of_day(clock: str) -> float | None:
    """Seconds since midnight of `12:11:47.001372`."""
    try:
        hour, minute, second = clock.split(":")
        return int(hour) * 3600 + int(minute) * 60 + float(second)
    except ValueError:
        return None


def _offset(zone: str) -> int:
    if zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


@lru_cache(maxsize=512)
def _day(year: int, month: int, day: int) -> float | None:
    try:
        return datetime(year, month, day, tzinfo=UTC).timestamp()
    except ValueError:
        return None
