"""What a collector's own records say it ran: the command behind each file, and whether its output was cut short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from analyzer.bundle import Bundle
from analyzer.glob import compiled
from analyzer.layout import Located, Record

LARGEST = 32 << 20
# timeout(1), a collector's own limit, and a process that was killed
_STOPPED = {"124": "it timed out", "137": "it was killed", "-1": "it timed out", "143": "it was ended"}
DEEPEST = 40


class Ran(msgspec.Struct, frozen=True):
    """The command that wrote a file; `cut` says why its output is not all there is, `error` why it failed."""

    command: str
    cut: str = ""
    error: str = ""


def ran(bundle: Bundle, located: Located) -> dict[str, Ran]:
    """What wrote which file, by path, as the records in the collectors' folders tell."""
    records = {root: layout.records for root, layout in located.roots.items() if layout.records}
    found: dict[str, Ran] = {}
    if not records:
        return found
    for member in bundle.members:
        root = located.root_of(member.path)
        if root is None or root not in records or member.size > LARGEST:
            continue
        for record in records[root]:
            if match := compiled(record.path).fullmatch(member.path[len(root) :]):
                _read(bundle.read(member.path), record, root, match.groupdict(), found)
    return found


def _read(data: bytes, record: Record, root: str, caught: dict[str, str | None], found: dict[str, Ran]) -> None:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return  # a record that cannot be read takes nothing away: paths and contents still tell
    for one in _objects(document, record.command, 0):
        command = one[record.command]
        file = one.get(record.file) if record.file else record.writes.format(**caught)
        if not isinstance(command, str) or not isinstance(file, str) or not file:
            continue
        status = str(one.get(record.status, "")) if record.status else ""
        cut = _STOPPED.get(status, "")
        if record.cut and one.get(record.cut) is True:
            cut = cut or "its output was cut off"
        error = str(one.get(record.error) or "") if record.error else ""
        found[root + file] = Ran(command, f"`{command}`: {cut}" if cut else "", error)


def _objects(value: Any, key: str, depth: int) -> Iterator[dict[str, Any]]:
    """Objects that have the key, wherever they are."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        if key in value:
            yield value
        for inner in value.values():
            yield from _objects(inner, key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, key, depth + 1)
