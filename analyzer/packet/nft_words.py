"""The words of nft: tokens of a rule, set and map elements, and how a value is compared with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from analyzer.facts.address import IP, cidr, contains, ip
from analyzer.packet.header import NUMBERS
from analyzer.packet.sight import Answer, number

Value = IP | int | str | frozenset[str]
TOKEN = re.compile(r'"[^"]*"|[{}]|,|!=|==|<=|>=|[^\s{},]+')
PORTS = {"ssh": 22, "domain": 53, "http": 80, "https": 443, "ntp": 123, "snmp": 161, "bgp": 179}
PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
Elements = tuple[dict[tuple[str, ...], str], tuple[tuple[tuple[str, ...], str], ...]]


def tokens(text: str) -> list[str]:
    """The words of a rule; quoted texts and braces are words of their own."""
    return TOKEN.findall(text)


REJECTS = {
    4: {"no-route": "net-unreachable", "prot-unreachable": "proto-unreachable"},
    6: {"host-unreachable": "addr-unreachable", "admin-prohibited": "adm-prohibited"},
}


def reject_with(words: Sequence[str], family: int) -> str:
    """The --reject-with word of what follows `reject`: "with icmpx type admin-prohibited", "with tcp reset"."""
    if "tcp" in words:
        return "tcp-reset"
    given = [word for word in words if word != "comment"]
    code = given[-1] if given else "port-unreachable"
    return ("icmp-" if family == 4 else "icmp6-") + REJECTS[family].get(code, code)


def priority(text: str) -> int | None:
    """The number of "dstnat - 10", "-110" or "filter"."""
    words = text.replace("+", " + ").replace("-", " - ").split()
    total, sign = 0, 1
    for word in words:
        if word in "+-":
            sign = 1 if word == "+" else -1
            continue
        value = PRIORITIES.get(word, int(word) if word.isdigit() else None)
        if value is None:
            return None
        total, sign = total + sign * value, 1
    return total


@lru_cache(maxsize=4096)
def elements(text: str) -> Elements:
    """Elements of a set or map: plain keys by their parts, and keys with ranges or prefixes in order."""
    begin = text.find("elements")
    body = text[text.find("{", begin) + 1 :] if begin >= 0 else text.strip().removeprefix("{")
    body = body.rpartition("}")[0] if begin >= 0 else body.removesuffix("}")
    plain: dict[tuple[str, ...], str] = {}
    ranged: list[tuple[tuple[str, ...], str]] = []
    for item in _split(body):
        key_text, _, verdict = _cut_verdict(item)
        key = tuple(part.strip().strip('"') for part in key_text.split(" . "))
        if any("/" in part or "-" in part or part.endswith("*") or part == "*" for part in key):
            ranged.append((key, verdict))
        else:
            plain[key] = verdict
    return plain, tuple(ranged)


def _split(body: str) -> list[str]:
    return [part.strip() for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', body) if part.strip()]


def _cut_verdict(item: str) -> tuple[str, str, str]:
    """Key and verdict; comments, counters and time-outs are dropped. A lone colon with blanks divides them."""
    bare = re.sub(r'comment "[^"]*"|timeout \S+|expires \S+|counter packets \d+ bytes \d+', "", item)
    key, colon, verdict = bare.partition(" : ")
    return key.strip(), colon, " ".join(verdict.split())


def found_in(values: tuple[Value, ...], text: str) -> tuple[Answer, str]:
    """Whether values are a key of a set or map, and its verdict."""
    plain, ranged = elements(text)
    spelled = tuple(str(value) for value in values)
    for key in (spelled, tuple(_name(value) for value in values)):
        if key in plain:
            return True, plain[key]
    odd = [item for item in plain.items() if any(_odd(part) for part in item[0])]
    answer: Answer = False
    for key, verdict in (*ranged, *odd):
        if len(key) != len(values):
            return None, ""
        parts = [equals(value, word) for value, word in zip(values, key, strict=True)]
        if all(part is True for part in parts):
            return True, verdict
        if False not in parts:
            answer = None
    return answer, ""


def _odd(part: str) -> bool:
    """Whether a key may be spelled in another way than a value is: hexadecimal, a name."""
    return part.startswith("0x") or (part.isalpha() and part not in NUMBERS)


def _name(value: Value) -> str:
    if isinstance(value, int):
        return {6: "tcp", 17: "udp", 132: "sctp", 1: "icmp", 58: "ipv6-icmp"}.get(value, str(value))
    return str(value)


def equals(value: Value, word: str) -> Answer:
    """Whether a value equals a word: an address, prefix, range, number, protocol or name (`*` at its end)."""
    word = word.strip('"')
    if word == "*":
        return True
    if isinstance(value, str):
        return value.startswith(word[:-1]) if word.endswith("*") else value == word
    if isinstance(value, frozenset):
        return None
    if isinstance(value, int):
        low, dash, high = word.partition("-")
        start, end = _number(low), _number(high if dash else low)
        if start is None or end is None:
            named = NUMBERS.get(word, PORTS.get(word))
            return None if named is None else value == named
        return start <= value <= end
    low, dash, high = word.partition("-")
    if dash:
        first, last = ip(low), ip(high)
        return None if first is None or last is None else int(first) <= int(value) <= int(last)
    network = cidr(word)
    return None if network is None else contains(network, value)


def _number(text: str) -> int | None:
    return number(text) if text[:1].isdigit() else None
