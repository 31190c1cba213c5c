"""What a rule can see of a packet, and the three-valued words that matches answer with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer.facts.firewall import Match, Option
from analyzer.packet.header import Packet
from analyzer.packet.routes import Routing
from analyzer.packet.stack import Stack

Answer = bool | None  # None: cannot be told
SELDOM = 0.01


@dataclass(slots=True)
class Sight:
    """A packet at a hook of a namespace; interfaces are "" where the hook does not know them."""

    packet: Packet
    stack: Stack
    routing: Routing
    hook: str
    table: str
    entered: str = ""
    leaves: str = ""

    @property
    def state(self) -> str:
        """The tracking state a rule sees; nothing is tracked yet in table raw."""
        if self.packet.untracked:
            return "UNTRACKED"
        tracked = self.packet.tracked
        if tracked is None or tracked.connection is None:
            return "INVALID"
        return tracked.state


def source_is_plausible(sight: Sight, *, mark: bool = False, local: bool = False, loose: bool = False) -> Answer:
    """Whether the way back to a packet's source leaves by the interface that it came in on (`-m rpfilter`)."""
    packet = sight.packet
    if packet.src.is_unspecified or sight.entered == "lo":
        return True
    way = sight.routing.look_up(packet.src, src=packet.dst, mark=packet.mark if mark else 0, iif="lo", packet=packet)
    if way.missing:
        return None
    if way.type == "local":
        return local
    return way.type == "unicast" and (loose or any(dev == sight.entered for _, dev, _ in way.hops))


def both(one: Answer, other: Answer) -> Answer:
    """And."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def turned(answer: Answer, negated: bool) -> Answer:
    """The answer, or its opposite behind a `!`."""
    return answer if answer is None or not negated else not answer


def every(match: Match, decide: Callable[[Option], Answer]) -> Answer:
    """Whether all options of a match hold, those behind a `!` turned."""
    answer: Answer = True
    for option in match.options:
        answer = both(answer, turned(decide(option), option.negated))
    return answer


def words(option: Option) -> list[str]:
    """The values of an option, lists taken apart at commas."""
    return [word for value in option.values for word in value.split(",") if word]


def first(option: Option) -> str:
    """The first value of an option, or nothing."""
    return option.values[0] if option.values else ""


def number(text: str) -> int | None:
    """A number as iptables writes it, decimal or 0x."""
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if text.isdigit() else None


def in_ranges(value: int | None, ranges: list[str], drawn: range | None = None) -> Answer:
    """Whether a number is in one of "80" or "30000:32767" (an open end is the smallest or largest number).

    A number picked at random out of `drawn` is in none of them if less than a hundredth of `drawn` is, and in one of
    them if all but a hundredth is: a connection in a hundred is no fault that anybody looks for.
    """
    if value is None and drawn is None:
        return None
    spans: list[tuple[int, int]] = []
    for text in ranges:
        low, colon, high = text.replace("-", ":").partition(":")
        start = number(low) if low else 0
        end = (number(high) if high else 65535) if colon else start
        if start is None or end is None:
            return None
        if value is not None and start <= value <= end:
            return True
        spans.append((start, end))
    if value is not None or drawn is None:
        return False
    share = _within(sorted(spans), drawn) / len(drawn)
    return False if share < SELDOM else True if share > 1 - SELDOM else None


def _within(spans: list[tuple[int, int]], drawn: range) -> int:
    """How many numbers of `drawn` are in one of these spans, which come in order."""
    count, at = 0, drawn.start
    for start, end in spans:
        at = max(at, start)
        stop = min(end + 1, drawn.stop)
        count += max(0, stop - at)
        at = max(at, stop)
    return count


def masked(value: int, text: str) -> Answer:
    """Whether `(value & mask) == wanted` for "wanted/mask"."""
    wanted_text, _, mask_text = text.partition("/")
    wanted, mask = number(wanted_text), number(mask_text) if mask_text else 0xFFFFFFFF
    if wanted is None or mask is None:
        return None
    return (value & mask) == wanted
