"""Four hosts around one router, in network namespaces: what is sent, and what the kernel made of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.cluster import run, within

ROUTER = "hk-router"
# Host: its network; the router has .1 and the host .2 (and .3, so that sources can differ).
HOSTS = {"hk-client": "10.71.1", "hk-server": "10.71.2", "hk-other": "10.71.3"}
PORTS = (80, 443, 8080)

SETS = (
    "create hosts hash:ip",
    "add hosts 10.71.1.2",
    "add hosts 10.71.3.2",
    "create nets hash:net",
    "add nets 10.71.2.0/24",
    "add nets 10.71.2.3 nomatch",
    "create pairs hash:ip,port",
    "add pairs 10.71.2.2,tcp:80",
    "add pairs 10.71.1.2,udp:443",
    "add pairs 10.71.3.2,icmp:8/0",
)

# Answers "host peer-address peer-port own-address own-port", so that translation shows.
SERVER = """
import socket, sys, threading
name = sys.argv[1]
def tcp(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('0.0.0.0', port)); s.listen(64)
    while True:
        c, peer = s.accept()
        try: c.sendall(f'{name} {peer[0]} {peer[1]} {port}'.encode())
        except OSError: pass
        c.close()
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 8, 1); s.bind(('0.0.0.0', port))
    while True:
        data, extra, flags, peer = s.recvmsg(2048, 256)
        info = next((d for l, t, d in extra if t == 8), None)
        # The answer has to leave from the address that was asked, as a careful server does; OUTPUT may refuse it.
        try: s.sendmsg([f'{name} {peer[0]} {peer[1]} {port}'.encode()], [(socket.IPPROTO_IP, 8, bytes(4) + info[8:12] + bytes(4))] if info else [], 0, peer)
        except OSError: pass
for port in map(int, sys.argv[2:]):
    threading.Thread(target=tcp, args=(port,)).start(); threading.Thread(target=udp, args=(port,)).start()
"""
# One long-lived client process: reads "proto src sport dst dport", prints one JSON line.
CLIENT = """
import errno, json, socket, sys
for line in sys.stdin:
    proto, src, sport, dst, dport, patience = line.split()
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if proto == 'tcp' else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if proto == 'tcp': s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    s.settimeout(float(patience)); connected = False
    try:
        s.bind((src, int(sport))); s.connect((dst, int(dport))); connected = proto == 'tcp'
        if proto == 'udp': s.send(b'x')
        answer = s.recv(200).decode().split()
        print(json.dumps({'answer': answer}))
    except socket.timeout: print(json.dumps({'error': 'connected' if connected else 'timeout'}))
    except OSError as e: print(json.dumps({'error': errno.errorcode.get(e.errno, str(e.errno))}))
    s.close(); sys.stdout.flush()
"""


@dataclass(frozen=True)
class Seen:
    """What a client saw: the answering host, the source and port it was seen with; or the error."""

    host: str = ""
    source: str = ""
    port: int = 0
    error: str = ""


class Wire:
    """The running namespaces; `close` removes them."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        self.names: list[str] = []
        for name in (ROUTER, *HOSTS):
            run("ip", "netns", "del", name, check=False)
            run("ip", "netns", "add", name)
            self.names.append(name)
            within(name, "ip", "link", "set", "lo", "up")
        for number, (host, network) in enumerate(HOSTS.items(), 1):
            port = f"e{number}"
            run("ip", "link", "add", port, "netns", ROUTER, "type", "veth", "peer", "name", "eth0", "netns", host)
            within(ROUTER, "ip", "addr", "add", f"{network}.1/24", "dev", port)
            within(ROUTER, "ip", "link", "set", port, "up")
            within(host, "ip", "addr", "add", f"{network}.2/24", "dev", "eth0")
            within(host, "ip", "addr", "add", f"{network}.3/24", "dev", "eth0")
            within(host, "ip", "link", "set", "eth0", "up")
            within(host, "ip", "route", "add", "default", "via", f"{network}.1")
        within(
            ROUTER,
            "sysctl",
            "-qw",
            "net.ipv4.ip_forward=1",
            "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.icmp_ratelimit=0",
        )
        for name in self.names:
            within(name, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv4.conf.default.rp_filter=0")
            self._start(name, SERVER, name, *map(str, PORTS))
        for line in SETS:
            within(ROUTER, "ipset", *line.split())
        self.client = self._start("hk-client", CLIENT)

    def _start(self, netns: str, program: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["ip", "netns", "exec", netns, "python3", "-u", "-c", program, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def load(self, rules: str, program: tuple[str, ...] = ("iptables-restore",)) -> str:
        """Loads a rule set into the router, forgets its connections; the error text of the program, or ""."""
        done = subprocess.run(
            ["ip", "netns", "exec", ROUTER, *program],
            input=rules,
            capture_output=True,
            text=True,
            check=False,
        )
        self.forget()
        return done.stderr if done.returncode else ""

    def forget(self) -> None:
        """Empties the connection tables, so that every flow is new."""
        for name in (ROUTER, *HOSTS):
            within(name, "conntrack", "-F", check=False)

    def send(self, proto: str, src: str, sport: int, dst: str, dport: int, patience: float = 0.25) -> Seen:
        """One connection or datagram from the client, which waits that many seconds for an answer."""
        assert self.client.stdin
        assert self.client.stdout
        self.client.stdin.write(f"{proto} {src} {sport} {dst} {dport} {patience}\n")
        self.client.stdin.flush()
        result = json.loads(self.client.stdout.readline())
        if "answer" in result:
            host, source, port, _ = result["answer"]
            return Seen(host=host, source=source, port=int(port))
        return Seen(error=result["error"])

    def counters(self) -> str:
        """The rules of the router with their counters."""
        return within(ROUTER, "iptables-save", "-c")

    def dumps(self) -> dict[str, str]:
        """Every dump that the packet path needs, by path."""
        texts = {}
        for name in self.names:
            texts[f"nodes/{name}/hostname.txt"] = name + "\n"
            for file, command in DUMPS.items():
                texts[f"nodes/{name}/{file}"] = within(name, *command, check=False)
        return texts

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        for name in self.names:
            run("ip", "netns", "del", name, check=False)


DUMPS = {
    "iptables-save.txt": ("iptables-save", "-c"),
    "nft-ruleset.txt": ("nft", "list", "ruleset"),
    "ipset-save.txt": ("ipset", "save"),
    "ip-addr.txt": ("ip", "addr"),
    "ip-link.txt": ("ip", "-d", "link"),
    "ip-route-all.txt": ("ip", "route", "show", "table", "all"),
    "ip-rule.txt": ("ip", "rule"),
    "ip-neigh.txt": ("ip", "neigh"),
    "sysctl-a.txt": ("sysctl", "-a", "-r", r"^net\.(bridge|ipv4\.(ip_forward|conf))"),
    "ss-tlnp.txt": ("ss", "-tlnp"),
    "ss-ulnp.txt": ("ss", "-ulnp"),
}
TOPOLOGY = {
    "links": [
        {"a": {"node": ROUTER, "if": f"e{number}"}, "b": {"node": host, "if": "eth0"}}
        for number, host in enumerate(HOSTS, 1)
    ]
}


@contextlib.contextmanager
def wire() -> Iterator[Wire]:
    """The namespaces, removed afterwards."""
    made = Wire()
    try:
        yield made
    finally:
        made.close()
