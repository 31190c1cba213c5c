"""A YAML file in which every value knows its line. Duplicate keys, anchors and tags are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from analyzer.errors import DefinitionError

_INTEGER = re.compile(r"-?(0|[1-9]\d*)\Z")
_DECIMAL = re.compile(r"-?\d+\.\d+\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class Entry(msgspec.Struct, frozen=True):
    """A value of a YAML file: text, number, true/false or None, a list of entries, or a dict of them by key."""

    value: Any
    line: int

    def plain(self) -> Any:
        """The value without lines, all the way down."""
        if isinstance(self.value, dict):
            return {key: entry.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value


def read_document(path: Path) -> Entry:
    """The single document of a YAML file; DefinitionError with the line of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(str(path), 0, f"cannot be read: {error}") from error
    return read_text(text, str(path))


def read_text(text: str, path: str) -> Entry:
    """The single document that a YAML text holds; `path` is what errors name."""
    import yaml  # rules that were checked before come from the cache

    # What a plain value is, `_scalar` says: the loader need not find out.
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        node = yaml.compose(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = " (quote the text: it contains a colon, a brace or the like)" if "mapping values" in str(error) else ""
        raise DefinitionError(path, mark.line + 1 if mark else 0, f"not valid YAML: {error.problem}{hint}") from error
    except yaml.YAMLError as error:
        raise DefinitionError(path, 0, f"not valid YAML: {error}") from error
    if node is None:
        raise DefinitionError(path, 1, "the file is empty")
    return _entry(node, path, set())


def _entry(node: Any, path: str, seen: set[int]) -> Entry:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise DefinitionError(path, line, "anchors and aliases are not used here; write the value out")
    seen.add(id(node))
    if node.id == "mapping":
        found: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise DefinitionError(path, line, "a key must be a word")
            if key in found:
                raise DefinitionError(path, key_node.start_mark.line + 1, f"{key!r} is given twice")
            found[key] = _entry(value_node, path, seen)
        return Entry(found, line)
    if node.id == "sequence":
        return Entry([_entry(item, path, seen) for item in node.value], line)
    return Entry(_scalar(node), line)


def _scalar(node: Any) -> Any:
    """A quoted value is text; a plain one is a number, true, false or nothing only where that is beyond doubt."""
    text: str = node.value
    if node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text
