"""`conntrack -S`: what connection tracking counted, summed over processors."""

from __future__ import annotations

import re
from collections import Counter as Sum
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.nodes import Counter
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "conntrack-stats"
COMMAND = "conntrack -S"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/conntrack-stats*", "**/conntrack_-S*", "**/conntrack-S*", "**/systeminfo/conntrack")
BEGINS = (r"^cpu=\d+\s+(found|searched)=\d+",)
RANK = 50

PAIR = re.compile(r"\b(\w+)=(\d{1,19})\b")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Counter facts `conntrack.insert_failed` and so on."""
    text = NodeText(data, path, place, first_line)
    sums: Sum[str] = Sum()
    lines: list[int] = []
    for number, line in text.lines:
        pairs = PAIR.findall(line)
        if pairs and pairs[0][0] == "cpu":
            sums.update({name: int(value) for name, value in pairs[1:]})
            lines.append(number)
        elif line.strip() and not line.startswith("conntrack v"):
            text.gap(number, "cpu=N name=N ...", line)
    for name, value in sums.items():
        text.add(Counter, lines[0], lines[-1], table="conntrack", name=f"conntrack.{name}", value=value)
    if sums:
        text.cover(Counter, table="conntrack")
    return text.done()
