"""Single packets from a raw socket, and what arrives of them: the kernel's word on one traversal of the rules."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
from dataclasses import dataclass
from typing import Any

FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1}

# Sends the packets it reads as hex, and prints "sent".
SENDER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for line in sys.stdin:
    raw = bytes.fromhex(line.strip())
    try: s.sendto(raw, (socket.inet_ntoa(raw[16:20]), 0)); print('sent', flush=True)
    except OSError as e: print('refused', flush=True)
"""
# Answers every line with the packets that came in since the last one.
SNIFFER = """
import json, select, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)); s.bind(('eth0', 0x0800)); s.setblocking(False)
for line in sys.stdin:
    found = []
    while True:
        try: data, where = s.recvfrom(4096)
        except BlockingIOError: break
        if where[2] != 4: found.append(data.hex())
    print(json.dumps(found), flush=True)
"""


@dataclass(frozen=True)
class Caught:
    """A packet that a host received."""

    src: str
    dst: str
    proto: int
    sport: int
    dport: int
    flags: int
    icmp: tuple[int, int]


def packet(flow: dict[str, Any]) -> bytes:
    """The bytes of the packet that a flow states, with right checksums: a wrong one makes it INVALID."""
    proto = NUMBERS[flow["proto"]]
    if proto == 6:
        flags = sum(FLAGS[name] for name in flow["tcp_flags"])
        body = struct.pack("!HHIIBBHHH", flow["src_port"], flow["dst_port"], 1000, 0, 5 << 4, flags, 4096, 0, 0)
    elif proto == 17:
        body = struct.pack("!HHHH", flow["src_port"], flow["dst_port"], 9, 0) + b"x"
    else:
        body = struct.pack("!BBHHH", flow["icmp_type"], 0, 0, flow["src_port"], 1) + bytes(8)
    ends = socket.inet_aton(flow["src_ip"]) + socket.inet_aton(flow["dst_ip"])
    at = {6: 16, 17: 6, 1: 2}[proto]
    pseudo = b"" if proto == 1 else ends + struct.pack("!BBH", 0, proto, len(body))
    body = body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2 :]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), flow["src_port"], 0x4000, flow["ttl"], proto, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def checksum(data: bytes) -> int:
    """The ones' complement sum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def caught(raw: bytes) -> Caught:
    """What matters of a received packet."""
    proto, body = raw[9], raw[(raw[0] & 15) * 4 :]
    sport = dport = flags = 0
    icmp = (0, 0)
    if proto in (6, 17):
        sport, dport = struct.unpack("!HH", body[:4])
        flags = body[13] if proto == 6 else 0
    elif proto == 1:
        icmp, sport = (body[0], body[1]), struct.unpack("!H", body[4:6])[0]
    return Caught(socket.inet_ntoa(raw[12:16]), socket.inet_ntoa(raw[16:20]), proto, sport, dport, flags, icmp)


class Air:
    """A raw sender in one namespace, and a sniffer in each."""

    def __init__(self, sender: str, hosts: tuple[str, ...]) -> None:
        self.sender = _start(sender, SENDER)
        self.sniffers = {host: _start(host, SNIFFER) for host in hosts}
        for host in hosts:
            self.heard(host)

    def send(self, raw: bytes) -> bool:
        """Whether the sender's own kernel let the packet go."""
        return _ask(self.sender, raw.hex()) == "sent"

    def heard(self, host: str) -> list[Caught]:
        """What a host received since it was last asked."""
        return [caught(bytes.fromhex(one)) for one in json.loads(_ask(self.sniffers[host], ""))]

    def close(self) -> None:
        """Ends the processes."""
        for process in (self.sender, *self.sniffers.values()):
            process.terminate()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def hits(save: str) -> dict[tuple[str, str, int], int]:
    """Packets that each rule of `iptables-save -c` counted: (table, chain, number) to packets."""
    found: dict[tuple[str, str, int], int] = {}
    numbers: dict[str, int] = {}
    table = ""
    for line in save.splitlines():
        if line.startswith("*"):
            table, numbers = line[1:], {}
        elif match := re.match(r"\[(\d+):\d+\] -A (\S+)", line):
            numbers[match[2]] = numbers.get(match[2], 0) + 1
            found[table, match[2], numbers[match[2]]] = int(match[1])
    return found


def nft_hits(listing: str) -> dict[tuple[str, str, int], int]:
    """The same of `nft list ruleset`, for rules that hold a counter."""
    found: dict[tuple[str, str, int], int] = {}
    table = chain = ""
    number = 0
    for line in listing.splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            table = " ".join(words[1:3])
        elif words[:1] == ["chain"]:
            chain, number = words[1], 0
        elif chain and words and words[0] not in ("}", "type"):
            number += 1
            if match := re.search(r"counter packets (\d+) bytes", line):
                found[table, chain, number] = int(match[1])
        elif words == ["}"]:
            chain = ""
    return found


def _start(netns: str, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["ip", "netns", "exec", netns, "python3", "-u", "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _ask(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()
