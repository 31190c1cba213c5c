"""Configuration documents of kubelet, kube-proxy, k3s, RKE2, in YAML or JSON."""

from __future__ import annotations

import re
from typing import Any

from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.component_settings import document
from analyzer.readers.yaml_tree import Broken, tree
from analyzer.text import decode

ARTIFACT = "component-config"
COMMAND = "cat /var/lib/kubelet/config.yaml"
PER = "node"
FILES = (
    "**/kubelet/config.yaml",
    "**/kubelet/*config.json",
    "**/kube-proxy/config.conf",
    "**/rancher/k3s/config.yaml",
    "**/rancher/rke2/config.yaml",
    "**/docker/daemon.json",
)
BEGINS = (
    r"^kind: *\"?(Kubelet|KubeProxy)Configuration",
    r'"kind" *: *"(Kubelet|KubeProxy)Configuration"',
    r'^\s*\{\s*"kubeletconfig"\s*:',
)
RANK = 50

_COMPONENT = {"KubeletConfiguration": "kubelet", "KubeProxyConfiguration": "kube-proxy"}
_BY_PATH = (
    ("kube-proxy", "kube-proxy"),
    ("k3s/", "k3s"),
    ("rke2/", "rke2"),
    ("docker/", "docker"),
)


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Setting facts, each at the line where its last key is first written."""
    text = decode(data)
    lines = text.split("\n")
    written = sum(1 for line in lines if line.strip())
    node = NodeName(place.node) if place.node else None
    facts: list[Fact] = []
    gaps: list[Gap] = []
    components: set[str] = set()
    try:
        # JSON is YAML, except for tabs between its tokens.
        for value in tree(text.replace("\t", " ")):
            found, component = _settings(value, path, node)
            if not component:
                raise Broken("of no known component", 1)
            components.add(component)
            facts.extend(_placed(found, lines, path, first_line))
    except Broken as error:
        line = first_line + error.line - 1
        shown = lines[min(error.line, len(lines)) - 1]
        gaps.append(Gap(Source(path, line, line), f"a configuration: {error}", shown[:400]))
    note = "not read to its end" if gaps else ""
    coverage = tuple(
        Coverage(fact="Setting", node=place.node, component=component, complete=not note, note=note, path=path)
        for component in sorted(components)
    )
    understood = written - 1 if gaps else written
    return Parsed(facts=tuple(facts), gaps=tuple(gaps), coverage=coverage, lines=written, understood=max(understood, 0))


def _settings(value: Any, path: str, node: NodeName | None) -> tuple[list[Any], str]:
    if isinstance(value, dict) and isinstance(value.get("kubeletconfig"), dict):
        value, kind = value["kubeletconfig"], "KubeletConfiguration"
    else:
        kind = str(value.get("kind", "")) if isinstance(value, dict) else ""
    component = _COMPONENT.get(kind) or next((name for part, name in _BY_PATH if part in path), "")
    here = Source(path, 1, 1)
    return (list(document(component, value, node, here)), component) if isinstance(value, dict) else ([], "")


def _placed(settings: list[Any], lines: list[str], path: str, first_line: int) -> list[Fact]:
    """The settings with the lines of their keys."""
    where: dict[str, int] = {}
    for number, text in enumerate(lines):
        if found := re.match(r"""[\s{"'-]*([\w./][\w./-]*)["']?\s*:""", text):
            where.setdefault(found[1], number)
    placed: list[Fact] = []
    for setting in settings:
        line = first_line + where.get(setting.name.rsplit(".", 1)[-1], 0)
        placed.append(type(setting)(**{**_fields(setting), "origin": Source(path, line, line)}))
    return placed


def _fields(setting: Any) -> dict[str, Any]:
    return {name: getattr(setting, name) for name in setting.__struct_fields__}
