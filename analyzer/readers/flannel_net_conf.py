"""flannel's net-conf.json on a node."""

from __future__ import annotations

from analyzer.facts.fact import Coverage, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.flannel_settings import backend
from analyzer.text import decode

ARTIFACT = "flannel-net-conf"
COMMAND = "cat /etc/kube-flannel/net-conf.json"
PER = "node"
FILES = ("**/net-conf.json", "**/flannel/*.json")
BEGINS = (r'"Backend"\s*:\s*\{\s*"(Type|VNI|Port)"', r'^\s*\{\s*"(Network|EnableIPv4)"\s*:')
RANK = 50


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """A FlannelBackend fact."""
    text = decode(data)
    lines = text.split("\n")
    written = sum(1 for line in lines if line.strip())
    said = next((number for number, line in enumerate(lines) if '"Type"' in line or '"Network"' in line), 0)
    source = Source(path, first_line + said, first_line + said)
    found = backend(text, NodeName(place.node) if place.node else None, source)
    gaps = () if found else (Gap(source, "flannel's net-conf.json", text.strip()[:400]),)
    covered = Coverage(fact="FlannelBackend", node=place.node, complete=bool(found), path=path)
    return Parsed(
        facts=(found,) if found else (),
        gaps=gaps,
        coverage=(covered,),
        lines=written,
        understood=written if found else 0,
    )
