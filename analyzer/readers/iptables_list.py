"""`iptables -L` in any of its forms: -n, -v, -x, --line-numbers; one table or several after each other."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from analyzer.facts.address import CIDR, cidr
from analyzer.facts.fact import Parsed
from analyzer.facts.firewall import Chain, Rule
from analyzer.facts.source import Place
from analyzer.readers.iptables_words import Words, read_words
from analyzer.readers.node_text import NodeText

ARTIFACT = "iptables-list"
COMMAND = "iptables -nvL; iptables -t nat -nvL"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = (
    "**/iptables*L*", "**/ip6tables*L*", "**/iptables_-*vnxL*", "**/iptables-list*", "**/iptables_list*",
)  # fmt: skip
BEGINS = (r"^Chain \S+ \((policy [A-Z]+|\d+ references)",)
RANK = 40

CHAIN = re.compile(r"Chain (\S+) \((?:policy ([A-Z]+)(?: (\d+[KMGT]?) packets, \d+[KMGT]? bytes)?|(\d+) references)\)")
HEADING = re.compile(r"\s*(num +)?(pkts +bytes +)?target +prot +opt +(in +out +)?source +destination")
KNOWN = re.compile(r"# Warning: ip6?tables|# Table: |\s*#")
TARGET = r"(?:(?P<target>\S+) +)??(?P<protocol>!?(?:\d+|[a-z][a-z0-9-]*)) +"
# ip6tables left the column `opt` empty for a long time: then only the addresses tell where the columns are.
NETWORK = r"!?(?:\S*[:./]\S*|anywhere)"
ADDRESSES = (
    (r"(?P<opt>--|-f|!f) *", r" *(?P<source>!?\S+) +(?P<destination>!?\S+)(?P<tail>.*)$"),
    (r"(?P<opt>)", rf" *(?P<source>{NETWORK}) +(?P<destination>{NETWORK})(?P<tail>.*)$"),
)
UNIT = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "132": "sctp"}
WAY = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
# The built-in chains of each table; `security` looks like `filter` and is told by the command alone.
BUILT_IN = {
    "filter": {"INPUT", "FORWARD", "OUTPUT"},
    "nat": {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"},
    "mangle": {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"},
    "raw": {"PREROUTING", "OUTPUT"},
}


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Chain and Rule facts. A rule with words that are not understood, or without its interfaces, is not complete."""
    text = NodeText(data, path, place, first_line)
    tables = _tables(text)
    said = f"{command} {path.rsplit('/', 1)[-1]}"
    asked = re.search(r"(?:-t[ _=]*|[-_])(nat|mangle|raw|security|filter)\b", said.replace("_", " "))
    # iptables without -t shows the table filter
    named = asked[1] if asked else "filter" if re.search(r"\bip6?tables\b", command) else ""
    six = "ip6tables" in said or b" ::/0 " in data
    backend = next((kind for kind in ("legacy", "nft") if f"tables-{kind}" in said), None)
    if backend is None and b"tables-legacy tables present" in data:
        backend = "nft"  # only iptables-nft warns of the others
    common: dict[str, Any] = {"family": 6 if six else 4, "backend": backend}
    for chains in tables:
        table = _table_of({name for name, *_ in chains}, named if len(tables) == 1 else "")
        if not table:
            for name, number, _, _, rows in chains:
                for line in (number, *(line for line, _, _ in rows)):
                    text.gap(line, "a chain whose table is known", name)
            continue
        for name, number, policy, packets, rows in chains:
            text.add(Chain, number, **common, table=table, name=name, policy=policy, packets=packets)
            for position, (line, row, verbose) in enumerate(rows, 1):
                text.add(Rule, line, **common, table=table, chain=name, position=position, **_rule(row, verbose))
        missing = BUILT_IN.get(table, BUILT_IN["filter"]) - {name for name, *_ in chains} - {"INPUT"}
        note = f"chain {min(missing)} of table {table} is not listed" if missing else ""
        for kind in (Chain, Rule):
            text.cover(kind, complete=not missing, note=note, table=f"ip6 {table}" if six else table)
    return text.done()


