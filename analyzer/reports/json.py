"""The report as JSON, `hairpin-report/1`: sorted keys, arrays in report order, so that two runs diff cleanly."""

from __future__ import annotations

import json
import re

import msgspec

from analyzer.report import Report

EXTENSIONS = (".json",)
# JSON escapes the ASCII controls itself.
SUSPECT = re.compile("[\x7f-\U0010ffff]")


def render(report: Report, *, fail_on: str = "error") -> bytes:
    """Indented JSON in UTF-8; what would not show, or steer a terminal, is escaped."""
    text = json.dumps(msgspec.to_builtins(report), sort_keys=True, ensure_ascii=False, indent=1)
    return (SUSPECT.sub(_escaped, text) + "\n").encode()


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character.isprintable():
        return character
    if 0xD800 <= ord(character) <= 0xDFFF:
        # Half a character (from a file name that is not UTF-8) has no JSON that strict readers accept.
        return f"\\\\u{{{ord(character):x}}}"
    return json.dumps(character)[1:-1]
