"""`nft -j list ruleset`: chains, rules, sets and maps, in the words that the text form has for them."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from analyzer.facts.fact import Parsed
from analyzer.facts.firewall import NftObject
from analyzer.facts.source import Place
from analyzer.readers.kubectl_documents import documents
from analyzer.readers.nft_words_json import Unsaid, element, rule_text
from analyzer.readers.node_text import NodeText
from analyzer.text import decode

ARTIFACT = "nft-json"
COMMAND = "nft -j list ruleset"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/nft_-j*", "**/nft-j*", "**/nft*.json", "**/nftables*.json")
BEGINS = (r'\A\s*\{\s*"nftables"\s*:\s*\[',)
RANK = 59

BEGIN = re.compile(rb'\s*\{\s*"nftables"\s*:\s*\[')
KNOWN = ("metainfo", "table", "flowtable", "ct helper", "ct timeout", "ct expectation", "counter", "quota", "limit")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """NftObject facts, as `nft list ruleset` would give them; what has no words there makes it incomplete."""
    text = NodeText(data, path, place, first_line)
    plain = decode(data).encode("utf-8", "replace")
    positions: dict[tuple[str, str, str], int] = {}
    begin = plain.find(b"[")
    found = next(iter(documents(plain[begin:] if begin >= 0 else b"")), None)
    if begin < 0 or found is None or not BEGIN.match(plain):
        return _nothing(text)
    at, first = 0, first_line
    for piece in found.pieces:
        start, end = begin + piece.start, begin + piece.end
        first, at = first + plain.count(b"\n", at, start), start
        last = first + plain.count(b"\n", start, end)
        try:
            for kind, body in msgspec.json.decode(plain[start:end], type=dict[str, dict[str, Any]]).items():
                if kind not in KNOWN:
                    text.add(NftObject, first, last, **_object(kind, body, positions))
        except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            text.gap(
                first, f"an object of nft -j: {error}"[:200], plain[start : start + 400].decode("utf-8", "replace")
            )
    if found.broken:
        behind = first_line + plain.count(b"\n", 0, begin + found.at)
        for number, line in text.lines:
            if number >= behind and line.strip():
                text.gap(number, f"JSON: {found.broken}", line)
    elif plain[begin + found.end :].strip() != b"}":
        behind = first_line + plain.count(b"\n", 0, begin + found.end)
        for number, line in text.lines:
            if number > behind and line.strip():
                text.gap(number, "the end of the JSON document", line)
    text.cover(NftObject)
    return text.done()


def _nothing(text: NodeText) -> Parsed:
    for number, line in text.lines:
        if line.strip():
            text.gap(number, 'JSON of nft: {"nftables": [...]}', line)
    text.cover(NftObject)
    return text.done()


def _object(kind: str, body: dict[str, Any], positions: dict[tuple[str, str, str], int]) -> dict[str, Any]:
    family, table = str(body["family"]), str(body["table"])
    said: dict[str, Any] = {"family": family, "table": table, "kind": kind}
    if kind == "rule":
        chain = (family, table, str(body["chain"]))
        positions[chain] = positions.get(chain, 0) + 1
        return said | {"name": chain[2], "position": positions[chain], "text": rule_text(body)}
    if kind == "chain":
        return said | {"name": str(body["name"]), "text": _base(body)}
    if kind in ("set", "map"):
        return said | {"name": str(body["name"]), "text": _elements(body)}
    raise Unsaid(kind)


def _base(body: dict[str, Any]) -> str:
    if "hook" not in body:
        return ""
    device = body.get("dev")
    on = f" device {device}" if isinstance(device, str) else ""
    priority = body["prio"]
    if not isinstance(priority, int):
        raise Unsaid("prio")
    policy = f" policy {body['policy']};" if "policy" in body else ""
    return f"type {body['type']} hook {body['hook']}{on} priority {priority};{policy}"


def _elements(body: dict[str, Any]) -> str:
    of = body["type"]
    words = [f"type {' . '.join(map(str, of)) if isinstance(of, list) else of}"]
    if "map" in body:
        words.append(f": {body['map']}")
    flags = body.get("flags")
    if flags:
        words.append(f"flags {','.join(map(str, flags)) if isinstance(flags, list) else flags}")
    if body.get("elem"):
        words.append(f"elements = {{ {', '.join(element(item) for item in body['elem'])} }}")
    return " ".join(words)
