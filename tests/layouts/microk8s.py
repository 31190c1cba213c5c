"""microk8s inspect on one node: addresses, routes, iptables, and a cluster dump of everything with stderr in it."""

from __future__ import annotations

from tests.layouts import cluster_info_dump_text
from tests.layouts.convert import journal, text
from tests.layouts.dump import Dump, Files

NAME = "microk8s inspect"
COPIED = {
    "network/ip-addr": "ip-addr.txt",
    "network/iptables": "iptables-nat-L.txt",
    "network/iptables-L": "iptables-L.txt",
    "network/ss": "ss-tlnp.txt",
}


def render(dump: Dump) -> Files:
    node = dump.nodes[0]
    files: Files = {}
    for path, source in COPIED.items():
        if (output := dump.node(node, source)) is not None:
            files[f"inspection-report/{path}"] = text(output)
    files["inspection-report/network/ip-route"] = text(dump.main_routes(node))
    rules = specified(dump.node(node, "iptables-save.txt") or "")
    files["inspection-report/network/iptables-S"] = text(rules)
    files["inspection-report/args/kube-proxy"] = text(
        "--kubeconfig=${SNAP_DATA}/credentials/proxy.config\n--cluster-cidr=10.42.0.0/16\n--healthz-bind-address=127.0.0.1\n"
    )
    files["inspection-report/args/kubelet"] = text("--cluster-dns=10.43.0.10\n--cluster-domain=cluster.local\n")
    if flannel := dump.node(node, "var/lib/rancher/k3s/agent/etc/cni/net.d/10-flannel.conflist"):
        files["inspection-report/args/cni-network/flannel.conflist"] = text(flannel)
    if agent := dump.agent_log(node):
        unit = "microk8s.daemon-kubelite"
        files[f"inspection-report/snap.{unit}/journal.log"] = journal(unit, node, agent[1])
    dumped = cluster_info_dump_text.render(dump)["dump.txt"]
    files["inspection-report/k8s/cluster-info-dump"] = b"W1123 12:10:00.1 1 warn.go:70] v1 is deprecated\n" + dumped
    files["inspection-report/k8s/cluster-info"] = text(
        "\x1b[0;32mKubernetes control plane\x1b[0m is running at \x1b[0;33mhttps://127.0.0.1:16443\x1b[0m\n"
    )
    files["inspection-report/sys/uptime"] = text(" 12:10:00 up 5 days\n")
    return files


def specified(save: str) -> str:
    """The filter table of a save as `iptables -S` prints it."""
    chains, rules, inside = [], [], False
    for line in save.splitlines():
        if line.startswith("*"):
            inside = line == "*filter"
        elif inside and line.startswith(":"):
            name, policy, *_ = line[1:].split()
            chains.append(f"-P {name} {policy}\n" if policy != "-" else f"-N {name}\n")
        elif inside and line.startswith("-A"):
            rules.append(line + "\n")
    return "".join(sorted(chains, key=lambda line: line.startswith("-N")) + rules)
