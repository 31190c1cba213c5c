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
        self._globs: list[tuple[str, str, str, str]] = []
        for template, owner in pairs:
            last = template.rsplit("/", 1)[-1]
            if "**" in last or ("{" in template and "/" in _braces(template)):
                self._globs.append(("", template, _literal(template), owner))
            else:
                self._globs.append((last, "" if template == f"**/{last}" else template, _literal(last), owner))
        self._by_name = lru_cache(maxsize=1 << 16)(self._possible)

    def _possible(self, name: str) -> tuple[tuple[str, str, str], ...]:
        """The globs that a path of this last name may match: what it must hold, what it must match, and the owner.

        Patterns are compiled when a name first asks for them; most never are. A plain text that must occur is also
        found ten times faster than a pattern fails.
        """
        return tuple(
            ("" if last else literal, whole, owner)
            for last, whole, literal, owner in self._globs
            if not last or (literal in name and compiled(last).fullmatch(name))
        )

    def owners(self, path: str) -> list[str]:
        """Owners of the globs that match a path, each once, in the order of their globs."""
        found: list[str] = []
        for literal, whole, owner in self._by_name(path.rsplit("/", 1)[-1]):
            if owner not in found and literal in path and (not whole or compiled(whole).fullmatch(path)):
                found.append(owner)
        return found


def _literal(template: str) -> str:
    """The longest text that every path of a template holds."""
    plain = (token for token in _TOKEN.findall(template) if token[0] not in "*?[{" and token != "/**")
    return max(plain, key=len, default="")


def _braces(template: str) -> str:
    return "".join(re.findall(r"\{[^{}]*\}", template))
