"""SUSE supportconfig: text files of sections, each under a heading with the command or the file below it."""

from __future__ import annotations

from tests.layouts.convert import journal, text
from tests.layouts.dump import Dump, Files

NAME = "SUSE supportconfig"
TABLES = ("filter", "nat", "mangle")


def section(kind: str, told: str, output: str) -> str:
    """One section."""
    return f"#==[ {kind} ]======================================#\n# {told}\n{output.rstrip()}\n\n"


def render(dump: Dump) -> Files:
    files: Files = {}
    for node in dump.nodes:
        top = f"scc_{node}_261123_1210"
        files[f"{top}/supportconfig.txt"] = text(
            "=============================================================================\n"
            "                     Support Utilities - Supportconfig\n"
            "                          Script Version: 3.2.8-150600\n"
            "=============================================================================\n\n"
        )
        files[f"{top}/basic-environment.txt"] = text(
            section("Command", "/bin/date", dump.node(node, "date.txt") or "")
            + section(
                "Command", "/bin/uname -a", f"Linux {node} 6.4.0-150600.23-default #1 SMP x86_64 x86_64 GNU/Linux"
            )
            + section("Configuration File", "/etc/os-release", dump.node(node, "os-release.txt") or 'NAME="SLES"')
        )
        files[f"{top}/network.txt"] = text(_network(dump, node))
        files[f"{top}/env.txt"] = text(section("Command", "/sbin/sysctl -a", dump.node(node, "sysctl-a.txt") or ""))
        files[f"{top}/modules.txt"] = text(
            section("Command", "/sbin/lsmod | sort", "bridge 421888 0\nModule Size Used by\nvxlan 155648 0")
        )
        if agent := dump.agent_log(node):
            log = journal(agent[0], node, agent[1]).decode().splitlines()[-500:]
            files[f"{top}/messages.txt"] = text(
                section("Log File", "/var/log/messages - Last 500 Lines", "\n".join(log))
                + section("Configuration File", "/etc/rsyslog.d/remote.conf - File not found", "")
            )
    return files


def _network(dump: Dump, node: str) -> str:
    commands = {
        "/sbin/ip addr": "ip-addr.txt",
        "/sbin/ip -stats neighbor": "ip-neigh.txt",
        "/sbin/ip rule show": "ip-rule.txt",
        "/sbin/brctl show": "brctl-show.txt",
        "/usr/sbin/ipset list": "ipset-list.txt",
    }
    parts = [section("Configuration File", "/etc/hosts", dump.node(node, "etc/hosts") or "127.0.0.1 localhost")]
    for command, file in commands.items():
        if (output := dump.node(node, file)) is not None:
            parts.append(section("Command", command, output))
    parts.append(section("Command", "/sbin/ip route", dump.main_routes(node)))
    parts.append(section("Configuration File", "/etc/resolv.conf", dump.node(node, "etc/resolv.conf") or ""))
    parts.append(section("Command", "/usr/sbin/ipvsadm -Ln", "ERROR: Command not found or not executable"))
    save = dump.node(node, "iptables-save.txt") or ""
    for name in TABLES:
        if one := table_of(save, name):
            parts.append(section("Command", f"/usr/sbin/iptables-save -t {name}", one))
        else:
            note = f"# NOTE: The iptable_{name} module is not loaded, skipping check"
            parts.append(f"#==[ Note ]======================================#\n# iptables\n{note}\n\n")
    return "".join(parts)


def table_of(save: str, name: str) -> str:
    """One table of an `iptables-save`, from its star to its COMMIT."""
    lines: list[str] = []
    inside = False
    for line in save.splitlines():
        inside = inside or line == f"*{name}"
        if inside:
            lines.append(line)
        if inside and line == "COMMIT":
            break
    return "\n".join(lines)
