"""`ipvsadm -Ln`, `ipvsadm -Sn` and /proc/net/ip_vs: virtual servers and the real servers behind them."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

import msgspec

from analyzer.facts.address import IP, ip
from analyzer.facts.fact import Parsed
from analyzer.facts.firewall import VirtualServer
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText, number

ARTIFACT = "ipvs"
COMMAND = "ipvsadm -Ln"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = (
    "**/sos_commands/**/ipvsadm*",
    "**/ipvsadm[-_.]*",
    "**/ipvs.*",
    "**/ipvs_*",
    "**/net/ip_vs",
    "**/proc-net-ip_vs*",
)
BEGINS = (r"^IP Virtual Server version ", r"^-A (-t|-u|-f|--(tcp|udp|sctp|fwmark)-service) \S+ (-s|--scheduler) \w+")
RANK = 60

KNOWN = re.compile(r"IP Virtual Server version |Prot\s+LocalAddress|\s+-> RemoteAddress")
SERVICE = re.compile(r"(TCP|UDP|SCTP)\s+(\S+)(?:\s+(\S+))?")
MARKED = re.compile(r"FWM\s+\S+")
# With --stats and --rate only numbers follow.
SERVER = re.compile(r"\s+->\s+(\S+)(?:\s+(Masq|Route|Tunnel|Local)\s+(\d+)\s|(?:\s+[\d.]+[KMGT]?){3})")
SAVED = re.compile(r"-([Aa])\s+(-[tuf]|--\w+-service)\s+(\S+)(.*)$")
PROTOCOLS = {"-t": "TCP", "-u": "UDP", "--tcp-service": "TCP", "--udp-service": "UDP", "--sctp-service": "SCTP"}
MASQUERADED, TUNNELLED = re.compile(r"\s(-m|--masquerading)\b"), re.compile(r"\s(-i|--ipip)\b")


class _Service(msgspec.Struct):
    """A virtual server: its protocol, address, port, scheduler, line; `servers` are (line, fields)."""

    protocol: str
    address: IP
    port: int
    scheduler: str | None
    line: int
    servers: list[tuple[int, IP, int, str | None, int | None]] = []


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """VirtualServer facts, one for each real server, and one for a service without any; firewall marks give none."""
    text = NodeText(data, path, place, first_line)
    services: _Services = {}
    marked = False
    for line_number, line in text.lines:
        if not line.strip() or KNOWN.match(line):
            continue
        if MARKED.match(line) or (marked and SERVER.match(line)):
            marked = True
            continue
        marked = False
        if not (_listed(line, line_number, services) or _saved(line, line_number, services)):
            text.gap(line_number, "a virtual server or a real server", line)
    for service in services.values():
        common = {"protocol": service.protocol, "ip": service.address, "port": service.port}
        if not service.servers:
            text.add(VirtualServer, service.line, **common, scheduler=service.scheduler)
        for line_number, address, port, forward, weight in service.servers:
            text.add(VirtualServer, line_number, **common, scheduler=service.scheduler, server=address,
                     server_port=port, forward=forward, weight=weight)  # fmt: skip
    return text.done([VirtualServer])


_Services = dict[tuple[str, IP, int], _Service]


def _begin(services: _Services, service: _Service) -> None:
    """The service whose real servers follow; one that is listed twice is listed anew."""
    key = (service.protocol, service.address, service.port)
    services.pop(key, None)
    services[key] = service


def _listed(line: str, line_number: int, services: _Services) -> bool:
    found = SERVICE.match(line)
    if found and (end := _end(found[2])):
        # With --stats and --rate a number stands in the place of the scheduler.
        scheduler = found[3] if found[3] and not found[3][0].isdigit() else None
        _begin(services, _Service(found[1], *end, scheduler, line_number))
        return True
    found = SERVER.match(f"{line} ")
    if found and services and (end := _end(found[1])):
        next(reversed(services.values())).servers.append((line_number, *end, found[2], number(found[3])))
        return True
    return False


def _saved(line: str, line_number: int, services: _Services) -> bool:
    found = SAVED.match(line)
    if not found:
        return False
    if found[2] in ("-f", "--fwmark-service"):
        return True
    end = _end(found[3])
    protocol = PROTOCOLS.get(found[2])
    if end is None or protocol is None:
        return False
    rest = found[4]
    if found[1] == "A":
        scheduler = re.search(r"\s(?:-s|--scheduler)\s+(\S+)", rest)
        _begin(services, _Service(protocol, *end, scheduler[1] if scheduler else None, line_number))
        return True
    to = re.search(r"\s(?:-r|--real-server)\s+(\S+)", rest)
    server = _end(to[1]) if to else None
    owner = services.get((protocol, *end))
    if server is None or owner is None:
        return False
    weight = re.search(r"\s(?:-w|--weight)\s+(\d+)", rest)
    forward = "Masq" if MASQUERADED.search(rest) else "Tunnel" if TUNNELLED.search(rest) else "Route"
    owner.servers.append((line_number, *server, forward, number(weight[1]) if weight else None))
    return True


def _end(text: str) -> tuple[IP, int] | None:
    """Address and port of "10.0.0.1:53", "[2001:db8::1]:53" or the kernel's "0A000001:0035"."""
    host, _, port = text.rpartition(":")
    if re.fullmatch(r"[0-9A-F]{8}", host) and re.fullmatch(r"[0-9A-F]{4}", port):
        return ipaddress.IPv4Address(int(host, 16)), int(port, 16)
    address = ip(host.strip("[]"))
    count = number(port)
    return None if address is None or count is None else (address, count)
