"""Holds a trace against what the kernel did: receiver, seen source, reply, error message and its sender, rule hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from analyzer.packet.verdict import At, Trace
from tests.kernel.scene_probe import Heard, Seen

Hits = Mapping[tuple[str, str, str, int], int]  # node, table, chain, number of the rule: packets more than before

# --reject-with: ICMP type and code, of both families.
REJECTS = {
    "icmp-net-unreachable": (3, 0), "icmp-host-unreachable": (3, 1), "icmp-proto-unreachable": (3, 2),
    "icmp-port-unreachable": (3, 3), "icmp-net-prohibited": (3, 9), "icmp-host-prohibited": (3, 10),
    "icmp-admin-prohibited": (3, 13), "icmp6-no-route": (1, 0), "icmp6-adm-prohibited": (1, 1),
    "icmp6-addr-unreachable": (1, 3), "icmp6-port-unreachable": (1, 4), "icmp6-policy-fail": (1, 5),
    "icmp6-reject-route": (1, 6),
}  # fmt: skip
NO_ROUTE = {
    "none": ({(3, 0), (1, 0)}, {"ENETUNREACH"}),
    # An `ip rule` with that action tells of the network, a route of the host.
    "unreachable": ({(3, 1), (3, 0), (1, 0), (1, 3)}, {"EHOSTUNREACH", "ENETUNREACH"}),
    "prohibit": ({(3, 13), (1, 1)}, {"EACCES"}),
    "blackhole": (set(), {"EINVAL"}),
}
SILENT = ("dropped", "not-forwarded", "rp-filter", "martian", "bridge-drop")


@dataclass(frozen=True)
class Scene:
    """What a judge has to know of the place: who owns an address, and how hosts of a trace are called by the probes."""

    owners: Mapping[str, frozenset[str]]
    host: Callable[[str], str] = field(default=lambda name: name)
    blind: str = ""  # a host whose neighbour table the trace does not get
    # Hosts and UDP ports that nobody listens on: the kernel's own answer is an ICMP error, with a way of its own.
    closed: Callable[[str, int], bool] = field(default=lambda host, port: False)


def judge(said: Trace, seen: Seen, scene: Scene, start: str, asked: str, hits: Hits | None = None) -> tuple[str, str]:
    """agree, unknown or wrong, and why it is wrong. Of a random choice any outcome will do."""
    if said.verdict == "one-of":
        # One outcome stands for all endpoints that fare alike; its steps are those of one of them: not counted.
        found = [judge(outcome, seen, scene, start, asked) for outcome in said.outcomes]
        for word in ("agree", "unknown"):
            if any(one[0] == word for one in found):
                return word, ""
        return "wrong", "; ".join(dict.fromkeys(why for _, why in found))
    if said.verdict == "unknown":
        return "unknown", ""
    asked_in_vain = seen.icmp is not None and start in scene.owners.get(seen.icmp[2], ())
    if said.verdict in SILENT and scene.blind == start and asked_in_vain:
        return "agree", ""  # the question who has the next hop is lost like the packet
    why = _hits(said, hits) or (
        _delivered(said, seen, scene) if said.verdict == "delivered" else _lost(said, seen, scene, start, asked)
    )
    if not why and said.verdict == "delivered" and said.reply == "unknown":
        return "unknown", ""
    return ("wrong", why) if why else ("agree", "")


def _hits(said: Trace, hits: Hits | None) -> str:
    """Every rule that the trace says was hit has to have counted a packet."""
    if hits is None:
        return ""
    wrapped = False
    for step in said.steps:
        if step.hook == "tunnel":
            # The outer packet belongs to a connection that may have existed before, whose packets skip nat.
            wrapped = bool(step.changed)
        if wrapped or step.reply or not isinstance(step.rule, int) or step.table is None or step.chain is None:
            continue
        if "--mode random" in (step.matched or "") or "-j KUBE-SEP-" in (step.matched or ""):
            return (
                ""  # from here on it is one of several ways that end alike, or one that session affinity chose before
            )
        counted = hits.get((step.node, step.table.split(":")[-1], step.chain, step.rule))
        if counted is not None and counted <= 0:
            return f"{step.node} {step.table} {step.chain} rule {step.rule} was not hit"
    return ""


def _asked(seen: Seen) -> list[Heard]:
    return [heard for heard in seen.heard if heard.kind == "ask"]


def _delivered(said: Trace, seen: Seen, scene: Scene) -> str:
    to, source = said.to, said.seen_src
    assert to is not None
    assert source is not None
    host = scene.host(to.node)
    here = [heard for heard in _asked(seen) if heard.host == host and heard.dst == to.ip]
    if not here:
        return f"not delivered to {host} {to.ip}, error {seen.error} {seen.icmp}"
    if not any(heard.src == source.ip for heard in here):
        return f"seen source {here[0].src}, not {source.ip}"
    if to.port is not None and not any(heard.dport == to.port for heard in here):
        return f"port {here[0].dport}, not {to.port}"
    if source.port and not any(heard.sport in (0, source.port) for heard in here):
        return f"source port {here[0].sport}, not {source.port}"
    return _reply(said, seen, to.port is not None and scene.closed(host, to.port))


def _reply(said: Trace, seen: Seen, closed: bool) -> str:
    came = any(heard.kind == "answer" for heard in seen.heard)
    match said.reply:
        case "ok" if said.listener is False:
            return (
                "" if seen.error in ("ECONNREFUSED", "timeout") else f"nobody listens, but {seen.error or 'answered'}"
            )
        case "ok":
            refused = said.listener is None and seen.error == "ECONNREFUSED"  # whether anybody listens is not known
            lost = said.listener is None and seen.error == "timeout" and closed
            return "" if seen.answered or refused or lost else f"reply ok, but {seen.error}"
        case None | "unknown":
            return ""
    if seen.answered:
        return f"reply {said.reply}, but it was answered"
    if said.reply != "misaddressed" and came and not seen.connected:
        return f"reply {said.reply}, but an answer arrived"
    return ""


def _lost(said: Trace, seen: Seen, scene: Scene, start: str, asked: str) -> str:
    heard = _asked(seen)
    if heard:
        return f"{said.verdict}, but delivered to {heard[0].host} {heard[0].dst}"
    local = said.verdict == "too-big" or (said.at is not None and scene.host(said.at.node) == start)
    # NAT translates the sender of an error message too: to the address that was asked.
    translated = seen.icmp is not None and seen.icmp[2] == asked
    if (
        said.verdict != "bridge-drop"
        and seen.icmp is not None
        and not translated
        and not _sent_by(said.at, seen.icmp[2], scene)
    ):
        return f"{said.verdict} at {said.at.node if said.at else '?'}, but the error comes from {seen.icmp[2]}"
    kinds, errors = _expected(said)
    # The answer of REJECT and its like is a packet of its own, which may be lost on its way back.
    fine = {"timeout"} | (errors if local else set())
    if seen.icmp is not None:
        return (
            ""
            if seen.icmp[:2] in kinds
            else f"{said.verdict} {said.with_ or said.route_type or ''}, but ICMP {seen.icmp}"
        )
    if said.with_ in ("tcp-reset", "tcp"):
        fine |= {"ECONNREFUSED", "ECONNRESET"}
    return "" if seen.error in fine else f"{said.verdict}, but {seen.error or 'answered'}"


def _sent_by(at: At | None, address: str, scene: Scene) -> bool:
    hosts = scene.owners.get(address)
    return at is None or hosts is None or scene.host(at.node) in hosts


def _expected(said: Trace) -> tuple[set[tuple[int, int]], set[str]]:
    """ICMP messages that fit a verdict, and errors of a local socket."""
    match said.verdict:
        case "rejected":
            kind = REJECTS.get(said.with_ or "")
            return ({kind} if kind else set()), {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES", "EPERM"}
        case "no-route":
            return NO_ROUTE.get(said.route_type or "none", (set(), set()))
        case "neighbour-unreachable":
            return {(3, 1), (1, 3)}, {"EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"}
        case "ttl-exceeded":
            return {(11, 0), (3, 0)}, set()
        case "too-big":
            return {(3, 4), (2, 0)}, {"EMSGSIZE", "ENOBUFS"}
        case "bridge-drop":
            # The question who has the next hop is lost like the packet; whoever asked tells the client.
            return {(3, 1), (1, 3)}, set()
        case "martian":
            return set(), {"EINVAL"}
    return set(), {"EPERM"}


def short(said: Trace) -> str:
    """A trace for a person: the result, then its steps."""
    plain = msgspec.to_builtins(said, enc_hook=str)
    steps = plain.pop("steps")
    head = {key: value for key, value in plain.items() if value and key != "outcomes"}
    lines = [
        "    "
        + " ".join(
            str(part)
            for part in (
                "<" if s["reply"] else ">",
                s["node"],
                s["hook"],
                s["table"],
                s["chain"],
                s["rule"],
                s["text"],
                s["changed"] or "",
            )
            if part
        )
        for s in steps
    ]
    return "\n".join([str(head), *lines, *(short(outcome) for outcome in said.outcomes)])
