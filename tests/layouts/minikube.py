"""minikube logs of a cluster of one node: one text, each part under a heading with its name and its container."""

from __future__ import annotations

from tests.layouts.convert import journal, text
from tests.layouts.dump import Dump, Files

NAME = "minikube logs"


def render(dump: Dump) -> Files:
    node = dump.nodes[0]
    parts = [("Audit", "|---------|------|---------|\n| Command | Args | Profile |\n|---------|------|---------|\n")]
    parts.append(("Last Start", "Log file created at: 2026/11/23 12:00:00\nRunning on machine: laptop\n"))
    here = {pod["metadata"]["name"] for pod in dump.pods_of(node)}
    for log in dump.logs():
        if log.pod in here and log.namespace == "kube-system" and not log.previous:
            parts.append((f"{log.container} [0a1b2c3d4e5f]", log.text))
    parts.append(("container status", dump.node(node, "crictl-ps.txt") or ""))
    if described := dump.cluster("describe-nodes.txt"):
        parts.append(("describe nodes", described))
    parts.append(("dmesg", "[Nov23 12:00] kauditd_printk_skb: 12 callbacks suppressed\n"))
    if agent := dump.agent_log(node):
        parts.append(("kubelet", journal("kubelet", node, agent[1]).decode()))
    return {"logs.txt": text("".join(f"\n==> {name} <==\n{body.rstrip()}\n\n" for name, body in parts))}
