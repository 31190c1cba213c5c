"""troubleshoot.sh support bundle of today: typed lists, host collectors run on every node, commands noted beside."""

from __future__ import annotations

from tests.layouts.convert import in_namespace, text, to_json, typed
from tests.layouts.dump import Dump, Files

NAME = "troubleshoot.sh support bundle"
TOP = "support-bundle-2026-11-23T12_10_00"
FOLDERS = {
    "Pod": "pods", "Service": "services", "Endpoints": "endpoints", "EndpointSlice": "endpointslices",
    "NetworkPolicy": "network-policy", "Ingress": "ingress", "Deployment": "deployments", "DaemonSet": "daemonsets",
    "StatefulSet": "statefulsets", "ReplicaSet": "replicasets", "Event": "events", "ConfigMap": "configmaps",
}  # fmt: skip
# Names are the vendor's to choose: these say nothing.
COMMANDS = {
    "nat-and-filter": ("iptables-save.txt", "iptables-save"),
    "r1": ("ip-route.txt", "ip route"),
    "r1-all": ("ip-route-all.txt", "ip route show table all"),
    "nics": ("ip-link.txt", "ip -d link"),
    "nic-addresses": ("ip-addr.txt", "ip addr"),
    "kernel": ("sysctl-a.txt", "sysctl -a"),
    "resolver": ("etc/resolv.conf", "cat /etc/resolv.conf"),
}
IPV4 = ("net.ipv4.", "net.bridge.", "vm.")


def render(dump: Dump) -> Files:
    home = f"{TOP}/cluster-resources"
    files: Files = {f"{TOP}/version.yaml": VERSION, f"{TOP}/analysis.json": b"[]"}
    files[f"{home}/nodes.json"] = to_json(typed(dump.objects("Node"), "Node"))
    files[f"{home}/namespaces.json"] = to_json(typed(dump.objects("Namespace"), "Namespace"))
    for kind, folder in FOLDERS.items():
        for namespace in dump.namespaces() if dump.collected(kind) else ():
            found = in_namespace(dump.objects(kind), namespace)
            # a list without items is written with null
            files[f"{home}/{folder}/{namespace}.json"] = to_json({**typed(found, kind), "items": _bare(found) or None})
    files.update(pod_logs(dump, home))
    for node in dump.nodes:
        files[f"{TOP}/sysctl/{node}"] = sysctl(dump, node)
        files.update(run_host(dump, node, f"{TOP}/host-collectors/run-host/{node}", "/usr/bin/"))
        files[f"{TOP}/host-collectors/run-host/{node}/nope.txt"] = b""
        files[f"{TOP}/host-collectors/run-host/{node}/nope-info.json"] = to_json(
            {"command": "/usr/sbin/ipvsadm -Ln", "exitCode": "127", "error": "executable file not found in $PATH"}, 2
        )
    return files


VERSION = text(
    "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\nmetadata:\n  name: support-bundle\nspec:\n"
    "  versionNumber: v0.119.1\n"
)


def _bare(found: list[dict[str, object]]) -> object:
    return typed(found, "Pod")["items"]


def pod_logs(dump: Dump, home: str) -> Files:
    """Logs of the pods that are not well, as the collector takes them unasked."""
    unwell = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"])
        for pod in dump.objects("Pod")
        if not all(one.get("ready") for one in pod.get("status", {}).get("containerStatuses", ()))
    }
    return {
        f"{home}/pods/logs/{log.namespace}/{log.pod}/{log.container}{'-previous' if log.previous else ''}.log": text(
            log.text
        )
        for log in dump.logs()
        if (log.namespace, log.pod) in unwell
    }


def sysctl(dump: Dump, node: str) -> bytes:
    """The sysctl collector's lines: `/proc/sys/net/ipv4/ip_forward = 1`."""
    lines = []
    for line in (dump.node(node, "sysctl-a.txt") or "").splitlines():
        key, equals, value = line.partition(" = ")
        if equals and key.startswith(IPV4):
            lines.append(f"/proc/sys/{key.replace('.', '/')} = {value}\n")
    return "".join(lines).encode()


def run_host(dump: Dump, node: str, home: str, programs: str) -> Files:
    """What the run collectors wrote on a node: NAME.txt, and the command in NAME-info.json."""
    files: Files = {}
    for name, (file, command) in COMMANDS.items():
        output = dump.main_routes(node) if command == "ip route" else dump.node(node, file)
        if output is not None:
            files[f"{home}/{name}.txt"] = text(output)
            files[f"{home}/{name}-info.json"] = to_json(
                {"command": programs + command, "exitCode": "0", "error": "", "outputDir": "", "input": "", "env": []},
                2,
            )
    return files
