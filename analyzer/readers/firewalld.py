"""`firewall-cmd --list-all-zones` and `--list-all`: zones of firewalld."""

from __future__ import annotations

import re
from typing import Any, Literal

from analyzer.facts.configuration import Setting
from analyzer.facts.fact import Parsed
from analyzer.facts.host import FirewallZone
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "firewalld"
COMMAND = "firewall-cmd --list-all-zones"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/firewall-cmd*", "**/firewall_cmd*", "**/firewalld*", "**/firewall-offline-cmd*")
BEGINS = (r"^[\w-]+( \((default|active|default, active)\))?\n  target: ",)
RANK = 50

ZONE = re.compile(r"([\w-]+)(?: \((default)?(?:, )?(active)?\))?\s*$")
FIELD = re.compile(r"  ([a-z][a-z -]+):\s*(.*)$")
STATE = re.compile(r"(running|not running|FirewallD is not running)\s*$")
KNOWN = {"ingress-priority", "egress-priority", "icmp-block-inversion", "protocols", "source-ports", "icmp-blocks"}
KNOWN |= {"module", "description", "forward-ports", "summary", "short"}
YES = {"yes": True, "no": False}


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """FirewallZone facts, and a Setting `state` of firewalld where only that was asked."""
    text = NodeText(data, path, place, first_line)
    zone: dict[str, Any] = {}
    begun = last = 0
    key = ""
    marked = b"(default" in data
    for number, line in text.lines:
        if not line.strip():
            continue
        if found := STATE.match(line):
            state = "running" if found[1] == "running" else "not running"
            text.add(Setting, number, component="firewalld", name="state", value=state)
        elif found := ZONE.match(line):
            _close(text, zone, begun, last)
            active = bool(found[3])
            zone, begun, key = (
                {"name": found[1], "active": active, "default": bool(found[2]) if marked else None},
                number,
                "",
            )
        elif zone and (found := FIELD.match(line)):
            key = found[1]
            if not _take(zone, key, found[2].strip()):
                text.gap(number, "a property of a zone", line)
        elif zone and line[0] in "\t " and key in ("rich rules", "forward-ports"):
            if key == "rich rules":
                zone["rich_rules"] = (*zone.get("rich_rules", ()), line.strip())
        else:
            text.gap(number, "a zone of firewalld", line)
        last = number
    _close(text, zone, begun, last)
    if zone:
        asked = re.search(r"--list-all\b(?!-zones)|--zone|get-active", f"{command} {path}")
        text.cover(FirewallZone, complete=not asked, note="only one zone" if asked else "")
    return text.done()


def _close(text: NodeText, zone: dict[str, Any], begun: int, last: int) -> None:
    """A zone without a target was cut off: what it allows is not known."""
    if "target" in zone:
        text.add(FirewallZone, begun, last, **zone)
    elif zone:
        text.gap(begun, "the properties of a zone", zone["name"])


def _take(zone: dict[str, Any], key: str, value: str) -> bool:
    match key:
        case "target":
            zone["target"] = {"%%REJECT%%": "REJECT"}.get(value, value)
        case "interfaces":
            zone["interfaces"] = tuple(value.split())
        case "sources":
            zone["sources"] = tuple(value.split())
        case "services" | "ports":
            zone["allows"] = (*zone.get("allows", ()), *value.split())
        case "masquerade" | "forward":
            zone["forwarding" if key == "forward" else key] = YES.get(value)
        case "rich rules":
            zone["rich_rules"] = (value,) if value else ()
        case _:
            return key in KNOWN
    return True
