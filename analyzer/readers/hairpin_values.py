"""The bare digits that a loop over hairpin_mode files prints: one a port, without the port's name."""

from __future__ import annotations

import re
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.routing import BridgePort
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "hairpin-values"
COMMAND = "for f in /sys/devices/virtual/net/*/brif/*/hairpin_mode; do cat $f; done"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/*hairpin*",)
# Digits alone are in many files: the name must tell.
BEGINS: tuple[str, ...] = ()
RANK = 20


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """BridgePort facts named "port 1", "port 2" in the order of the digits."""
    text = NodeText(data, path, place, first_line)
    named = re.search(r"net/([\w.-]+)/brif", command)
    ports = 0
    for number, line in text.lines:
        for word in line.split():
            if word not in ("0", "1"):
                text.gap(number, "0 or 1", line)
                break
            ports += 1
            text.add(BridgePort, number, dev=f"port {ports}", bridge=named[1] if named else None, hairpin=word == "1")
    text.cover(BridgePort, note="ports without names")
    return text.done()
