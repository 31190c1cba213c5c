"""Rules as kube-proxy in nftables mode writes them: one table, verdict maps for services, numgen for endpoints."""

from __future__ import annotations

from tests.kernel.scene_plan import EXTERNAL, SERVICE_NET, Place, Plan, Service
from tests.kernel.scene_rules import digest, local_range


def nftables(plan: Plan, node: Place, family: int) -> str:
    """The input of `nft -f` for a node and family."""
    name, kind = ("ip", "ipv4_addr") if family == 4 else ("ip6", "ipv6_addr")
    maps: dict[str, list[str]] = {
        "service-ips": [], "service-nodeports": [], "no-endpoint-services": [], "no-endpoint-nodeports": []
    }  # fmt: skip
    chains: list[str] = []
    sets: list[str] = []
    for service in plan.services:
        _service(plan, node, family, service, maps, chains, sets)
    pods = "10.50.0.0/16" if family == 4 else "fd50::/32"
    masquerade = [] if plan.seed % 5 == 4 else [f"{name} saddr {pods} {name} daddr != {pods} masquerade fully-random"]
    cluster_ips = ", ".join(service.ip(family) for service in plan.services)
    own = node.ip(family)
    return "\n".join(
        [
            f"table {name} kube-proxy {{",
            ' comment "rules for kube-proxy"',
            f' set cluster-ips {{ type {kind}; comment "Active ClusterIPs"; elements = {{ {cluster_ips} }} }}',
            f' set nodeport-ips {{ type {kind}; comment "IPs that accept NodePort traffic"; elements = {{ {own} }} }}',
            *(
                _map(
                    title,
                    "inet_proto . inet_service"
                    if title.endswith("nodeports")
                    else f"{kind} . inet_proto . inet_service",
                    items,
                )
                for title, items in maps.items()
            ),
            *sets,
            " chain cluster-ips-check {",
            f'  {name} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
            f'  {name} daddr {SERVICE_NET[family]} drop comment "Drop traffic to unallocated ClusterIPs"',
            " }",
            f" chain service-endpoints-check {{ {name} daddr . meta l4proto . th dport vmap @no-endpoint-services; }}",
            f" chain nodeport-endpoints-check {{ {name} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }}",
            " chain reject-chain { reject; }",
            " chain filter-forward { type filter hook forward priority -110; policy accept;",
            "  ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }",
            " chain filter-input { type filter hook input priority -110; policy accept;",
            "  ct state new jump nodeport-endpoints-check; ct state new jump service-endpoints-check; }",
            " chain filter-output { type filter hook output priority -110; policy accept; ct state new jump service-endpoints-check; }",
            " chain filter-output-post-dnat { type filter hook output priority -90; policy accept; ct state new jump cluster-ips-check; }",
            " chain mark-for-masquerade { meta mark set meta mark | 0x4000; }",
            *chains,
            " chain services {",
            f"  {name} daddr . meta l4proto . th dport vmap @service-ips",
            f"  {name} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports",
            " }",
            " chain masquerading { meta mark & 0x4000 == 0 return; meta mark set meta mark ^ 0x4000; masquerade fully-random; }",
            " chain nat-prerouting { type nat hook prerouting priority dstnat; policy accept; jump services; }",
            " chain nat-output { type nat hook output priority -100; policy accept; jump services; }",
            " chain nat-postrouting { type nat hook postrouting priority srcnat; policy accept; jump masquerading; }",
            "}",
            f"table {name} cbr0-masq {{ chain postrouting {{ type nat hook postrouting priority 110; policy accept;",
            *(f"  {line}" for line in masquerade),
            " }",
            "}",
            "",
        ]
    )


def _map(title: str, kind: str, items: list[str]) -> str:
    elements = f" elements = {{ {', '.join(items)} }};" if items else ""
    return f" map {title} {{ type {kind} : verdict;{elements} }}"


