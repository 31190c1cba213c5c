"""The cluster as a whole, put together from whatever tells of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from analyzer.facts import configuration, firewall, nodes, routing, services, workloads
from analyzer.facts.address import CIDR, IP, cidr, contains, ip
from analyzer.facts.derived import Cluster
from analyzer.facts.store import Facts
from analyzer.model.addresses import POD_BRIDGES
from analyzer.model.enforcement import policies_enforced
from analyzer.model.names import dns_service
from analyzer.model.ranges import Ranges

_PLUGIN = {
    "flannel": "flannel",
    "calico": "calico",
    "cilium-cni": "cilium",
    "weave-net": "weave",
    "aws-cni": "aws-vpc",
    "antrea": "antrea",
    "ovn-k8s-cni-overlay": "ovn",
    "kubenet": "kubenet",
    "azure-vnet": "azure",
}
_AGENT = {
    "kube-flannel": "flannel",
    "calico-node": "calico",
    "canal": "calico",
    "cilium": "cilium",
    "weave-net": "weave",
    "aws-node": "aws-vpc",
    "antrea-agent": "antrea",
    "ovnkube-node": "ovn",
    "kube-router": "kube-router",
}
_ANNOTATION = {
    "projectcalico.org/": "calico",
    "network.cilium.io/": "cilium",
    "io.cilium.network": "cilium",
    "k8s.ovn.org/": "ovn",
    "flannel.alpha.coreos.com/": "flannel",
    "kube-router.io/": "kube-router",
}
_DEVICE = (
    ("cilium_", "cilium"),
    ("cali", "calico"),
    ("flannel", "flannel"),
    ("weave", "weave"),
    ("antrea-gw", "antrea"),
    ("ovn-k8s-mp", "ovn"),
    ("cbr0", "kubenet"),
    ("kube-bridge", "kube-router"),
)
_BRIDGED = {"flannel": True, "kubenet": True, "weave": True, "bridge": True, "kube-router": True}
_ROUTED = {"calico": False, "cilium": False, "aws-vpc": False, "antrea": False, "ovn": False, "azure": False}


def cluster(facts: Facts) -> Cluster:
    """The one Cluster fact; a field stays None where nothing tells."""
    cni = _cni(facts)
    pods = _pod_cidrs(facts)
    version = _version(facts)
    distribution = _distribution(facts, version or "")
    return Cluster(
        cni=cni,
        service_proxy=_service_proxy(facts, cni),
        version=version,
        distribution=distribution,
        policies_enforced=policies_enforced(facts, cni, distribution),
        provider=next((node.provider for node in facts.of(nodes.Node) if node.provider), None),
        pod_cidrs=pods,
        service_cidrs=_service_cidrs(facts),
        bridge_cni=_bridge_cni(facts, cni),
        dns_ip=_dns_ip(facts),
        obfuscated=_obfuscated(facts, cni, pods),
        origin=next((node.origin for node in facts.of(nodes.Node)), Cluster().origin),
    )


def _cni(facts: Facts) -> str | None:
    first: dict[str, str] = {}
    for plugin in facts.of(configuration.CniPlugin):
        if plugin.position == 1 and plugin.type in _PLUGIN and first.get(plugin.node, "~") > plugin.file:
            first[plugin.node] = plugin.file
    votes = Counter(
        _PLUGIN[plugin.type]
        for plugin in facts.of(configuration.CniPlugin)
        if plugin.position == 1 and first.get(plugin.node) == plugin.file and plugin.type in _PLUGIN
    )
    if votes:
        return _commonest(votes)
    names = [pod.owner or pod.name for pod in facts.of(workloads.Pod)]
    names += [load.name for load in facts.of(workloads.Workload) if load.kind == "DaemonSet"]
    votes = Counter(found for name in names if (found := _agent(name)))
    if votes:
        return _commonest(votes)
    keys = {key for node in facts.of(nodes.Node) for key in node.annotations or ()}
    for prefix, name in _ANNOTATION.items():
        if any(key.startswith(prefix) for key in keys):
            return name
    devices = {link.name for link in facts.of(routing.Interface) if link.node is not None}
    for prefix, name in _DEVICE:
        if any(device.startswith(prefix) for device in devices):
            return name
    return "bridge" if any(plugin.type == "bridge" for plugin in facts.of(configuration.CniPlugin)) else None


def _agent(name: str) -> str | None:
    """The CNI whose agent is called `name`; an operator or a controller of that CNI is not its agent."""
    if "operator" in name or "hubble" in name:
        return None
    return next((cni for prefix, cni in _AGENT.items() if name == prefix or name.startswith(f"{prefix}-")), None)


def _commonest(votes: Counter[str]) -> str:
    return min(votes, key=lambda name: (-votes[name], name))


def _service_proxy(facts: Facts, cni: str | None) -> str | None:
    # Other network namespaces of a machine tell nothing of its own: they may be clusters within it.
    if any(rule.chain == "KUBE-SERVICES" and rule.table == "nat" and rule.node for rule in facts.of(firewall.Rule)):
        ipvs = any(link.name == "kube-ipvs0" for link in facts.of(routing.Interface))
        return "ipvs" if ipvs else "iptables"
    if any(thing.table == "kube-proxy" for thing in facts.of(firewall.NftObject)):
        return "nftables"
    if facts.of(firewall.VirtualServer):
        return "ipvs"
    for setting in facts.of(configuration.Setting):
        if setting.component == "kube-proxy" and setting.name in ("mode", "proxy-mode"):
            return setting.value or "iptables"
    proxied = any((pod.owner or pod.name).startswith("kube-proxy") for pod in facts.of(workloads.Pod))
    if proxied:
        return "iptables"
    replaced = any(
        config.data is not None and config.data.get("kube-proxy-replacement") in ("true", "strict")
        for config in facts.of(workloads.ConfigMap)
        if config.name == "cilium-config"
    )
    if replaced:
        return "cilium"
    if cni == "ovn":
        return "ovn"
    if any("+k3s" in (node.version or "") or "+rke2" in (node.version or "") for node in facts.of(nodes.Node)):
        return None if cni == "cilium" else "iptables"
    listed = facts.coverage(workloads.Pod, namespace="kube-system")
    if cni == "cilium" and any(one.complete and one.pod is None and one.node is None for one in listed):
        return "cilium"  # all pods there are listed, and those of kube-proxy are not among them
    return None


def _version(facts: Facts) -> str | None:
    for version in facts.of(configuration.Version):
        if version.component == "kubernetes":
            return version.version
    votes = Counter(node.version for node in facts.of(nodes.Node) if node.version)
    return _commonest(votes) if votes else None


def _distribution(facts: Facts, version: str) -> str | None:
    seen = " ".join([version, *(node.version or "" for node in facts.of(nodes.Node))])
    for mark, name in (("+k3s", "k3s"), ("+rke2", "rke2"), ("-eks-", "eks"), ("-gke.", "gke")):
        if mark in seen:
            return name
    labels = " ".join(key for node in facts.of(nodes.Node) for key in (*(node.labels or ()), *(node.annotations or ())))
    for mark, name in (
        ("kubernetes.azure.com/", "aks"),
        ("eks.amazonaws.com/", "eks"),
        ("cloud.google.com/gke", "gke"),
        ("node.openshift.io/", "openshift"),
        ("microk8s.io/", "microk8s"),
        ("kubeadm.alpha.kubernetes.io/", "kubeadm"),
    ):
        if mark in labels:
            return name
    for prefix, name in (("aks-", "aks"), ("gke-", "gke")):  # how these name nodes; tables have no labels
        if any(node.name.startswith(prefix) for node in facts.of(nodes.Node)):
            return name
    coreos = "Red Hat Enterprise Linux CoreOS"
    return "openshift" if any(coreos in (node.os_image or "") for node in facts.of(nodes.Node)) else None


def _pod_cidrs(facts: Facts) -> tuple[CIDR, ...]:
    wide = [
        net
        for setting in facts.of(configuration.Setting)
        if setting.name in ("cluster-cidr", "clusterCIDR", "networking.podSubnet")
        for net in _networks(setting.value)
    ]
    wide += [subnet.network for subnet in facts.of(configuration.FlannelSubnet) if subnet.network is not None]
    wide += [backend.network for backend in facts.of(configuration.FlannelBackend) if backend.network is not None]
    for node in facts.of(nodes.Node):
        wide += node.pod_cidrs or ((node.pod_cidr,) if node.pod_cidr is not None else ())
    return _widest(wide)


def _service_cidrs(facts: Facts) -> tuple[CIDR, ...]:
    stated = [
        net
        for setting in facts.of(configuration.Setting)
        if setting.name in ("service-cluster-ip-range", "networking.serviceSubnet", "service-cidr")
        for net in _networks(setting.value)
    ]
    # kube-router writes the range into its own rule; it is the only place in many dumps that states it.
    stated += [
        rule.destination
        for rule in facts.of(firewall.Rule)
        if rule.chain == "KUBE-ROUTER-INPUT" and rule.destination is not None and "cluster IP" in (rule.comment or "")
    ]
    if stated:
        return _widest(stated)
    return tuple(_span(family) for family in _families(facts) if family)


def _families(facts: Facts) -> tuple[list[IP], list[IP]]:
    used = [found for service in facts.of(services.Service) if (found := service.cluster_ip) is not None]
    return [one for one in used if one.version == 4], [one for one in used if one.version == 6]


def _span(used: list[IP]) -> CIDR:
    """The smallest network that holds all service addresses: what is certainly in the range, never more than a /12."""
    first, last = min(map(int, used)), max(map(int, used))
    bits = used[0].max_prefixlen
    length = bits - (first ^ last).bit_length()
    net = cidr(f"{used[0]}/{max(length, bits - 20)}")
    assert net is not None
    return net


def _networks(text: str) -> list[CIDR]:
    return [net for part in text.split(",") if "/" in part and (net := cidr(part.strip())) is not None]


def _widest(nets: Iterable[CIDR]) -> tuple[CIDR, ...]:
    """The networks that lie in no other, in order."""
    kept: list[CIDR] = []
    # A network that holds another stands before it, with nothing between them but what it holds too.
    for net in sorted(set(nets), key=lambda net: (net.version, int(net.network_address), net.prefixlen)):
        if not kept or not contains(kept[-1], net):
            kept.append(net)
    return tuple(sorted(kept, key=lambda net: (net.version, net.prefixlen, int(net.network_address))))


def _bridge_cni(facts: Facts, cni: str | None) -> bool | None:
    if any(link.kind == "bridge" and POD_BRIDGES.match(link.name) for link in facts.of(routing.Interface)):
        return True
    if any(port.bridge and POD_BRIDGES.match(port.bridge) for port in facts.of(routing.BridgePort)):
        return True
    return (_BRIDGED | _ROUTED).get(cni or "")


def _dns_ip(facts: Facts) -> IP | None:
    service = dns_service(facts)
    if service is not None:
        return service.cluster_ip
    for setting in facts.of(configuration.Setting):
        if setting.component == "kubelet" and setting.name in ("cluster-dns", "clusterDNS"):
            return ip(re.split(r"[,\s\[\]]+", setting.value.strip("[]"))[0])
    return None


def _obfuscated(facts: Facts, cni: str | None, pods: tuple[CIDR, ...]) -> bool:
    """Whether most pod addresses lie outside of every pod range although the CNI takes them from there."""
    if not pods or cni not in ("flannel", "kubenet", "bridge"):
        return False
    given = [pod.ip for pod in facts.of(workloads.Pod) if pod.ip is not None and pod.host_network is False]
    inside = Ranges(("pod", net) for net in pods)
    outside = [one for one in given if not inside.hold(one)]
    return len(given) >= 4 and 2 * len(outside) > len(given)
