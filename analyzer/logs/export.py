"""`journalctl -o export`: entries of many lines, one field each, as one line of JSON an entry."""

from __future__ import annotations

import msgspec

BEGINS = b"__CURSOR="
WANTED = frozenset(
    {
        "MESSAGE",
        "PRIORITY",
        "SYSLOG_IDENTIFIER",
        "_COMM",
        "_HOSTNAME",
        "_SYSTEMD_UNIT",
        "_TRANSPORT",
        "__REALTIME_TIMESTAMP",
    }
)
SIZE = 8  # bytes of the length that stands before a value of several lines


def as_json_lines(data: bytes) -> bytes:
    """The text of `journalctl -o json`, each entry in the line where its message stands; all other lines are empty."""
    lines: list[bytes] = []
    entry: dict[str, str] = {}
    at = -1
    position = 0
    while position < len(data):
        end = data.find(b"\n", position)
        whole = end >= 0
        end = end if whole else len(data)
        name, sign, value = data[position:end].partition(b"=")
        if not name and not sign:
            _put(lines, entry, at)
            entry, at = {}, -1
        elif not sign and whole:
            size = int.from_bytes(data[end + 1 : end + 1 + SIZE], "little")
            value = data[end + 1 + SIZE : end + 1 + SIZE + size]
            whole, end = len(value) == size, min(end + 1 + SIZE + size, len(data))
        key = name.decode("ascii", "replace")
        if key in WANTED and whole:
            entry[key] = value.decode("utf-8", "replace")
            at = len(lines) if key == "MESSAGE" else at
        lines += [b""] * (data.count(b"\n", position, end) + 1)
        position = end + 1
    _put(lines, entry, at)
    return b"\n".join(lines)


def _put(lines: list[bytes], entry: dict[str, str], at: int) -> None:
    if at >= 0:
        lines[at] = msgspec.json.encode(entry)
