"""Formats that collectors write, made from API objects and outputs of commands."""

from __future__ import annotations

import json
from collections.abc import Iterable

import yaml

from tests.layouts.dump import Dump, Object, PodLog

GROUPS = {
    "Pod": ("core", "pods", "v1"),
    "Service": ("core", "services", "v1"),
    "Endpoints": ("core", "endpoints", "v1"),
    "ConfigMap": ("core", "configmaps", "v1"),
    "Event": ("core", "events", "v1"),
    "Deployment": ("apps", "deployments", "apps/v1"),
    "DaemonSet": ("apps", "daemonsets", "apps/v1"),
    "ReplicaSet": ("apps", "replicasets", "apps/v1"),
    "StatefulSet": ("apps", "statefulsets", "apps/v1"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies", "networking.k8s.io/v1"),
    "EndpointSlice": ("discovery.k8s.io", "endpointslices", "discovery.k8s.io/v1"),
}
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def text(content: str) -> bytes:
    """A file's bytes."""
    return content.encode()


def to_yaml(value: object) -> bytes:
    """A document as kubectl and oc print it."""
    return bytes(yaml.dump(value, Dumper=_DUMPER, default_flow_style=False, width=10**6, encoding="utf-8"))


def to_json(value: object, indent: int | None = 4) -> bytes:
    """A document as kubectl prints it."""
    return json.dumps(value, indent=indent, ensure_ascii=False).encode() + b"\n"


def in_namespace(objects: Iterable[Object], namespace: str) -> list[Object]:
    """Those of one namespace."""
    return [one for one in objects if one["metadata"].get("namespace") == namespace]


def full(one: Object, kind: str) -> Object:
    """The object with its kind, which items of a typed list lack."""
    version = GROUPS.get(kind, ("", "", "v1"))[2]
    return {"apiVersion": one.get("apiVersion", version), "kind": kind, **_without(one, "apiVersion", "kind")}


def bare(one: Object) -> Object:
    """The object as an item of a typed list: without kind."""
    return _without(one, "apiVersion", "kind")


def listed(objects: Iterable[Object], kind: str) -> Object:
    """A List as kubectl prints it."""
    return {"apiVersion": "v1", "items": [full(one, kind) for one in objects], "kind": "List", "metadata": {}}


def typed(objects: Iterable[Object], kind: str) -> Object:
    """A PodList and the like, as the API returns it."""
    version = GROUPS.get(kind, ("", "", "v1"))[2]
    return {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": [bare(one) for one in objects]}


def _without(one: Object, *names: str) -> Object:
    return {name: value for name, value in one.items() if name not in names}


def table(rows: list[list[str]]) -> str:
    """Columns as kubectl aligns them."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + "\n" for row in rows
    )


def nodes_table(dump: Dump) -> str:
    """`kubectl get nodes -o wide`."""
    if found := dump.cluster("nodes.txt"):
        return found
    rows = [["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP", "EXTERNAL-IP"]]
    for node in dump.objects("Node"):
        status = node.get("status", {})
        ready = next((c["status"] for c in status.get("conditions", ()) if c["type"] == "Ready"), "Unknown")
        ip = next((a["address"] for a in status.get("addresses", ()) if a["type"] == "InternalIP"), "<none>")
        version = status.get("nodeInfo", {}).get("kubeletVersion", "v1.30.0")
        rows.append(
            [
                node["metadata"]["name"],
                "Ready" if ready == "True" else "NotReady",
                "<none>",
                "5d",
                version,
                ip,
                "<none>",
            ]
        )
    return table(rows)


def pods_table(dump: Dump, wide: bool = True) -> str:
    """`kubectl get pods -A [-o wide]`."""
    rows = [["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", *(["IP", "NODE"] if wide else [])]]
    for pod in dump.objects("Pod"):
        states = pod.get("status", {}).get("containerStatuses", [])
        waiting = [s["state"]["waiting"]["reason"] for s in states if "waiting" in s.get("state", {})]
        rows.append(
            [
                pod["metadata"]["namespace"],
                pod["metadata"]["name"],
                f"{sum(s['ready'] for s in states)}/{len(pod['spec'].get('containers', states))}",
                next(iter(waiting), pod.get("status", {}).get("phase", "Unknown")),
                str(sum(s.get("restartCount", 0) for s in states)),
                "5d",
                *([pod["status"].get("podIP", "<none>"), pod["spec"].get("nodeName", "<none>")] if wide else []),
            ]
        )
    return table(rows)


def services_table(dump: Dump, wide: bool = True) -> str:
    """`kubectl get services -A [-o wide]`."""
    rows = [
        [
            "NAMESPACE",
            "NAME",
            "TYPE",
            "CLUSTER-IP",
            "EXTERNAL-IP",
            "PORT(S)",
            "AGE",
            *(["SELECTOR"] if wide else []),
        ]
    ]
    for service in dump.objects("Service"):
        spec = service["spec"]
        ports = [
            f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p.get('protocol', 'TCP')}"
            for p in spec.get("ports", ())
        ]
        selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
        rows.append(
            [
                service["metadata"]["namespace"],
                service["metadata"]["name"],
                spec.get("type", "ClusterIP"),
                spec.get("clusterIP", "<none>"),
                spec.get("externalName", "<none>"),
                ",".join(ports) or "<none>",
                "5d",
                *([selector or "<none>"] if wide else []),
            ]
        )
    return table(rows)


def endpoints_table(dump: Dump) -> str:
    """`kubectl get endpoints -A`: at most three addresses, then "+ N more..."."""
    rows = [["NAMESPACE", "NAME", "ENDPOINTS", "AGE"]]
    for one in dump.objects("Endpoints"):
        found = [
            f"{address['ip']}:{port['port']}"
            for subset in one.get("subsets") or ()
            for port in subset.get("ports") or ()
            for address in subset.get("addresses") or ()
        ]
        more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
        rows.append(
            [one["metadata"]["namespace"], one["metadata"]["name"], ",".join(found[:3]) + more or "<none>", "5d"]
        )
    return table(rows)


def cri(log: PodLog) -> bytes:
    """A container's log as the runtime writes it: time, stream and flag before each line."""
    stamp = "2026-11-23T12:12:58.000000000Z"
    return "".join(f"{_time(line) or stamp} stdout F {line}\n" for line in log.text.splitlines()).encode()


def timed(log: PodLog) -> bytes:
    """A container's log with the API's timestamps."""
    stamp = "2026-11-23T12:12:58.000000000Z"
    return "".join(f"{_time(line) or stamp} {line}\n" for line in log.text.splitlines()).encode()


def _time(line: str) -> str:
    first = line.split(" ", 1)[0]
    return first if len(first) > 19 and first[4] == first[7] == "-" and first.endswith("Z") else ""


def journal(unit: str, host: str, log: str) -> bytes:
    """Lines of a component as `journalctl --no-pager -u UNIT` prints them; klog's header stays."""
    out = []
    clock = "Nov 23 12:08:10"
    for line in log.splitlines():
        if len(line) > 14 and line[0] in "IWEF" and line[1:5].isdigit():
            clock = f"Nov {line[3:5]} {line[6:14]}"
        out.append(f"{clock} {host} {unit}[7905]: {line}\n")
    return "".join(out).encode()
