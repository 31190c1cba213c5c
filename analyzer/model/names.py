"""Who is who among the pods of a cluster: DNS servers, service proxies, CNI agents."""

from __future__ import annotations

from analyzer.facts.services import Service
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod

_DNS_LABELS = {"k8s-app": ("kube-dns", "coredns"), "app.kubernetes.io/name": ("coredns", "rke2-coredns")}
_DNS_OWNERS = ("coredns", "kube-dns", "rke2-coredns-rke2-coredns", "dns-default")
_CNI_AGENTS = (
    "kube-flannel",
    "kube-flannel-ds",
    "calico-node",
    "canal",
    "cilium",
    "weave-net",
    "aws-node",
    "antrea-agent",
    "ovnkube-node",
    "kube-router",
)


def is_dns(pod: Pod) -> bool:
    """Whether a pod is one of the cluster's DNS servers."""
    if pod.namespace not in ("kube-system", "openshift-dns"):
        return False
    if any((pod.labels or {}).get(key) in values for key, values in _DNS_LABELS.items()):
        return True
    return pod.owner in _DNS_OWNERS or (pod.labels is None and pod.name.startswith(("coredns-", "kube-dns-")))


def dns_pods(facts: Facts) -> list[Pod]:
    """The cluster's DNS servers that are not on their way out."""
    return [
        pod for pod in facts.of(Pod) if is_dns(pod) and not pod.terminating and pod.phase not in ("Succeeded", "Failed")
    ]


def dns_service(facts: Facts) -> Service | None:
    """The Service of the cluster's DNS, under whichever of its usual names."""
    for name in ("kube-dns", "coredns", "rke2-coredns-rke2-coredns", "dns-default"):
        for service in facts.of(Service):
            if service.name == name and service.namespace in ("kube-system", "openshift-dns") and service.cluster_ip:
                return service
    return None


def workload_of(pod: Pod) -> str:
    """The name of the workload that made a pod, without what was appended to it."""
    if pod.owner:
        return pod.owner
    return pod.name.rsplit("-", 1)[0] if "-" in pod.name else pod.name


def agent_kind(name: str) -> str | None:
    """What a workload that runs on every node is: "kube-proxy", "cni", or None for any other."""
    if name == "kube-proxy" or name.startswith("kube-proxy-"):
        return "kube-proxy"
    if any(name == agent or name.startswith(f"{agent}-ds") for agent in _CNI_AGENTS):
        return "cni"
    return None
