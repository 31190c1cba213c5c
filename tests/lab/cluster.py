"""Two nodes with flannel-style vxlan, a bridge, pods, and rules as kube-proxy writes them, built from namespaces."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

POD_RANGE, SERVICE_RANGE = "10.244.0.0/16", "10.96.0.0/12"
UNDERLAY, OUTSIDE_IP = "172.31.5", "203.0.113.10"


@dataclass(frozen=True)
class Pod:
    """A pod of the lab and what listens in it: (protocol, port) pairs."""

    namespace: str
    name: str
    node: str
    ip: str
    labels: dict[str, str]
    listens: tuple[tuple[str, int], ...] = ()
    owner: str = ""

    @property
    def netns(self) -> str:
        return f"hp-{self.node}-{self.name}"[:60]


@dataclass(frozen=True)
class Service:
    """A service of the lab; `ports` are (name, protocol, port, target port)."""

    namespace: str
    name: str
    ip: str
    ports: tuple[tuple[str, str, int, int], ...]
    selector: dict[str, str] | None
    node_port: int = 0
    fixed: tuple[str, ...] = ()


NODES = {"node-1": 1, "node-2": 2}
PODS = (
    Pod(
        "kube-system",
        "coredns-6d8c-aa",
        "node-1",
        "10.244.1.2",
        {"k8s-app": "kube-dns"},
        (("udp", 53), ("tcp", 53)),
        "coredns",
    ),
    Pod(
        "kube-system",
        "coredns-6d8c-bb",
        "node-2",
        "10.244.2.2",
        {"k8s-app": "kube-dns"},
        (("udp", 53), ("tcp", 53)),
        "coredns",
    ),
    Pod("shop", "web-7f9-x1", "node-1", "10.244.1.10", {"app": "web"}, (("tcp", 8080),), "web"),
    Pod("shop", "web-7f9-x2", "node-2", "10.244.2.10", {"app": "web"}, (("tcp", 8080),), "web"),
    Pod("shop", "api-55c-y1", "node-1", "10.244.1.11", {"app": "api"}, (("tcp", 9000),), "api"),
    Pod("tools", "shell-1", "node-1", "10.244.1.20", {"app": "shell"}, (), "shell"),
    Pod("tools", "shell-2", "node-2", "10.244.2.20", {"app": "shell"}, (), "shell"),
)
SERVICES = (
    Service("default", "kubernetes", "10.96.0.1", (("https", "tcp", 443, 6443),), None, fixed=(f"{UNDERLAY}.11",)),
    Service(
        "kube-system",
        "kube-dns",
        "10.96.0.10",
        (("dns", "udp", 53, 53), ("dns-tcp", "tcp", 53, 53)),
        {"k8s-app": "kube-dns"},
    ),
    Service("shop", "web", "10.96.40.7", (("http", "tcp", 80, 8080),), {"app": "web"}, node_port=30080),
    Service("shop", "api", "10.96.41.8", (("http", "tcp", 9000, 9000),), {"app": "api"}),
)

LISTENER = """
import socket, threading, sys
def tcp(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('0.0.0.0', port)); s.listen(16)
    while True:
        c, peer = s.accept(); c.sendall(peer[0].encode()); c.close()
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', port))
    while True:
        data, peer = s.recvfrom(2048); s.sendto(peer[0].encode(), peer)
for a in sys.argv[1:]:
    kind, port = a.split(':'); threading.Thread(target={'tcp': tcp, 'udp': udp}[kind], args=(int(port),)).start()
"""
CONNECT = """
import socket, sys
kind, ip, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == 'udp' else socket.SOCK_STREAM)
s.settimeout(1.0)
s.connect((ip, port))
if kind == 'udp': s.send(b'x')
print(s.recv(64).decode())
"""


def run(*command: str, check: bool = True, text: str | None = None) -> str:
    """The output of a command; raises if it fails and `check` is set."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def within(netns: str, *command: str, check: bool = True, text: str | None = None) -> str:
    """The output of a command that runs in a network namespace."""
    return run("ip", "netns", "exec", netns, *command, check=check, text=text)


def endpoints(service: Service) -> list[str]:
    """Addresses behind a service, in order."""
    if service.selector is None:
        return list(service.fixed)
    return [pod.ip for pod in PODS if service.selector.items() <= pod.labels.items()]


def _hash(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16].upper()


