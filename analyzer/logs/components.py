"""Who wrote a log: names of components from places, file names, pods and syslog tags.

A k3s server or agent is one process: kubelet, kube-proxy, flannel and the controllers all write to its log, and their
lines cannot be told apart for certain. Such lines keep the component "k3s"; `ALSO_IN` says where else a component's
lines may be.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from analyzer.facts.source import Place

# A rule about the kubelet asks for component in ["kubelet", "k3s"]: one process holds both on such systems.
_ALL_IN_ONE = ("k3s", "rke2", "k0s", "kubelite", "hyperkube")
ALSO_IN: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("kubelet", "kube-proxy", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "flannel", "kube-router"),
    _ALL_IN_ONE,
)
# What a client of the API or of a Service printed when it failed, where its output should be
CLIENT = "client"

_PODS = (
    ("coredns", "coredns"), ("kube-dns", "kube-dns"), ("nodelocaldns", "node-local-dns"),
    ("node-local-dns", "node-local-dns"), ("kube-flannel", "flannel"), ("calico-node", "calico-node"),
    ("canal", "canal"), ("calico-kube-controllers", "calico-kube-controllers"), ("calico-typha", "calico-typha"),
    ("cilium-operator", "cilium-operator"), ("cilium-envoy", "cilium-envoy"), ("cilium", "cilium"),
    ("kube-proxy", "kube-proxy"), ("weave-net", "weave"), ("kube-router", "kube-router"), ("kindnet", "kindnet"),
    ("aws-node", "aws-node"), ("antrea-agent", "antrea-agent"), ("antrea-controller", "antrea-controller"),
    ("ovnkube", "ovnkube"), ("multus", "multus"), ("whereabouts", "whereabouts"),
    ("kube-apiserver", "kube-apiserver"), ("kube-controller-manager", "kube-controller-manager"),
    ("kube-scheduler", "kube-scheduler"), ("etcd", "etcd"), ("speaker", "metallb-speaker"),
    ("metallb-speaker", "metallb-speaker"), ("metrics-server", "metrics-server"),
)  # fmt: skip
_CONTAINERS = {
    "kube-flannel": "flannel", "install-cni-plugin": "flannel", "cilium-agent": "cilium", "dnsmasq": "kube-dns",
    "node-cache": "node-local-dns", "weave-npc": "weave",
}  # fmt: skip
_FILES = (
    (r"k3s", "k3s"), (r"rke2", "rke2"), (r"kubelite|.*daemon-kubelite", "kubelite"), (r"kubelet", "kubelet"),
    (r"kube-?proxy", "kube-proxy"), (r"containerd", "containerd"), (r"docker(d)?(?![a-z])", "dockerd"),
    (r"crio|cri-o", "crio"), (r"dmesg|kern\.log|kernel", "kernel"), (r"kube-?apiserver", "kube-apiserver"),
    (r"kube-?scheduler", "kube-scheduler"), (r"kube-?controller-?manager", "kube-controller-manager"),
    (r"etcd", "etcd"), (r"firewalld", "firewalld"), (r"NetworkManager", "NetworkManager"),
    (r"(aws-routed-eni|ipamd)", "ipamd"), (r"(systemd-)?networkd", "systemd-networkd"),
    (r"(systemd-)?resolved", "systemd-resolved"), (r"cloud-init", "cloud-init"), (r"audit", "audit"),
    (r"flannel", "flannel"), (r"coredns", "coredns"), (r"calico-node|calico_node", "calico-node"),
    (r"cilium-agent", "cilium"),
)  # fmt: skip
_BY_FILE = tuple(
    (re.compile(rf"(?:journalctl[-_ ](?:.*[-_ ])?|log[-_])?(?:{expression})", re.IGNORECASE), name)
    for expression, name in _FILES
)
_TAGS = {
    "kern": "kernel", "k3s-agent": "k3s", "k3s-server": "k3s", "rke2-server": "rke2", "rke2-agent": "rke2",
    "docker": "dockerd", "hyperkube": "kubelet", "cri-o": "crio", "microk8s.daemon-kubelite": "kubelite",
    "auditd": "audit",
}  # fmt: skip
_LOGS_OF_PODS = re.compile(r"(?:^|/)pods/([^/_]+)_([^/_]+)_[^/]+/([^/]+)/[^/]+$")
_LOGS_OF_CONTAINERS = re.compile(r"(?:^|/)containers/([^/_]+)_([^/_]+)_([^/]+)-[0-9a-f]{12,64}\.log[^/]*$")
_NAMED_BY_THREE = re.compile(r"(?:^|/)([a-z0-9-]+)_([a-z0-9.-]+)_([a-z0-9-]+)((?:[.-]previous)?\.(?:log|txt))$")


def place_of(path: str, place: Place) -> Place:
    """The place, with what the log's own path adds to it: pod, container, component, whether it is a previous run's."""
    pod, namespace, container = place.pod, place.namespace, place.container
    if pod and "/" in pod:
        namespace, pod = pod.split("/", 1)
    if pod is None:
        by_pod, by_container, by_name = (
            one.search(path) for one in (_LOGS_OF_PODS, _LOGS_OF_CONTAINERS, _NAMED_BY_THREE)
        )
        if by_container:
            pod, namespace, container = by_container.groups()
        elif found := by_pod or by_name:
            namespace, pod, container = found[1], found[2], found[3]
    component = place.component or (component_of(pod, container) if pod or container else _by_file(path))
    previous = place.previous or bool(re.search(r"[-._](?:previous|prev)(?=[./]|$)", PurePosixPath(path).name))
    return Place(
        node=place.node,
        namespace=namespace,
        pod=pod,
        container=container,
        netns=place.netns,
        component=component,
        previous=previous,
    )


def component_of(pod: str | None, container: str | None) -> str | None:
    """The component that a container of a pod is: a well-known name, or the container's."""
    if container and container in _CONTAINERS:
        return _CONTAINERS[container]
    for prefix, name in _PODS:
        if pod and (pod == prefix or pod.startswith(f"{prefix}-")):
            return name
    return container or (re.sub(r"(-[0-9a-f]{6,10})?-[0-9a-z]{5}$", "", pod) if pod else None)


def by_tag(tag: str) -> str:
    """The component that a syslog tag or unit names."""
    tag = tag.removesuffix(".service").rsplit("/", 1)[-1]
    return _TAGS.get(tag, tag)


def _by_file(path: str) -> str | None:
    """The component of a log that is named after it; None for a journal or syslog, where each line names its own."""
    name = PurePosixPath(path).name
    for expression, component in _BY_FILE:
        if expression.match(name):
            return component
    parent = PurePosixPath(path).parent.name
    for expression, component in _BY_FILE:
        if expression.fullmatch(parent.removeprefix("snap.microk8s.")):
            return component
    return None
