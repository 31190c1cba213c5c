"""Following every branch: the simulation is replayed with other answers wherever it had to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from analyzer.packet.verdict import At, Trace

LIMIT = 600  # replays of one trace; a rule set with more open questions than that is answered "unknown"


class Asked(msgspec.Struct):
    """A question that the simulation asked: `weights` None if the answer is unknown, else the odds of each answer."""

    weights: tuple[float, ...] | None
    picked: int
    why: str


class Oracle:
    """Answers of one replay: those of a given prefix, then always the first."""

    def __init__(self, prefix: tuple[int, ...]) -> None:
        self._prefix = prefix
        self.asked: list[Asked] = []

    def decide(self, why: str) -> bool:
        """One of both answers to a question that the dumps leave open."""
        return self._next(None, why) == 0

    def pick(self, weights: Sequence[float], why: str) -> int:
        """One answer of a random choice; the index of the answer."""
        return self._next(tuple(weights), why) if len(weights) > 1 else 0

    def _next(self, weights: tuple[float, ...] | None, why: str) -> int:
        place = len(self.asked)
        picked = self._prefix[place] if place < len(self._prefix) else 0
        self.asked.append(Asked(weights, picked, why))
        return picked


Shares = list[tuple[float, Trace]]


def explore(play: Callable[[Oracle], Trace]) -> Trace:
    """The fate over all branches: what all unknown answers agree on, and the odds of random ones."""
    replays = 0

    def visit(prefix: tuple[int, ...]) -> Shares:
        nonlocal replays
        replays += 1
        if replays > LIMIT:
            return [(1.0, Trace(verdict="unknown", missing=("more open questions than are followed",)))]
        oracle = Oracle(prefix)
        shares: Shares = [(1.0, play(oracle))]
        for depth in range(len(oracle.asked) - 1, len(prefix) - 1, -1):
            question = oracle.asked[depth]
            base = tuple(asked.picked for asked in oracle.asked[:depth])
            if question.weights is None:
                if all(trace.verdict == "unknown" for _, trace in shares):
                    continue
                shares = _agreed(shares, visit((*base, 1)), question.why)
            else:
                parts = [(share * question.weights[0], trace) for share, trace in shares]
                for answer in range(1, len(question.weights)):
                    below = visit((*base, answer))
                    parts += [(share * question.weights[answer], trace) for share, trace in below]
                shares = _summed(parts)
        return shares

    shares = visit(())
    if len(shares) == 1:
        return shares[0][1]
    outcomes = tuple(msgspec.structs.replace(trace, probability=round(share, 6)) for share, trace in shares)
    return Trace(
        verdict="one-of",
        outcomes=outcomes,
        undecided=_union(trace.undecided for trace in outcomes),
        missing=_union(trace.missing for trace in outcomes),
    )


def _union(parts: object) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in parts:  # type: ignore[attr-defined]
        found |= dict.fromkeys(part)
    return tuple(found)


def _key(trace: Trace) -> tuple[object, ...]:
    return (
        trace.verdict,
        trace.at,
        trace.with_,
        trace.route_type,
        trace.to,
        trace.listener,
        trace.seen_src,
        trace.reply,
        trace.reply_at,
    )


def _summed(parts: Shares) -> Shares:
    merged: dict[tuple[object, ...], tuple[float, Trace]] = {}
    for share, trace in parts:
        if share <= 0:
            continue
        key = _key(trace)
        merged[key] = (merged[key][0] + share, merged[key][1]) if key in merged else (share, trace)
    return list(merged.values())


def _agreed(one: Shares, other: Shares, why: str) -> Shares:
    """What two branches of an open question have in common."""
    if len(one) == len(other) and {(_key(t), round(s, 9)) for s, t in one} == {
        (_key(t), round(s, 9)) for s, t in other
    }:
        return one
    if len(one) == 1 and len(other) == 1 and (common := _common(one[0][1], other[0][1], why)):
        return [(1.0, common)]
    first, second = one[0][1], other[0][1]
    return [
        (
            1.0,
            Trace(
                verdict="unknown",
                steps=first.steps,
                undecided=_union([[why], first.undecided, second.undecided]),
                missing=_union([first.missing, second.missing]),
            ),
        )
    ]


def _common(one: Trace, other: Trace, why: str) -> Trace | None:
    """One fate out of two with the same verdict: what differs in detail becomes unknown."""
    if one.verdict != other.verdict or one.to != other.to:
        return None
    return msgspec.structs.replace(
        one,
        at=_common_place(one.at, other.at),
        with_=one.with_ if one.with_ == other.with_ else None,
        route_type=one.route_type if one.route_type == other.route_type else None,
        listener=one.listener if one.listener == other.listener else None,
        seen_src=one.seen_src if one.seen_src == other.seen_src else None,
        reply=one.reply if one.reply == other.reply else "unknown",
        reply_at=_common_place(one.reply_at, other.reply_at),
        undecided=_union([[why], one.undecided, other.undecided]),
        missing=_union([one.missing, other.missing]),
    )


def _common_place(one: At | None, other: At | None) -> At | None:
    if one is None or other is None or one.node != other.node:
        return None
    if (one.table, one.chain) != (other.table, other.chain):
        return At(one.node)
    return one if one.rule == other.rule else At(one.node, one.table, one.chain)
