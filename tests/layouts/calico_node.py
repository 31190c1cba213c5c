"""calicoctl node diags, run on each node; a command that fails leaves no file."""

from __future__ import annotations

from tests.layouts.convert import text
from tests.layouts.dump import Dump, Files

NAME = "calicoctl node diags"
COPIED = {
    "ipv4_tables": "iptables-save.txt",
    "ipv6_tables": "ip6tables-save.txt",
    "nft_ruleset": "nft-ruleset.txt",
    "ipsets": "ipset-list.txt",
    "hostname": "hostname.txt",
    "date": "date.txt",
    "ipv4_addr": "ip-addr.txt",
}


def render(dump: Dump) -> Files:
    files: Files = {}
    for number, node in enumerate(dump.nodes):
        home = f"diags-20261123_12100{number}/diagnostics"
        for name, source in COPIED.items():
            if output := dump.node(node, source):
                files[f"{home}/{name}"] = text(output)
        files[f"{home}/ipv4_route"] = text(dump.main_routes(node))
        files[f"{home}/journalctl_calico_node"] = text("-- No entries --\n")
    return files
