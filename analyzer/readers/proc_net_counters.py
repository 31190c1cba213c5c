"""Counters below /proc/net: netstat, snmp, sockstat, softnet_stat, dev, and those of stat/."""

from __future__ import annotations

import re
from collections import Counter as Sum
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.nodes import Counter
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "proc-net-counters"
COMMAND = "cat /proc/net/{netstat,snmp,sockstat,softnet_stat,dev,stat/nf_conntrack,stat/arp_cache}"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = (
    *(f"**/net/{name}" for name in ("netstat", "snmp", "snmp6", "sockstat", "sockstat6", "softnet_stat", "dev")),
    *(f"**/net/stat{sign}{name}" for sign in "/_" for name in ("nf_conntrack", "arp_cache", "ndisc_cache")),
)
BEGINS = (
    r"^(TcpExt|IpExt|Ip|Icmp|Tcp|Udp): [A-Z]\w+ ",
    r"^sockets: used \d+",
    r"^(TCP|UDP|RAW|FRAG)6?: inuse \d+",
    r"^Inter-\|\s+Receive",
    r"^entries\s+(clashres|searched|allocs)\s+",
    r"\A([0-9a-f]{8} ){8,}",
    r"^Ip6InReceives\s",
)
RANK = 50

NAMED = re.compile(r"([A-Za-z]\w*): ?(.*)$")
HEADING = re.compile(r"[A-Z][A-Za-z0-9]*$")
DEVICE = re.compile(r"\s*([^\s:]\S*?):([\d\s]+)$")
NUMBER = re.compile(r"-?\d{1,20}$")
HEX = re.compile(r"[0-9a-f]{8,16}$")
RECEIVED = ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")
SENT = ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")
SOFTNET = ("processed", "dropped", "time_squeeze")
# The groups of lines that /proc/net/netstat has; the others are those of /proc/net/snmp.
EXTENDED = ("TcpExt", "IpExt", "MPTcpExt")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Counter facts: `TcpExtListenDrops`, `UdpRcvbufErrors`, `sockstat.TCP.inuse`, `softnet.dropped`,
    `dev.eth0.rx_drop`, `nf_conntrack.insert_failed` and `arp_cache.table_fulls` (summed over processors)."""
    text = NodeText(data, path, place, first_line)
    counters = _Counters("ndisc_cache" if "ndisc_cache" in f"{path} {command}" else "arp_cache")
    sums: Sum[tuple[str, str]] = Sum()
    where: dict[tuple[str, str], int] = {}
    for number, line in text.lines:
        found = counters.of(line, number) if line.strip() else ("", [])
        if found is None:
            text.gap(number, "counters", line)
            continue
        table, values = found
        for name, value in values:
            # every processor's line tells the same number of entries
            sums[table, name] = value if name.endswith(".entries") else sums[table, name] + value
            where.setdefault((table, name), number)
    for number, line in counters.names.values():
        text.gap(number, "the values below these names", line)
    for (table, name), value in sums.items():
        text.add(Counter, where[table, name], table=table, name=name, value=value)
    for table in dict.fromkeys(table for table, _ in sums):
        text.cover(Counter, table=table)
    return text.done()


class _Counters:
    """Headings that were met: their values follow in later lines. `names` are (line number, line) by group."""

    def __init__(self, cache: str) -> None:
        self.cache = cache
        self.names: dict[str, tuple[int, str]] = {}
        self._columns: list[str] = []

    def of(self, line: str, number: int) -> tuple[str, list[tuple[str, int]]] | None:
        """The table and the counters of one line; none for a heading; None for what is neither."""
        words = line.split()
        if line.startswith("Inter-|") or words[0] == "face":
            return "", []
        if words[0] == "entries":
            self._columns = words
            return "", []
        if len(words) > 8 and all(HEX.match(word) for word in words):
            return self._hexadecimal(words)
        if len(words) == 2 and NUMBER.match(words[1]) and re.fullmatch(r"[A-Z]\w*6\w*", words[0]):
            return "snmp6", [(words[0], int(words[1]))]
        device = DEVICE.match(line)
        values = device[2].split() if device else []
        if device and len(values) == len(RECEIVED) + len(SENT):
            labels = [*(f"rx_{name}" for name in RECEIVED), *(f"tx_{name}" for name in SENT)]
            counts = [int(word[:19]) for word in values]
            return "dev", [(f"dev.{device[1]}.{label}", count) for label, count in zip(labels, counts, strict=True)]
        found = NAMED.match(line)
        return self._group(found[1], found[2].split(), number, line) if found else None

    def _hexadecimal(self, words: list[str]) -> tuple[str, list[tuple[str, int]]] | None:
        if not self._columns:
            return "softnet_stat", [
                (f"softnet.{name}", int(word, 16)) for name, word in zip(SOFTNET, words, strict=False)
            ]
        if len(words) != len(self._columns):
            return None
        table = self.cache if "allocs" in self._columns else "nf_conntrack"
        return table, [(f"{table}.{name}", int(word, 16)) for name, word in zip(self._columns, words, strict=True)]

    def _group(self, group: str, rest: list[str], number: int, line: str) -> tuple[str, list[tuple[str, int]]] | None:
        if group in self.names and all(NUMBER.match(word) for word in rest):
            known = self.names.pop(group)[1].split()[1:]
            if len(known) != len(rest):
                return None
            table = "netstat" if group in EXTENDED else "snmp"
            return table, [(group + name, int(word)) for name, word in zip(known, rest, strict=True)]
        pairs = list(zip(rest[::2], rest[1::2], strict=False))
        if rest and len(rest) % 2 == 0 and all(NUMBER.match(value) for _, value in pairs):
            return "sockstat", [(f"sockstat.{group}.{name}", int(value)) for name, value in pairs]
        if all(HEADING.match(word) for word in rest) and HEADING.match(group):
            self.names[group] = (number, line)
            return "", []
        return None