def kube_rules(services: tuple[Service, ...] = SERVICES) -> str:
    """The filter and nat tables as kube-proxy in iptables mode and flannel lay them out."""
    chains, calls, node_ports, bodies = [], [], [], []
    for service in services:
        for name, protocol, port, target in service.ports:
            label = f"{service.namespace}/{service.name}:{name}"
            chain = f"KUBE-SVC-{_hash(label)}"
            behind = endpoints(service)
            seps = [f"KUBE-SEP-{_hash(label, ip, target)}" for ip in behind]
            chains += [chain, *seps]
            calls.append(
                f'-A KUBE-SERVICES -d {service.ip}/32 -p {protocol} -m comment --comment "{label} cluster IP" '
                f"-m {protocol} --dport {port} -j {chain}"
            )
            if service.node_port:
                ext = f"KUBE-EXT-{_hash(label)}"
                chains.append(ext)
                node_ports.append(
                    f'-A KUBE-NODEPORTS -p {protocol} -m comment --comment "{label}" -m {protocol} '
                    f"--dport {service.node_port} -j {ext}"
                )
                bodies.append(
                    f'-A {ext} -m comment --comment "masquerade traffic for {label} external destinations" -j KUBE-MARK-MASQ'
                )
                bodies.append(f"-A {ext} -j {chain}")
            bodies.append(
                f"-A {chain} ! -s {POD_RANGE} -d {service.ip}/32 -p {protocol} -m comment --comment "
                f'"{label} cluster IP" -m {protocol} --dport {port} -j KUBE-MARK-MASQ'
            )
            for number, (ip, sep) in enumerate(zip(behind, seps, strict=True)):
                left = len(behind) - number
                share = f"-m statistic --mode random --probability {1 / left:.11f} " if left > 1 else ""
                bodies.append(f'-A {chain} -m comment --comment "{label} -> {ip}:{target}" {share}-j {sep}')
                bodies.append(f'-A {sep} -s {ip}/32 -m comment --comment "{label}" -j KUBE-MARK-MASQ')
                bodies.append(
                    f'-A {sep} -p {protocol} -m comment --comment "{label}" -m {protocol} -j DNAT '
                    f"--to-destination {ip}:{target}"
                )
    lines = [
        "*filter",
        ":INPUT ACCEPT [0:0]",
        ":FORWARD ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":KUBE-FORWARD - [0:0]",
        ":KUBE-FIREWALL - [0:0]",
        ":FLANNEL-FWD - [0:0]",
        "-A INPUT -j KUBE-FIREWALL",
        '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
        '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
        "-A OUTPUT -j KUBE-FIREWALL",
        '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" '
        "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
        "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        f'-A FLANNEL-FWD -s {POD_RANGE} -m comment --comment "flanneld forward" -j ACCEPT',
        f'-A FLANNEL-FWD -d {POD_RANGE} -m comment --comment "flanneld forward" -j ACCEPT',
        "COMMIT",
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":INPUT ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":POSTROUTING ACCEPT [0:0]",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-NODEPORTS - [0:0]",
        ":KUBE-MARK-MASQ - [0:0]",
        ":KUBE-POSTROUTING - [0:0]",
        ":FLANNEL-POSTRTG - [0:0]",
        *(f":{chain} - [0:0]" for chain in chains),
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
        '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
        *calls,
        '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
        *node_ports,
        "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
        "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
        '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
        f'-A FLANNEL-POSTRTG -s {POD_RANGE} -d {POD_RANGE} -m comment --comment "flanneld masq" -j RETURN',
        f'-A FLANNEL-POSTRTG -s {POD_RANGE} ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
        *bodies,
        "COMMIT",
        "",
    ]
    return "\n".join(lines)


