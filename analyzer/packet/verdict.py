"""What becomes of a flow, in the words of the packet path; `docs/trace.md` describes the JSON."""

from __future__ import annotations

import msgspec

VERDICTS = (
    "delivered",
    "dropped",
    "rejected",
    "no-route",
    "not-forwarded",
    "rp-filter",
    "martian",
    "bridge-drop",
    "neighbour-unreachable",
    "ttl-exceeded",
    "too-big",
    "no-endpoint",
    "one-of",
    "unknown",
)


class At(msgspec.Struct, frozen=True):
    """Where a packet ended: the node, and the rule if a rule ended it ("policy" and "nat-failed" are rules too)."""

    node: str
    table: str | None = None
    chain: str | None = None
    rule: int | str | None = None


class Peer(msgspec.Struct, frozen=True):
    """An address and port; the port is None where the protocol has none or NAT picks it at random."""

    ip: str
    port: int | None = None


class Receiver(msgspec.Struct, frozen=True):
    """Who received a packet: the node or pod, the address and port."""

    node: str
    ip: str
    port: int | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to the packet, and the line of the dump that says so."""

    node: str
    hook: str | None = None
    table: str | None = None
    chain: str | None = None
    rule: int | str | None = None
    matched: str | None = None
    changed: str | None = None
    text: str = ""
    path: str | None = None
    line: int | None = None
    reply: bool = False


class Trace(msgspec.Struct, frozen=True, kw_only=True, rename={"with_": "with"}):
    """The fate of one flow; `outcomes` holds the alternatives of "one-of", each with its share of `probability`.

    `reply` is "ok", "misaddressed", the verdict of the reply, or None if nothing was delivered; `reply_at` says where
    the reply ended. `undecided` names rules that could not be decided, `missing` what was not collected.
    """

    verdict: str
    at: At | None = None
    with_: str | None = None
    route_type: str | None = None
    to: Receiver | None = None
    listener: bool | None = None
    seen_src: Peer | None = None
    reply: str | None = None
    reply_at: At | None = None
    probability: float = 1.0
    outcomes: tuple[Trace, ...] = ()
    steps: tuple[Step, ...] = ()
    undecided: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool | None:
        """Whether the flow works both ways; None if that is not known, False if any of its outcomes fails."""
        if self.verdict == "one-of":
            parts = [outcome.ok for outcome in self.outcomes]
            return False if False in parts else None if None in parts else True
        if self.verdict == "unknown":
            return None
        if self.verdict != "delivered" or self.listener is False:
            return False
        return None if self.reply in (None, "unknown") else self.reply == "ok"


class Fate(Exception):
    """The end of a packet: raised by the simulation, caught by whoever sent the packet."""

    def __init__(
        self,
        verdict: str,
        at: At | None = None,
        *,
        why: str = "",
        with_: str | None = None,
        route_type: str | None = None,
        missing: str = "",
    ) -> None:
        super().__init__(verdict)
        self.verdict, self.at, self.why, self.with_ = verdict, at, why, with_
        self.route_type, self.missing = route_type, missing


def unknown(missing: str, node: str | None = None) -> Fate:
    """A fate that nobody can tell, because something was not collected or is not modelled."""
    return Fate("unknown", At(node) if node else None, why=missing, missing=missing)
