"""Rules as kube-proxy in iptables mode and the portmap plug-in write them, of both families."""

from __future__ import annotations

import hashlib

from tests.kernel.scene_plan import EXTERNAL, Place, Plan, Service

MASQ = "KUBE-MARK-MASQ"


def digest(*parts: object) -> str:
    """The sixteen letters that kube-proxy appends to chain names."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16].upper()


def local_range(node: Place, family: int) -> str:
    """The pod range of one node."""
    return f"10.50.{node.number}.0/24" if family == 4 else f"fd50:0:{node.number}::/64"


def iptables(plan: Plan, node: Place, family: int) -> str:
    """The input of iptables-restore or ip6tables-restore for a node."""
    nat: list[str] = []
    filter_: list[str] = []
    for service in plan.services:
        _service(plan, node, family, service, nat, filter_)
    chains = dict.fromkeys(line.split()[1] for line in nat if not line.startswith("-A KUBE-SERVICES"))
    pods = "10.50.0.0/16" if family == 4 else "fd50::/32"
    nat += [
        '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
        f"-A {MASQ} -j MARK --set-xmark 0x4000/0x4000",
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
        "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
        '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ]
    base = [
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    ]
    base += _masquerade(plan, pods)
    ports = _portmap(plan, node, family)
    nat += ports
    names = dict.fromkeys([*_CHAINS["nat"], *chains, *(line.split()[1] for line in ports), *_jumps(ports)])
    lines = ["*nat", *(f":{name} ACCEPT [0:0]" for name in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))]
    lines += [f":{name} - [0:0]" for name in names if name not in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")]
    lines += [*base, *nat, "COMMIT", "*filter"]
    lines += [f":{name} ACCEPT [0:0]" for name in ("INPUT", "FORWARD", "OUTPUT")]
    lines += [f":{name} - [0:0]" for name in _CHAINS["filter"]]
    lines += [*_FILTER, *([_LOCALNET] if family == 4 else []), *filter_, "COMMIT", ""]
    return "\n".join(lines)


def _jumps(lines: list[str]) -> list[str]:
    return [line.split(" -j ")[1].split()[0] for line in lines if " -j CNI-" in line]


_CHAINS = {
    "nat": ("KUBE-SERVICES", "KUBE-NODEPORTS", MASQ, "KUBE-POSTROUTING"),
    "filter": ("KUBE-PROXY-FIREWALL", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD", "KUBE-SERVICES"),
}  # fmt: skip
_LOCALNET = '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP'
_FILTER = (
    '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
    '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    "-A INPUT -j KUBE-FIREWALL",
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
    '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    "-A OUTPUT -j KUBE-FIREWALL",
    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
)


def _masquerade(plan: Plan, pods: str) -> list[str]:
    if plan.seed % 5 == 4:
        return []  # a cluster whose pods keep their address
    return [
        f'-A POSTROUTING -s {pods} -d {pods} -m comment --comment "flanneld masq" -j RETURN',
        f'-A POSTROUTING -s {pods} ! -d {"224.0.0.0/4" if "." in pods else "ff00::/8"} -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
    ]


def _service(plan: Plan, node: Place, family: int, service: Service, nat: list[str], filter_: list[str]) -> None:
    proto, length = service.proto, 32 if family == 4 else 128
    label = f"{service.name}:{proto}"
    match = f'-p {proto} -m comment --comment "{label}{{}}" -m {proto} --dport'
    to_ip = f"-d {service.ip(family)}/{length} {match} {service.port}"
    to_external = f"-d {EXTERNAL[family]}/{length} {match} {service.port}"
    to_node = f"{match} {service.node_port}"
    if not service.endpoints:
        port = "icmp-port-unreachable" if family == 4 else "icmp6-port-unreachable"
        reject = f"-j REJECT --reject-with {port}"
        filter_.append(f"-A KUBE-SERVICES {to_ip.format(' has no endpoints')} {reject}")
        if service.external:
            filter_.append(f"-A KUBE-EXTERNAL-SERVICES {to_external.format(' has no endpoints')} {reject}")
        if service.node_port:
            filter_.append(
                f"-A KUBE-EXTERNAL-SERVICES -m addrtype --dst-type LOCAL {to_node.format(' has no endpoints')} {reject}"
            )
        return
    svc, svl, ext = (f"KUBE-{kind}-{digest(label)}" for kind in ("SVC", "SVL", "EXT"))
    nat.append(f"-A KUBE-SERVICES {to_ip.format(' cluster IP')} -j {svc}")
    near = tuple(name for name in service.endpoints if plan.places[name].node == node.name)
    outside = service.external or service.node_port
    if service.external:
        nat.append(f"-A KUBE-SERVICES {to_external.format(' external IP')} -j {ext}")
    if service.node_port:
        nat.append(f"-A KUBE-NODEPORTS {to_node.format('')} -j {ext}")
    if outside and service.local and not near:
        drop = "has no local endpoints"
        if service.external:
            filter_.append(f"-A KUBE-EXTERNAL-SERVICES {to_external.format(' ' + drop)} -j DROP")
        if service.node_port:
            filter_.append(
                f"-A KUBE-EXTERNAL-SERVICES -m addrtype --dst-type LOCAL {to_node.format(' ' + drop)} -j DROP"
            )
    if outside and service.local:
        nat.append(
            f'-A {ext} -s {local_range(node, family)} -m comment --comment "pod traffic for {label} external destinations" -j {svc}'
        )
        nat.append(
            f'-A {ext} -m comment --comment "masquerade LOCAL traffic for {label} external destinations" -m addrtype --src-type LOCAL -j {MASQ}'
        )
        nat.append(
            f'-A {ext} -m comment --comment "route LOCAL traffic for {label} external destinations" -m addrtype --src-type LOCAL -j {svc}'
        )
        nat += [f"-A {ext} -j {svl}"] if near else []
        _balance(plan, family, service, svl, near, nat)
    elif outside:
        nat.append(f'-A {ext} -m comment --comment "masquerade traffic for {label} external destinations" -j {MASQ}')
        nat.append(f"-A {ext} -j {svc}")
    nat.append(
        f"-A {svc} ! -s {'10.50.0.0/16' if family == 4 else 'fd50::/32'} {to_ip.format(' cluster IP')} -j {MASQ}"
    )
    _balance(plan, family, service, svc, service.endpoints, nat)
    for name in service.endpoints:
        sep, ip = _endpoint(plan, family, service, name)
        recent = f"-m recent --set --name {sep} --mask {_mask(family)} --rsource " if service.affinity else ""
        to = f"{ip}:{service.target}" if family == 4 else f"[{ip}]:{service.target}"
        nat.append(f'-A {sep} -s {ip}/{length} -m comment --comment "{label}" -j {MASQ}')
        nat.append(
            f'-A {sep} -p {proto} -m comment --comment "{label}" {recent}-m {proto} -j DNAT --to-destination {to}'
        )


def _mask(family: int) -> str:
    return "255.255.255.255" if family == 4 else "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


def _endpoint(plan: Plan, family: int, service: Service, name: str) -> tuple[str, str]:
    ip = plan.places[name].ip(family)
    return f"KUBE-SEP-{digest(service.name, ip)}", ip


def _balance(plan: Plan, family: int, service: Service, chain: str, behind: tuple[str, ...], nat: list[str]) -> None:
    seps = [_endpoint(plan, family, service, name) for name in behind]
    for sep, ip in seps if service.affinity else ():
        nat.append(
            f'-A {chain} -m comment --comment "{service.name} -> {ip}:{service.target}" -m recent --rcheck --seconds 10800 --reap --name {sep} --mask {_mask(family)} --rsource -j {sep}'
        )
    for number, (sep, ip) in enumerate(seps):
        left = len(seps) - number
        share = f"-m statistic --mode random --probability {1 / left:.11f} " if left > 1 else ""
        nat.append(f'-A {chain} -m comment --comment "{service.name} -> {ip}:{service.target}" {share}-j {sep}')


def _portmap(plan: Plan, node: Place, family: int) -> list[str]:
    """What the portmap plug-in adds for hostPort."""
    mine = [item for item in plan.host_ports if plan.places[item[0]].node == node.name]
    if not mine:
        return []
    lines = [
        "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        "-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        '-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ',
        '-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000',
        "-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE",
    ]
    for pod, proto, port, target in mine:
        chain, ip = f"CNI-DN-{digest(pod)[:20].lower()}", plan.places[pod].ip(family)
        to = f"{ip}:{target}" if family == 4 else f"[{ip}]:{target}"
        home = "127.0.0.1/32" if family == 4 else "::1/128"
        lines += [
            f'-A CNI-HOSTPORT-DNAT -p {proto} -m comment --comment "dnat name: \\"cbr0\\" id: \\"{digest(pod).lower()}\\"" -m multiport --dports {port} -j {chain}',
            f"-A {chain} -s {local_range(node, family)} -p {proto} -m {proto} --dport {port} -j CNI-HOSTPORT-SETMARK",
            f"-A {chain} -s {home} -p {proto} -m {proto} --dport {port} -j CNI-HOSTPORT-SETMARK",
            f"-A {chain} -p {proto} -m {proto} --dport {port} -j DNAT --to-destination {to}",
        ]
    return lines
