"""`kubectl describe` of nodes, pods, services and endpoints; of other objects its events."""

from __future__ import annotations

import re

from analyzer.facts.fact import Coverage, Fact, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.kubectl_collected import Collected
from analyzer.readers.kubectl_described import endpoints_facts, event_facts, node_facts, service_facts
from analyzer.readers.kubectl_described_pods import described_pod
from analyzer.readers.kubectl_scope import asked
from analyzer.readers.kubectl_sections import Described, objects
from analyzer.text import decode

ARTIFACT = "kubectl-describe"
COMMAND = "kubectl describe {resource} -A"
PER = "cluster"
FILES = ("**/describe-*.txt", "**/describe_*", "**/*describe*.txt")
BEGINS = (r"^Name: +\S+\n(?:Namespace|Labels|Roles|Priority): ",)
RANK = 60

_KNOWN = re.compile(r"Warning: |[WI]\d{4} \d\d:|.*[#$+>] *(kubectl|oc|k3s) |\+ |[=#-]{3,}|No resources found")

_ON_A_NODE = re.compile(r"[^/\s]+/[\da-f.:]+")  # only pods say so: a name and an address


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Facts of every object in the text."""
    collected = Collected(path)
    lines = list(enumerate(decode(data).split("\n"), first_line))
    note = ""
    for number, text in lines:
        if text.startswith("Name:"):
            break
        if text.strip() and not _KNOWN.match(text):
            collected.gap(Gap(Source(path, number, number), "an object of kubectl describe", text[:400]))
    found = objects(lines)
    kinds: set[str] = set()
    spaces: set[str] = set()
    wanted = asked(command, path, place)
    for one in found:
        kind = _kind(one) or ("Pod" if wanted.kinds == ("Pod",) else "")
        if kind == "Pod" and one.get("Containers") is None:
            note = note or f"the object at line {one.line} is only a part of what describe prints"
        facts = _facts(one, kind, path)
        if kind and not facts:
            here = Source(path, one.line, one.last)
            collected.gap(Gap(here, f"a described {kind}", one.text("Name")), one.last - one.line + 1)
            note = f"an object at line {one.line} was not understood"
        if facts:
            kinds.add(kind)
            spaces |= {one.text("Namespace")} - {""}
        collected.facts.extend(facts)
        collected.facts.extend(event_facts(one, kind or one.text("Kind") or "Object", path))
        if any(section.key == "Endpoints" and " more..." in section.value for section in one.sections):
            note = note or f"the object at line {one.line} lists only some of its endpoints"
    single = len(found) == 1 and not command
    collected.cover(kinds, spaces, wanted, note, single)
    if "Service" in kinds:
        for entry in list(collected.parsed(0).coverage):
            if entry.fact == "Service":
                note = entry.note
                collected.note(
                    Coverage(fact="Endpoint", namespace=entry.namespace, complete=not note, note=note, path=path)
                )
    return collected.parsed(sum(1 for _, text in lines if text.strip()))


def _kind(one: Described) -> str:
    keys = one.keys()
    if "Containers" in keys and ("Node" in keys or "IP" in keys or "IPs" in keys):
        return "Pod"
    if "Namespace" in keys and _ON_A_NODE.fullmatch(one.text("Node")):
        return "Pod"
    if "Session Affinity" in keys and "Type" in keys:
        return "Service"
    if "Subsets" in keys:
        return "Endpoints"
    return "Node" if "System Info" in keys or {"Conditions", "Capacity"} <= keys else ""


def _facts(one: Described, kind: str, path: str) -> list[Fact]:
    match kind:
        case "Pod":
            return list(described_pod(one, path))
        case "Service":
            return list(service_facts(one, path))
        case "Endpoints":
            return list(endpoints_facts(one, path))
        case "Node":
            return list(node_facts(one, path))
        case _:
            return []
