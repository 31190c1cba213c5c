"""The fate of every standard probe as a fact: followed packet by packet, or like one that was followed."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

from analyzer.facts.address import ip
from analyzer.facts.derived import Path
from analyzer.facts.fact import Coverage, NodeName, PodName, ServiceName
from analyzer.facts.nodes import Node
from analyzer.facts.services import Endpoint, Service
from analyzer.facts.source import Source
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.packet.authors import author_of
from analyzer.packet.likeness import Key, Keys, Likeness
from analyzer.packet.probes import OWN, SERVED, Probe, probes
from analyzer.packet.text import sentence
from analyzer.packet.trace import Trace, trace
from analyzer.packet.verdict import At, Step
from analyzer.packet.world import OUTSIDE, World, world_of

# So many packets are followed at most; those that are like one that was followed are not counted.
FOLLOWED = 20_000
# So many that are like one that arrived become facts of their own; the rest is counted, by node and kind.
KEPT = 100_000
# One that arrived speaks for others like it; what is lost is followed so often before it does, for its own evidence.
SPEAKING = 3
FATE = ("verdict", "ok", "at_node", "table", "tool", "chain", "rule", "author", "tool", "reply")
# Seconds that even a run whose time is up has for its paths: they are what most rules ask.
GRACE = 5.0
# Comparing costs more than it saves where there is little to compare.
ALIKE_FROM = 200


def derive_paths(
    facts: Facts,
    followed: int = FOLLOWED,
    kept: int = KEPT,
    alike_from: int = ALIKE_FROM,
    until: float | None = None,
) -> tuple[list[Path], list[Coverage]]:
    """Every standard probe as a fact, and for which nodes they were followed.

    After `until` (time.monotonic), but not in the first seconds, no packet is followed any more.
    """
    late = None if until is None else max(until, time.monotonic() + GRACE)
    world = world_of(facts)
    nodes = sorted(name for name, stack in world.stacks.items() if not stack.pod and _dumped(world, name))
    paths: list[Path] = []
    left: dict[str, int] = {}  # probes of each node that were not followed
    more: dict[tuple[str, str], tuple[int, Probe]] = {}
    memory = _Memory(world)
    for count, probe in enumerate(probes(world, nodes)):
        keys = memory.keys(probe) if count >= alike_from else {}
        like = memory.like(probe, keys)
        if like is not None and like.ok and len(paths) >= kept:
            more[probe.node, probe.kind] = (more.get((probe.node, probe.kind), (0, probe))[0] + 1, probe)
        elif like is not None:
            paths.append(like)
        elif memory.followed < followed and (late is None or time.monotonic() < late):
            paths.append(memory.follow(probe, keys))
        else:
            left[probe.node] = left.get(probe.node, 0) + 1
    paths += [_further(probe, count) for count, probe in more.values()]
    # Which packets are worth sending is told by the API's objects: without them no probe of that kind was made.
    lacking = [kind.__name__ for kind in (Node, Pod, Service, Endpoint) if not facts.collected(kind)]
    open_nodes = {path.node for path in paths if path.ok is None}
    coverage = []
    for node in nodes:
        note = f"{', '.join(lacking)} not collected" if lacking else ""
        if not note and node in left:
            why = f"beyond the {followed:,} that are" if memory.followed >= followed else "the time limit was reached"
            note = f"{left[node]:,} packets were not followed, {why}"
        if not note and node in open_nodes:
            note = "some packets cannot be followed"
        coverage.append(Coverage(fact="Path", node=node, complete=not note, note=note))
    return paths, coverage


class _Memory:
    """The packets that were followed, and which others they speak for."""

    def __init__(self, world: World) -> None:
        self.followed = 0
        self._world = world
        self._likeness: Likeness | None = None
        self._arrived: dict[Hashable, str] = {}  # the connection by which the endpoint of a key was reached
        self._arrived_wide: dict[Hashable | None, str] = {}  # the same from and to any nodes in the same position
        self._lost: dict[Hashable, list[Path]] = {}  # what did not arrive at Services with one endpoint

    def keys(self, probe: Probe) -> Keys:
        """What a probe is known by, one key for each endpoint; nothing for what has to be followed itself."""
        if probe.kind not in SERVED:
            return {}
        if self._likeness is None:
            self._likeness = Likeness(self._world)
        return self._likeness.keys(probe.flow, probe.node, probe.kind == OWN)

    def like(self, probe: Probe, keys: Keys) -> Path | None:
        """The path of a probe that is like others which were followed; None if none speaks for it."""
        known = tuple(keys.values())
        if known and all(self._by(key) for key in known):
            return _path(
                probe,
                origin=probe.origin,
                verdict="one-of" if len(known) > 1 else "delivered",
                ok=True,
                reply="ok",
                reason=f"arrives as one {self._by(known[0])} does, from which nothing tells it apart",
            )
        lost = self._lost.get(known[0].exact, []) if len(known) == 1 else []
        if len(lost) < SPEAKING:
            return None
        told = lost[0]
        fate = {name: getattr(told, name) for name in FATE}
        reason = f"as one to Service {told.service}, from which nothing tells it apart: {told.reason}"
        return _path(probe, **fate, origin=told.origin, reason=reason)

    def _by(self, key: Key) -> str | None:
        """A connection with this key that arrived."""
        if key.exact in self._arrived:
            return self._arrived[key.exact]
        told = self._arrived_wide.get(key.wide)
        if told is not None:
            self._arrived[key.exact] = told
        return told

    def follow(self, probe: Probe, keys: Keys) -> Path:
        """Follows a probe, and keeps which endpoints it reached."""
        self.followed += 1
        facts = self._world.facts
        result = trace(facts, probe.flow)
        if probe.kind == OWN:
            result = _chosen_itself(result, probe.flow.src_ip or "")
        path = path_of(facts, probe, result)
        reached = _reached(result) if keys else set()
        for (address, port), key in keys.items():
            if (str(address), port or probe.flow.dst_port) in reached:
                self._arrived[key.exact] = f"to Service {probe.service}"
                if key.wide is not None:
                    self._arrived_wide[key.wide] = f"on {probe.node} to Service {probe.service}"
            elif len(keys) == 1 and path.ok is not True:
                self._lost.setdefault(key.exact, []).append(path)
        return path


def _further(probe: Probe, count: int) -> Path:
    """One fact for many connections of a node that arrive."""
    return Path(
        origin=probe.origin,
        node=NodeName(probe.node),
        kind=probe.kind,
        verdict="delivered",
        ok=True,
        reply="ok",
        reason=f"{count:,} further Services are reached as well, each like one that was followed",
    )


def _reached(result: Trace) -> set[tuple[str, int | None]]:
    """The endpoints that a connection reached, and whose answer came back."""
    outcomes = result.outcomes if result.verdict == "one-of" else (result,)
    return {(one.to.ip, one.to.port) for one in outcomes if one.to is not None and arrives(one) is True}


def _dumped(world: World, name: str) -> bool:
    """Whether anything of a node's network was collected; the API alone tells no packet's fate."""
    stack = world.stacks[name]
    return bool(stack.routes) or stack.touched("Route") or stack.touched("Rule")


def path_of(facts: Facts, probe: Probe, result: Trace) -> Path:
    """A probe and its fate as a fact."""
    worst = _worst(result)
    lost_reply = worst.verdict == "delivered" and worst.reply not in (None, "ok")
    at = worst.reply_at if lost_reply else worst.at
    last = _deciding(worst, lost_reply, at)
    return _path(
        probe,
        origin=Source(last.path, last.line, last.line) if last and last.path and last.line else probe.origin,
        # Of a choice that may fail, what becomes of the share that fails: rules ask for its verdict.
        verdict=worst.verdict if arrives(result) is False else result.verdict,
        ok=arrives(result),
        at_node=NodeName(at.node.partition(":")[0]) if at is not None and at.node != OUTSIDE else None,
        table=(at.table or "").rpartition(":")[2] or None if at is not None else None,
        tool=_tool(at, probe) if at is not None else None,
        chain=at.chain if at is not None else None,
        rule=str(at.rule) if at is not None and at.rule is not None else None,
        author=author_of(facts, at, last) if at is not None else None,
        reply=worst.reply,
        reason=_reason(result, worst),
    )


def _path(probe: Probe, **fate: Any) -> Path:
    flow = probe.flow
    return Path(
        node=NodeName(probe.node),
        kind=probe.kind,
        from_pod=PodName(probe.from_pod) if probe.from_pod else None,
        to_pod=PodName(probe.to_pod) if probe.to_pod else None,
        service=ServiceName(probe.service) if probe.service else None,
        peer=NodeName(probe.peer) if probe.peer else None,
        source_ip=ip(flow.src_ip) if flow.src_ip else None,
        target=f"{flow.dst_ip}:{flow.dst_port}" if flow.dst_port else flow.dst_ip,
        **fate,
    )


def _tool(at: At, probe: Probe) -> str | None:
    """The command of the table where a packet ended; its backend is told where both have rules."""
    if at.table is None:
        return None
    backend, both, _ = at.table.rpartition(":")
    return ("ip6tables" if ":" in probe.flow.dst_ip else "iptables") + (f"-{backend}" if both else "")


def _deciding(result: Trace, lost_reply: bool, at: At | None) -> Step | None:
    """The step that stands in a file and says why the packet, or its reply, went no further."""
    steps = [step for step in result.steps if step.path and (lost_reply or not step.reply)]
    if (result.reply if lost_reply else result.verdict) == "no-route" and at is not None:
        steps = [step for step in steps if step.hook == "routing" and step.node == at.node] or steps
    return steps[-1] if steps else None


def _chosen_itself(result: Trace, address: str) -> Trace:
    """Of the outcomes of a random choice, the one that leads back to the sender.

    Outcomes of one fate are told as one, by the way of the first; what is unknown may be that of the sender as well.
    """
    for outcome in result.outcomes:
        for step in outcome.steps:
            words = (step.changed or "").split()
            if words[:2] == ["DNAT", "to"] and words[2].removesuffix(":" + words[2].rpartition(":")[2]) == address:
                return outcome
    return next((outcome for outcome in result.outcomes if outcome.verdict == "unknown"), result)


def arrives(result: Trace) -> bool | None:
    """Whether packet and reply both arrive, listener or not; false if any random outcome fails."""
    if result.verdict == "one-of":
        parts = [arrives(outcome) for outcome in result.outcomes]
        return False if False in parts else None if None in parts else True
    if result.verdict == "unknown":
        return None
    if result.verdict != "delivered":
        return False
    return None if result.reply in (None, "unknown") else result.reply == "ok"


def _worst(result: Trace) -> Trace:
    """The outcome that explains a path: a failing one, else an unknown one, else the first."""
    if result.verdict != "one-of":
        return result
    order = {False: 0, None: 1, True: 2}
    return min(result.outcomes, key=lambda outcome: order[arrives(outcome)])


def _reason(result: Trace, worst: Trace) -> str:
    if result.verdict == "one-of" and arrives(result) is False:
        share = sum(outcome.probability for outcome in result.outcomes if arrives(outcome) is False)
        return f"{share:.0%} of connections: {sentence(worst)}"
    return sentence(worst)
