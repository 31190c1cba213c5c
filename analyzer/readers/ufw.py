"""`ufw status`, with verbose or numbered."""

from __future__ import annotations

import re
from typing import Literal

from analyzer.facts.configuration import Setting
from analyzer.facts.fact import Coverage, Parsed
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "ufw-status"
COMMAND = "ufw status verbose"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/ufw_status*", "**/ufw-status*", "**/ufw.txt", "**/ufw_-*status*")
BEGINS = (r"^Status: (active|inactive)\s*$",)
RANK = 50

FIELD = re.compile(r"(Status|Logging|New profiles): (\S+)")
DEFAULT = re.compile(r"Default: (.*)$")
POLICY = re.compile(r"\b(\w+) \((incoming|outgoing|routed)\)")
RULE = re.compile(r"(?:\[ *\d+\] )?(\S.*?) {2,}(ALLOW|DENY|REJECT|LIMIT)(?: (IN|OUT|FWD))? +(\S.*)$")
KNOWN = re.compile(r"To\s+Action\s+From|--\s+------|\s+To\s+Action\s+From|\s+--\s+---")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Setting facts of ufw: status, default.incoming, default.routed, and rule.1, rule.2 as printed."""
    text = NodeText(data, path, place, first_line)
    rules = 0
    told = False
    for number, line in text.lines:
        if found := FIELD.match(line):
            told = told or found[1] == "Status"
            _add(text, number, found[1].lower(), found[2])
        elif found := DEFAULT.match(line):
            for value, way in POLICY.findall(found[1]):
                _add(text, number, f"default.{way}", value)
        elif found := RULE.match(line):
            rules += 1
            _add(text, number, f"rule.{rules}", " ".join(" ".join(part for part in found.groups() if part).split()))
        elif line.strip() and not KNOWN.match(line):
            text.gap(number, "a line of ufw status", line)
    complete = told and not text.gaps
    note = "" if complete else "the status was not read" if not told else f"{len(text.gaps)} lines could not be read"
    text.coverage.append(
        Coverage(fact="Setting", node=place.node, component="ufw", complete=complete, note=note, path=path)
    )
    return text.done()


def _add(text: NodeText, number: int, name: str, value: str) -> None:
    text.add(Setting, number, component="ufw", name=name, value=value)
