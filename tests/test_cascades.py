"""One fault with many symptoms: every rule runs over the same facts, and one cause stands on top."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.diagnosis import Diagnosed, diagnose
from analyzer.engine import evaluate, load_rules
from analyzer.facts import fact_types
from analyzer.facts.address import ip
from analyzer.facts.derived import Cluster, IngressAllow, Path, ProxyState, ServiceHealth, TargetPort
from analyzer.facts.fact import Coverage, Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.firewall import Chain, Rule
from analyzer.facts.health import ComponentHealth
from analyzer.facts.host import Certificate
from analyzer.facts.logs import LogLine
from analyzer.facts.nodes import Clock, Node
from analyzer.facts.policy import NetworkPolicy
from analyzer.facts.services import Endpoint, Ingress, Service, ServicePort
from analyzer.facts.store import Facts
from analyzer.facts.workloads import ConfigMap, Container, Pod

RULES = load_rules(())
WORKER = NodeName("worker-1")
DNS = ServiceName("kube-system/kube-dns")
WEB = ServiceName("shop/web")
COREDNS = PodName("kube-system/coredns-1")
CLIENT = PodName("shop/client-1")
TIMED_OUT = "dial tcp: lookup db.shop on 10.96.0.10:53: read udp 10.244.1.5:4000->10.96.0.10:53: i/o timeout"
OLD_COREFILE = ".:53 {\n    proxy . /etc/resolv.conf\n}\n"


def diagnosed(facts: list[Fact], cluster: Cluster | None = None) -> tuple[Diagnosed, ...]:
    """What all rules say about a cluster of which everything was collected."""
    store = Facts([cluster or Cluster(), *facts], [Coverage(fact=name) for name in fact_types()])
    return diagnose(RULES, [evaluate(rule, store) for rule in RULES])


def node(ready: bool = True) -> Node:
    return Node(name=WORKER, ip=ip("192.168.56.12"), ready=ready)


def pod(name: str, ready: bool = True, **fields: Any) -> Pod:
    namespace, own = name.split("/")
    whole: dict[str, Any] = {"phase": "Running", "host_network": False, "labels": {}, "terminating": False, **fields}
    return Pod(namespace=namespace, name=own, node=WORKER, ready=ready, **whole)


def lines(pod: PodName | None, *messages: str, times: int = 5, component: str = "app") -> list[Fact]:
    """Each message so many times, up to the end of the log."""
    return [
        LogLine(
            pod=pod, node=None if pod else WORKER, component=component, message=message, time=10.0 * number,
            age=10.0 * (times - 1 - number),
        )
        for message in messages
        for number in range(times)
    ]  # fmt: skip


def path(kind: str, **fields: Any) -> Path:
    whole: dict[str, Any] = {"verdict": "dropped", "at_node": WORKER, "table": "filter", "reason": "it ends", **fields}
    return Path(node=WORKER, kind=kind, ok=False, **whole)


def dns_is_down() -> list[Fact]:
    """The symptoms of DNS pods that do not serve, as pods, Services and clients show them."""
    return [
        node(),
        Service(
            namespace="kube-system", name="kube-dns", type="ClusterIP", cluster_ip=ip("10.96.0.10"), headless=False,
            selector=Selector({"k8s-app": "kube-dns"}), publish_not_ready=False,
        ),
        ServicePort(service=DNS, port=53, protocol="UDP"),
        ServicePort(service=DNS, port=53, protocol="TCP"),
        ServiceHealth(service=DNS, selector="k8s-app=kube-dns", selected=1, ready_pods=0, ready_endpoints=0),
        pod(COREDNS, ready=False, labels={"k8s-app": "kube-dns"}, status="CrashLoopBackOff", waiting="CrashLoopBackOff",
            restarts=9, owner="coredns"),
        path("pod-to-dns", verdict="no-endpoint", service=DNS, at_node=WORKER, chain=None),
        pod(CLIENT),
        *lines(CLIENT, TIMED_OUT),
    ]  # fmt: skip


def corefile_of_old() -> list[Fact]:
    return [
        *dns_is_down(),
        ConfigMap(namespace="kube-system", name="coredns", data={"Corefile": OLD_COREFILE}),
        Container(
            pod=COREDNS, name="coredns", image="registry.k8s.io/coredns:1.6.7", ready=False, state="waiting",
            reason="CrashLoopBackOff", restarts=9,
        ),
        *lines(COREDNS, "Corefile:2 - Error during parsing: Unknown directive 'proxy'", component="coredns"),
    ]  # fmt: skip


def dns_out_of_memory() -> list[Fact]:
    return [
        *dns_is_down(),
        Container(
            pod=COREDNS, name="coredns", ready=False, state="waiting", reason="CrashLoopBackOff",
            last_reason="OOMKilled", last_exit_code=137, restarts=9,
        ),
    ]  # fmt: skip


def ufw() -> list[Fact]:
    """ufw drops what pods send: CoreDNS waits for the API server, clients time out."""
    return [
        *dns_is_down(),
        Chain(node=WORKER, table="filter", name="FORWARD", policy="DROP"),
        Rule(node=WORKER, table="filter", chain="ufw-before-forward", position=1, target="ACCEPT"),
        path("pod-to-pod-other-node", chain="FORWARD", rule="policy", author="unknown"),
        path("pod-to-api", chain="FORWARD", rule="policy", author="unknown"),
        *lines(COREDNS, 'plugin/ready: Still waiting on: "kubernetes"', component="coredns"),
    ]


def certificate() -> list[Fact]:
    """A certificate ended: the kubelet and kube-proxy are cut off, the node is not ready."""
    ended = "x509: certificate has expired or is not yet valid: current time 2026-11-25T10:00:00Z is after 2026-11-20"
    proxy = PodName("kube-system/kube-proxy-x")
    return [
        node(ready=False),
        Clock(node=WORKER, time=2000.0),
        Certificate(node=WORKER, name="apiserver", not_before=0.0, not_after=1000.0),
        *lines(None, f"Error updating node status, will retry err={ended}", component="kubelet"),
        pod(proxy),
        *lines(proxy, "Failed to watch *v1.Service: failed to list *v1.Service: Unauthorized", component="kube-proxy"),
    ]


def proxy_configuration() -> list[Fact]:
    """kube-proxy refuses its configuration, so a new Service is not translated."""
    proxy = PodName("kube-system/kube-proxy-x")
    return [
        node(),
        pod(proxy, ready=False, status="CrashLoopBackOff", waiting="CrashLoopBackOff", restarts=9),
        Container(pod=proxy, name="kube-proxy", ready=False, state="waiting", reason="CrashLoopBackOff", restarts=9),
        *lines(proxy, "failed validate: KubeProxyConfiguration.ClusterCIDR: Invalid value", component="kube-proxy"),
        ComponentHealth(
            component="kube-proxy", node=WORKER, name="kube-proxy", pod=proxy, running=False, status="CrashLoopBackOff"
        ),
        ProxyState(node=WORKER, mode="iptables", chains=True, hooked=True, services=3),
        Service(namespace="shop", name="web", type="ClusterIP", cluster_ip=ip("10.96.4.7"), headless=False),
        ServicePort(service=WEB, port=80),
        Endpoint(service=WEB, ip=_ip("10.244.1.5"), port=80, pod=CLIENT),
        pod(CLIENT, ip=ip("10.244.1.5")),
        path("pod-to-service", verdict="neighbour-unreachable", service=WEB, chain=None),
    ]


def flushed() -> list[Fact]:
    """Somebody ran `iptables -F`: no Service is translated, names do not resolve."""
    return [
        node(),
        ProxyState(node=WORKER, chains=False, hooked=False, services=0),
        Chain(node=WORKER, table="mangle", name="KUBE-PROXY-CANARY"),
        path("pod-to-dns", verdict="neighbour-unreachable", service=DNS, chain=None),
        path("pod-to-service", verdict="neighbour-unreachable", service=WEB, chain=None),
        pod(CLIENT),
        *lines(CLIENT, TIMED_OUT),
    ]


def ingress() -> list[Fact]:
    """A mistyped selector: nothing behind the Service nor the Ingress, and the controller's log says so."""
    controller = PodName("ingress-nginx/ingress-nginx-controller-x")
    return [
        node(),
        Service(
            namespace="shop", name="web", type="ClusterIP", cluster_ip=ip("10.96.4.7"), headless=False,
            selector=Selector({"app": "webb"}), publish_not_ready=False,
        ),
        ServicePort(service=WEB, port=80),
        ServiceHealth(service=WEB, selector="app=webb", selected=0, ready_pods=0, ready_endpoints=0, almost="app=web"),
        pod("shop/web-1", labels={"app": "web"}),
        Ingress(namespace="shop", name="front", host="shop.example.com", path="/", service=WEB, port=80),
        pod(controller),
        *lines(controller, 'Service "shop/web" does not have any active Endpoint.'),
    ]  # fmt: skip


