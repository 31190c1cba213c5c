"""Log templates: a pasted log line in which `{name}` or `{name:type}` marks what varies.

`lookup {name} on {server:ip}: no such host` captures a text and an address. Types: text (no blanks; the default), ip,
cidr, int, any (may hold blanks). `{{` and `}}` are braces of the line itself. Literal parts match anywhere in a
message, whatever its case, after `plain` has undone escaped quotes.
"""

from __future__ import annotations

import bisect
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
LONGEST_ADDRESS = 64
LONGEST_MESSAGE = 16384

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_ESCAPES = re.compile(r"""\\+(?=["'])|\\u003[cCeE]|\\u0026""")
_UNESCAPED = {"\\u003c": "<", "\\u003e": ">", "\\u0026": "&"}
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_BLANK = re.compile(r"\s")
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
        text, low = folded(message)
        if self.longest not in low:
            return None
        return _Search(self, text, low).run()


class _Search:
    """One search of a template in one message, from the last literal to the first.

    Of each literal it keeps the places from which the rest fits, with the nearest such place of the next literal; so
    the work grows with the length of the message, however often the literals occur in it.
    """

    def __init__(self, template: Template, text: str, low: str) -> None:
        self.parts = template.parts
        self.text, self.low = text, low
        self.blanks = [found.start() for found in _BLANK.finditer(text)]

    def run(self) -> dict[str, Value] | None:
        literals = [index for index, part in enumerate(self.parts) if isinstance(part, str)]
        rests: dict[int, dict[int, int]] = {}
        following: list[int] = []
        for index in reversed(literals):
            fits = self._fitting(index, following, last=index == literals[-1])
            rests[index] = fits
            following = sorted(fits)
            if not following:
                return None
        return next(
            (found for start in following if (found := self._captured(literals, rests, start)) is not None), None
        )

    def _fitting(self, index: int, following: list[int], last: bool) -> dict[int, int]:
        """The places of a literal from which the rest fits, each with the place of the next literal."""
        literal = str(self.parts[index]).lower()
        fits: dict[int, int] = {}
        at = self.low.find(literal)
        while at >= 0:
            end = at + len(literal)
            following_at = self._closing(end) if last else self._nearest(index + 1, end, following)
            if following_at is not None:
                fits[at] = following_at
            at = self.low.find(literal, at + 1)
        return fits

    def _closing(self, end: int) -> int | None:
        capture = self.parts[-1]
        if isinstance(capture, Capture) and _after(capture.type, self.text, end) is None:
            return None
        return end

    def _nearest(self, index: int, end: int, following: list[int]) -> int | None:
        """The first place of the next literal that leaves a value of the right type between."""
        capture = self.parts[index]
        assert isinstance(capture, Capture)
        at = bisect.bisect_right(following, end)
        if capture.type in ("text", "any"):
            limit = min(len(self.text), end + LONGEST_CAPTURE)
            if capture.type == "text":
                blank = bisect.bisect_left(self.blanks, end)
                limit = min(limit, self.blanks[blank] if blank < len(self.blanks) else limit)
            return following[at] if at < len(following) and following[at] <= limit else None
        while at < len(following) and following[at] <= end + LONGEST_ADDRESS:
            if _CONVERT[capture.type](self.text[end : following[at]]) is not None:
                return following[at]
            at += 1
        return None

    def _captured(self, literals: list[int], rests: dict[int, dict[int, int]], start: int) -> dict[str, Value] | None:
        values: dict[str, Value] = {}
        first = self.parts[0]
        if isinstance(first, Capture):
            value = _before(first.type, self.text, start)
            if value is None:
                return None
            values[first.name] = value
        for index in literals:
            end = start + len(str(self.parts[index]))
            start = rests[index][start]
            if index + 1 < len(self.parts):
                capture = self.parts[index + 1]
                assert isinstance(capture, Capture)
                last = index == literals[-1]
                found = _after(capture.type, self.text, end) if last else _CONVERT[capture.type](self.text[end:start])
                assert found is not None
                values[capture.name] = found
        return values


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
    run = _RUN[kind].match(text, start, start + LONGEST_CAPTURE)
    if run is None:
        return None
    found = run.group()
    if kind == "ip":
        return ip(found) or ip(found.rstrip(":.")) or ip(found.split(":", 1)[0])
    if kind in ("text", "any"):
        found = found.rstrip().rstrip(_AROUND) or found
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


@lru_cache(maxsize=32768)
def folded(message: str) -> tuple[str, str]:
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
