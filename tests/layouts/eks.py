"""The log collector of Amazon EKS, run on every node; one archive each, whose root knows no host name but uname's."""

from __future__ import annotations

from tests.layouts.convert import cri, journal, table, text
from tests.layouts.dump import Dump, Files

NAME = "AWS EKS log collector"
COPIED = {
    "networking/iptables-save.txt": "iptables-save.txt",
    "networking/ip6tables-save.txt": "ip6tables-save.txt",
    "networking/iproute.txt": "ip-route-all.txt",
    "networking/iprule.txt": "ip-rule.txt",
    "networking/ifconfig.txt": "ifconfig.txt",
    "networking/resolv.conf": "etc/resolv.conf",
    "sysctls/sysctl_all.txt": "sysctl-a.txt",
}


def render(dump: Dump) -> Files:
    files: Files = {}
    for number, node in enumerate(dump.nodes):
        top = f"eks_i-0a1b2c3d4e5f6078{number}_2026-11-23_1210-UTC_0.7.8"
        files[f"{top}/system/instance-id.txt"] = text(f"i-0a1b2c3d4e5f6078{number}")
        files[f"{top}/system/region.txt"] = text("eu-central-1")
        files[f"{top}/kernel/uname.txt"] = text(
            f"Linux {node} 6.18.0 #1 SMP PREEMPT_DYNAMIC Mon Nov 2 10:00:00 UTC 2026 x86_64 GNU/Linux\n"
        )
        for path, source in COPIED.items():
            if (output := dump.node(node, source)) is not None:
                files[f"{top}/{path}"] = text(output)
        # the listings end in a count that the collector adds
        for name, source in (("", "iptables-L.txt"), ("-filter", "iptables-L.txt"), ("-nat", "iptables-nat-L.txt")):
            if output := dump.node(node, source):
                rules = output.count("\n")
                files[f"{top}/networking/iptables{name}.txt"] = text(
                    f"{output}=======\nTotal Number of Rules: {rules}\n"
                )
        stats = dump.node(node, "conntrack-stats.txt") or ""
        entries = dump.node(node, "conntrack.txt")
        listing = f"*** Output of conntrack -L ***\n{entries}" if entries else ""
        files[f"{top}/networking/conntrack.txt"] = text(f"*** Output of conntrack -S ***\n{stats}{listing}")
        sets = dump.node(node, "ipset-list.txt") or ""
        files[f"{top}/networking/ipset.txt"] = text(f"{sets}\n")
        files[f"{top}/networking/ipvsadm.txt"] = text("ipvsadm not installed\n")
        files[f"{top}/modinfo/ip_vs"] = text("nf_conntrack 208896 3 nf_nat,xt_MASQUERADE,xt_conntrack\n")
        if conflist := dump.node(node, "etc/cni/net.d/10-flannel.conflist"):
            files[f"{top}/cni/10-flannel.conflist"] = text(conflist)
        if agent := dump.agent_log(node):
            files[f"{top}/kubelet/kubelet.log"] = journal("kubelet", node, agent[1])
        files[f"{top}/kubelet/svc.log"] = text(
            table(
                [
                    ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
                    ["kubernetes", "ClusterIP", "10.43.0.1", "<none>", "443/TCP", "5d"],
                ]
            )
        )
        here = {pod["metadata"]["name"]: pod["metadata"].get("uid", "0") for pod in dump.pods_of(node)}
        for log in dump.logs():
            if log.pod in here and log.namespace == "kube-system" and not log.previous:
                home = f"{top}/var_log/kube-system_{log.pod}_{here[log.pod]}/{log.container}"
                files[f"{home}/0.log"] = cri(log)
    return files
