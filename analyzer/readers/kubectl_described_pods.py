"""Pods that `kubectl describe` prints: put back into the shape of the API, so that both give the same facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from analyzer.facts.fact import Fact
from analyzer.facts.source import Source
from analyzer.facts.workloads import Container, Pod
from analyzer.readers.kubectl_objects import PodObject
from analyzer.readers.kubectl_pods import pod_facts
from analyzer.readers.kubectl_region import Region
from analyzer.readers.kubectl_sections import Described, Section, labels, moment

_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
_PORT = re.compile(r"(\d+)/(\w+)(?: \(([^)]*)\))?")
_ARMS = {"Waiting": "waiting", "Running": "running", "Terminated": "terminated"}


class _Lines(Region):
    """The lines of one described object: those of its containers by name."""

    __slots__ = ("_by_name", "_first", "_where")

    def __init__(self, path: str, one: Described, by_name: dict[str, int]) -> None:
        super().__init__(path, b"", 0, 0, one.line, one.last)
        self._where, self._first, self._by_name = path, one.line, by_name

    def at(self, key: str, value: str | int | None = None, after: str = "", wide: bool = False) -> Source:
        """The line of the container's name, or of the object's."""
        line = self._by_name.get(str(value), self._first) if after != "metadata" else self._first
        return Source(self._where, line, line)


def described_pod(one: Described, path: str) -> Iterator[Fact]:
    """Pod, Container, ContainerPort and Setting facts; what describe does not print stays unknown."""
    by_name: dict[str, int] = {}
    containers = [_container(section, by_name) for section in _inner(one, "Containers")]
    initial = [_container(section, by_name) for section in _inner(one, "Init Containers")]
    status, owner = one.text("Status"), one.text("Controlled By").partition("/")
    leaving = status.startswith("Terminating")
    conditions = [
        {"type": cells[0], "status": cells[1]}
        for section in one.sections
        if section.key == "Conditions"
        for _, cells in section.table()
        if len(cells) >= 2
    ]
    addresses = [{"ip": section.value} for section in _inner(one, "IPs") if section.key == "IP"]
    tree: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {
            "name": one.text("Name"),
            "namespace": one.text("Namespace") or "default",
            "labels": labels(one.get("Labels")),
            "ownerReferences": [{"kind": owner[0], "name": owner[2]}] if owner[2] else [],
            "deletionTimestamp": status if leaving else None,
        },
        "spec": {
            "nodeName": one.text("Node").partition("/")[0] or None,
            "serviceAccountName": one.text("Service Account") or None,
            "containers": [spec for spec, _ in containers],
            "initContainers": [spec for spec, _ in initial],
        },
        "status": {
            "phase": status if status in _PHASES else None,
            "reason": one.text("Reason") or None,
            "podIP": one.text("IP") or None,
            "podIPs": addresses,
            "startTime": moment(one.text("Start Time")),
            "conditions": conditions,
            "containerStatuses": [state for _, state in containers if state],
            "initContainerStatuses": [state for _, state in initial if state],
        },
    }
    try:
        pod = msgspec.convert(tree, PodObject, strict=False)
    except msgspec.ValidationError:
        return
    for fact in pod_facts(pod, _Lines(path, one, by_name)):
        if isinstance(fact, Pod):
            yield _as_far_as_said(fact, one, bool(conditions))
        elif isinstance(fact, Container):
            # An argument with line breaks cannot be told from several arguments.
            yield msgspec.structs.replace(fact, arguments=None)
        else:
            yield fact


def _as_far_as_said(pod: Pod, one: Described, conditions: bool) -> Pod:
    """The pod without what the API would have meant by leaving out what describe, or who trimmed it, leaves out."""
    said = one.keys()
    return msgspec.structs.replace(
        pod,
        host_network=None,
        ready=pod.ready if conditions else None,
        labels=pod.labels if "Labels" in said else None,
        restarts=pod.restarts if "Containers" in said else None,
        terminating=pod.terminating if "Status" in said else None,
        ips=pod.ips if said & {"IP", "IPs"} else None,
    )


def _inner(one: Described, key: str) -> list[Section]:
    found = one.get(key)
    return found.inner() if found else []


def _container(section: Section, by_name: dict[str, int]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """spec and status of a container."""
    said = {part.key: part for part in section.inner()}
    by_name[section.key] = section.line

    def text(key: str) -> str:
        return said[key].value if key in said and said[key].value != "<none>" else ""

    host = [match[1] for match in _PORT.finditer(text("Host Ports") or text("Host Port"))]
    ports = [
        {
            "containerPort": int(match[1]),
            "protocol": match[2],
            "name": match[3],
            "hostPort": int(host[number]) if number < len(host) else None,
        }
        for number, match in enumerate(_PORT.finditer(text("Ports") or text("Port")))
    ]
    lists = [part.strip() for key in ("Command", "Args") if key in said for _, part in said[key].body]
    spec = {"name": section.key, "image": text("Image") or None, "ports": ports, "command": lists}
    if "State" not in said:
        return spec, None
    status = {
        "name": section.key,
        "ready": text("Ready") == "True",
        "restartCount": int(text("Restart Count")) if text("Restart Count").isdecimal() else None,
        "state": _state(said["State"]),
        "lastState": _state(said["Last State"]) if "Last State" in said else None,
    }
    return spec, status


def _state(section: Section) -> dict[str, Any]:
    said = {part.key: part.value for part in section.inner()}
    arm = _ARMS.get(section.value)
    if arm is None:
        return {}
    code = said.get("Exit Code", "")
    return {
        arm: {
            "reason": said.get("Reason"),
            "message": said.get("Message"),
            "exitCode": int(code) if code.lstrip("-").isdecimal() else None,
            "finishedAt": moment(said.get("Finished", "")),
        }
    }
