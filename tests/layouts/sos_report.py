"""sos report 4.12 of every node with default options; on the first one the API answers."""

from __future__ import annotations

import re

from tests.layouts.convert import cri, endpoints_table, journal, listed, pods_table, services_table, text, to_json
from tests.layouts.dump import Dump, Files

NAME = "sos report"
COMMANDS = {
    "networking": {
        "ip -d address": "ip-addr.txt",
        "ip -s -d link": "ip-link.txt",
        "ip route show table all": "ip-route-all.txt",
        "ip -4 rule list": "ip-rule.txt",
        "bridge -s -s -d link show": "bridge-link.txt",
        "ss -peaonmi": "ss-tlnp.txt",
    },
    "firewall_tables": {"nft -a list ruleset": "nft-ruleset.txt", "iptables -t nat -nvL": "iptables-nat-L.txt"},
    "kernel": {"sysctl -a": "sysctl-a.txt", "lsmod": "lsmod.txt", "uname -a": "uname.txt", "dmesg": "dmesg.txt"},
    "conntrack": {"conntrack -S": "conntrack-stats.txt"},
    "host": {"hostname": "hostname.txt"},
}
COPIED = ("etc/resolv.conf", "etc/hosts", "run/flannel/subnet.env", "etc/cni/net.d/10-flannel.conflist")
KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf"


def mangled(command: str) -> str:
    """The name that sos gives to a command's output."""
    return re.sub(r"[^A-Za-z0-9_\-./]+", "_", command).replace("/", ".").strip(" ._-")


def render(dump: Dump) -> Files:
    files: Files = {}
    for number, node in enumerate(dump.nodes):
        top = f"sosreport-{node}-2026-11-23-abcde{number}"
        ran: list[dict[str, object]] = []
        files.update(host(dump, node, top, ran))
        if number == 0:
            for command, output in kubectl(dump).items():
                path = f"sos_commands/kubernetes/cluster-info/{mangled(command)}"
                files[f"{top}/{path}"] = output
                ran.append(entry(command, path))
        manifest = {"version": "4.12.0", "components": {"report": {"plugins": {"all": {"commands": ran}}}}}
        files[f"{top}/sos_reports/manifest.json"] = to_json(manifest)
        files[f"{top}/version.txt"] = text("sos report: 4.12.0")
    return files


def entry(command: str, path: str, status: int = 0) -> dict[str, object]:
    """One command as the manifest lists it."""
    return {"command": command.split()[0], "exec": command, "filepath": path, "return_code": status, "truncated": False}


def host(dump: Dump, node: str, top: str, ran: list[dict[str, object]]) -> Files:
    """What sos takes from a machine."""
    files: Files = {}
    for plugin, commands in COMMANDS.items():
        for command, source in commands.items():
            output = dump.node(node, source)
            if output is None:
                continue
            path = f"sos_commands/{plugin}/{mangled(command)}"
            files[f"{top}/{path}"] = text(output)
            ran.append(entry(command, path))
    for name in COPIED:
        if (output := dump.node(node, name)) is not None:
            files[f"{top}/{name}"] = text(output)
    for line in (dump.node(node, "sysctl-a.txt") or "").splitlines():
        key, equals, value = line.partition(" = ")
        if equals and key.startswith("net.ipv4.ip_"):
            files[f"{top}/proc/sys/{key.replace('.', '/')}"] = text(f"{value}\n")
    if agent := dump.agent_log(node):
        files[f"{top}/sos_commands/logs/journalctl_--no-pager_--boot"] = journal(agent[0], node, agent[1])
    here = {pod["metadata"]["name"]: pod["metadata"].get("uid", "0") for pod in dump.pods_of(node)}
    for log in dump.logs():
        if log.pod in here:
            home = f"{top}/var/log/pods/{log.namespace}_{log.pod}_{here[log.pod]}/{log.container}"
            files[f"{home}/{0 if log.previous else 1}.log"] = cri(log)
    return files


def kubectl(dump: Dump) -> Files:
    """What the kubernetes plugin asks the API for; its tables are not wide."""
    return {
        f"{KUBECTL} get -o json nodes": to_json(listed(dump.objects("Node"), "Node")),
        f"{KUBECTL} get --all-namespaces=true pods": text(pods_table(dump, wide=False)),
        f"{KUBECTL} get --all-namespaces=true services": text(services_table(dump, wide=False)),
        f"{KUBECTL} get --all-namespaces=true endpoints": text(endpoints_table(dump)),
        f"{KUBECTL} get --all-namespaces=true ingresses": text("No resources found\n"),
    }
