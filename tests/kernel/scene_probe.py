"""Sockets in every namespace of a scene: real packets sent, and what each namespace received, seen by raw sockets."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

Value = TypeVar("Value")
IP_PKTINFO, IP_RECVERR, IP_MTU_DISCOVER = 8, 11, 10
IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVERR, IPV6_MTU_DISCOVER = 49, 50, 25, 23
SO_MARK, MSG_ERRQUEUE = 36, 0x2000
DF_ALWAYS, DF_NEVER = 3, 0  # IP_PMTUDISC_PROBE: DF set, what was learned of the path ignored
NUMBERS = {4: {"tcp": 6, "udp": 17, "icmp": 1}, 6: {"tcp": 6, "udp": 17, "icmp": 58}}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Heard:
    """A packet that reached the local stack of a namespace; `kind` is ask (the first packet) or answer."""

    host: str
    kind: str
    src: str
    sport: int
    dst: str
    dport: int


@dataclass(frozen=True)
class Seen:
    """What became of one probe. `icmp` is (type, code, sender) of an error message that reached the client."""

    heard: tuple[Heard, ...] = ()
    answered: bool = False
    connected: bool = False
    error: str = ""
    icmp: tuple[int, int, str] | None = None


class Agent:
    """Listens in and sends from namespaces; `names` maps the name of a namespace in a scene to the kernel's."""

    def __init__(self, names: dict[str, str]) -> None:
        self._fds = {name: os.open(f"/run/netns/{real}", os.O_RDONLY) for name, real in names.items()}
        self._worker = ThreadPoolExecutor(1)
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._heard: list[tuple[bytes, Heard]] = []
        self._stopped = False
        self._token = 0
        for name in names:
            for family in (4, 6):
                for proto, number in NUMBERS[family].items():
                    sink = self._inside(name, lambda f=family, n=number: _raw(f, n))  # type: ignore[misc]
                    self._serve(sink, lambda s, h=name, f=family, p=proto: self._sniff(s, h, f, p))  # type: ignore[misc]
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def listen(self, name: str, wanted: Iterable[tuple[str, int]]) -> None:
        """Opens servers in a namespace, of both families; each answers once."""
        for kind, port in wanted:
            for family in (4, 6):
                server = self._inside(name, lambda f=family, k=kind, p=port: _server(f, k, p))  # type: ignore[misc]
                self._serve(server, _accept if kind == "tcp" else _echo)

    def close(self) -> None:
        """Ends the thread and closes every socket."""
        self._stopped = True
        self._thread.join()
        self._worker.shutdown()
        self._selector.close()
        for one in self._sockets:
            one.close()
        for fd in self._fds.values():
            os.close(fd)

    def send(self, flow: dict[str, Any], timeout: float) -> Seen:
        """One connection, datagram or ping, as a flow of docs/trace.md says it."""
        self._token += 1
        token = f"hs{self._token:06d}".encode()
        self._heard.clear()
        family = 6 if ":" in flow["dst_ip"] else 4
        proto = flow["proto"]
        client = self._inside(flow["src_node"], lambda: _client(family, proto, flow))
        try:
            seen = _ask(client, family, proto, flow, token, timeout)
        finally:
            client.close()
        time.sleep(0.01)
        if not self._heard and seen.error != "timeout":
            time.sleep(0.15)  # an answer may come before the thread that listens is awake
        mine = [heard for mark, heard in list(self._heard) if mark in (b"", token)]
        return replace(seen, heard=tuple(dict.fromkeys(mine)))

    def _inside(self, name: str, make: Callable[[], Value]) -> Value:
        def work() -> Value:
            if _libc.setns(self._fds[name], 0x40000000):
                raise OSError(ctypes.get_errno(), f"setns {name}")
            return make()

        return self._worker.submit(work).result()

    def _serve(self, one: socket.socket, act: Callable[[socket.socket], None]) -> None:
        one.setblocking(False)
        self._sockets.append(one)
        self._selector.register(one, selectors.EVENT_READ, act)

    def _loop(self) -> None:
        while not self._stopped:
            for key, _ in self._selector.select(0.05):
                with contextlib.suppress(OSError):
                    key.data(key.fileobj)

    def _sniff(self, sink: socket.socket, host: str, family: int, proto: str) -> None:
        data, extra, _, address = sink.recvmsg(65535, 256)
        if family == 4:
            body, src, dst = data[(data[0] & 15) * 4 :], socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
        else:
            info = next(d for _, t, d in extra if t == IPV6_PKTINFO)
            body, src, dst = data, address[0].partition("%")[0], socket.inet_ntop(socket.AF_INET6, info[:16])
        if proto == "icmp":
            kind = {8: "ask", 0: "answer", 128: "ask", 129: "answer"}.get(body[0])
            if kind and len(body) >= 16:
                self._heard.append((body[8:16], Heard(host, kind, src, 0, dst, 0)))
            return
        sport, dport = struct.unpack("!HH", body[:4])
        if proto == "udp":
            token = body[8:16]
            if token[:1] == b"h":
                self._heard.append((token, Heard(host, "ask", src, sport, dst, dport)))
            elif token[:1] == b"H":
                self._heard.append((token.lower(), Heard(host, "answer", src, sport, dst, dport)))
            return
        flags = body[13] & 0x17
        if flags in (0x02, 0x12):
            self._heard.append((b"", Heard(host, "ask" if flags == 2 else "answer", src, sport, dst, dport)))


