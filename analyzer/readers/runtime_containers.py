"""`crictl ps`, `crictl pods`, `docker ps`, `nerdctl ps`: the containers of a node as its runtime lists them."""

from __future__ import annotations

import re

from analyzer.facts.configuration import RuntimeContainer
from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.kubectl_columns import Columns, Row, titles
from analyzer.text import decode

ARTIFACT = "runtime-containers"
COMMAND = "crictl ps -a"
PER = "node"
FILES = (
    "**/crictl-ps*",
    "**/crictl-pods*",
    "**/crictl_ps*",
    "**/crictl_pods*",
    "**/docker_ps*",
    "**/crictl/ps*",
    "**/crictl/pods",
)
BEGINS = (r"^CONTAINER( ID)? {2,}IMAGE {2,}", r"^POD ID {2,}CREATED {2,}")
RANK = 50

_KNOWN = re.compile(r"W\d{4} |WARN|time=|.*[#$+>] *(sudo )?(\S*/)?(k3s )?(crictl|docker|nerdctl) ")
_OF_KUBERNETES = re.compile(r"k8s_([^_]+)_")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """RuntimeContainer facts; sandboxes of pods are known and give none."""
    facts: list[Fact] = []
    gaps: list[Gap] = []
    columns: Columns | None = None
    listed = False
    written = 0
    for number, line in enumerate(decode(data).split("\n"), first_line):
        if not line.strip():
            continue
        written += 1
        here = Source(path, number, number)
        if titles(line):
            columns = Columns(line)
            listed = listed or not columns.titles[0].startswith("POD ID")
        elif columns and (row := columns.row(number, line.rstrip())):
            if not columns.titles[0].startswith("POD ID"):
                facts.append(_container(row, place, here))
        elif not _KNOWN.match(line):
            gaps.append(Gap(here, "a row of containers", line[:400]))
    why = f"line {gaps[0].source.line} was not understood" if gaps else ""
    # Without -a only running containers are listed.
    if not why and command and not re.search(r"\s(-\w*a\w*|--all)\b", command):
        why = "running containers only"
    covered = Coverage(fact="RuntimeContainer", node=place.node, complete=not why, note=why, path=path)
    return Parsed(
        facts=tuple(facts),
        gaps=tuple(gaps),
        coverage=(covered,) if listed else (),
        lines=written,
        understood=written - len(gaps),
    )


def _container(row: Row, place: Place, here: Source) -> RuntimeContainer:
    name = row.get("NAME", "NAMES")
    if inside := _OF_KUBERNETES.match(name):
        name = inside[1]
    status = row.get("STATE", "STATUS")
    state = "Running" if status.startswith("Up") else status.split(" ", 1)[0]
    return RuntimeContainer(
        node=NodeName(place.node or "unknown"),
        id=row.get("CONTAINER", "CONTAINER ID"),
        name=name or None,
        state=state or None,
        image=row.get("IMAGE") or None,
        origin=here,
    )
