"""Log templates: a pasted log line in which `{name}` or `{name:type}` marks what varies.

`lookup {name} on {server:ip}: no such host` captures a text and an address. Types: text (no blanks; the default), ip,
cidr, int, any (may hold blanks). `{{` and `}}` are braces of the line itself. Literal parts match anywhere in a
message, whatever its case, after `plain` has undone escaped quotes.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

from analyzer.facts.address import CIDR, IP, cidr, ip

Value = str | int | IP | CIDR

TYPES = ("text", "ip", "cidr", "int", "any")
SHORTEST_LITERAL = 4
LONGEST_CAPTURE = 1024
LONGEST_MESSAGE = 16384

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_ESCAPES = re.compile(r"""\\+(?=["'])|\\u003[cCeE]|\\u0026""")
_UNESCAPED = {"\\u003c": "<", "\\u003e": ">", "\\u0026": "&"}
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_AROUND = "\"'`,;:.!)]}>"
_RUN = {
    "text": re.compile(r"\S+"),
    "ip": re.compile(r"[0-9A-Fa-f:.]+(?:%[0-9A-Za-z.-]+)?"),
    "cidr": re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}"),
    "int": re.compile(r"[0-9]+"),
    "any": re.compile(r"[^\n]+"),
}


class Capture(msgspec.Struct, frozen=True):
    """What varies at one point of a line: its name and one of TYPES."""

    name: str
    type: str


class Template(msgspec.Struct, frozen=True):
    """A compiled template: `parts` alternates between literal texts and captures; `literals` is in lower case."""

    source: str
    parts: tuple[str | Capture, ...]
    literals: tuple[str, ...]
    longest: str

    @property
    def captures(self) -> dict[str, str]:
        """The type of each capture, by name."""
        return {part.name: part.type for part in self.parts if isinstance(part, Capture)}

    def match(self, message: str) -> dict[str, Value] | None:
        """The values captured at the first place where the template fits, or None. Linear in the message."""
        text, low = _folded(message)
        if self.longest not in low:
            return None
        return _Attempt(self, text, low).run()


class _Attempt:
    """One search of a template in one message; remembers dead ends, so that no position is tried twice."""

    def __init__(self, template: Template, text: str, low: str) -> None:
        self.parts = tuple(part.lower() if isinstance(part, str) else part for part in template.parts)
        self.text, self.low = text, low
        self.dead: set[tuple[int, int]] = set()

    def run(self) -> dict[str, Value] | None:
        first = self.parts[0]
        if isinstance(first, Capture):
            return self._leading(first)
        at = self.low.find(first)
        while at >= 0:
            found = self._rest(1, at + len(first))
            if found is not None:
                return found
            at = self.low.find(first, at + 1)
        return None

    def _leading(self, capture: Capture) -> dict[str, Value] | None:
        """A template that begins with a capture: it holds what stands directly before the first literal."""
        literal = self.parts[1]
        assert isinstance(literal, str)
        at = self.low.find(literal, 1)
        while at >= 0:
            value = _before(capture.type, self.text, at)
            if value is not None:
                found = self._rest(2, at + len(literal))
                if found is not None:
                    return {capture.name: value, **found}
            at = self.low.find(literal, at + 1)
        return None

    def _rest(self, index: int, start: int) -> dict[str, Value] | None:
        if index == len(self.parts):
            return {}
        if (index, start) in self.dead:
            return None
        capture = self.parts[index]
        assert isinstance(capture, Capture)
        found = self._last(capture, start) if index + 1 == len(self.parts) else self._inner(capture, index, start)
        if found is None:
            self.dead.add((index, start))
        return found

    def _last(self, capture: Capture, start: int) -> dict[str, Value] | None:
        value = _after(capture.type, self.text, start)
        return None if value is None else {capture.name: value}

    def _inner(self, capture: Capture, index: int, start: int) -> dict[str, Value] | None:
        literal = self.parts[index + 1]
        assert isinstance(literal, str)
        run = _RUN[capture.type].match(self.text, start)
        if run is None:
            return None
        limit = min(run.end(), start + LONGEST_CAPTURE) + len(literal)
        at = self.low.find(literal, start + 1, limit)
        while at >= 0:
            value = _CONVERT[capture.type](self.text[start:at])
            if value is not None:
                found = self._rest(index + 2, at + len(literal))
                if found is not None:
                    return {capture.name: value, **found}
            at = self.low.find(literal, at + 1, limit)
        return None


def _as_int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


