"""Every match module of iptables that is modelled: true, false, or unknown; what is not here is unknown."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.facts.address import IP, contains
from analyzer.facts.firewall import Match, Option, Rule
from analyzer.packet import address_match, conntrack_match, ipset_match, port_match
from analyzer.packet.header import protocol_number
from analyzer.packet.sight import (
    Answer,
    Sight,
    both,
    every,
    first,
    in_ranges,
    masked,
    number,
    source_is_plausible,
    turned,
)


def rule_matches(rule: Rule, sight: Sight) -> tuple[Answer, float | None, str]:
    """Whether a rule matches, the odds if it matches at random, and what could not be decided."""
    packet = sight.packet
    if not _addresses(rule, packet.src, packet.dst) or not _protocol(rule, packet.proto):
        return False, None, ""
    if not _interface(rule.in_interface, rule.not_in_interface, sight.entered):
        return False, None, ""
    if not _interface(rule.out_interface, rule.not_out_interface, sight.leaves):
        return False, None, ""
    if rule.fragment:
        return False, None, ""
    answer: Answer = True
    odds: float | None = None
    open_questions = []
    for match in rule.matches:
        if match.module == "statistic":
            chance = _statistic(match)
            if chance is None:
                this: Answer = None
            else:
                odds = (odds if odds is not None else 1.0) * chance
                this = True
        else:
            decide = MODULES.get(match.module)
            this = decide(match, sight) if decide else None
        if this is None:
            open_questions.append(_spelled(match))
        answer = both(answer, this)
        if answer is False:
            return False, None, ""
    if not rule.complete:
        answer = None
        open_questions.append("the dump does not tell every match of the rule")
    return answer, odds, "; ".join(open_questions)


def _spelled(match: Match) -> str:
    parts = [f"-m {match.module}"]
    for option in match.options:
        parts.append(" ".join((["!"] if option.negated else []) + [option.name, *option.values]))
    return " ".join(parts)


def _addresses(rule: Rule, src: IP, dst: IP) -> bool:
    if rule.source is not None and contains(rule.source, src) == rule.not_source:
        return False
    return rule.destination is None or contains(rule.destination, dst) != rule.not_destination


def _protocol(rule: Rule, proto: int) -> bool:
    if rule.protocol is None or rule.protocol in ("all", "0"):
        return not rule.not_protocol
    return (protocol_number(rule.protocol) == proto) != rule.not_protocol


def _interface(pattern: str | None, negated: bool, name: str) -> bool:
    if pattern is None:
        return True
    fits = name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern
    return fits != negated


def _statistic(match: Match) -> float | None:
    given = {option.name: option for option in match.options}
    if "--probability" in given:
        option = given["--probability"]
        try:
            chance = float(first(option))
        except ValueError:
            return None
        return 1 - chance if option.negated else chance
    every = number(first(given["--every"])) if "--every" in given else None
    if not every:
        return None
    return 1 - 1 / every if given["--every"].negated else 1 / every


def _mark(match: Match, sight: Sight) -> Answer:
    return every(match, lambda option: masked(sight.packet.mark, first(option)))


def _physdev(match: Match, sight: Sight) -> Answer:
    packet = sight.packet
    if not packet.bridged:
        return all(option.negated for option in match.options)
    answer: Answer = True
    for option in match.options:
        match option.name:
            case "--physdev-is-bridged":
                this: Answer = packet.physout is not None
            case "--physdev-is-in":
                this = packet.physin is not None
            case "--physdev-is-out":
                this = packet.physout is not None
            case "--physdev-in" | "--physdev-out":
                port = packet.physin if option.name == "--physdev-in" else packet.physout
                if port is None:
                    if option.name == "--physdev-out":
                        return False
                    continue
                if port.startswith("?"):
                    this = True if first(option) == "+" else None
                else:
                    this = _interface(first(option), False, port)
            case _:
                this = None
        answer = both(answer, turned(this, option.negated))
    return answer


def _owner(match: Match, sight: Sight) -> Answer:
    packet = sight.packet
    if not packet.own:
        return all(option.negated for option in match.options)

    def decide(option: Option) -> Answer:
        if option.name == "--socket-exists":
            return True
        if option.name == "--uid-owner" and packet.uid is not None:
            return in_ranges(packet.uid, [first(option)])
        return None

    return every(match, decide)


def _rate(match: Match, sight: Sight) -> Answer:
    # The bucket of a rate limit is full for the first packet that asks: a single packet is always below the limit.
    above = any(option.name == "--hashlimit-above" for option in match.options)
    return not above


def _recent(match: Match, sight: Sight) -> Answer:
    names = {option.name: option for option in match.options}
    if "--set" in names and not {"--rcheck", "--update", "--remove"} & set(names):
        return not names["--set"].negated
    if "--rcheck" in names and "--name" in names and first(names["--name"]).startswith("KUBE-SEP-"):
        # Session affinity: taken as not bound yet. A bound client goes to one of the endpoints that follow.
        return names["--rcheck"].negated
    return None


def _mac(match: Match, sight: Sight) -> Answer:
    mac = sight.packet.src_mac
    if sight.packet.own:
        return all(option.negated for option in match.options)
    if mac is None:
        return None
    return every(match, lambda option: first(option).lower() == mac.lower())


def _compared(value: int | None, match: Match) -> Answer:
    def decide(option: Option) -> Answer:
        wanted = number(first(option))
        if value is None or wanted is None:
            return None
        if option.name.endswith("-lt"):
            return value < wanted
        return value > wanted if option.name.endswith("-gt") else value == wanted

    return every(match, decide)


def _length(match: Match, sight: Sight) -> Answer:
    """Lengths are seldom given; a rule that fits every length this packet can have, or none of them, is decided."""
    packet = sight.packet
    least = packet.size or (40 if packet.proto == 6 else 28)
    most = packet.size or (60 if "SYN" in packet.flags else 1500)

    def decide(option: Option) -> Answer:
        start, _, end = first(option).partition(":")
        low, high = number(start or "0"), number(end or start or "65535")
        if low is None or high is None:
            return None
        if low <= least and most <= high:
            return True
        return False if high < least or most < low else None

    return every(match, decide)


def _policy(match: Match, sight: Sight) -> Answer:
    def decide(option: Option) -> Answer:
        return {"none": True, "ipsec": False}.get(first(option)) if option.name == "--pol" else True

    return every(match, decide)


def _rpfilter(match: Match, sight: Sight) -> Answer:
    names = {option.name for option in match.options}
    passed = source_is_plausible(
        sight, mark="--validmark" in names, local="--accept-local" in names, loose="--loose" in names
    )
    return turned(passed, "--invert" in names)


def _dscp(match: Match, sight: Sight) -> Answer:
    return every(match, lambda option: number(first(option)) == 0 if option.name in ("--dscp", "--tos") else None)


def _unless(match: Match, sight: Sight) -> Answer:
    return every(match, lambda option: False)


def _true(match: Match, sight: Sight) -> Answer:
    return True


def _plain(match: Match, sight: Sight) -> Answer:
    """Options that name no module: `! -f` is true of every whole packet; ports belong to the protocol."""
    answer: Answer = True
    for option in match.options:
        if option.name in ("-f", "--fragment"):
            this: Answer = option.negated
        elif option.name == "--icmp-type":
            this = port_match.icmp(Match("icmp", (option,)), sight)
        elif option.name.startswith(("--sport", "--dport", "--tcp", "--syn")):
            this = port_match.ports(Match("tcp", (option,)), sight)
        elif option.name in ("--src-range", "--dst-range"):
            this = address_match.iprange(Match("iprange", (option,)), sight)
        else:
            this = None
        answer = both(answer, this)
    return answer


MODULES: dict[str, Callable[[Match, Sight], Answer]] = {
    "": _plain,
    "comment": _true,
    "nfacct": _true,
    "tcp": port_match.ports,
    "udp": port_match.ports,
    "udplite": port_match.ports,
    "sctp": port_match.ports,
    "dccp": port_match.ports,
    "multiport": port_match.multiport,
    "icmp": port_match.icmp,
    "icmp6": port_match.icmp,
    "icmpv6": port_match.icmp,
    "iprange": address_match.iprange,
    "addrtype": address_match.addrtype,
    "mark": _mark,
    "physdev": _physdev,
    "owner": _owner,
    "limit": _rate,
    "hashlimit": _rate,
    "recent": _recent,
    "mac": _mac,
    "ttl": lambda match, sight: _compared(sight.packet.ttl, match),
    "hl": lambda match, sight: _compared(sight.packet.ttl, match),
    "length": _length,
    "policy": _policy,
    "rpfilter": _rpfilter,
    "dscp": _dscp,
    "tos": _dscp,
    "pkttype": address_match.pkttype,
    "helper": _unless,
    "conntrack": conntrack_match.conntrack,
    "state": conntrack_match.state,
    "connmark": conntrack_match.connmark,
    "set": ipset_match.in_set,
}
