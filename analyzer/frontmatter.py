"""The front matter of a grammar: `//! key: value` lines on what artifact it reads and how it is cut into records."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from analyzer.errors import DefinitionError

MARK = "//!"


class Fill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that facts of type `fact` get where the record left them out, or in any case with `force`.

    `when` maps fields (or `text`, the record itself) to regexes that must be found in them; "" wants the field empty.
    """

    fact: str
    set: dict[str, Any]
    when: dict[str, str] = {}
    force: bool = False


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the front matter of one grammar says.

    artifact: the kind's name; command: what prints it; per: scope; files: globs
    begins: regexes found in its first lines
    rank: a higher one is richer, where two artifacts state the same fact
    record: `line`, or `block`: a line that matches `starts` and all lines up to the next such line
    words: regex that cuts a record into words; quoted: whether "..." words are taken out of their quotes
    skip: regexes of lines that are known and not needed
    header: regexes whose named groups set fields of all later facts; section: the same, and it begins a table that is
    complete once a line matches `ends`
    path: regexes whose named groups, found in the artifact's path, set fields of all facts
    given: field (or `component` of the coverage) to {value: regex found in command or path}, the first
    that is found counts
    names: what words of header, section and path mean: {nf_tables: nft}
    means: field to {word in a record: what it means}: {destination: {default: 0.0.0.0/0}}
    replace: field to {regex: what stands instead}, applied to its text in order
    heal: regex of a message that another program may have written into the middle of a line
    inherit: fact to {its field: field of the fact around it}; fill: see Fill
    number: field to the field it counts by ({position: chain})
    covers: fact types that finding nothing would speak of, if not all that the grammar names
    covers_when: fact type to a regex that must be found in the text, else the artifact says nothing of that type
    partial: regex to note: found in the command or path, the artifact holds only a part
    grammar: another grammar's file whose rules are used
    """

    artifact: str
    command: str
    per: Literal["cluster", "namespace", "node"]
    files: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    rank: int = 0
    record: Literal["line", "block"] = "line"
    starts: str = ""
    words: str = r"\S+"
    quoted: bool = False
    skip: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    section: str = ""
    ends: str = ""
    path: tuple[str, ...] = ()
    given: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    means: dict[str, dict[str, str]] = {}
    replace: dict[str, dict[str, str]] = {}
    heal: str = ""
    inherit: dict[str, dict[str, str]] = {}
    fill: tuple[Fill, ...] = ()
    number: dict[str, str] = {}
    covers: tuple[str, ...] | None = None
    covers_when: dict[str, str] = {}
    partial: dict[str, str] = {}
    grammar: str = ""

    def meaning(self, field: str) -> Callable[[str], str] | None:
        """What turns the text of a field into what it means; None if it means itself."""
        means, replace = self.means.get(field, {}), self.replace.get(field, {})
        if not means and not replace:
            return None
        steps = [(re.compile(pattern), instead) for pattern, instead in replace.items()]

        def meant(text: str) -> str:
            for pattern, instead in steps:
                text = pattern.sub(instead, text)
            return means.get(text, text)

        return meant


def load(file: Path) -> tuple[Head, str]:
    """The front matter and the grammar's text (its line numbers kept); DefinitionError says where either is wrong."""
    import yaml  # what was checked before comes from the cache

    text = file.read_text(encoding="utf-8")
    lines = text.split("\n")
    marked = [line.removeprefix(MARK).removeprefix(" ") if line.startswith(MARK) else "" for line in lines]
    try:
        said = yaml.load("\n".join(marked), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        head = msgspec.convert(said, Head, strict=False)
        for pattern in _patterns(head):
            re.compile(pattern)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise DefinitionError(file.name, mark.line + 1 if mark else 0, f"front matter: {error.problem}") from error
    except msgspec.ValidationError as error:
        raise DefinitionError(file.name, 1, f"front matter: {error}", _meant(str(error))) from error
    except re.error as error:
        raise DefinitionError(file.name, 1, f"front matter: {error.pattern!r}: {error}") from error
    body = "\n".join("" if line.startswith(MARK) else line for line in lines)
    if head.grammar:
        body = load(file.parent / head.grammar)[1]
    return head, body


def _patterns(head: Head) -> list[str]:
    single = [head.starts, head.words, head.section, head.ends, head.heal]
    several = [*head.begins, *head.skip, *head.header, *head.path, *head.partial]
    return [
        *single,
        *several,
        *(pattern for given in head.given.values() for pattern in given.values()),
        *(pattern for steps in head.replace.values() for pattern in steps),
        *head.covers_when.values(),
    ]


def _meant(message: str) -> str:
    found = re.search(r"unknown field `(\w+)`", message)
    close = difflib.get_close_matches(found[1], Head.__struct_fields__, 1) if found else []
    return close[0] if close else ""
