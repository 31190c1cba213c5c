"""`oc adm must-gather`, release 4.12: one YAML file for each object or list, logs of pods and of host services."""

from __future__ import annotations

from tests.layouts.convert import GROUPS, full, in_namespace, journal, listed, text, timed, to_yaml
from tests.layouts.dump import Dump, Files

NAME = "OpenShift must-gather"
TOP = "must-gather.local.5421342344627712289/quay-io-openshift-release-dev-sha256-0f1e2d3c"


def render(dump: Dump) -> Files:
    files: Files = {
        f"{TOP}/version": text("openshift/must-gather\n4.12.0-202301102025.p0.g2a3b4c5.assembly.stream-2a3b4c5\n"),
        f"{TOP}/timestamp": text(
            "2026-11-23 12:10:00.1 +0000 UTC m=+0.06\n2026-11-23 12:12:00.1 +0000 UTC m=+120.06\n"
        ),
        f"{TOP}/event-filter.html": text("<!DOCTYPE html><html></html>"),
    }
    for node in dump.objects("Node"):
        files[f"{TOP}/cluster-scoped-resources/core/nodes/{node['metadata']['name']}.yaml"] = to_yaml(
            full(node, "Node")
        )
    for namespace in dump.namespaces():
        home = f"{TOP}/namespaces/{namespace}"
        found = [one for one in dump.objects("Namespace") if one["metadata"]["name"] == namespace]
        files[f"{home}/{namespace}.yaml"] = to_yaml(full(found[0], "Namespace"))
        for kind, (group, plural, _) in GROUPS.items():
            if dump.collected(kind):
                objects = in_namespace(dump.objects(kind), namespace)
                files[f"{home}/{group}/{plural}.yaml"] = to_yaml(listed(objects, kind))
        for pod in in_namespace(dump.objects("Pod"), namespace):
            name = pod["metadata"]["name"]
            files[f"{home}/pods/{name}/{name}.yaml"] = to_yaml(full(pod, "Pod"))
    for log in dump.logs():
        home = f"{TOP}/namespaces/{log.namespace}/pods/{log.pod}/{log.container}/{log.container}/logs"
        files[f"{home}/{'previous' if log.previous else 'current'}.log"] = timed(log)
    services = b""
    for name in dump.nodes:
        if agent := dump.agent_log(name):
            services += journal("kubelet", name, agent[1])
    files[f"{TOP}/host_service_logs/masters/kubelet_service.log"] = services
    return files
