"""What people paste: a terminal of each node with prompts and outputs in one file, and one of kubectl."""

from __future__ import annotations

from collections.abc import Iterator

from tests.layouts.convert import listed, text, to_json
from tests.layouts.dump import Dump, Files

NAME = "files"
COMMANDS = {
    "hostname": "hostname.txt",
    "date": "date.txt",
    "iptables-save": "iptables-save.txt",
    "sudo ip route show table all": "ip-route-all.txt",
    "ip addr": "ip-addr.txt",
    "ip -d link": "ip-link.txt",
    "ip rule": "ip-rule.txt",
    "ip neigh": "ip-neigh.txt",
    "bridge fdb": "bridge-fdb.txt",
    "bridge -d link": "bridge-link.txt",
    "sysctl -a": "sysctl-a.txt",
    "ss -tlnp": "ss-tlnp.txt",
    "ss -ulnp": "ss-ulnp.txt",
    "cat /etc/resolv.conf": "etc/resolv.conf",
    "cat /run/flannel/subnet.env": "run/flannel/subnet.env",
}
LISTS = {
    "pods": "Pod", "services": "Service", "endpoints": "Endpoints", "networkpolicies": "NetworkPolicy",
    "configmaps": "ConfigMap", "deployments": "Deployment", "daemonsets": "DaemonSet", "namespaces": "Namespace",
    "nodes": "Node",
}  # fmt: skip


def session(dump: Dump, node: str) -> Iterator[tuple[str, str]]:
    """Commands that were typed on a node, with what they printed."""
    for command, source in COMMANDS.items():
        if (output := dump.node(node, source)) is not None:
            yield command, output
    yield "ipvsadm -Ln", "bash: ipvsadm: command not found\n"
    yield "ls /opt", "cni\n"


def kubectl(dump: Dump) -> Iterator[tuple[str, str]]:
    """The same for kubectl."""
    for resource, kind in LISTS.items():
        if dump.collected(kind):
            yield f"kubectl get {resource} -A -o json", to_json(listed(dump.objects(kind), kind)).decode()
    for log in dump.logs():
        previous = " --previous" if log.previous else ""
        yield f"kubectl -n {log.namespace} logs {log.pod} -c {log.container}{previous}", log.text


def render(dump: Dump) -> Files:
    files: Files = {}
    for number, node in enumerate(dump.nodes):
        typed = [f"[root@{node} ~]# {command}\n{output}" for command, output in session(dump, node)]
        files[f"paste-{number}.txt"] = text("".join(typed) + f"[root@{node} ~]# ")
    typed = [f"$ {command}\n{output}" for command, output in kubectl(dump)]
    files["paste-kubectl.txt"] = text("".join(typed))
    return files
