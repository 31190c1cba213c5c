"""A folder that somebody filled by hand: names as people choose them, YAML here and JSON there."""

from __future__ import annotations

from tests.layouts.convert import cri, listed, pods_table, text, to_json, to_yaml
from tests.layouts.dump import Dump, Files

NAME = "files"
NAMES = {
    "fw.txt": "iptables-save.txt",
    "routes": "ip-route-all.txt",
    "ipa.out": "ip-addr.txt",
    "links.txt": "ip-link.txt",
    "sysctl.txt": "sysctl-a.txt",
    "bridge.txt": "bridge-link.txt",
    "arp.txt": "ip-neigh.txt",
    "resolv.conf": "etc/resolv.conf",
    "listen.txt": "ss-tlnp.txt",
}


def render(dump: Dump) -> Files:
    files: Files = {}
    for node in dump.nodes:
        for name, source in NAMES.items():
            if (output := dump.node(node, source)) is not None:
                files[f"for support/{node}/{name}"] = text(output)
    files["for support/po.txt"] = text(pods_table(dump))
    for number, (kind, name) in enumerate(
        {"Pod": "all-pods", "Service": "svc", "Endpoints": "ep", "Node": "no", "Deployment": "deploy"}.items()
    ):
        found = listed(dump.objects(kind), kind)
        files[f"for support/{name}.{'yaml' if number % 2 else 'json'}"] = (
            to_yaml(found) if number % 2 else to_json(found)
        )
    for log in dump.logs():
        if "coredns" in log.pod:
            home = f"for support/var/log/pods/{log.namespace}_{log.pod}_0a1b/{log.container}"
            files[f"{home}/{0 if log.previous else 1}.log"] = cri(log)
    return files
