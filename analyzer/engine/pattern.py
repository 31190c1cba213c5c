"""Regular expressions and log patterns that rules contain, and what is wrong with them."""

from __future__ import annotations

import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from typing import Any

from analyzer.engine.fields import NUMBER, TEXT, FieldType
from analyzer.logs.template import capture_types

# Longer texts are searched up to here: a pattern must not turn a hostile line into minutes.
LENGTH = 4096

_CAPTURED = {
    "text": TEXT,
    "any": TEXT,
    "ip": FieldType("ip"),
    "cidr": FieldType("cidr"),
    "int": NUMBER,
}


def pattern_fault(pattern: str) -> str:
    """What is wrong with a regular expression, or ""; nested repetition is, since it can take exponential time."""
    try:
        tree = parser.parse(pattern)
    except re.error as error:
        return f"bad pattern: {error}"
    return "nested repetition such as (a+)+ can take forever; write it without" if _nested(tree, False) else ""


def _nested(tree: Any, inside: bool) -> bool:
    for code, argument in tree:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _, most, body = argument
            unbounded = most is codes.MAXREPEAT
            if (unbounded and inside) or _nested(body, inside or unbounded):
                return True
        elif (
            (code is codes.BRANCH and any(_nested(branch, inside) for branch in argument[1]))
            or (code is codes.SUBPATTERN and _nested(argument[-1], inside))
            or (code in (codes.ASSERT, codes.ASSERT_NOT) and _nested(argument[1], inside))
        ):
            return True
    return False


def capture_fields(template: str) -> dict[str, FieldType]:
    """The fields that a log pattern such as 'lookup {name} on {server:ip}' captures; ValueError if it is wrong."""
    return {name: _CAPTURED[kind] for name, kind in capture_types(template).items()}
