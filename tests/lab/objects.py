"""The API objects of the lab, as `kubectl get -o json` would print them; written by hand, there is no API server."""

from __future__ import annotations

import json
from typing import Any

from tests.lab.cluster import NODES, PODS, SERVICES, UNDERLAY, Pod, Service, endpoints

CREATED = "2026-11-20T08:00:00Z"
Object = dict[str, Any]

COREFILE = """.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
    }
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
}
"""


def objects() -> dict[str, list[Object]]:
    """Lists of objects by the file name that holds them; faults change them before they are written."""
    return {
        "nodes": [_node(name, number) for name, number in NODES.items()],
        "pods": [_pod(pod) for pod in PODS] + [agent(name, node) for name in AGENTS for node in NODES],
        "services": [_service(service) for service in SERVICES],
        "endpoints": [_endpoints(service) for service in SERVICES],
        "deployments": [
            _deployment(owner, namespace) for owner, namespace in sorted({(p.owner, p.namespace) for p in PODS})
        ],
        "namespaces": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "status": {"phase": "Active"},
            }
            for name in ("default", "kube-flannel", "kube-system", "shop", "tools")
        ],
        "networkpolicies": [],
        "configmaps": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "coredns", "namespace": "kube-system"},
                "data": {"Corefile": COREFILE},
            },
        ],
        "events": [],
    }


# DaemonSets that use the network of their node: name to (namespace, container).
AGENTS = {"kube-flannel-ds": ("kube-flannel", "kube-flannel"), "kube-proxy": ("kube-system", "kube-proxy")}


def agent(name: str, node: str) -> Object:
    """The pod of a DaemonSet on a node."""
    namespace, container = AGENTS[name]
    pod = _pod(
        Pod(
            namespace,
            f"{name}-{node[-1]}xk{node[-1]}",
            node,
            f"{UNDERLAY}.1{NODES[node]}",
            {"app": name},
            (),
            container,
        )
    )
    pod["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": name, "controller": True}]
    pod["metadata"]["labels"] = {"app": "flannel"} if name == "kube-flannel-ds" else {"k8s-app": name}
    pod["spec"]["hostNetwork"] = True
    return pod


def listed(items: list[Object]) -> str:
    """A List as kubectl prints it."""
    return (
        json.dumps({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}, indent=4)
        + "\n"
    )


def _node(name: str, number: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "creationTimestamp": CREATED,
            "labels": {"kubernetes.io/hostname": name},
            "annotations": {
                "flannel.alpha.coreos.com/backend-type": "vxlan",
                "flannel.alpha.coreos.com/backend-data": json.dumps({"VNI": 1, "VtepMAC": f"ee:00:00:00:00:0{number}"}),
                "flannel.alpha.coreos.com/public-ip": f"{UNDERLAY}.1{number}",
            },
        },
        "spec": {"podCIDR": f"10.244.{number}.0/24", "podCIDRs": [f"10.244.{number}.0/24"]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": f"{UNDERLAY}.1{number}"},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [
                {"type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp"},
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                },
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.29.4",
                "kernelVersion": "6.1.0",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "containerRuntimeVersion": "containerd://1.7.13",
            },
        },
    }


def _pod(pod: Pod) -> Object:
    container = "coredns" if pod.owner == "coredns" else pod.owner
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "creationTimestamp": CREATED,
            "labels": {**pod.labels, "pod-template-hash": pod.name.split("-")[1]},
            "ownerReferences": [{"kind": "ReplicaSet", "name": pod.name.rsplit("-", 1)[0], "controller": True}],
        },
        "spec": {
            "nodeName": pod.node,
            "serviceAccountName": container,
            "dnsPolicy": "Default" if pod.owner == "coredns" else "ClusterFirst",
            "containers": [
                {
                    "name": container,
                    "image": f"registry.example/{container}:1",
                    "ports": [
                        {"containerPort": port, "protocol": kind.upper(), "name": f"{kind}-{port}"}
                        for kind, port in pod.listens
                    ],
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": pod.ip,
            "podIPs": [{"ip": pod.ip}],
            "hostIP": f"{UNDERLAY}.1{NODES[pod.node]}",
            "startTime": CREATED,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": container, "ready": True, "restartCount": 0, "state": {"running": {"startedAt": CREATED}}}
            ],
        },
    }


def _service(service: Service) -> Object:
    spec: Object = {
        "clusterIP": service.ip,
        "clusterIPs": [service.ip],
        "type": "NodePort" if service.node_port else "ClusterIP",
        "sessionAffinity": "None",
        "ports": [
            {"name": name, "protocol": protocol.upper(), "port": port, "targetPort": target}
            | ({"nodePort": service.node_port} if service.node_port else {})
            for name, protocol, port, target in service.ports
        ],
    }
    if service.selector is not None:
        spec["selector"] = service.selector
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "namespace": service.namespace},
        "spec": spec,
    }


def _endpoints(service: Service) -> Object:
    owners = {pod.ip: pod for pod in PODS}
    addresses = []
    for ip in endpoints(service):
        address: Object = {"ip": ip}
        if ip in owners:
            address["nodeName"] = owners[ip].node
            address["targetRef"] = {"kind": "Pod", "namespace": owners[ip].namespace, "name": owners[ip].name}
        addresses.append(address)
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": service.name, "namespace": service.namespace},
        "subsets": [
            {
                "addresses": addresses,
                "ports": [{"name": n, "port": t, "protocol": p.upper()} for n, p, _, t in service.ports],
            }
        ],
    }


def _deployment(owner: str, namespace: str) -> Object:
    mine = [pod for pod in PODS if pod.owner == owner]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": owner, "namespace": namespace},
        "spec": {
            "replicas": len(mine),
            "selector": {"matchLabels": mine[0].labels},
            "template": {"metadata": {"labels": mine[0].labels}},
        },
        "status": {"replicas": len(mine), "readyReplicas": len(mine)},
    }
