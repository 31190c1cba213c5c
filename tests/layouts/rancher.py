"""Rancher's log collector on k3s: outputs without suffix, tables of kubectl on the server, logs of system pods."""

from __future__ import annotations

from tests.layouts.convert import (
    endpoints_table,
    journal,
    listed,
    nodes_table,
    pods_table,
    services_table,
    text,
    to_json,
)
from tests.layouts.dump import Dump, Files

NAME = "Rancher, RKE2 and K3s log collector"
COPIED = {
    "networking/iptablessave": "iptables-save.txt",
    "networking/ip6tablessave": "ip6tables-save.txt",
    "networking/iptables": "iptables-L.txt",
    "networking/iptablesnat": "iptables-nat-L.txt",
    "networking/nft_ruleset": "nft-ruleset.txt",
    "networking/ipaddrshow": "ip-addr.txt",
    "networking/iplinkshow": "ip-s-link.txt",
    "networking/iproute": "ip-route-all.txt",
    "networking/ipneighbour": "ip-neigh.txt",
    "networking/iprule": "ip-rule.txt",
    "networking/ifconfiga": "ifconfig.txt",
    "networking/sstunlp4": "ss-tlnp.txt",
    "networking/cni/10-flannel.conflist": "var/lib/rancher/k3s/agent/etc/cni/net.d/10-flannel.conflist",
    "systeminfo/sysctla": "sysctl-a.txt",
    "systeminfo/conntrack": "conntrack-stats.txt",
    "systeminfo/lsmod": "lsmod.txt",
    "systeminfo/etcresolvconf": "etc/resolv.conf",
    "systeminfo/etchosts": "etc/hosts",
    "systeminfo/osrelease": "os-release.txt",
    "systeminfo/date": "date.txt",
    "systeminfo/uname": "uname.txt",
    "k3s/crictl/psa": "crictl-ps.txt",
    "k3s/crictl/pods": "crictl-pods.txt",
}
SYSTEM = ("kube-system", "cattle-system")


def render(dump: Dump) -> Files:
    files: Files = {}
    for node in dump.nodes:
        top = f"{node}-2026-11-23_12_10_00"
        files[f"{top}/systeminfo/hostname"] = text(f"{node}\n")
        files[f"{top}/versions"] = text("Rancher 2.9.2, k3s\n")
        files[f"{top}/networking/ipvsadm"] = text(
            "./rancher2_logs_collector.sh: line 460: ipvsadm: command not found\n"
        )
        files[f"{top}/networking/ethtool"] = text(
            "--- flannel.1\nFeatures for flannel.1:\nrx-checksumming: on\ntx-checksumming: on\n"
            "--- vxlan.calico\nnetlink error: no device matches name (offset 24)\nnetlink error: No such device\n"
        )
        for path, source in COPIED.items():
            if (output := dump.node(node, source)) is not None:
                files[f"{top}/{path}"] = text(output)
        if agent := dump.agent_log(node):
            files[f"{top}/journald/{agent[0]}"] = journal(agent[0], node, agent[1])
    files.update(_of_the_server(dump, f"{dump.nodes[0]}-2026-11-23_12_10_00/k3s"))
    return files


def _of_the_server(dump: Dump, home: str) -> Files:
    files = {
        f"{home}/kubectl/nodes": text(nodes_table(dump)),
        f"{home}/kubectl/pods": text(pods_table(dump)),
        f"{home}/kubectl/services": text(services_table(dump)),
        f"{home}/kubectl/endpoints": text(endpoints_table(dump)),
        f"{home}/kubectl/networkpolicies": text("No resources found\n"),
        f"{home}/kubectl/events": text(dump.cluster("events.txt") or "No resources found\n"),
        # stderr goes into the same file
        f"{home}/kubectl/nodes.json": text("Warning: v1 ComponentStatus is deprecated in v1.19+\n")
        + to_json(listed(dump.objects("Node"), "Node")),
    }
    if version := dump.cluster("version.txt"):
        files[f"{home}/kubectl/version"] = text(version)
    for log in dump.logs():
        if log.namespace in SYSTEM:
            files[f"{home}/podlogs/{log.namespace}-{log.pod}{'-previous' if log.previous else ''}"] = text(log.text)
    return files
