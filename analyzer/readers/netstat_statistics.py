"""`netstat -s` and `nstat`: the kernel's counters, in words or by name."""

from __future__ import annotations

import re
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.nodes import Counter
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "netstat-statistics"
COMMAND = "netstat -s; nstat -az"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/netstat-s*", "**/netstat_-s*", "**/nstat*", "**/ip_netns_exec_*_netstat_-s")
BEGINS = (r"^Ip:\n\s+(Forwarding: \d|\d+ total packets received)", r"^#kernel$")
RANK = 40

GROUP = re.compile(r"(\w+):\s*$")
NAMED = re.compile(r"([A-Za-z]\w*): (\d{1,20})$")
NSTAT = re.compile(r"([A-Z]\w+)\s+(\d{1,20})\s+\d+\.\d+$")
WORDED = re.compile(r"(.*?)(\d{1,20})(.*)$")
HISTOGRAM = re.compile(r".*(histogram|bytes of data|Quick ack mode was activated).*:?$")
# The words of netstat -s -> the kernel's name; the other lines are known and not needed.
WORDS = {
    "# incoming packets discarded": "IpInDiscards",
    "# outgoing packets dropped": "IpOutDiscards",
    "# dropped because of missing route": "IpOutNoRoutes",
    "# with invalid addresses": "IpInAddrErrors",
    "# fragments dropped after timeout": "IpReasmTimeout",
    "# packet reassembles failed": "IpReasmFails",
    "# packet reassembly failed": "IpReasmFails",
    "# fragments failed": "IpFragFails",
    "# failed connection attempts": "TcpAttemptFails",
    "# connection resets received": "TcpEstabResets",
    "# segments retransmitted": "TcpRetransSegs",
    "# segments retransmited": "TcpRetransSegs",
    "# resets sent": "TcpOutRsts",
    "# packet receive errors": "UdpInErrors",
    "# packets to unknown port received": "UdpNoPorts",
    "# packets to unknown port received.": "UdpNoPorts",
    "# receive buffer errors": "UdpRcvbufErrors",
    "# send buffer errors": "UdpSndbufErrors",
    "# times the listen queue of a socket overflowed": "TcpExtListenOverflows",
    "# SYNs to LISTEN sockets dropped": "TcpExtListenDrops",
    "# SYNs to LISTEN sockets ignored": "TcpExtListenDrops",
    "# SYN cookies sent": "TcpExtSyncookiesSent",
    "# resets received for embryonic SYN_RECV sockets": "TcpExtEmbryonicRsts",
    "# other TCP timeouts": "TcpExtTCPTimeouts",
    "# timeouts after SACK recovery": "TcpExtTCPSackFailures",
    "# packets pruned from receive queue because of socket buffer overrun": "TcpExtPruneCalled",
    "# packets rejects in established connections because of timestamp": "TcpExtPAWSEstab",
    "# packets rejected in established connections because of timestamp": "TcpExtPAWSEstab",
}


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Counter facts under the kernel's names. Counters that are 0 are left out by most of these commands."""
    text = NodeText(data, path, place, first_line)
    group = ""
    for number, line in text.lines:
        words = line.strip()
        if not words or words == "#kernel":
            continue
        if found := NSTAT.match(words):
            _add(text, number, found[1], found[2])
        elif not line[0].isspace() and (found := GROUP.match(line)):
            group = found[1]
        elif group and line[0].isspace():
            if found := NAMED.match(words):
                _add(text, number, group + found[1], found[2])
            elif found := WORDED.match(words):
                name = WORDS.get(f"{found[1]}#{found[3]}")
                # UdpLite and the like are told in the words of Udp.
                if name and name.startswith(group):
                    _add(text, number, name, found[2])
            elif not HISTOGRAM.match(words):
                text.gap(number, "a counter", line)
        else:
            text.gap(number, "a counter", line)
    for table in ("snmp", "netstat"):
        text.cover(Counter, table=table, complete=False, note="counters that are 0 may be left out")
    return text.done()


def _add(text: NodeText, number: int, name: str, value: str) -> None:
    table = "netstat" if name.startswith(("TcpExt", "IpExt", "MPTcpExt")) else "snmp6" if "6" in name[:5] else "snmp"
    text.add(Counter, number, table=table, name=name, value=int(value))
