"""Flags of components in files: kubeadm-flags.env, the args folder of microk8s, systemd drop-ins."""

from __future__ import annotations

import re
import shlex

from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.component_settings import COMPONENTS, flags
from analyzer.text import decode

ARTIFACT = "component-flags"
COMMAND = "cat /var/lib/kubelet/kubeadm-flags.env"
PER = "node"
FILES = ("**/kubeadm-flags.env", "**/args/kube*", "**/args/flanneld", "**/sysconfig/kubelet", "**/default/kubelet")
BEGINS = (r'^KUBELET_\w+="?--', r"\A--[a-z][\w-]+[= ]")
RANK = 50

_ASSIGNED = re.compile(r'\s*(?:Environment=)?"?(\w+)=(.*)$')


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Setting facts of every line."""
    name = path.rsplit("/", 1)[-1]
    component = COMPONENTS.get(name, "kubelet")
    node = NodeName(place.node) if place.node else None
    facts: list[Fact] = []
    gaps: list[Gap] = []
    written = 0
    for number, line in enumerate(decode(data).split("\n"), first_line):
        if not line.strip():
            continue
        written += 1
        if line.lstrip().startswith(("#", "[", "ExecStart=")):
            continue
        assigned = _ASSIGNED.match(line)
        text = (assigned[2] if assigned else line).strip().strip("\"'")
        here = Source(path, number, number)
        try:
            found = list(flags(component, shlex.split(text), node, here))
        except ValueError:
            found = []
        if text and not found and not assigned:
            gaps.append(Gap(here, f"flags of {component}", line[:400]))
        facts.extend(found)
    covered = Coverage(fact="Setting", node=place.node, component=component, complete=not gaps, path=path)
    return Parsed(
        facts=tuple(facts), gaps=tuple(gaps), coverage=(covered,), lines=written, understood=written - len(gaps)
    )
