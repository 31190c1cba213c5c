"""Holds the packet path's answer against the kernel's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from analyzer.analysis import facts_of
from analyzer.packet.flow import flow_from, topology_from
from analyzer.packet.trace import to_json, trace
from tests.kernel.rules import ruleset
from tests.kernel.wire import PORTS, TOPOLOGY, Seen, Wire

REJECTED = {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES", "ENOPROTOOPT", "ECONNRESET", "ENONET", "EPERM"}
TARGETS = ("10.71.2.2", "10.71.2.3", "10.71.3.2", "10.71.1.1", "10.71.2.1", "10.71.9.9")


@dataclass(frozen=True)
class Judged:
    """One case: `verdict` is agree, unknown or wrong; the rest is for a person to read."""

    seed: int
    verdict: str
    text: str


def judge(wire: Wire, seed: int) -> list[Judged]:
    """Loads the rule set of a seed, sends four flows, compares each."""
    random = Random(seed)
    rules = ruleset(random)
    if wire.load(rules):
        return []
    facts = facts_of(wire.dumps(), ())
    topology = topology_from(json.dumps(TOPOLOGY))
    results = []
    for number in range(4):
        flow: dict[str, Any] = {
            "src_node": "hk-client",
            "src_ip": random.choice(("10.71.1.2", "10.71.1.3")),
            "src_port": 41000 + (seed * 4 + number) % 8000,
            "dst_ip": random.choice(TARGETS),
            "dst_port": random.choice(PORTS),
            "proto": random.choice(("tcp", "tcp", "udp")),
        }
        # What Linux sends first: a SYN with 20 bytes of options, or one byte of payload.
        flow["size"] = 60 if flow["proto"] == "tcp" else 29
        wire.forget()
        seen = wire.send(flow["proto"], flow["src_ip"], flow["src_port"], flow["dst_ip"], flow["dst_port"])
        answer = trace(facts, flow_from(json.dumps(flow)), topology)
        said = json.loads(to_json(answer))
        word = compare(said, seen)
        if word == "wrong":
            # A machine that is busy answers late: what is held against the model was seen twice.
            wire.forget()
            seen = wire.send(flow["proto"], flow["src_ip"], flow["src_port"], flow["dst_ip"], flow["dst_port"], 1.5)
            word = compare(said, seen)
        results.append(Judged(seed, word, f"{flow}\nkernel {seen}\ntrace {short(said)}\n{rules}"))
    return results


def compare(said: dict[str, Any], seen: Seen) -> str:
    """agree, wrong, or unknown. Of a random choice any outcome will do."""
    if said["verdict"] == "one-of":
        words = {compare(outcome, seen) for outcome in said["outcomes"]}
        return next((word for word in ("agree", "unknown") if word in words), "wrong")
    if said["verdict"] == "unknown" or (said["verdict"] == "delivered" and _verdict(said.get("reply")) == "unknown"):
        return "unknown"
    return "agree" if _expected(said, seen) else "wrong"


def _expected(said: dict[str, Any], seen: Seen) -> bool:
    reply = _verdict(said.get("reply"))
    if seen.error == "connected":
        # The handshake went through and later packets did not: a flow that is tracked from its middle on. The answer
        # to the first packet is what the trace speaks of.
        return bool(said["verdict"] == "delivered" and reply == "ok")
    if said["verdict"] == "delivered" and reply == "ok":
        to, source = said["to"], said["seen_src"]
        return bool(seen.host == to["node"] and seen.source == source["ip"])
    if said["verdict"] == "rejected":
        # The answer of REJECT is a packet of its own, which the rules of the router may lose on its way back.
        return seen.error in REJECTED | {"timeout"}
    if said["verdict"] == "no-route":
        return seen.error in REJECTED | {"timeout"}
    return bool(seen.error) and (seen.error == "timeout" or said["verdict"] == "delivered")


def _verdict(reply: Any) -> str:
    return str(reply.get("verdict", "")) if isinstance(reply, dict) else str(reply or "")


def short(said: dict[str, Any]) -> str:
    """A trace for a person to read."""
    steps = "\n  ".join(str(step) for step in said.get("steps", ()))
    return f"{ {k: v for k, v in said.items() if k != 'steps'} }\n  {steps}"
