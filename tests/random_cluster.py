"""Made-up clusters with Services, endpoints and odd rules, as a folder of dumps; everything follows from the seed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.random_dumps import dumps
from tests.random_luck import PODS, Item, Luck, Shape

NODES = 3


def cluster(
    folder: Path,
    seed: int,
    services: int = 14,
    odd: dict[str, str] | None = None,
    routed: bool | None = None,
    nodes: int = NODES,
    overlay: bool = False,
) -> None:
    """Nodes on one segment, five pods on each, Services of every kind, and oddities by chance.

    With `odd` nothing is odd but this, on every node, or on the one that the key begins with ("node-1 filter"): lines
    of the tables "filter" and "nat" (at their start), or lines that are added to a dump, or "this => that" to replace
    in it. `routed`: every pod is on an interface of its own, as with Calico, not on one bridge. `overlay`: nodes reach
    the pods of others by vxlan, as with flannel.
    """
    chance = Luck(seed)
    chance.calm = odd is not None
    if routed is None:
        routed = chance.random() < 0.5
    shape = Shape(nodes, routed, overlay)
    made = [_service(number, nodes, chance) for number in range(services)]
    api = folder / "cluster"
    api.mkdir(parents=True)
    _list(api / "nodes.json", [_node(number) for number in range(nodes)])
    _list(api / "pods.json", [_pod(node, pod, chance) for node in range(nodes) for pod in range(PODS)])
    _list(api / "services.json", [service for service, _ in made])
    _list(api / "endpoints.json", [_endpoints(service, ends) for service, ends in made])
    for node in range(nodes):
        place = folder / "nodes" / f"node-{node}"
        place.mkdir(parents=True)
        own = {key.removeprefix(f"node-{node} "): text for key, text in (odd or {}).items()}
        for name, text in dumps(node, shape, made, chance, own).items():
            (place / name).write_text(_changed(text, own.get(name, "")))


def _changed(text: str, odd: str) -> str:
    before, arrow, after = odd.partition(" => ")
    return text.replace(before, after) if arrow else text + odd


def _service(number: int, nodes: int, chance: Luck) -> tuple[Item, list[tuple[str, int]]]:
    port = chance.choice((80, 80, 443, 8081))
    spec: Item = {
        "type": "NodePort" if chance.random() < 0.3 else "ClusterIP",
        "clusterIP": f"10.96.0.{number + 10}",
        "selector": {"app": f"web-{number}"},
        "ports": [{"name": "http", "port": port, "targetPort": 8080, "protocol": "TCP"}],
    }
    if spec["type"] == "NodePort":
        spec["ports"] = [{**spec["ports"][0], "nodePort": 30000 + number}]  # type: ignore[index]
    if chance.odd(0.1):
        spec["sessionAffinity"] = "ClientIP"
    target = chance.choice((8080, 8080, 8080, 8081, port))
    ends = [
        (f"10.42.{chance.randrange(nodes)}.{chance.randrange(PODS) + 2}", target)
        for _ in range(chance.choice((1, 1, 2, 2, 3)))
    ]
    if chance.odd(0.1):
        ends.append((f"192.168.0.{chance.randrange(nodes) + 10}", target))  # a pod on its node's network
    made = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"web-{number}", "namespace": "shop"}}
    return {**made, "spec": spec}, list(dict.fromkeys(ends))


def _node(number: int) -> Item:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{number}"},
        "spec": {"podCIDR": f"10.42.{number}.0/24"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"192.168.0.{number + 10}"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _pod(node: int, pod: int, chance: Luck) -> Item:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{node}-{pod}", "namespace": "shop", "labels": {"app": f"web-{node}"}},
        "spec": {"nodeName": f"node-{node}", "containers": [{"name": "web", "ports": [{"containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIP": f"10.42.{node}.{pod + 2}", "hostIP": f"192.168.0.{node + 10}"},
    }


def _endpoints(service: Item, ends: list[tuple[str, int]]) -> Item:
    addresses = []
    for address, _ in ends:
        node, host = (int(part) for part in address.split(".")[2:])
        if address.startswith("10.42"):
            target = {"kind": "Pod", "name": f"pod-{node}-{host - 2}", "namespace": "shop"}
            addresses.append({"ip": address, "nodeName": f"node-{node}", "targetRef": target})
        else:
            addresses.append({"ip": address, "nodeName": f"node-{host - 10}"})
    subset = {"addresses": addresses, "ports": [{"name": "http", "port": ends[0][1], "protocol": "TCP"}]}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": service["metadata"], "subsets": [subset]}


def _list(path: Path, items: list[Item]) -> None:
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1))
