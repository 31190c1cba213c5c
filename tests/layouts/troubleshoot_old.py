"""troubleshoot.sh support bundle of v0.13: bare arrays, host collectors of the one machine where it was run."""

from __future__ import annotations

from tests.layouts.convert import bare, in_namespace, text, to_json
from tests.layouts.dump import Dump, Files
from tests.layouts.troubleshoot import FOLDERS, pod_logs, run_host

NAME = "troubleshoot.sh support bundle"


def render(dump: Dump) -> Files:
    home = "support-bundle/cluster-resources"
    files: Files = {
        "support-bundle/version.yaml": text(
            "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\nspec:\n  versionNumber: v0.13.0\n"
        ),
        f"{home}/nodes.json": to_json([bare(one) for one in dump.objects("Node")], 2),
        f"{home}/namespaces.json": to_json([bare(one) for one in dump.objects("Namespace")], 2),
    }
    for kind, folder in FOLDERS.items():
        for namespace in dump.namespaces() if dump.collected(kind) and kind != "Endpoints" else ():
            found = in_namespace(dump.objects(kind), namespace)
            files[f"{home}/{folder}/{namespace}.json"] = to_json([bare(one) for one in found], 2)
    files.update(pod_logs(dump, home))
    files.update(run_host(dump, dump.nodes[0], "support-bundle/host-collectors/run-host", "/sbin/"))
    return files
