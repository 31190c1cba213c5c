"""The words that `iptables -L` prints behind a rule's addresses, as the matches and options that iptables-save has."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from analyzer.facts.firewall import Match, Option

FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
ALL_BITS = 0xFFFFFFFF


class Words(msgspec.Struct):
    """What a tail says; `rest` is what nobody understands, and then the rule is not told in full."""

    matches: list[Match] = []
    target_options: list[Option] = []
    comment: str | None = None
    goto: bool = False
    rest: str = ""


Found = re.Match[str]
Say = Callable[[Found, Words, str], None]


def _match(module: str, *options: str) -> Say:
    """A match whose options take the pattern's groups in order; a group named `no` negates all of them."""

    def say(found: Found, words: Words, target: str) -> None:
        said = found.groupdict()
        values = [value for name, value in said.items() if name != "no"]
        pairs = zip(options, values, strict=True)
        negated = bool(said.get("no"))
        made = tuple(Option(name, tuple(value.split(" ")), negated) for name, value in pairs if value is not None)
        words.matches.append(Match(module, made))

    return say


def _target(option: str) -> Say:
    def say(found: Found, words: Words, target: str) -> None:
        words.target_options.append(Option(option, tuple(group for group in found.groups() if group is not None)))

    return say


def _comment(found: Found, words: Words, target: str) -> None:
    words.comment = found[1]
    words.matches.append(Match("comment", (Option("--comment", (found[1],)),)))


def _goto(found: Found, words: Words, target: str) -> None:
    words.goto = True


def _ports(found: Found, words: Words, target: str) -> None:
    """`tcp dpt:80 flags:0x17/0x02`: the protocol's own match with all of its options."""
    options = []
    for name, no, value in re.findall(r"(spts?|dpts?|flags|option):(!?)(\S+)", found[0]):
        if name == "flags":
            options.append(Option("--tcp-flags", _flags(value), bool(no)))
        elif name == "option":
            options.append(Option("--tcp-option", (value,), bool(no)))
        else:
            options.append(Option("--dport" if name[0] == "d" else "--sport", (value,), bool(no)))
    words.matches.append(Match(found[1], tuple(options)))


def _flags(text: str) -> tuple[str, ...]:
    """`0x17/0x02` or `FIN,SYN/SYN` as iptables-save writes it: `FIN,SYN,RST,ACK` and `SYN`."""
    return tuple(_bits(part) if part.startswith("0x") else part for part in text.split("/"))


def _bits(part: str) -> str:
    number = int(part[:10], 16)
    return ",".join(name for place, name in enumerate(FLAGS) if number >> place & 1) or "NONE"


def _address_types(found: Found, words: Words, target: str) -> None:
    options = []
    for name, no, value in re.findall(r"(src-type|dst-type|limit-in|limit-out) ?(!?)([A-Z,]*)", found[0]):
        if name.startswith("limit"):
            options.append(Option(f"--limit-iface-{name[6:]}", ()))
        else:
            options.append(Option(f"--{name}", (value,), bool(no)))
    words.matches.append(Match("addrtype", tuple(options)))


def _bridged(found: Found, words: Words, target: str) -> None:
    parts = re.findall(r"(! )?(--physdev-[\w-]+)(?: (?!--|! )(\S+))?", found[0])
    options = tuple(Option(name, (value,) if value else (), bool(no)) for no, name, value in parts)
    words.matches.append(Match("physdev", options))


def _random(found: Found, words: Words, target: str) -> None:
    share = Option("--probability", (found["share"],), bool(found["no"]))
    words.matches.append(Match("statistic", (Option("--mode", ("random",)), share)))


def _nth(found: Found, words: Words, target: str) -> None:
    every = (Option("--every", (found["every"],)), Option("--packet", (found["packet"] or "0",)))
    words.matches.append(Match("statistic", (Option("--mode", ("nth",)), *every)))


def _icmp(found: Found, words: Words, target: str) -> None:
    module = "icmp6" if found[1] else "icmp"
    value = f"{found['type']}/{found['code']}" if found["code"] else found["type"]
    option = Option("--icmpv6-type" if found[1] else "--icmp-type", (value,), bool(found["no"]))
    words.matches.append(Match(module, (option,)))


def _named_icmp(found: Found, words: Words, target: str) -> None:
    words.matches.append(Match("icmp", (Option("--icmp-type", (found[1],)),)))


def _address(found: Found, words: Words, target: str) -> None:
    words.target_options.append(Option("--to-source" if target == "SNAT" else "--to-destination", (found[1],)))


def _mark(found: Found, words: Words, target: str) -> None:
    """Every way to set a mark as --set-xmark VALUE/MASK, which is how iptables-save tells them."""
    how, value, mask = found[1], int(found[2][:10], 16), found[3]
    shown = {
        "set": (value, int(mask[:10], 16) if mask else ALL_BITS),
        "xset": (value, int(mask[:10], 16) if mask else ALL_BITS),
        "or": (value, value),
        "and": (0, ~value & ALL_BITS),
        "xor": (value, 0),
    }[how]
    words.target_options.append(Option("--set-xmark", (f"{shown[0]:#x}/{shown[1]:#x}",)))


