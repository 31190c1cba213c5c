"""`nft list ruleset`: chains, rules, sets and maps in the words of nft."""

from __future__ import annotations

import re
from typing import Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.firewall import NftObject
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "nft-ruleset"
COMMAND = "nft list ruleset"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/nft-ruleset*", "**/nft_*list_ruleset*", "**/nft_ruleset*", "**/nft-list-ruleset*", "**/nftables")
BEGINS = (r"^table (ip|ip6|inet|arp|bridge|netdev) \S+ \{",)
RANK = 60

TABLE = re.compile(r"\s*table (ip|ip6|inet|arp|bridge|netdev) (\S+) \{\s*(?:# handle \d+\s*)?$")
BLOCK = re.compile(
    r"\s*(chain|set|map|flowtable|ct \w+|counter|quota|limit|secmark|synproxy) (\S+) \{\s*(?:# handle \d+\s*)?$"
)
HANDLE = re.compile(r"(?<!\s)\s*# handle \d+\s*$")
MANAGED = re.compile(r"# Warning: table (\S+) (\S+) is managed by iptables-nft")
BASE = re.compile(r"type \w+ hook \w+")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """NftObject facts of every table, and of each rule its number in its chain; tables of iptables-nft are among them.

    What iptables-save prints as well stays apart as NftObject, so nothing counts twice.
    """
    text = NodeText(data, path, place, first_line)
    family = table = ""
    kind = name = ""
    begun = depth = position = 0
    held: list[str] = []
    for number, line in text.lines:
        bare = HANDLE.sub("", line).strip()
        if not bare or bare.startswith("#"):
            continue
        if not table:
            found = TABLE.match(line)
            if found:
                family, table = found[1], found[2]
            else:
                text.gap(number, "'table FAMILY NAME {'", line)
            continue
        if not kind:
            found = BLOCK.match(line)
            if found:
                kind, name, begun, depth, position, held = found[1], found[2], number, 1, 0, []
            elif bare == "}":
                table = ""
            elif not bare.startswith(("comment ", "flags ", "typeof ", "elements")):
                text.gap(number, "'chain NAME {', 'set NAME {', 'map NAME {' or '}'", line)
            continue
        quoteless = re.sub(r'"[^"]*"', "", bare)
        depth += quoteless.count("{") - quoteless.count("}")
        if depth > 0:
            if kind == "chain" and not BASE.match(bare) and not bare.startswith(("comment ", "policy ")):
                position += 1
                text.add(
                    NftObject, number, family=family, table=table, kind="rule", name=name, position=position, text=bare
                )
            else:
                held.append(bare)
            continue
        if kind in ("chain", "set", "map"):
            text.add(NftObject, begun, number, family=family, table=table, kind=kind, name=name, text=" ".join(held))
        kind = ""
    cut = bool(table or kind)
    text.cover(NftObject, complete=not cut, note=f"cut off inside table {family} {table}" if cut else "")
    return text.done()
