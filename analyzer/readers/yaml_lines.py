"""One line of block YAML as kubectl writes it: how far it is indented, its dash, key and value."""

from __future__ import annotations

import re

from analyzer.readers.yaml_values import key, scalar

# What the value of a line is. BLANK: the line has nothing (or a comment). UNKNOWN: nothing that is read here.
BLANK, PLAIN, QUOTED, OPEN, MAP, LIST, LITERAL, DOUBLE, SINGLE, TEXT, START, UNKNOWN = range(12)
LONGEST_KEY = 500

# (columns before the first character, whether that is a dash, key, what the value is, value)
Line = tuple[int, bool, str | None, int, object]

_LINE = re.compile(
    r"""(?P<indent>\ *)(?P<dash>-\ (?!\ ))?
    (?:(?:(?P<plain>[A-Za-z0-9_./$(][^ :#]*(?::+(?![ :#]|$)[^ :#]*)*)|(?P<quoted>"[^"\\]*"|'[^']*')):(?:\ +|$))?
    (?P<value>.*)$""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=[^\s]))")
_HEADER = re.compile(r"\|(?:[-+]?[1-9]?|[1-9][-+])$")
DOUBLE_QUOTED = re.compile(r'((?:[^"\\]|\\.)*+)(" *$)?')
SINGLE_QUOTED = re.compile(r"((?:[^']|'')*+)(' *$)?")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}


def line_of(text: str) -> Line:
    """The parts of one line, which holds no tab or other control character."""
    found = _LINE.match(text)
    if not found:
        return 0, False, None, UNKNOWN, None
    indent, dash = len(found["indent"]), bool(found["dash"])
    value = found["value"].rstrip(" ")
    plain, quoted = found["plain"], found["quoted"]
    name = None
    if plain is not None:
        name = key(scalar(plain))
    elif quoted is not None:
        name = quoted[1:-1]
    if len(plain or quoted or "") > LONGEST_KEY or (indent == 0 and text[:3] in ("---", "...")):
        return indent, dash, None, START if text == "---" else UNKNOWN, None
    if name is None and not dash:
        if not value or value[0] == "#":
            return indent, False, None, BLANK, None
        return (indent, True, None, OPEN, None) if value == "-" else (indent, False, None, TEXT, None)
    return indent, dash, name, *_value(value)


def value_of(text: str) -> str:
    """The value of a line that has one, as it is written."""
    found = _LINE.match(text)
    return found["value"].rstrip(" ") if found else ""


def _value(text: str) -> tuple[int, object]:
    """What a value is, as far as its first line tells."""
    if not text:
        return OPEN, None
    first = text[0]
    if first == '"':
        found = DOUBLE_QUOTED.match(text, 1)
        if found and found[2]:
            return (QUOTED, unescaped(found[1])) if "\\" not in found[1] or sound(found[1]) else (UNKNOWN, None)
        return (DOUBLE, text[1:]) if found and found.end() == len(text) else (UNKNOWN, None)
    if first == "'":
        found = SINGLE_QUOTED.match(text, 1)
        if found and found[2]:
            return QUOTED, found[1].replace("''", "'")
        return (SINGLE, text[1:]) if found and found.end() == len(text) else (UNKNOWN, None)
    if text in ("{}", "[]"):
        return (MAP if text == "{}" else LIST), None
    if first == "|":
        return (LITERAL, text[1:]) if _HEADER.match(text) else (UNKNOWN, None)
    if not _PLAIN.match(text) or not continues(text):
        return UNKNOWN, None
    return PLAIN, scalar(text)


def continues(text: str) -> bool:
    """Whether a plain scalar that has this text in one of its lines is wholly text: no key, no comment."""
    return ": " not in text and text[-1] != ":" and " #" not in text and text[0] != "#"


def sound(text: str) -> bool:
    """Whether every escape of a quoted text is one that YAML knows."""
    for found in _ESCAPE.finditer(text):
        code = found[1] or found[2] or found[3]
        if code is None:
            if found[4] not in _ESCAPED:
                return False
        elif 0xD800 <= int(code, 16) <= 0xDFFF or int(code, 16) > 0x10FFFF:
            return False
    return True


def unescaped(text: str) -> str:
    """A double-quoted text whose escapes are sound."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return _ESCAPED[found[4]] if code is None else chr(int(code, 16))


def folded(parts: list[str], quoted: bool) -> str:
    """Lines of one scalar as one text: a break is a space, and each empty line a break."""
    text, breaks = parts[0], 0
    for number, part in enumerate(parts[1:], 2):
        if part or (quoted and number == len(parts)):
            text += ("\n" * breaks or " ") + part
            breaks = 0
        else:
            breaks += 1
    return text
