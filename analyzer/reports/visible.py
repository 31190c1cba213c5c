"""Text from a bundle made harmless: logs are written by strangers, and terminals obey what they are sent."""

from __future__ import annotations

import re
import unicodedata

LINE_LIMIT = 400
# Texts of rules are short; only what they quote from a bundle can be long.
PARAGRAPH_LIMIT = 1200
# Control, format, private use, surrogate; line and paragraph separators, which some readers take for line ends.
HIDDEN = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
# The fix texts of rules mark what can be typed with backticks.
CODE = re.compile(r"`([^`]+)`")


def visible(text: str, limit: int = LINE_LIMIT) -> str:
    """One line with every character that does not show written as \\u{1b}, tabs aside.

    Beyond `limit` characters the rest is counted, not shown; 0 cuts nothing.
    """
    rest = len(text) - limit if limit and len(text) > limit else 0
    if rest:
        text = text[:limit]
    if not text.isprintable():
        text = "".join(character if _shows(character) else f"\\u{{{ord(character):x}}}" for character in text)
    return f"{text}… (+{rest} characters)" if rest else text


def visible_text(text: str, limit: int = 0) -> str:
    """Several lines, each as `visible` shows it; line ends stay."""
    return "\n".join(visible(line, limit) for line in text.splitlines())


def prose(text: str, limit: int = PARAGRAPH_LIMIT) -> str:
    """A paragraph as one visible line: folded text of rules keeps line ends that mean nothing."""
    return visible(" ".join(text.split()), limit)


def pieces(step: str) -> list[tuple[str, bool]]:
    """A step of a fix as (text, whether it is code), in order."""
    parts = CODE.split(prose(step))
    return [(part, number % 2 == 1) for number, part in enumerate(parts) if part]


def _shows(character: str) -> bool:
    if character == "\t":
        return True
    code = ord(character)
    nonsense = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not nonsense and unicodedata.category(character) not in HIDDEN
