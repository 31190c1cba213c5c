"""cilium sysdump: API lists as YAML whose kind stands behind the items, a folder of commands for each agent's pod."""

from __future__ import annotations

from tests.layouts.convert import listed, text, timed, to_yaml
from tests.layouts.dump import Dump, Files

NAME = "cilium sysdump"
TOP = "cilium-sysdump-20261123-121000"
STAMP = "20261123-121000"
LISTS = {
    "nodes": "Node", "pods": "Pod", "services": "Service", "endpoints": "Endpoints", "endpointslices": "EndpointSlice",
    "networkpolicies": "NetworkPolicy", "namespaces": "Namespace", "events": "Event",
}  # fmt: skip
COMMANDS = {
    "iptables-nft-save--c": "iptables-save.txt",
    "ip-a": "ip-addr.txt",
    "ip--d--s-l": "ip-link.txt",
    "ip--4-n": "ip-neigh.txt",
    "ip--d-rule": "ip-rule.txt",
    "sysctl--a": "sysctl-a.txt",
    "cat--etc-resolv.conf": "etc/resolv.conf",
    "hostname": "hostname.txt",
}


def render(dump: Dump) -> Files:
    files: Files = {
        f"{TOP}/cilium-sysdump.log": text("🔍 Collecting Kubernetes nodes\n✅ The sysdump has been saved\n")
    }
    agents = {node: f"cilium-{number}x7k2" for number, node in enumerate(dump.nodes)}
    for name, kind in LISTS.items():
        if dump.collected(kind):
            found = dump.objects(kind)
            if kind == "Pod":
                found = [*found, *(_agent(pod, node) for node, pod in agents.items())]
            files[f"{TOP}/k8s-{name}-{STAMP}.yaml"] = to_yaml({**listed(found, kind), "kind": f"{kind}List"})
    files[f"{TOP}/k8s-metrics-{STAMP}.yaml"] = text("# HELP apiserver_requests total\napiserver_requests 1\n")
    for node, pod in agents.items():
        home = f"{TOP}/cilium-bugtool-{pod}-{STAMP}/cmd"
        files[f"{home}/ip--4-r.md"] = text(f"# ip -4 r\n\n```\n{dump.main_routes(node)}```\n")
        files[f"{home}/iptables-legacy-save--c.md"] = text(
            "> Error while running 'iptables-legacy-save -c':  exit status 3\n\n"
        )
        for command, source in COMMANDS.items():
            if (output := dump.node(node, source)) is not None:
                files[f"{home}/{command}.md"] = text(output)
    for log in dump.logs():
        if log.pod.startswith("coredns"):
            files[f"{TOP}/logs-{log.pod}-{log.container}-{STAMP}{'-prev' if log.previous else ''}.log"] = timed(log)
    return files


def _agent(name: str, node: str) -> dict[str, object]:
    """The agent's pod, whose name is all that its folder tells of the host."""
    status = {"name": "cilium-agent", "ready": True, "restartCount": 0, "state": {"running": {}}}
    return {
        "metadata": {"name": name, "namespace": "kube-system", "labels": {"k8s-app": "cilium"}},
        "spec": {"nodeName": node, "hostNetwork": True, "containers": [{"name": "cilium-agent"}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }
