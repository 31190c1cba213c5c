"""`kubectl cluster-info dump -A > dump.txt`: JSON documents one after the other, logs of each namespace behind them."""

from __future__ import annotations

from tests.layouts.cluster_info_dump import LISTS, pod_logs
from tests.layouts.convert import in_namespace, to_json, typed
from tests.layouts.dump import Dump, Files

NAME = "files"


def render(dump: Dump) -> Files:
    parts = [to_json(typed(dump.objects("Node"), "Node"))]
    for namespace in dump.namespaces():
        parts += [to_json(typed(in_namespace(dump.objects(kind), namespace), kind)) for kind in LISTS.values()]
        parts += pod_logs(dump, namespace).values()
    return {"dump.txt": b"".join(parts)}
