"""Where the cluster's DNS servers send the names that are not the cluster's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.facts.address import IP, ip
from analyzer.facts.configuration import Resolver
from analyzer.facts.fact import Coverage, Fact, PodName
from analyzer.facts.health import DnsUpstream
from analyzer.facts.store import Facts
from analyzer.facts.workloads import ConfigMap, Pod
from analyzer.model.names import dns_pods

_FORWARD = re.compile(r"^\s*(?:forward|proxy)\s+(?P<zone>\S+)\s+(?P<to>[^{#\n]+)", re.MULTILINE)
_ADDRESS = re.compile(
    r"^(?:dns://|tls://)?(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<four>[0-9.]+)|(?P<bare>[0-9a-fA-F:]+))(?::\d+)?$"
)


def upstreams(facts: Facts, dns_ip: IP | None) -> tuple[list[Fact], list[Coverage]]:
    """DnsUpstream of every forward line of a Corefile; a file that it names stands for what the DNS pods get there."""
    found: list[Fact] = []
    for config in facts.of(ConfigMap):
        corefile = (config.data or {}).get("Corefile")
        if corefile is None or config.namespace not in ("kube-system", "openshift-dns"):
            continue
        if config.name not in ("coredns", "rke2-coredns-rke2-coredns", "dns-default"):
            continue
        for line in _FORWARD.finditer(corefile):
            found += _line(facts, config, line["zone"], line["to"].split(), dns_ip)
    entries = [one for one in facts.coverage(ConfigMap) if one.namespace in (None, "kube-system")]
    complete = any(one.complete for one in entries)
    return list(dict.fromkeys(found)), [
        Coverage(fact="DnsUpstream", complete=complete, note=one.note, path=one.path) for one in entries[:1]
    ]


def _line(facts: Facts, config: ConfigMap, zone: str, targets: list[str], dns_ip: IP | None) -> Iterator[DnsUpstream]:
    for target in targets:
        if target.startswith("/"):
            for pod in dns_pods(facts):
                yield from _of_pod(facts, config, zone, pod, dns_ip)
            continue
        match = _ADDRESS.match(target)
        address = ip(match["six"] or match["four"] or match["bare"]) if match else None
        if address is not None:
            yield DnsUpstream(
                config=config.key,
                zone=zone,
                ip=address,
                source="Corefile",
                cluster_dns=None if dns_ip is None else address == dns_ip,
                loopback=address.is_loopback,
                origin=config.origin,
            )


def _of_pod(facts: Facts, config: ConfigMap, zone: str, pod: Pod, dns_ip: IP | None) -> Iterator[DnsUpstream]:
    """What a DNS pod finds in its resolv.conf: its own file where collected, else that of its node."""
    if pod.dns_policy not in (None, "Default") or pod.node is None:
        return
    resolvers = facts.where(Resolver, netns=f"{pod.node}:{pod.name}")
    own = True
    if not resolvers:
        own = False
        files = [one for one in facts.where(Resolver, node=pod.node) if one.file.endswith("etc/resolv.conf")]
        # systemd-resolved's own file is what the kubelet hands to pods where the node's names only the local resolver
        local = [one for one in files if all(server.is_loopback for server in one.nameservers)]
        better = [one for one in facts.where(Resolver, node=pod.node) if "systemd/resolve/resolv.conf" in one.file]
        resolvers = better if local and better else files
    for resolver in resolvers:
        for server in resolver.nameservers:
            yield DnsUpstream(
                config=config.key,
                zone=zone,
                ip=server,
                source="the resolv.conf of the pod" if own else "the resolv.conf of the node",
                pod=PodName(pod.key),
                node=pod.node,
                cluster_dns=None if dns_ip is None else server == dns_ip,
                loopback=server.is_loopback,
                origin=resolver.origin,
            )