def _log(found: Found, words: Words, target: str) -> None:
    prefix = re.search(r'prefix "([^"]*)"', found[0])
    words.target_options += [Option("--log-prefix", (prefix[1],))] if prefix else []


_NUMBER = r"0x[0-9a-f]+"
PATTERNS: tuple[tuple[re.Pattern[str], Say], ...] = tuple(
    (re.compile(pattern + r"(?=\s|$)"), say)
    for pattern, say in (
        (r"/\* (.*?) \*/", _comment),
        (r"\[goto\]", _goto),
        (r"(tcp|udp|udplite|sctp|dccp)((?: (?:spts?|dpts?):!?[\w:-]+| flags:!?\S+| option:!?\d+)*)", _ports),
        (r"multiport dports +(?P<no>!)?(?P<ports>[\w,:-]+)", _match("multiport", "--dports")),
        (r"multiport sports +(?P<no>!)?(?P<ports>[\w,:-]+)", _match("multiport", "--sports")),
        (r"multiport ports +(?P<no>!)?(?P<ports>[\w,:-]+)", _match("multiport", "--ports")),
        (r"(?P<no>! )?state (?P<states>[A-Z,]+)", _match("state", "--state")),
        (r"(?P<no>! )?ctstate (?P<states>[A-Z,]+)", _match("conntrack", "--ctstate")),
        (r"(?P<no>! )?ctstatus (?P<states>[A-Z,]+)", _match("conntrack", "--ctstatus")),
        (r"(?P<no>! )?ctdir (?P<way>[A-Z]+)", _match("conntrack", "--ctdir")),
        (rf"mark match (?P<no>!)? ?(?P<mark>{_NUMBER}(?:/{_NUMBER})?)", _match("mark", "--mark")),
        (rf"connmark match +(?P<no>!)? ?(?P<mark>{_NUMBER}(?:/{_NUMBER})?)", _match("connmark", "--mark")),
        (r"ADDRTYPE match(?: (?:src|dst)-type !?[A-Z,]+| limit-(?:in|out))+", _address_types),
        (r"statistic mode random (?P<no>!)? ?probability (?P<share>[\d.]+)", _random),
        (r"statistic mode nth every (?P<every>\d+)(?: packet (?P<packet>\d+))?", _nth),
        (r"limit: avg (?P<rate>\d+/\w+) burst (?P<burst>\d+)", _match("limit", "--limit", "--limit-burst")),
        (r"(?P<no>! )?match-set (?P<set>\S+ [\w,]+)", _match("set", "--match-set")),
        (r"PHYSDEV match(?: ! | )--physdev-[\w-]+(?:(?: !)? --physdev-[\w-]+| (?!--|!)\S+)*", _bridged),
        (r"(?:icmp|(ipv6-icmp)) ?type (?P<no>!)?(?P<type>\d+)(?: code (?P<code>\d+))?", _icmp),
        (r"icmp ([a-z][a-z-]+)", _named_icmp),
        (r"length (?P<no>!)?(?P<range>\d+(?::\d+)?)", _match("length", "--length")),
        (r"MAC(?P<no> ?!)? ?(?P<mac>[0-9A-Fa-f:]{17})", _match("mac", "--mac-source")),
        (r"source IP range (?P<no>!)? ?(?P<range>\S+-\S+)", _match("iprange", "--src-range")),
        (r"destination IP range (?P<no>!)? ?(?P<range>\S+-\S+)", _match("iprange", "--dst-range")),
        (r"(?P<no>! )?owner UID match (?P<owner>\S+)", _match("owner", "--uid-owner")),
        (r"to:(\S+)", _address),
        (r"masq ports: (\S+)", _target("--to-ports")),
        (r"redir ports (\S+)", _target("--to-ports")),
        (r"random-fully", _target("--random-fully")),
        (r"random", _target("--random")),
        (r"persistent", _target("--persistent")),
        (r"reject-with ([\w-]+)", _target("--reject-with")),
        (rf"MARK (set|xset|or|and|xor) ({_NUMBER})(?:/({_NUMBER}))?", _mark),
        (r"TCPMSS clamp to PMTU", _target("--clamp-mss-to-pmtu")),
        (r"TCPMSS set (\d+)", _target("--set-mss")),
        (r"CT notrack|NOTRACK", _target("--notrack")),
        (r'LOG(?: flags \d+)? level \w+(?: prefix "[^"]*")?', _log),
    )
)


def read_words(tail: str, target: str) -> Words:
    """Matches and target options of a tail, in order."""
    words = Words()
    rest = tail.strip()
    while rest:
        for pattern, say in PATTERNS:
            if found := pattern.match(rest):
                say(found, words, target)
                rest = rest[found.end() :].lstrip()
                break
        else:
            words.rest = rest
            return words
    return words
