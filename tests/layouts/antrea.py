"""antctl supportbundle: an archive for each agent, and pods, nodes and workloads in one file of YAML documents."""

from __future__ import annotations

import io
import tarfile

from tests.layouts.convert import bare, text, to_yaml
from tests.layouts.dump import Dump, Files

NAME = "Antrea support bundle"
TOP = "support-bundles_20261123T121000Z"
LISTS = {
    "pods": "Pod",
    "nodes": "Node",
    "deployments": "Deployment",
    "replicas": "ReplicaSet",
    "daemonsets": "DaemonSet",
}
COPIED = {
    "nftables": "nft-ruleset.txt",
    "rule": "ip-rule.txt",
    "route-table-all": "ip-route-all.txt",
    "link": "ip-link.txt",
    "address": "ip-addr.txt",
}


def render(dump: Dump) -> Files:
    documents = []
    for comment, kind in LISTS.items():
        found = {"items": [bare(one) for one in dump.objects(kind)], "metadata": {"resourceVersion": "2912"}}
        documents.append(f"#{comment}\n".encode() + to_yaml(found) + b"---\n")
    files: Files = {f"{TOP}/clusterinfo": b"".join(documents)}
    for node in dump.nodes:
        # IPv6 may come first: both saves go into one file
        saves = (dump.node(node, "ip6tables-save.txt") or "") + (dump.node(node, "iptables-save.txt") or "")
        inner = {
            "iptables": text(saves),
            "route": text(dump.main_routes(node)),
            "flows": text(" table=0, n_packets=1\n"),
        }
        inner["ipset"] = text("create ANTREA-POD-IP hash:net family inet hashsize 1024 maxelem 65536\n")
        for name, source in COPIED.items():
            if output := dump.node(node, source):
                inner[name] = text(output)
        inner["logs/agent/antrea-agent.log"] = text(
            "I1123 12:10:00.000001       1 agent.go:100] Starting Antrea agent\n"
        )
        files[f"{TOP}/agent_{node}.tar.gz"] = packed(inner)
    return files


def packed(files: Files) -> bytes:
    """A tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
