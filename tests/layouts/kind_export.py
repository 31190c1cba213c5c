"""kind export logs: journals and container logs of each node; neither objects of the API nor dumps of the network."""

from __future__ import annotations

from tests.layouts.convert import cri, journal, text, to_json
from tests.layouts.dump import Dump, Files

NAME = "kind export logs"


def render(dump: Dump) -> Files:
    files: Files = {"kind-version.txt": text("kind v0.24.0 go1.22.6 linux/amd64\n"), "docker-info.txt": INFO}
    for node in dump.nodes:
        files[f"{node}/inspect.json"] = to_json([{"Id": "0a1b2c", "Name": f"/{node}", "Config": {"Hostname": node}}], 1)
        files[f"{node}/serial.log"] = b"\x1b[0;1;39m[\x1b[0;32m  OK  \x1b[0;1;39m] Reached target Multi-User\r\r\n"
        files[f"{node}/kubernetes-version.txt"] = text("v1.31.0")
        files[f"{node}/images.log"] = text("IMAGE   TAG   IMAGE ID   SIZE\n")
        if agent := dump.agent_log(node):
            files[f"{node}/kubelet.log"] = journal("kubelet", node, agent[1])
            files[f"{node}/journal.log"] = journal("kubelet", node, agent[1])
        here = {pod["metadata"]["name"]: pod["metadata"].get("uid", "0") for pod in dump.pods_of(node)}
        for log in dump.logs():
            if log.pod in here:
                home = f"{node}/pods/{log.namespace}_{log.pod}_{here[log.pod]}/{log.container}"
                files[f"{home}/{0 if log.previous else 1}.log"] = cri(log)
    return files


INFO = text(
    "Client: Docker Engine - Community\n Version:    27.2.0\n\nServer:\n Containers: 2\n  Running: 2\n"
    " Server Version: 27.2.0\n Storage Driver: overlay2\n Cgroup Driver: systemd\n"
)
