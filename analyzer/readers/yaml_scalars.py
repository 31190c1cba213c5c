"""Scalars of block YAML that take several lines: plain, quoted and literal ones."""

from __future__ import annotations

from analyzer.readers.yaml_lines import (
    DOUBLE,
    DOUBLE_QUOTED,
    SINGLE,
    SINGLE_QUOTED,
    continues,
    folded,
    sound,
    unescaped,
    value_of,
)
from analyzer.readers.yaml_values import scalar

_ENDS = ("---", "...")


class Other(Exception):
    """A line that is not surely understood."""


def continued(lines: list[str], first: int, at: int, column: int) -> tuple[object, int]:
    """The plain scalar that began in line `first` and goes on in line `at`, and the line behind it."""
    parts = [value_of(lines[first]), *(lines[number].strip(" ") for number in range(first + 1, at))]
    while at < len(lines):
        bare = lines[at].strip(" ")
        if bare:
            if len(lines[at]) - len(lines[at].lstrip(" ")) <= column:
                break
            if not continues(bare):
                raise Other
        parts.append(bare)
        at += 1
    if not all(not part or continues(part) for part in parts):
        raise Other
    while not parts[-1]:
        parts.pop()
    return scalar(folded(parts, False)), at


def literal(lines: list[str], header: str, at: int, column: int, ended: bool) -> tuple[str, int]:
    """The text of a literal block scalar whose lines start at `at`, and the line behind it.

    `column` is that of the keys or dashes around it, `ended` whether the last line of the text has a line break.
    """
    count, start = len(lines), at
    digits = header.strip("+-")
    while at < count and not lines[at]:
        at += 1
    bare = lines[at].lstrip(" ") if at < count else ""
    if not bare:
        raise Other  # nothing but space
    indent = column + int(digits) if digits else len(lines[at]) - len(bare)
    margin = " " * indent
    if indent <= column or not lines[at].startswith(margin):
        raise Other
    last = at
    while at < count:
        line = lines[at]
        if line.startswith(margin):
            if len(line) > indent:
                last = at
        elif line.strip(" "):
            break
        at += 1
    if at == count and not ended:
        raise Other
    text = "\n".join([line[indent:] for line in lines[start : last + 1]])
    if "-" in header:
        return text, at
    return text + ("\n" * (at - last) if "+" in header else "\n"), at


def quoted(lines: list[str], start: str, at: int, kind: int) -> tuple[str, int]:
    """The text of a quoted scalar that goes on in line `at`, and the line behind it."""
    pattern, parts = DOUBLE_QUOTED if kind == DOUBLE else SINGLE_QUOTED, [start]
    while at < len(lines):
        line = lines[at]
        bare = line.strip(" ")
        at += 1
        found = pattern.match(bare)
        if not found or line.startswith(_ENDS) or (not found[2] and found.end() != len(bare)):
            raise Other
        if found[2]:
            parts.append(found[1])
            text = folded(parts, True)
            if kind == SINGLE:
                return text.replace("''", "'"), at
            if not sound(text):
                raise Other
            return unescaped(text), at
        parts.append(bare)
    raise Other
