"""aks-periscope: a zip for each node; iptables without numbers, resolv.conf, describe texts, logs inside JSON."""

from __future__ import annotations

import io
import json
import zipfile

from tests.layouts.convert import journal, text
from tests.layouts.dump import Dump, Files

NAME = "aks-periscope"


def render(dump: Dump) -> Files:
    files: Files = {}
    for node in dump.nodes:
        resolver = text(dump.node(node, "etc/resolv.conf") or "")
        inner: Files = {
            "dns/virtualmachine": resolver,
            "dns/kubernetes": text("nameserver 10.43.0.10\nsearch kube-system.svc.cluster.local\noptions ndots:5\n"),
            "kubeletcmd/kubeletcmd": text(
                "/usr/local/bin/kubelet --cluster-dns=10.43.0.10 --cluster-domain=cluster.local\n"
            ),
            "networkoutbound/Internet": text(
                '[{"TimeStamp":"2026-11-23T12:10:00Z","Type":"Internet","Connected":true}]'
            ),
            "networkoutbound/AKS API Server": text('[{"TimeStamp":"2026-11-23T12:10:00Z","Connected":true}]'),
            "systemlogs/docker": text("-- No entries --\n"),
        }
        if agent := dump.agent_log(node):
            inner["systemlogs/kubelet"] = journal("kubelet", node, agent[1])
        here = {pod["metadata"]["name"] for pod in dump.pods_of(node)}
        for log in dump.logs():
            if log.namespace == "kube-system" and log.pod in here and not log.previous:
                inner[f"podscontainerlogs/{log.pod}-{log.container}"] = json.dumps(
                    [{"containerLog": log.text}]
                ).encode()
        files[f"2026-11-23T12-10-00Z/{node}.zip"] = zipped(inner)
    return files


def zipped(files: Files) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return buffer.getvalue()