def policy() -> list[Fact]:
    """The policy opens the Service's port: the pod is isolated on its own, clients time out."""
    web = PodName("shop/web-1")
    return [
        node(),
        pod(web, labels={"app": "web"}),
        NetworkPolicy(namespace="shop", name="web", pod_selector=Selector({"app": "web"}), ingress=True, egress=False),
        TargetPort(service=WEB, pod=web, port=80, target_port=8080),
        IngressAllow(pod=web, port=80, protocol="TCP"),
        path("pod-to-service", chain="KUBE-POD-FW-A", author="kube-router", to_pod=web, service=WEB),
    ]


def _ip(text: str) -> Any:
    return ip(text)


CASES = {
    "coredns-corefile-proxy-plugin": (corefile_of_old, 6, Cluster()),
    "coredns-oom": (dns_out_of_memory, 5, Cluster()),
    "ufw-blocks-pods": (ufw, 7, Cluster()),
    "certificate-expired": (certificate, 4, Cluster()),
    "kube-proxy-config-invalid": (proxy_configuration, 4, Cluster(service_proxy="iptables")),
    "iptables-flushed": (flushed, 3, Cluster(service_proxy="iptables")),
    "service-selector-mismatch": (ingress, 3, Cluster()),
    "netpol-service-port-used": (policy, 2, Cluster()),
}


@pytest.mark.parametrize("cause", CASES)
def test_one_cause_on_top(cause: str) -> None:
    build, symptoms, cluster = CASES[cause]
    found = [one for one in diagnosed(build(), cluster) if one.rule.severity != "info"]
    told = [f"{one.rule.id} <- {[found[0].rule.id if n == 0 else n for n in one.explained_by]}" for one in found]
    assert [one.rule.id for one in found if not one.explained_by] == [cause], told
    assert len({one.rule.id for one in found}) > symptoms, told


def test_two_faults_at_once_stay_two_causes() -> None:
    found = diagnosed([*corefile_of_old(), *policy()])
    roots = {one.rule.id for one in found if not one.explained_by and one.rule.severity != "info"}
    assert roots == {"coredns-corefile-proxy-plugin", "netpol-service-port-used"}


def test_without_its_proof_no_cause_is_named() -> None:
    """The same symptoms without the Corefile: the pods that fail are on top, nothing is invented."""
    found = [one for one in diagnosed(dns_is_down()) if one.rule.severity != "info" and not one.explained_by]
    assert {one.rule.id for one in found} == {"dns-crashloop"}
