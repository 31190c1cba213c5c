"""Flags and configuration documents of Kubernetes components as Setting facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from analyzer.facts.configuration import Setting
from analyzer.facts.fact import NodeName
from analyzer.facts.source import Source

# Program or container name -> component
COMPONENTS = {
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "kube-proxy": "kube-proxy",
    "kubelet": "kubelet",
    "flanneld": "flannel",
    "kube-flannel": "flannel",
    "kube-router": "kube-router",
    "dockerd": "docker",
    "k3s": "k3s",
}
MOST_VALUES = 2000
_K3S = ("kube-proxy", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_SECRET = ("token", "password", "secret")


def flags(component: str, arguments: Sequence[str], node: NodeName | None, origin: Source) -> Iterator[Setting]:
    """Settings of a command line: --name=value, --name value, --name; arguments that k3s hands on are their owner's."""
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        position += 1
        if not argument.startswith("-"):
            continue
        name, sign, value = argument.lstrip("-").partition("=")
        if not sign:
            follows = arguments[position] if position < len(arguments) else "-"
            value = "true" if follows.startswith("-") else follows
            position += value is follows
        if not name or any(word in name for word in _SECRET):
            continue
        handed = name.removesuffix("-arg")
        if component == "k3s" and handed != name and handed in _K3S:
            yield from flags(handed, [f"--{value.removeprefix('--')}"], node, origin)
        else:
            yield Setting(node=node, component=component, name=name, value=value, origin=origin)


def document(component: str, tree: object, node: NodeName | None, origin: Source) -> Iterator[Setting]:
    """Settings of a configuration document, by dotted path; lists are joined by commas, null is left out."""
    for number, (name, value) in enumerate(_leaves(tree)):
        if number >= MOST_VALUES:
            return
        if name not in ("apiVersion", "kind") and not any(word in name.lower() for word in _SECRET):
            yield Setting(node=node, component=component, name=name, value=value, origin=origin)


def _leaves(tree: object) -> Iterator[tuple[str, str]]:
    pending: list[tuple[str, Any]] = [("", tree)]
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict):
            inner = [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
            pending.extend(reversed(inner))
        elif isinstance(value, list):
            if all(not isinstance(item, dict | list) for item in value):
                yield name, ",".join(_text(item) for item in value)
        elif value is not None:
            yield name, _text(value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def extra_arguments(tree: object) -> Iterable[tuple[str, str]]:
    """extraArgs of kubeadm: a map, or a list of name and value."""
    if isinstance(tree, dict):
        return [(str(name), _text(value)) for name, value in tree.items()]
    if isinstance(tree, list):
        return [(str(one.get("name")), _text(one.get("value"))) for one in tree if isinstance(one, dict)]
    return []
