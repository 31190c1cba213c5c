"""`docker info`: the version of the engine, its drivers, and what it warns of."""

from __future__ import annotations

import re

from analyzer.facts.configuration import Setting, Version
from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.text import decode

ARTIFACT = "docker-info"
COMMAND = "docker info"
PER = "node"
FILES = ("**/docker-info*", "**/docker_info*", "**/docker/docker_info*")
BEGINS = (r"^Client:[\s\S]{0,2000}^ *Server Version: ", r"^Containers: \d+\n Running: \d+", r"^ Server Version: ")
RANK = 50

_KEY = re.compile(r" ?([A-Z][\w ]+): (\S.*)$")
_WANTED = ("Cgroup Driver", "Storage Driver", "Logging Driver", "Live Restore Enabled", "Kernel Version")
_LINE = re.compile(r"\s|(?!E(rror|RROR))[A-Z][\w/ -]{0,40}:(\s|$)")
_DISABLED = re.compile(r"WARNING: (IPv4 forwarding|bridge-nf-call-ip6?tables) is disabled")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Version and Setting facts; other lines of the form `Name: value` are known."""
    node = NodeName(place.node) if place.node else None
    facts: list[Fact] = []
    gaps: list[Gap] = []
    written = 0
    for number, line in enumerate(decode(data).split("\n"), first_line):
        written += bool(line.strip())
        here = Source(path, number, number)
        if found := _DISABLED.match(line):
            facts.append(Setting(node=node, component="docker", name=found[1], value="disabled", origin=here))
        elif (found := _KEY.match(line)) and found[1] == "Server Version":
            facts.append(Version(node=node, component="docker", version=found[2], origin=here))
        elif found and found[1] in _WANTED:
            facts.append(Setting(node=node, component="docker", name=found[1], value=found[2], origin=here))
        elif line.strip() and not found and not _LINE.match(line):
            gaps.append(Gap(here, "a line of docker info", line[:400]))
    told = any(isinstance(fact, Version) for fact in facts)
    note = "no server answered" if not told else f"{len(gaps)} lines could not be read" if gaps else ""
    covered = Coverage(
        fact="Version", node=place.node, component="docker", complete=told and not gaps, note=note, path=path
    )
    return Parsed(
        facts=tuple(facts), gaps=tuple(gaps), coverage=(covered,), lines=written, understood=written - len(gaps)
    )
