"""Counters below /proc/net: netstat, snmp, sockstat, softnet_stat, dev and stat/nf_conntrack."""

from __future__ import annotations

import re
from collections import Counter as Sum
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.nodes import Counter
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "proc-net-counters"
COMMAND = "cat /proc/net/{netstat,snmp,sockstat,softnet_stat,dev,stat/nf_conntrack}"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = tuple(
    f"**/net/{name}"
    for name in (
        "netstat",
        "snmp",
        "snmp6",
        "sockstat",
        "sockstat6",
        "softnet_stat",
        "dev",
        "stat_nf_conntrack",
        "stat/nf_conntrack",
    )
)
BEGINS = (
    r"^(TcpExt|IpExt|Ip|Icmp|Tcp|Udp): [A-Z]\w+ ",
    r"^sockets: used \d+",
    r"^Inter-\|\s+Receive",
    r"^entries\s+(clashres|searched)\s+found",
    r"\A([0-9a-f]{8} ){8,}",
    r"^Ip6InReceives\s",
)
RANK = 50

NAMED = re.compile(r"(\w+): (.*)$")
DEVICE = re.compile(r"\s*(\S+?):\s*([\d\s]+)$")
NUMBER = re.compile(r"-?\d{1,20}$")
RECEIVED = ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")
SENT = ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")
SOFTNET = ("processed", "dropped", "time_squeeze")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Counter facts: `TcpExtListenDrops`, `UdpRcvbufErrors`, `sockstat.TCP.inuse`, `softnet.dropped`,
    `dev.eth0.rx_drop`, `nf_conntrack.insert_failed` (summed over processors)."""
    text = NodeText(data, path, place, first_line)
    sums: Sum[str] = Sum()
    where: dict[str, int] = {}
    names: dict[str, list[str]] = {}
    columns: list[str] = []
    for number, line in text.lines:
        words = line.split()
        found = _counters(line, words, names, columns)
        if found is None:
            text.gap(number, "counters", line)
            continue
        for name, value in found:
            if name == "nf_conntrack.entries":
                sums[name] = value
            else:
                sums[name] += value
            where.setdefault(name, number)
    for name, value in sums.items():
        text.add(Counter, where[name], name=name, value=value)
    return text.done([Counter])


def _counters(
    line: str, words: list[str], names: dict[str, list[str]], columns: list[str]
) -> list[tuple[str, int]] | None:
    """The counters of one line; none for headers, which are kept in `names` and `columns`."""
    if not words or line.startswith("Inter-|") or line.lstrip().startswith("face |"):
        return []
    if words[0] == "entries":
        columns[:] = words
        return []
    if columns and len(words) == len(columns) and all(re.fullmatch(r"[0-9a-f]{8}", word) for word in words):
        return [(f"nf_conntrack.{name}", int(word, 16)) for name, word in zip(columns, words, strict=True)]
    if len(words) > 8 and all(re.fullmatch(r"[0-9a-f]{8}", word) for word in words):
        return [(f"softnet.{name}", int(word, 16)) for name, word in zip(SOFTNET, words, strict=False)]
    if len(words) == 2 and NUMBER.match(words[1]) and words[0][-1] != ":":
        return [(words[0], int(words[1]))]
    device = DEVICE.match(line)
    values = device[2].split() if device else []
    if device and len(values) == len(RECEIVED) + len(SENT):
        labels = [*(f"rx_{name}" for name in RECEIVED), *(f"tx_{name}" for name in SENT)]
        return [(f"dev.{device[1]}.{label}", int(word[:19])) for label, word in zip(labels, values, strict=True)]
    found = NAMED.match(line)
    if not found:
        return None
    group, rest = found[1], found[2].split()
    if rest and all(NUMBER.match(word) for word in rest):
        known = names.pop(group, [])
        return (
            [(group + name, int(word)) for name, word in zip(known, rest, strict=True)]
            if len(known) == len(rest)
            else None
        )
    pairs = list(zip(rest[::2], rest[1::2], strict=False))
    if rest and len(rest) % 2 == 0 and all(NUMBER.match(value) for _, value in pairs):
        return [(f"sockstat.{group}.{name}", int(value)) for name, value in pairs]
    names[group] = rest
    return []
