"""`kubectl cluster-info dump -A --output-directory=D`: typed lists whose items have no kind, a log for each pod."""

from __future__ import annotations

from collections.abc import Callable

from tests.layouts.convert import in_namespace, to_json, typed
from tests.layouts.dump import Dump, Files

NAME = "kubectl cluster-info dump"
LISTS = {
    "events": "Event", "replication-controllers": "ReplicationController", "services": "Service",
    "daemonsets": "DaemonSet", "deployments": "Deployment", "replicasets": "ReplicaSet", "pods": "Pod",
}  # fmt: skip


def render(dump: Dump, suffix: str = "json", form: Callable[[object], bytes] = to_json) -> Files:
    files = {f"dump/nodes.{suffix}": form(typed(dump.objects("Node"), "Node"))}
    for namespace in dump.namespaces():
        for name, kind in LISTS.items():
            found = in_namespace(dump.objects(kind), namespace)
            files[f"dump/{namespace}/{name}.{suffix}"] = form(typed(found, kind))
        for pod, log in pod_logs(dump, namespace).items():
            files[f"dump/{namespace}/{pod}/logs.txt"] = log
    return files


def pod_logs(dump: Dump, namespace: str) -> dict[str, bytes]:
    """Logs of a namespace's pods between their marks; the END may be glued to a line that does not end."""
    found: dict[str, bytes] = {}
    for log in dump.logs():
        if log.namespace == namespace and not log.previous:
            of = f"logs for container {log.container} of pod {namespace}/{log.pod}"
            part = f"==== START {of} ====\n{log.text.rstrip()}==== END {of} ====\n"
            found[log.pod] = found.get(log.pod, b"") + part.encode()
    return found
