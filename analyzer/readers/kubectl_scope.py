"""Which objects a kubectl output holds: its resource, its namespace, and whether it is all of them."""

from __future__ import annotations

import re

import msgspec

from analyzer.facts.fact import Coverage
from analyzer.facts.source import Place
from analyzer.readers.kubectl_convert import KINDS

_NAMES = {
    "Node": ("node", "nodes", "no"),
    "Pod": ("pod", "pods", "po"),
    "Deployment": ("deployment", "deployments", "deploy"),
    "DaemonSet": ("daemonset", "daemonsets", "ds"),
    "StatefulSet": ("statefulset", "statefulsets", "sts"),
    "ReplicaSet": ("replicaset", "replicasets", "rs"),
    "Namespace": ("namespace", "namespaces", "ns"),
    "Event": ("event", "events", "ev"),
    "ConfigMap": ("configmap", "configmaps", "cm"),
    "Service": ("service", "services", "svc"),
    "Endpoints": ("endpoint", "endpoints", "ep"),
    "EndpointSlice": ("endpointslice", "endpointslices"),
    "Ingress": ("ingress", "ingresses", "ing"),
    "NetworkPolicy": ("networkpolicy", "networkpolicies", "netpol", "network-policy", "network-policies"),
    "Role": ("role", "roles"),
    "ClusterRole": ("clusterrole", "clusterroles"),
    "RoleBinding": ("rolebinding", "rolebindings"),
    "ClusterRoleBinding": ("clusterrolebinding", "clusterrolebindings"),
}
_KIND = {name: kind for kind, names in _NAMES.items() for name in names}
_ALL_NAMESPACES = re.compile(r"(?:^|\s)(?:-A|--all-namespaces(?:=true)?)(?:\s|$)")
_NAMESPACE = re.compile(r"(?:^|\s)(?:-n|--namespace)[ =]?([\w.-]+)")
_FILTER = re.compile(r"(?:^|\s)(-l[ =]?\S+|--selector[ =]\S+|--field-selector[ =]\S+)")
_OPTION = r"(?:(?:-o|-n|-l|-f|--output|--namespace|--selector|--context|--kubeconfig)\s+\S+\s+|-\S+\s+)"
_VERB = re.compile(rf"\b(?:get|describe)\s+{_OPTION}*+([\w.,/-]+)(?:\s+(?!-)([^\s|;&>]+))?")


def kind_of(word: str) -> str | None:
    """The kind that a resource word of kubectl means: po, pods, deployments.apps, NodeList."""
    word = word.strip()
    for name in (word, word.removesuffix("List")):
        if name in KINDS:
            return name
    return _KIND.get(word.lower().split(".", 1)[0])


class Asked(msgspec.Struct, frozen=True):
    """What was asked for: the kinds (if known), the namespace ("" all, None unknown), and why it is only a part.

    together: other artifacts hold the other objects, one in each
    """

    kinds: tuple[str, ...] = ()
    namespace: str | None = None
    part: str = ""
    together: bool = False


def asked(command: str, path: str, place: Place) -> Asked:
    """What a command, the place of the artifact and, last, its path say."""
    namespace = "" if place.all_namespaces else place.namespace
    kinds: tuple[str, ...] = ()
    part = ""
    if command:
        if _ALL_NAMESPACES.search(command):
            namespace = ""
        elif found := _NAMESPACE.search(command):
            namespace = found[1]
        if found := _FILTER.search(command):
            part = f"filtered by {found[1]}"
        if (found := _VERB.search(command)) and found[1] != "all":
            kinds = tuple(kind for word in found[1].split(",") if (kind := kind_of(word.split("/", 1)[0])))
            if found[2] or "/" in found[1]:
                part = f"only {found[2] or found[1]}"
    return Asked(kinds or _from_path(path, place.namespace), namespace, part, place.together)


def _from_path(path: str, namespace: str | None) -> tuple[str, ...]:
    """The kind that a name tells: networkpolicies.json, k8s-pods-20240101.yaml, network-policy/NS.json."""
    folders = path.split("/")
    stem = folders.pop().rsplit(".", 1)[0]
    if stem == namespace:  # kube-node-lease is no node
        stem = ""
    words = [stem, *reversed(re.split(r"[_.]|-(?!polic)", stem)), *reversed(folders[-2:])]
    return next(((kind,) for word in words if len(word) > 2 and (kind := kind_of(word))), ())


def coverage(
    kinds: set[str], namespaces: set[str], wanted: Asked, path: str, note: str = "", single: bool = False
) -> list[Coverage]:
    """One entry for each fact type that objects of these kinds give.

    namespaces: those that objects of the artifact are in; note: why something of it may be missing, if so
    single: whether it holds one object and not a list
    """
    found: dict[tuple[str, str | None, str | None], Coverage] = {}
    for kind in sorted(kinds):
        definition = KINDS[kind]
        space, unsure = _space(namespaces, wanted) if definition.namespaced else (None, "")
        why = note or wanted.part or unsure or ("one object only" if single and not wanted.together else "")
        for fact in definition.facts:
            component = kind if definition.facts in (("Workload",), ("RoleRule",), ("RoleBinding",)) else None
            entry = Coverage(fact=fact, namespace=space, component=component, complete=not why, note=why, path=path)
            found.setdefault((fact, space, component), entry)
    return list(found.values())


def _space(namespaces: set[str], wanted: Asked) -> tuple[str | None, str]:
    if wanted.namespace == "" or len(namespaces) > 1:
        return None, ""
    if wanted.namespace:
        return wanted.namespace, ""
    if namespaces:
        return next(iter(namespaces)), ""
    return None, "the namespace that was asked for is not known"
