"""Globs and templates over paths: `**`, `*`, `?`, `{a,b}`, and `{name}`, which catches part of a component."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|/\*\*|\*\*|\*|\?|\[[^\]/]+\]|\{[^{}]*\}|[^*?\[{]+|.")
_NAME = re.compile(r"\{(\w+)\}")


def expression(template: str) -> str:
    """The regular expression of a template; a name that occurs again must catch the same text."""
    seen: set[str] = set()
    parts: list[str] = []
    for token in _TOKEN.findall(template):
        if token == "**/":
            parts.append("(?:.*/)?")
        elif token == "/**":
            parts.append("/.*")
        elif token == "**":
            parts.append(".*")
        elif token == "*":
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif name := _NAME.fullmatch(token):
            parts.append(f"(?P={name[1]})" if name[1] in seen else f"(?P<{name[1]}>[^/]+?)")
            seen.add(name[1])
        elif token.startswith("{") and "," in token:
            parts.append("(?:" + "|".join(expression(part) for part in token[1:-1].split(",")) + ")")
        elif token.startswith("["):
            parts.append(token.replace("[!", "[^", 1))
        else:
            parts.append(re.escape(token))
    return "".join(parts)


@lru_cache(maxsize=4096)
def compiled(template: str) -> re.Pattern[str]:
    """A pattern to `fullmatch` a path with."""
    return re.compile(expression(template), re.DOTALL)


class Globs:
    """Many globs, each with an owner; finds the owners of a path without trying every glob."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._globs: list[tuple[str, re.Pattern[str] | None, re.Pattern[str], str]] = []
        for template, owner in pairs:
            last = template.rsplit("/", 1)[-1]
            whole_name = None if "**" in last or ("{" in template and "/" in _braces(template)) else compiled(last)
            self._globs.append((_literal(last) if whole_name else "", whole_name, compiled(template), owner))
        self._by_name = lru_cache(maxsize=1 << 16)(self._possible)

    def _possible(self, name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
        # A plain text that must occur is found ten times faster than a pattern fails
        return tuple(
            (full, owner)
            for literal, last, full, owner in self._globs
            if literal in name and (last is None or last.fullmatch(name))
        )

    def owners(self, path: str) -> list[str]:
        """Owners of the globs that match a path, each once, in the order of their globs."""
        found: list[str] = []
        for full, owner in self._by_name(path.rsplit("/", 1)[-1]):
            if owner not in found and full.fullmatch(path):
                found.append(owner)
        return found


def _literal(template: str) -> str:
    """The longest text that every path of a template holds."""
    return max((token for token in _TOKEN.findall(template) if token[0] not in "*?[{"), key=len, default="")


def _braces(template: str) -> str:
    return "".join(re.findall(r"\{[^{}]*\}", template))
