"""A made-up cluster whose packets can be followed: nodes with links, routes and kube-proxy's rules, as a folder."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import generate

SYSCTLS = "".join(
    f"{name}\n"
    for name in (
        "net.bridge.bridge-nf-call-iptables = 1",
        "net.ipv4.ip_forward = 1",
        *(f"net.ipv4.conf.{dev}.{key}" for dev in ("all", "default", "eth0", "cni0", "lo")
          for key in ("rp_filter = 0", "forwarding = 1", "route_localnet = 0")),
    )
)  # fmt: skip

PODS = 240  # that serve, on one node


def network(folder: Path, nodes: int, services: int, endpoints: int = 1) -> None:
    """Nodes on one segment, a /24 of pods behind a bridge on each, every Service with a pod of its own on some node.

    Where there are more Services than pods fit, several share one. The rules name that pod `endpoints` times.
    """
    names = [f"node-{number}" for number in range(nodes)]
    cluster = folder / "cluster"
    cluster.mkdir(parents=True)
    _list(cluster / "nodes.json", [_node(name, number) for number, name in enumerate(names)])
    each = min(PODS, -(-services // nodes)) + 1  # one sends, the others serve
    _list(cluster / "pods.json", [_pod(number, 2 + which) for number in range(nodes) for which in range(each)])
    _list(cluster / "services.json", [_service(number) for number in range(services)])
    _list(cluster / "endpoints.json", [_endpoints(number, nodes) for number in range(services)])
    rules = generate.iptables(services, endpoints, lambda number: f"10.42.{number % nodes}.{_host(number, nodes)}")
    for number, name in enumerate(names):
        place = folder / "nodes" / name
        place.mkdir(parents=True)
        (place / "iptables-save.txt").write_text(rules)
        (place / "ip-addr.txt").write_text(_addresses(number, each))
        (place / "ip-route.txt").write_text(
            "default via 192.168.0.1 dev eth0\n"
            f"192.168.0.0/16 dev eth0 proto kernel scope link src 192.168.0.{number + 10}\n"
            f"10.42.{number}.0/24 dev cni0 proto kernel scope link src 10.42.{number}.1\n"
            + "".join(
                f"10.42.{peer}.0/24 via 192.168.0.{peer + 10} dev eth0\n" for peer in range(nodes) if peer != number
            )
        )
        (place / "bridge-link.txt").write_text(
            "".join(
                f"{which + 2}: veth{which}@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master cni0 state "
                "forwarding priority 32 cost 2 \n    hairpin on guard off root_block off fastleave off learning on \n"
                for which in range(2, 2 + each)
            )
        )
        (place / "ip-neigh.txt").write_text(
            "".join(
                f"10.42.{number}.{which} dev cni0 lladdr {_mac(number, which)} REACHABLE\n"
                for which in range(2, 2 + each)
            )
        )
        (place / "bridge-fdb.txt").write_text(
            "".join(f"{_mac(number, which)} dev veth{which} master cni0\n" for which in range(2, 2 + each))
        )
        (place / "sysctl.txt").write_text(SYSCTLS)


def _host(service: int, nodes: int) -> int:
    """The last byte of the address of the pod behind a Service."""
    return 3 + service // nodes % PODS


def address_of(service: int) -> str:
    """The cluster address of the Service of a number."""
    return f"10.{96 + service // 65536}.{service // 256 % 256}.{service % 256}"


def _list(path: Path, items: list[dict[str, object]]) -> None:
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1))


def _node(name: str, number: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"podCIDR": f"10.42.{number}.0/24"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"192.168.0.{number + 10}"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _pod(node: int, which: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{node}-{which}", "namespace": "shop", "labels": {"app": f"web-{node}"}},
        "spec": {"nodeName": f"node-{node}", "containers": [{"name": "web", "ports": [{"containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIP": f"10.42.{node}.{which}", "hostIP": f"192.168.0.{node + 10}"},
    }


def _service(number: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"web-{number}", "namespace": "shop"},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address_of(number),
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        },
    }


def _endpoints(number: int, nodes: int) -> dict[str, object]:
    node = number % nodes
    host = _host(number, nodes)
    target = {"kind": "Pod", "name": f"pod-{node}-{host}", "namespace": "shop"}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": f"web-{number}", "namespace": "shop"},
        "subsets": [
            {
                "addresses": [{"ip": f"10.42.{node}.{host}", "nodeName": f"node-{node}", "targetRef": target}],
                "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            }
        ],
    }


def _mac(node: int, which: int) -> str:
    return f"02:00:00:{node:02x}:01:{which:02x}"


def _addresses(number: int, each: int) -> str:
    return (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
        "    inet 127.0.0.1/8 scope host lo\n"
        "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000\n"
        f"    link/ether 02:00:00:00:00:{number:02x} brd ff:ff:ff:ff:ff:ff\n"
        f"    inet 192.168.0.{number + 10}/16 brd 192.168.255.255 scope global eth0\n"
        "3: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n"
        f"    link/ether 02:00:00:00:01:{number:02x} brd ff:ff:ff:ff:ff:ff\n"
        f"    inet 10.42.{number}.1/24 brd 10.42.{number}.255 scope global cni0\n"
    ) + "".join(
        f"{which + 2}: veth{which}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master cni0 state UP "
        f"group default\n    link/ether 02:00:00:02:{which:02x}:{number:02x} brd ff:ff:ff:ff:ff:ff\n"
        for which in range(2, 2 + each)
    )