_CONVERT: dict[str, Callable[[str], Value | None]] = {
    "text": lambda text: text,
    "any": lambda text: text,
    "ip": lambda text: ip(text.strip("[]")),
    "cidr": lambda text: cidr(text) if "/" in text else None,
    "int": _as_int,
}


def _after(kind: str, text: str, start: int) -> Value | None:
    """The longest value of a type that begins at `start`; closing quotes and punctuation do not belong to it."""
    run = _RUN[kind].match(text, start)
    if run is None:
        return None
    found = run.group()
    if kind == "ip":
        return ip(found) or ip(found.rstrip(":.")) or ip(found.split(":", 1)[0])
    if kind in ("text", "any"):
        found = found[:LONGEST_CAPTURE].rstrip().rstrip(_AROUND) or found[:LONGEST_CAPTURE]
    return _CONVERT[kind](found)


def _before(kind: str, text: str, end: int) -> Value | None:
    """The longest value of a type that ends at `end`."""
    begin = max(0, end - LONGEST_CAPTURE)
    window = text[begin:end]
    last = None
    for run in _RUN[kind].finditer(window):
        last = run
    if last is None or last.end() != len(window):
        return None
    return _CONVERT[kind](last.group().lstrip("\"'`([{<") if kind == "text" else last.group())


def plain(message: str) -> str:
    r"""The message without escapes: `\"`, `\\\"` and `\u003e` undone, curly quotes made straight, cut at 16,384."""
    message = message[:LONGEST_MESSAGE]
    if "\\" in message:
        message = _ESCAPES.sub(lambda found: _UNESCAPED.get(found.group().lower(), ""), message)
    return message if message.isascii() else message.translate(_QUOTES)


@lru_cache(maxsize=8192)
def _folded(message: str) -> tuple[str, str]:
    """A plain message and the same in lower case, character for character."""
    text = plain(message)
    low = text.lower()
    return text, low if len(low) == len(text) else text.translate(_ASCII_LOWER)


@lru_cache(maxsize=4096)
def compile_template(source: str) -> Template:
    """The template that `source` spells; ValueError says what is wrong with it."""
    parts = _parts(source)
    names = [part.name for part in parts if isinstance(part, Capture)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{{{name}}} is captured twice")
    for one, other in itertools.pairwise(parts):
        if isinstance(one, Capture) and isinstance(other, Capture):
            raise ValueError(
                f"nothing separates {{{one.name}}} and {{{other.name}}}: put them into one, or give the text between"
            )
    literals = tuple(part.lower() for part in parts if isinstance(part, str))
    longest = max(literals, key=len, default="")
    if len(longest.strip()) < SHORTEST_LITERAL:
        raise ValueError(
            f"needs a fixed text of at least {SHORTEST_LITERAL} characters, else nearly every line matches"
        )
    return Template(source, tuple(parts), literals, longest)


def _parts(source: str) -> list[str | Capture]:
    if "\n" in source:
        raise ValueError("a pattern is one line")
    parts: list[str | Capture] = []
    literal, at = "", 0
    while at < len(source):
        two, one = source[at : at + 2], source[at]
        if two in ("{{", "}}"):
            literal, at = literal + one, at + 2
        elif one == "}":
            raise ValueError(f"a lone }} at {at + 1}: write }}}} for a brace of the line itself")
        elif one == "{":
            end = source.find("}", at)
            if end < 0:
                raise ValueError(f"{{ at {at + 1} is not closed: write {{{{ for a brace of the line itself")
            if literal:
                parts.append(plain(literal))
            parts.append(_capture(source[at + 1 : end]))
            literal, at = "", end + 1
        else:
            literal, at = literal + one, at + 1
    if literal:
        parts.append(plain(literal))
    return parts


def _capture(inside: str) -> Capture:
    name, colon, kind = inside.partition(":")
    if not _NAME.match(name):
        raise ValueError(
            f"{{{inside}}} is not a capture: use a name like {{server}} or {{server:ip}}, "
            "or {{ for a brace of the line itself"
        )
    if not colon:
        return Capture(name, "text")
    if kind not in TYPES:
        near = difflib.get_close_matches(kind, TYPES, 1)
        hint = f", did you mean {near[0]}?" if near else f": one of {', '.join(TYPES)}"
        raise ValueError(f"{{{inside}}}: no capture type {kind!r}{hint}")
    return Capture(name, kind)


def capture_types(source: str) -> dict[str, str]:
    """The type of each capture of a template, by name; ValueError says what is wrong with the template."""
    return compile_template(source).captures


def captures(source: str, message: str) -> dict[str, Value] | None:
    """What a template captures in a message (text, any: str; int: int; ip, cidr: addresses); None if it misses."""
    return compile_template(source).match(message)
