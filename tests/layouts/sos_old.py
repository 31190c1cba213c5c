"""sos report 3.9: no manifest, the firewall among networking, and the kubernetes plugin with everything switched on."""

from __future__ import annotations

from tests.layouts.convert import in_namespace, listed, text, to_json
from tests.layouts.dump import Dump, Files
from tests.layouts.sos_report import host, mangled

NAME = "sos report"
RESOURCES = {"pods": "Pod", "services": "Service", "endpoints": "Endpoints", "deployments": "Deployment"}


def render(dump: Dump) -> Files:
    files: Files = {}
    for number, node in enumerate(dump.nodes):
        top = f"sosreport-{node}-00123456-2019-11-23-abcde{number}"
        for path, data in host(dump, node, top, []).items():
            renamed = path.replace("firewall_tables/nft_-a_list_ruleset", "networking/nft_list_ruleset")
            renamed = renamed.replace("firewall_tables/", "networking/").replace("ip_-d_address", "ip_address")
            files[renamed.replace("_rule_list", "_rule")] = data
        files[f"{top}/version.txt"] = text("sosreport: 3.9\n")
        files[f"{top}/sos_logs/sos.log"] = text("2019-11-23 12:10:00,100 INFO: [sos_collect] started\n")
    home = f"sosreport-{dump.nodes[0]}-00123456-2019-11-23-abcde0/sos_commands/kubernetes"
    for resource, kind in RESOURCES.items():
        for namespace in dump.namespaces():
            name = mangled(f"kubectl get -o json --namespace={namespace} {resource}")
            found = in_namespace(dump.objects(kind), namespace)
            files[f"{home}/{resource}/{name}"] = to_json(listed(found, kind))
    nodes = to_json(listed(dump.objects("Node"), "Node"))
    files[f"{home}/kubectl_get_-o_json_nodes"] = nodes
    return files
