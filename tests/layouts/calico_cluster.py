"""calicoctl cluster diags: objects as YAML and tables, and for each node what its agent's pod sees."""

from __future__ import annotations

from tests.layouts.convert import listed, nodes_table, pods_table, services_table, text, to_yaml
from tests.layouts.dump import Dump, Files

NAME = "calicoctl cluster diags"
TOP = "calico-diagnostics-20261123_121000"
LISTS = {
    "configmaps": "ConfigMap", "daemonsets": "DaemonSet", "deployments": "Deployment", "endpoints": "Endpoints",
    "endpointslices": "EndpointSlice", "pods": "Pod", "services": "Service", "statefulsets": "StatefulSet",
    "nodes": "Node", "namespaces": "Namespace", "networkpolicies": "NetworkPolicy",
}  # fmt: skip
COMMANDS = {
    "iptables-nft-save": "iptables-save.txt",
    "nft-ruleset": "nft-ruleset.txt",
    "ip-route": "ip-route-all.txt",
    "ip-rule": "ip-rule.txt",
    "ip-addr": "ip-addr.txt",
    "ip-neigh": "ip-neigh.txt",
    "ipset-list": "ipset-list.txt",
    "conntrack-list": "conntrack.txt",
}


def render(dump: Dump) -> Files:
    home = f"{TOP}/cluster/kubernetes"
    files: Files = {
        f"{home}/{name}.yaml": to_yaml(listed(dump.objects(kind), kind))
        for name, kind in LISTS.items()
        if dump.collected(kind)
    }
    files[f"{home}/nodes.txt"] = text(nodes_table(dump))
    files[f"{home}/pods.txt"] = text(pods_table(dump))
    files[f"{home}/services.txt"] = text(services_table(dump))
    files[f"{home}/gateways.yaml"] = text('error: the server doesn\'t have a resource type "gateways"\n')
    for node in dump.nodes:
        for name, source in COMMANDS.items():
            if (output := dump.node(node, source)) is not None:
                files[f"{TOP}/nodes/{node}/{name}.txt"] = text(output)
        files[f"{TOP}/nodes/{node}/tc-qdisc.txt"] = text(
            "error: unable to upgrade connection: container not found\ncommand terminated with exit code 1\n"
        )
        files[f"{TOP}/nodes/{node}/calico-system/calico-node-x7k2q.log"] = text(
            "2026-11-23 12:10:00.123 [INFO][61] felix/summary.go 100: Summarising 8 dataplane reconciliation loops\n"
        )
    return files
