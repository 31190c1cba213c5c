"""Cascades of pod networks: the plugin fails, pods wait, Services are empty, and one cause stands on top."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.facts.address import ip
from analyzer.facts.derived import Cluster, ServiceHealth
from analyzer.facts.fact import Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.health import ComponentHealth
from analyzer.facts.nodes import Node
from analyzer.facts.routing import Listener
from analyzer.facts.services import Endpoint, Service, ServicePort
from analyzer.facts.workloads import Container, Event
from tests.test_cascades import WEB, WORKER, diagnosed, lines, node, pod

API = ServiceName("default/kubernetes")
MASTER: Any = ip("192.168.56.11")
WAITING = PodName("shop/web-1")


def pod_waits(message: str) -> list[Fact]:
    """A pod without a sandbox: its event, and the Service that has no other pod."""
    return [
        pod(WAITING, ready=False, phase="Pending", status="ContainerCreating", waiting="ContainerCreating",
            labels={"app": "web"}),
        Event(namespace="shop", kind="Pod", name="web-1", pod=WAITING, reason="FailedCreatePodSandBox", age=30.0,
              message=f"Failed to create pod sandbox: {message}"),
        Service(
            namespace="shop", name="web", type="ClusterIP", cluster_ip=ip("10.96.4.7"), headless=False,
            selector=Selector({"app": "web"}), publish_not_ready=False,
        ),
        ServicePort(service=WEB, port=80),
        ServiceHealth(service=WEB, selector="app=web", selected=1, ready_pods=0, ready_endpoints=0),
    ]  # fmt: skip


def token_of_calico() -> list[Fact]:
    refused = "error getting ClusterInformation: connection is unauthorized: Unauthorized"
    return [node(), *pod_waits(f'plugin type="calico" failed (add): {refused}')]


def limit_of_the_instance() -> list[Fact]:
    return [
        node(),
        *pod_waits('plugin type="aws-cni" failed (add): add cmd: failed to assign an IP address to container'),
        *lines(None, "failed to allocate a private IP address: PrivateIpAddressLimitExceeded", component="ipamd"),
    ]


def address_of_the_api() -> list[Fact]:
    """Cilium without kube-proxy, told the Service address: its agent ends, the node has no network."""
    agent = PodName("kube-system/cilium-x")
    asked = "https://10.96.0.1:443"
    line = f'"Unable to contact k8s api-server" error="Get {asked}: dial tcp 10.96.0.1:443: i/o timeout"'
    config = "container runtime network not ready: reason:NetworkPluginNotReady message:cni plugin not initialized"
    return [
        Node(name=WORKER, ip=ip("192.168.56.12"), ready=False, ready_message=config),
        Service(namespace="default", name="kubernetes", cluster_ip=ip("10.96.0.1")),
        Endpoint(service=API, ip=MASTER, port=6443),
        Node(name=NodeName("cp-1"), ip=MASTER, ready=True),
        Listener(node=NodeName("cp-1"), protocol="TCP", port=6443),
        pod(agent, ready=False, status="CrashLoopBackOff", waiting="CrashLoopBackOff", host_network=True),
        Container(pod=agent, name="cilium-agent", ready=False, state="waiting", reason="CrashLoopBackOff", restarts=9),
        ComponentHealth(
            component="cni", node=WORKER, name="cilium", pod=agent, running=False, status="CrashLoopBackOff"
        ),
        *lines(agent, line, component="cilium-agent"),
        *pod_waits("unable to connect to Cilium agent: connection refused"),
    ]


CASES = {
    "calico-cni-unauthorized": (token_of_calico, 3, Cluster(cni="calico")),
    "aws-eni-limit": (limit_of_the_instance, 4, Cluster(cni="aws-vpc")),
    "cilium-apiserver-address-wrong": (address_of_the_api, 6, Cluster(cni="cilium", service_proxy="cilium")),
}


@pytest.mark.parametrize("cause", CASES)
def test_one_cause_on_top(cause: str) -> None:
    build, symptoms, cluster = CASES[cause]
    found = [one for one in diagnosed(build(), cluster) if one.rule.severity != "info"]
    told = [one.rule.id for one in found]
    assert [one.rule.id for one in found if not one.explained_by] == [cause], told
    assert len(set(told)) > symptoms, told