def _raw(family: int, number: int) -> socket.socket:
    one = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, number)
    if family == 6:
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
    return one


def _server(family: int, kind: str, port: int) -> socket.socket:
    domain = socket.AF_INET if family == 4 else socket.AF_INET6
    one = socket.socket(domain, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == 6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
    elif kind == "udp":
        one.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    one.bind(("0.0.0.0" if family == 4 else "::", port))
    if kind == "tcp":
        one.listen(64)
    return one


def _accept(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.sendall(b"hello")
    connection.close()


def _echo(server: socket.socket) -> None:
    data, extra, _, peer = server.recvmsg(65535, 256)
    # The answer has to leave from the address that was asked, as a careful server does.
    if server.family == socket.AF_INET:
        info = next(d for _, t, d in extra if t == IP_PKTINFO)
        own = [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + info[8:12] + bytes(4))]
    else:
        info = next(d for _, t, d in extra if t == IPV6_PKTINFO)
        own = [(socket.IPPROTO_IPV6, IPV6_PKTINFO, info[:16] + bytes(4))]
    server.sendmsg([data[:8].upper()], own, 0, peer)


def _client(family: int, proto: str, flow: dict[str, Any]) -> socket.socket:
    domain, level = (socket.AF_INET, socket.IPPROTO_IP) if family == 4 else (socket.AF_INET6, socket.IPPROTO_IPV6)
    if proto == "icmp":
        one = socket.socket(domain, socket.SOCK_RAW, NUMBERS[family]["icmp"])
    else:
        one = socket.socket(domain, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    one.setsockopt(level, IP_RECVERR if family == 4 else IPV6_RECVERR, 1)
    if proto == "tcp":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        fragment = DF_ALWAYS if flow.get("dont_fragment", True) else DF_NEVER
        one.setsockopt(level, IP_MTU_DISCOVER if family == 4 else IPV6_MTU_DISCOVER, fragment)
    if "ttl" in flow:
        one.setsockopt(level, socket.IP_TTL if family == 4 else socket.IPV6_UNICAST_HOPS, flow["ttl"])
    if flow.get("mark"):
        one.setsockopt(socket.SOL_SOCKET, SO_MARK, flow["mark"])
    address = flow.get("src_ip") or ("0.0.0.0" if family == 4 else "::")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if proto != "icmp" or "src_ip" in flow:
        one.bind((address, flow.get("src_port", 0)))
    return one


def _ask(client: socket.socket, family: int, proto: str, flow: dict[str, Any], token: bytes, timeout: float) -> Seen:
    client.settimeout(timeout)
    connected = False
    try:
        client.connect((flow["dst_ip"], flow.get("dst_port") or 0))
        if proto == "tcp":
            connected = True
            return Seen(answered=bool(client.recv(64)), connected=True)
        client.send(_datagram(family, proto, flow, token))
        until = time.monotonic() + timeout
        while True:
            client.settimeout(max(until - time.monotonic(), 0.001))
            data = client.recv(65535)
            if proto == "udp":
                return Seen(answered=True)
            body = data[(data[0] & 15) * 4 :] if family == 4 else data
            if body[0] in (0, 129) and body[8:16] == token:
                return Seen(answered=True)
    except TimeoutError:
        return Seen(error="timeout", connected=connected)
    except OSError as problem:
        name = errno.errorcode.get(problem.errno or 0, str(problem.errno))
        return Seen(error=name, connected=connected, icmp=_icmp_error(client, family))


def _datagram(family: int, proto: str, flow: dict[str, Any], token: bytes) -> bytes:
    headers = (20 if family == 4 else 40) + 8
    payload = token.ljust(max(flow.get("size", 0) - headers, 8), b".")
    if proto == "udp":
        return payload
    number = int(token[2:]) % 60000 + 1
    head = struct.pack("!BBHHH", 8 if family == 4 else 128, 0, 0, number, 1)
    if family == 6:
        return head + payload  # the kernel computes the checksum
    total = sum(
        struct.unpack(
            f"!{len(head + payload + b'0') // 2}H", (head + payload).ljust((len(head + payload) + 1) // 2 * 2, b"\0")
        )
    )
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return head[:2] + struct.pack("!H", ~total & 0xFFFF) + head[4:] + payload


def _icmp_error(client: socket.socket, family: int) -> tuple[int, int, str] | None:
    """Type, code and sender of the message that caused an error, from the socket's error queue."""
    try:
        client.setblocking(False)
        _, extra, _, _ = client.recvmsg(2048, 512, MSG_ERRQUEUE)
    except OSError:
        return None
    for _, kind, data in extra:
        if kind in (IP_RECVERR, IPV6_RECVERR) and len(data) >= 16:
            origin, type_, code = data[4], data[5], data[6]
            if origin not in (2, 3):
                return None
            sender = socket.inet_ntoa(data[20:24]) if family == 4 else socket.inet_ntop(socket.AF_INET6, data[24:40])
            return type_, code, sender
    return None
