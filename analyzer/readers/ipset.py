"""`ipset save` and `ipset list`: sets and their members."""

from __future__ import annotations

import re
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.firewall import Ipset
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText, number

ARTIFACT = "ipset"
COMMAND = "ipset save"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/ipset*", "**/ip_netns_exec_*_ipset*")
BEGINS = (r"^create \S+ (hash|bitmap|list):\S+ ", r"^Name: \S+\nType: (hash|bitmap|list):\S+")
RANK = 60

CREATE = re.compile(r"create (\S+) (\S+)")
ADD = re.compile(r"add (\S+) (\S+)(.*)$")
HEADING = re.compile(r"(Name|Type|Revision|Header|Size in memory|References|Number of entries|Members):\s*(.*)$")
ENTRY = re.compile(r"(?![-#/])[^\s:]\S*( (timeout|packets|bytes|comment|nomatch|skbmark|skbprio|skbqueue)\b.*)?$")
NOMATCH = re.compile(r'(?:"[^"]*"|[^"])*?\snomatch\b')


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Ipset facts. A set of which members are missing gives none: a member that is not listed would read as absent."""
    text = NodeText(data, path, place, first_line)
    sets = _Sets(text)
    for line_number, line in text.lines:
        if line.strip() and not sets.take(line_number, line.rstrip()):
            text.gap(line_number, "a set or a member", line)
    sets.close()
    lost = "" if not sets.lost else f"members of {', '.join(sets.lost[:3])} are not all listed"
    text.cover(Ipset, complete=not text.gaps and not lost, note=lost)
    return text.done()


class _Sets:
    """The set being read, and those before it."""

    def __init__(self, text: NodeText) -> None:
        self._text = text
        self.lost: list[str] = []
        self._open: dict[str, tuple[str, int, int, list[str]]] = {}
        self._listed: dict[str, str] = {}

    def take(self, line_number: int, line: str) -> bool:
        """Whether a line is one of a set."""
        if found := CREATE.match(line):
            self._open[found[1]] = (found[2], line_number, line_number, [])
            return True
        if found := ADD.match(line):
            return self._add(found[1], line_number, found[2], found[3])
        if found := HEADING.match(line):
            if found[1] == "Name":
                self.close()
            elif "Name" not in self._listed:
                return False
            self._listed[found[1]] = found[2]
            if found[1] == "Type":
                self._open[self._listed["Name"]] = (found[2], line_number - 1, line_number, [])
            return True
        if {"Name", "Members"} <= {*self._listed} and ENTRY.match(line):
            word, _, rest = line.partition(" ")
            return self._add(self._listed["Name"], line_number, word, f" {rest}")
        return False

    def _add(self, name: str, line_number: int, word: str, rest: str) -> bool:
        if name not in self._open:
            return False
        kind, first, _, members = self._open[name]
        members.append(f"{word} nomatch" if NOMATCH.match(rest) else word)
        self._open[name] = (kind, first, line_number, members)
        return True

    def close(self) -> None:
        """The end of a listed set, or of all sets that were saved."""
        said = self._listed
        for name, (kind, first, last, members) in self._open.items():
            count = number(said.get("Number of entries")) if said else None
            if said and ("Members" not in said or (count is not None and count != len(members))):
                self.lost.append(name)
            else:
                self._text.add(Ipset, first, last, name=name, type=kind, members=tuple(members))
        self._open, self._listed = {}, {}