@dataclass
class Lab:
    """A running lab; `close` removes every namespace and process that it made."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def netns(self, name: str) -> None:
        run("ip", "netns", "del", name, check=False)
        run("ip", "netns", "add", name)
        self.names.append(name)
        within(name, "ip", "link", "set", "lo", "up")

    def build(self) -> None:
        """Underlay, nodes, pods, rules, listeners."""
        self.netns("hp-outside")
        within("hp-outside", "ip", "link", "add", "sw0", "type", "bridge")
        within("hp-outside", "ip", "addr", "add", f"{UNDERLAY}.1/24", "dev", "sw0")
        within("hp-outside", "ip", "link", "set", "sw0", "up")
        within("hp-outside", "ip", "addr", "add", f"{OUTSIDE_IP}/32", "dev", "lo")
        within("hp-outside", "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0", check=False)
        self.listen("hp-outside", (("tcp", 80), ("udp", 53)))
        for node, number in NODES.items():
            self._node(node, number)
        for node, number in NODES.items():
            self._join(node, number)
        for pod in PODS:
            self._pod(pod)

    def _node(self, node: str, number: int) -> None:
        name = f"hp-{node}"
        self.netns(name)
        run(
            "ip",
            "link",
            "add",
            "eth0",
            "netns",
            name,
            "type",
            "veth",
            "peer",
            "name",
            f"p{number}",
            "netns",
            "hp-outside",
        )
        within("hp-outside", "ip", "link", "set", f"p{number}", "master", "sw0", "up")
        within(name, "ip", "link", "set", "eth0", "address", f"52:54:00:00:00:0{number}", "up")
        within(name, "ip", "addr", "add", f"{UNDERLAY}.1{number}/24", "dev", "eth0")
        within(name, "ip", "route", "add", "default", "via", f"{UNDERLAY}.1")
        within(
            name,
            "ip",
            "link",
            "add",
            "flannel.1",
            "address",
            f"ee:00:00:00:00:0{number}",
            "mtu",
            "1450",
            "type",
            "vxlan",
            "id",
            "1",
            "local",
            f"{UNDERLAY}.1{number}",
            "dev",
            "eth0",
            "dstport",
            "8472",
            "nolearning",
        )
        within(name, "ip", "addr", "add", f"10.244.{number}.0/32", "dev", "flannel.1")
        within(name, "ip", "link", "set", "flannel.1", "up")
        within(
            name, "ip", "link", "add", "cni0", "address", f"5e:00:00:00:00:0{number}", "mtu", "1450", "type", "bridge"
        )
        within(name, "ip", "addr", "add", f"10.244.{number}.1/24", "dev", "cni0")
        within(name, "ip", "link", "set", "cni0", "up")
        for setting in (
            "net.ipv4.ip_forward=1",
            "net.bridge.bridge-nf-call-iptables=1",
            "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.eth0.rp_filter=0",
        ):
            within(name, "sysctl", "-qw", setting)
        within(name, "iptables-restore", text=kube_rules())
        if number == 1:
            self.listen(name, (("tcp", 6443),))

    def _join(self, node: str, number: int) -> None:
        name = f"hp-{node}"
        for peer in NODES.values():
            if peer != number:
                within(
                    name,
                    "ip",
                    "route",
                    "add",
                    f"10.244.{peer}.0/24",
                    "via",
                    f"10.244.{peer}.0",
                    "dev",
                    "flannel.1",
                    "onlink",
                )
                within(
                    name,
                    "ip",
                    "neigh",
                    "add",
                    f"10.244.{peer}.0",
                    "lladdr",
                    f"ee:00:00:00:00:0{peer}",
                    "dev",
                    "flannel.1",
                    "nud",
                    "permanent",
                )
                within(
                    name,
                    "bridge",
                    "fdb",
                    "add",
                    f"ee:00:00:00:00:0{peer}",
                    "dev",
                    "flannel.1",
                    "dst",
                    f"{UNDERLAY}.1{peer}",
                    "self",
                    "permanent",
                )

    def _pod(self, pod: Pod) -> None:
        host, number = f"hp-{pod.node}", NODES[pod.node]
        self.netns(pod.netns)
        veth = "veth" + hashlib.sha256(pod.name.encode()).hexdigest()[:8]
        run(
            "ip",
            "link",
            "add",
            veth,
            "netns",
            host,
            "mtu",
            "1450",
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            pod.netns,
        )
        within(host, "ip", "link", "set", veth, "master", "cni0", "up")
        within(host, "bridge", "link", "set", "dev", veth, "hairpin", "on")
        within(pod.netns, "ip", "link", "set", "eth0", "mtu", "1450", "up")
        within(pod.netns, "ip", "addr", "add", f"{pod.ip}/24", "dev", "eth0")
        within(pod.netns, "ip", "route", "add", "default", "via", f"10.244.{number}.1")
        self.listen(pod.netns, pod.listens)

    def listen(self, netns: str, sockets: tuple[tuple[str, int], ...]) -> None:
        """Starts a process that answers with the client's address on these sockets."""
        if sockets:
            command = ["ip", "netns", "exec", netns, "python3", "-c", LISTENER, *(f"{k}:{p}" for k, p in sockets)]
            self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def probe(self, netns: str, kind: str, ip: str, port: int) -> str:
        """The source address that the server saw, or "" if no answer came within a second."""
        return within(netns, "python3", "-c", CONNECT, kind, ip, str(port), check=False).strip()

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait()
        for name in self.names:
            run("ip", "netns", "del", name, check=False)


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    """A healthy lab, removed afterwards; one at a time on a machine, since its names are fixed."""
    with (Path(tempfile.gettempdir()) / "hairpin-lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Lab()
        try:
            made.build()
            yield made
        finally:
            made.close()