def _service(plan: Plan, node: Place, family: int, service: Service, maps: dict[str, list[str]], chains: list[str], sets: list[str]) -> None:  # fmt: skip
    name, proto, ip = "ip" if family == 4 else "ip6", service.proto, service.ip(family)
    title = f"{digest(service.name)[:8]}-{service.name}/{proto}/p{service.port}"
    if not service.endpoints:
        maps["no-endpoint-services"].append(f"{ip} . {proto} . {service.port} : goto reject-chain")
        if service.external:
            maps["no-endpoint-services"].append(f"{EXTERNAL[family]} . {proto} . {service.port} : goto reject-chain")
        if service.node_port:
            maps["no-endpoint-nodeports"].append(f"{proto} . {service.node_port} : goto reject-chain")
        return
    near = tuple(item for item in service.endpoints if plan.places[item].node == node.name)
    maps["service-ips"].append(f"{ip} . {proto} . {service.port} : goto service-{title}")
    if service.external:
        maps["service-ips"].append(f"{EXTERNAL[family]} . {proto} . {service.port} : goto external-{title}")
    if service.node_port:
        maps["service-nodeports"].append(f"{proto} . {service.node_port} : goto external-{title}")
    pods = "10.50.0.0/16" if family == 4 else "fd50::/32"
    for pod in service.endpoints:
        address = plan.places[pod].ip(family)
        to = f"{address}:{service.target}" if family == 4 else f"[{address}]:{service.target}"
        affinity = f"affinity-{digest(title, pod)[:8]}"
        if service.affinity:
            sets.append(
                f" set {affinity} {{ type {'ipv4_addr' if family == 4 else 'ipv6_addr'}; flags dynamic,timeout; timeout 3h; }}"
            )
        remember = f" update @{affinity} {{ {name} saddr }};" if service.affinity else ""
        chains.append(
            f" chain endpoint-{title}__{address.replace(':', '.')}/{service.target} {{ {name} saddr {address} jump mark-for-masquerade;{remember} meta l4proto {proto} dnat to {to}; }}"
        )
    first = f"{name} daddr {ip} {proto} dport {service.port} {name} saddr != {pods} jump mark-for-masquerade"
    chains.append(_balance(plan, family, service, f"service-{title}", title, service.endpoints, [first]))
    if service.node_port or service.external:
        if not service.local:
            chains.append(f" chain external-{title} {{ jump mark-for-masquerade; goto service-{title}; }}")
            return
        begin = [
            f"{name} saddr {local_range(node, family)} goto service-{title}",
            "fib saddr type local jump mark-for-masquerade",
            f"fib saddr type local goto service-{title}",
        ]
        if near:
            chains.append(_balance(plan, family, service, f"local-{title}", title, near, []))
            begin.append(f"goto local-{title}")
        else:
            kind = maps["no-endpoint-nodeports"] if service.node_port else maps["no-endpoint-services"]
            key = (
                f"{proto} . {service.node_port}"
                if service.node_port
                else f"{EXTERNAL[family]} . {proto} . {service.port}"
            )
            kind.append(f"{key} : drop")
        chains.append(f" chain external-{title} {{ {'; '.join(begin)}; }}")


def _balance(plan: Plan, family: int, service: Service, chain: str, title: str, behind: tuple[str, ...], before: list[str]) -> str:  # fmt: skip
    name = "ip" if family == 4 else "ip6"
    lines = list(before)
    targets = [f"endpoint-{title}__{plan.places[pod].ip(family).replace(':', '.')}/{service.target}" for pod in behind]
    if service.affinity:
        lines += [
            f"{name} saddr @affinity-{digest(title, pod)[:8]} goto {to}"
            for pod, to in zip(behind, targets, strict=True)
        ]
    picks = ", ".join(f"{number} : goto {to}" for number, to in enumerate(targets))
    lines.append(f"numgen random mod {len(targets)} vmap {{ {picks} }}")
    return f" chain {chain} {{ {'; '.join(lines)}; }}"