@cache
def _rows(numbered: bool, counted: bool, verbose: bool) -> tuple[re.Pattern[str], ...]:
    """What a rule looks like below a heading with these columns, the more certain form first."""
    before = (r"\d+ +" if numbered else "") + (
        r"(?P<packets>\d+[KMGT]?) +(?P<bytes>\d+[KMGT]?) +" if counted else r"(?P<packets>)(?P<bytes>)"
    )
    between = r"(?P<in>!?\S+) +(?P<out>!?\S+)" if verbose else r"(?P<in>)(?P<out>)"
    return tuple(re.compile(rf"\s*{before}{TARGET}{opt}{between}{ends}") for opt, ends in ADDRESSES)


_Row = tuple[int, re.Match[str], bool]
_Listed = tuple[str, int, str | None, int | None, list[_Row]]


def _tables(text: NodeText) -> list[list[_Listed]]:
    """Chains by table: a built-in chain that was listed before begins another table."""
    tables: list[list[_Listed]] = []
    shapes: tuple[re.Pattern[str], ...] = ()
    last = -1
    verbose = False
    for number, line in text.lines:
        if not line.strip() or KNOWN.match(line):
            continue
        if found := CHAIN.match(line):
            # Within a table the built-in chains come in the order of a packet's way.
            step = WAY.index(found[1]) if found[1] in WAY else 0
            if not tables or (found[1] in WAY and step <= last):
                tables.append([])
            last = step if found[1] in WAY else last
            tables[-1].append((found[1], number, found[2], _count(found[3]), []))
            shapes = ()
        elif found := HEADING.match(line):
            verbose = bool(found[3])
            shapes = _rows(bool(found[1]), bool(found[2]), verbose)
        elif tables and (found := next((row for shape in shapes if (row := shape.match(line))), None)):
            tables[-1][-1][4].append((number, found, verbose))
        else:
            text.gap(number, "a chain or a rule", line)
    return tables


def _table_of(names: set[str], named: str) -> str:
    """The table that was asked for if it may have these chains, else the one that has just these; "" if unknown."""
    own = names & BUILT_IN["mangle"]
    if named and own <= BUILT_IN.get(named, BUILT_IN["filter"]):
        return named
    if own and own < BUILT_IN["filter"] and "INPUT" in own:
        return "filter"  # cut off
    if own == BUILT_IN["nat"] - {"INPUT"}:
        return "nat"  # before Linux 2.6.36 it had no INPUT
    return next((table for table, chains in BUILT_IN.items() if own == chains), "")


def _rule(row: re.Match[str], verbose: bool) -> dict[str, Any]:
    words: Words = read_words(row["tail"], row["target"] or "")
    protocol = row["protocol"].lstrip("!")
    said: dict[str, Any] = {
        "protocol": None if protocol in ("0", "all") else PROTOCOLS.get(protocol, protocol),
        "not_protocol": row["protocol"].startswith("!"),
        "fragment": row["opt"] == "-f",
        "target": row["target"],
        "matches": tuple(words.matches),
        "target_options": tuple(words.target_options),
        "comment": words.comment,
        "goto": words.goto,
        "packets": _count(row["packets"]),
        "bytes": _count(row["bytes"]),
    }
    whole = verbose and not words.rest and row["opt"] != "!f"
    for name in ("source", "destination"):
        network, known = _network(row[name].lstrip("!"))
        said[name], said[f"not_{name}"] = network, row[name].startswith("!")
        whole = whole and known
    for name, column in (("in_interface", "in"), ("out_interface", "out")):
        shown = row[column] or "*"
        if shown.lstrip("!") not in ("*", "any"):
            said[name], said[f"not_{name}"] = shown.lstrip("!"), shown.startswith("!")
    return {**said, "complete": whole}


def _network(text: str) -> tuple[CIDR | None, bool]:
    """The network, None for any; and whether it is known: a host's name is not."""
    if text in ("0.0.0.0/0", "::/0", "anywhere"):
        return None, True
    network = cidr(text)
    return network, network is not None


def _count(text: str | None) -> int | None:
    """A counter; with a unit it was rounded."""
    if not text or len(text) > 20:
        return None
    return int(text[:-1]) * UNIT[text[-1]] if text[-1] in UNIT else int(text)
