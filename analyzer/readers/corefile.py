"""A Corefile in a file of its own: the configuration of CoreDNS, as its ConfigMap holds it."""

from __future__ import annotations

import re

from analyzer.facts.fact import Coverage, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.facts.workloads import ConfigMap
from analyzer.text import decode

ARTIFACT = "corefile"
COMMAND = "kubectl get configmap -n kube-system coredns -o yaml"
PER = "cluster"
FILES = ("**/Corefile*", "**/corefile*")
BEGINS = (r"^(\.|[\w.-]+)(:\d+)?( [\w.:-]+)* \{\n\s+(errors|health|log|ready|kubernetes|forward|cache|loop)\b",)
RANK = 30

_BLOCK = re.compile(r"^\S.*\{\s*$", re.MULTILINE)


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """The ConfigMap coredns of kube-system, if every server block is closed."""
    text = decode(data)
    lines = text.split("\n")
    written = sum(1 for line in lines if line.strip())
    bare = re.sub(r"#.*|\"[^\"\n]*\"", "", text)
    whole = bool(_BLOCK.search(bare)) and bare.count("{") == bare.count("}")
    here = Source(path, first_line, first_line + len(lines) - 1)
    fact = ConfigMap(namespace="kube-system", name="coredns", data={"Corefile": text}, origin=here)
    note = "" if whole else "its server blocks are not closed"
    covered = Coverage(
        fact="ConfigMap", namespace="kube-system", complete=False, note=note or "one object only", path=path
    )
    return Parsed(
        facts=(fact,) if whole else (),
        gaps=() if whole or not written else (Gap(here, "a Corefile", text.strip()[:400]),),
        coverage=(covered,),
        lines=written,
        understood=written if whole else 0,
    )
