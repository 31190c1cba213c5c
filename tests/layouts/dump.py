"""The artifacts of one bundle of the lab's form (nodes/NODE/..., cluster/...), to be written in another form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.bundle import open_bundle

Object = dict[str, Any]
Files = dict[str, bytes]


class PodLog(NamedTuple):
    """What one container wrote."""

    namespace: str
    pod: str
    container: str
    previous: bool
    text: str


class Dump:
    """One bundle's files by their path below its top folder."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.nodes = sorted({path.split("/")[1] for path in files if path.startswith("nodes/")})

    def node(self, node: str, name: str) -> str | None:
        """The text of one file of a node."""
        data = self.files.get(f"nodes/{node}/{name}")
        return None if data is None else data.decode("utf-8", "replace")

    def below(self, node: str, folder: str) -> Iterator[tuple[str, bytes]]:
        """Files of a node below a folder, by their path below it."""
        start = f"nodes/{node}/{folder}/"
        yield from ((path[len(start) :], data) for path, data in self.files.items() if path.startswith(start))

    def cluster(self, name: str) -> str | None:
        """The text of one file about the cluster."""
        data = self.files.get(f"cluster/{name}")
        return None if data is None else data.decode("utf-8", "replace")

    def objects(self, kind: str) -> list[Object]:
        """The API objects of a kind."""
        return _objects(self).get(kind, [])

    def collected(self, kind: str) -> bool:
        """Whether objects of that kind were asked for."""
        return kind in _objects(self)

    def namespaces(self) -> list[str]:
        """Every namespace."""
        return sorted(one["metadata"]["name"] for one in self.objects("Namespace"))

    def pods_of(self, node: str) -> list[Object]:
        """Pods that run on a node."""
        return [pod for pod in self.objects("Pod") if pod["spec"].get("nodeName") == node]

    def logs(self) -> Iterator[PodLog]:
        """What containers wrote, current and previous."""
        for path, data in self.files.items():
            if found := re.fullmatch(r"cluster/pod-logs/([^_]+)_([^_]+)_([^_]+?)(\.previous)?\.log", path):
                yield PodLog(found[1], found[2], found[3], bool(found[4]), data.decode("utf-8", "replace"))

    def main_routes(self, node: str) -> str:
        """`ip route` of a node: table main, IPv4."""
        if (found := self.node(node, "ip-route.txt")) is not None:
            return found
        lines = (self.node(node, "ip-route-all.txt") or "").splitlines()
        return "".join(f"{line}\n" for line in lines if " table " not in line and ":" not in line.split(" dev ")[0])

    def agent_log(self, node: str) -> tuple[str, str] | None:
        """Name and text of the kubelet's log: of k3s where all is one process."""
        for name in ("k3s", "kubelet"):
            if (text := self.node(node, f"var/log/{name}.log")) is not None:
                return name, text
        return None


_KINDS = {
    "pods": "Pod", "svc": "Service", "services": "Service", "nodes": "Node", "endpoints": "Endpoints",
    "endpointslices": "EndpointSlice", "networkpolicies": "NetworkPolicy", "configmaps": "ConfigMap",
    "namespaces": "Namespace", "events": "Event", "deployments": "Deployment", "daemonsets": "DaemonSet",
    "replicasets": "ReplicaSet", "statefulsets": "StatefulSet", "ingresses": "Ingress",
}  # fmt: skip


@cache
def _objects(dump: Dump) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for stem, kind in _KINDS.items():
        if (text := dump.cluster(f"{stem}.json")) is not None:
            found[kind] = json.loads(text)["items"]
    return found


@cache
def load(path: Path) -> Dump:
    """The dump in a folder or archive, without the folder that an archive of one bundle starts with."""
    with open_bundle([path]) as bundle:
        files = {member.path: bundle.read(member.path) for member in bundle.members}
    if not any(name.startswith("nodes/") for name in files):
        files = {name.split("/", 1)[1]: data for name, data in files.items() if "/" in name}
    return Dump(files)
