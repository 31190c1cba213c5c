"""The matches that look at the tracked connection of a packet."""

from __future__ import annotations

from analyzer.facts.address import IP, cidr, contains
from analyzer.facts.firewall import Match, Option
from analyzer.packet.header import protocol_number
from analyzer.packet.sight import Answer, Sight, both, every, first, in_ranges, masked, turned, words
from analyzer.packet.tracking import Connection


def state(match: Match, sight: Sight) -> Answer:
    """`-m state`."""
    return every(match, lambda option: sight.state in words(option))


def connmark(match: Match, sight: Sight) -> Answer:
    """`-m connmark`; false without a connection, `!` or not."""
    tracked = sight.packet.tracked
    if tracked is None or tracked.connection is None:
        return False
    mark = tracked.connection.mark
    return every(match, lambda option: masked(mark, first(option)))


def conntrack(match: Match, sight: Sight) -> Answer:
    """`-m conntrack`; without a connection only the state counts, and without a state it is false, `!` or not."""
    tracked = sight.packet.tracked
    connection = tracked.connection if tracked is not None and not sight.packet.untracked else None
    states = [option for option in match.options if option.name == "--ctstate"]
    seen = {sight.state}
    if connection is not None:
        seen |= {name for name, has in (("SNAT", connection.snat), ("DNAT", connection.dnat)) if has}
    for option in states:
        if bool(seen & set(words(option))) == option.negated:
            return False
    if connection is None or tracked is None:
        return bool(states)
    answer: Answer = True
    for option in match.options:
        if option.name != "--ctstate":
            answer = both(answer, turned(_decided(option, connection, tracked.reply), option.negated))
    return answer


def _decided(option: Option, connection: Connection, reply: bool) -> Answer:
    proto, src, sport, dst, dport = connection.original
    _, reply_src, reply_sport, reply_dst, reply_dport = connection.reply
    match option.name:
        case "--ctorigsrc":
            return _inside(src, option)
        case "--ctorigdst":
            return _inside(dst, option)
        case "--ctreplsrc":
            return _inside(reply_src, option)
        case "--ctrepldst":
            return _inside(reply_dst, option)
        case "--ctorigsrcport":
            return in_ranges(sport, [first(option)])
        case "--ctorigdstport":
            return in_ranges(dport, [first(option)])
        case "--ctreplsrcport":
            return in_ranges(reply_sport, [first(option)])
        case "--ctrepldstport":
            return in_ranges(reply_dport, [first(option)])
        case "--ctproto":
            return protocol_number(first(option)) == proto
        case "--ctdir":
            return (first(option).upper() == "REPLY") == reply
        case "--ctstatus":
            return _status(words(option), connection)
    return None


def _inside(address: IP, option: Option) -> Answer:
    network = cidr(first(option))
    return None if network is None else contains(network, address)


def _status(names: list[str], connection: Connection) -> Answer:
    has = {"SEEN_REPLY": connection.seen_reply, "CONFIRMED": connection.confirmed, "EXPECTED": False, "NONE": False}
    answers: list[Answer] = [has.get(name, None if connection.seen_reply else False) for name in names]
    return True if True in answers else None if None in answers else False
