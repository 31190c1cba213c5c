"""One rule of native nftables: its conditions in order, its changes, its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.packet.header import Packet
from analyzer.packet.nft_words import Value, equals, found_in, tokens
from analyzer.packet.sight import Answer, Sight, number

Verdict = tuple[str, ...]
ENDS = ("accept", "drop", "return", "continue")
NAT = ("dnat", "snat", "masquerade", "redirect")
ALIASES = {"mark": ("meta", "mark"), "iifname": ("meta", "iifname"), "oifname": ("meta", "oifname")}
ALIASES |= {"iif": ("meta", "iifname"), "oif": ("meta", "oifname")}


class Undecided(Exception):
    """A condition that cannot be decided; `verdict` is what the rule would do (("",): nothing; None: not known)."""

    def __init__(self, verdict: Verdict | None) -> None:
        super().__init__(verdict)
        self.verdict = verdict


class _Stuck(Exception):
    """A word that is not understood."""


class Rule:
    """A rule about to be carried out; `sets` gives the text of a set or map by name."""

    def __init__(self, text: str, sight: Sight, family: str, sets: Callable[[str], str | None]) -> None:
        self._words = tokens(text)
        self._sight, self._family, self._sets = sight, family, sets
        self._at = 0
        self._open = False

    def verdict(self, pick: Callable[[Sequence[float]], int]) -> Verdict | None:
        """The verdict, () words; None if the rule does not match. Raises Undecided."""
        try:
            verdict = self._carry_out(pick)
        except _Stuck:
            raise Undecided(self._guess()) from None
        if self._open and verdict is not None:
            raise Undecided(verdict)
        return verdict

    def _guess(self) -> Verdict | None:
        """What a rule that is not understood would do at its end, as far as its last words tell."""
        words = [word for word in self._words if not word.startswith('"')]
        for place, word in enumerate(words):
            if word in ENDS:
                return (word,)
            if word in ("jump", "goto") and place + 1 < len(words):
                return word, words[place + 1]
            if word == "reject":
                return tuple(words[place:])
            if word in (*NAT, "vmap", "set", "notrack", "queue", "tproxy"):
                return None
        return ("",)

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _next(self) -> str:
        word = self._peek()
        self._at += 1
        return word

    def _carry_out(self, pick: Callable[[Sequence[float]], int]) -> Verdict | None:
        while self._at < len(self._words):
            word = self._next()
            if word in ENDS:
                return (word,)
            if word in ("jump", "goto"):
                return word, self._next()
            if word == "reject":
                rest = self._words[self._at - 1 :]
                return tuple(rest[: rest.index("comment")] if "comment" in rest else rest)
            if word in NAT:
                rest = self._words[self._at - 1 :]
                return tuple(rest[: rest.index("comment")] if "comment" in rest else rest)
            if word == "counter":
                if self._peek() == "packets":
                    self._at += 4
            elif word == "comment":
                self._at += 1
            elif word in ("log", "limit"):
                self._skip_statement()
            elif word == "notrack":
                if self._sight.packet.tracked is None:
                    self._sight.packet.untracked = True
            elif word in ("update", "add", "delete") and self._peek().startswith("@"):
                while self._at < len(self._words) and self._next() != "}":
                    pass
            elif word in ("meta", "ct") and self._words[self._at + 1 : self._at + 2] == ["set"]:
                self._set(word)
            elif word == "numgen":
                verdict = self._random(pick)
                if verdict is not None:
                    return verdict
            else:
                verdict = self._condition(word)
                if verdict is not None:
                    return verdict if verdict != ("no",) else None
        return ("continue",)

    def _skip_statement(self) -> None:
        known = ("accept", "drop", "return", "continue", "jump", "goto", "reject", "counter", "comment", *NAT)
        if "over" in self._words[self._at : self._at + 3]:
            raise _Stuck
        while self._at < len(self._words) and self._peek() not in known:
            self._at += 1

    def _random(self, pick: Callable[[Sequence[float]], int]) -> Verdict | None:
        how, mod, count_text = self._next(), self._next(), self._next()
        count = number(count_text)
        if how not in ("random", "inc") or mod != "mod" or not count or self._next() != "vmap":
            raise _Stuck
        text = self._set_text()
        picked = pick([1 / count] * count) if count > 1 else 0
        answer, verdict = found_in((picked,), text)
        if answer is None:
            raise _Stuck
        return tuple(verdict.split()) if answer else None

    def _set(self, what: str) -> None:
        packet = self._sight.packet
        name, _ = self._next(), self._next()
        value = self._expression()
        if self._open:
            raise _Stuck
        if (what, name) == ("meta", "mark"):
            packet.mark = value
        elif (what, name) == ("ct", "mark"):
            if packet.tracked is not None and packet.tracked.connection is not None:
                packet.tracked.connection.mark = value
        else:
            raise _Stuck

    def _expression(self) -> int:
        """`meta mark | 0x4000`, `ct mark`, a number; left to right."""
        word = self._next()
        if word in ("meta", "ct", "mark"):
            name = "mark" if word == "mark" else self._next()
            if name != "mark":
                raise _Stuck
            tracked = self._sight.packet.tracked
            connection = tracked.connection if tracked is not None else None
            value = self._sight.packet.mark if word != "ct" else connection.mark if connection is not None else 0
        else:
            value = _needed(number(word))
        while self._peek() in ("&", "|", "^", "and", "or", "xor"):
            operator, operand = self._next(), _needed(number(self._next()))
            if operator in ("&", "and"):
                value &= operand
            elif operator in ("|", "or"):
                value |= operand
            else:
                value ^= operand
        return value

    def _set_text(self) -> str:
        word = self._next()
        if word.startswith("@"):
            text = self._sets(word[1:])
            if text is None:
                raise _Stuck
            return text
        if word != "{":
            raise _Stuck
        begin = self._at
        while self._at < len(self._words) and self._next() != "}":
            pass
        return " ".join(self._words[begin : self._at - 1])

    def _condition(self, word: str) -> Verdict | None:
        """None if it holds; ("no",) if not; the verdict that a map gives."""
        values, known = [], True
        while True:
            value = self._selector(word)
            known = known and value is not None
            values.append(value)
            if self._peek() != ".":
                break
            self._at += 1
            word = self._next()
        first = values[0]
        if self._peek() in ("&", "and") and isinstance(first, int):
            self._at += 1
            values[0] = first & _needed(number(self._next()))
        negated = self._peek() == "!="
        if self._peek() in ("!=", "=="):
            self._at += 1
        present: tuple[Value, ...] = tuple(value for value in values if value is not None)
        if self._peek() == "vmap":
            self._at += 1
            text = self._set_text()
            if not known:
                return ("no",)
            answer, verdict = found_in(present, text)
            if answer is None:
                raise _Stuck
            return tuple(verdict.split()) if answer else ("no",)
        if self._peek() in ("<", ">", "<=", ">="):
            raise _Stuck
        holds: Answer
        if self._peek() == "{" or self._peek().startswith("@"):
            holds, _ = found_in(present, self._set_text())
        else:
            listed = [self._next()]
            while self._peek() == ",":
                self._at += 1
                listed.append(self._next())
            if len(present) > 1:
                raise _Stuck
            answers = [self._one(present[0], word) for word in listed] if present else [False]
            holds = True if True in answers else None if None in answers else False
        if not known:
            return ("no",)
        if holds is None:
            self._open = True
            return None
        return None if holds != negated else ("no",)

    def _one(self, value: Value, word: str) -> Answer:
        if isinstance(value, str) and "," in value:
            return word in value.split(",")
        return equals(value, word)

    def _selector(self, word: str) -> Value | None:
        """The value of a selector; None if the packet has none (the rule does not match then)."""
        packet, sight = self._sight.packet, self._sight
        group, name = ALIASES.get(word) or (word, "")
        if not name:
            name = self._next()
        match group, name:
            case ("ip", "saddr") | ("ip6", "saddr"):
                return packet.src if packet.family == (4 if group == "ip" else 6) else None
            case ("ip", "daddr") | ("ip6", "daddr"):
                return packet.dst if packet.family == (4 if group == "ip" else 6) else None
            case ("ip", "protocol") | ("ip6", "nexthdr") | ("meta", "l4proto"):
                return packet.proto
            case ("tcp" | "udp" | "sctp" | "th", "dport" | "sport"):
                return _port(packet, group, name)
            case ("meta", "mark"):
                return packet.mark
            case ("meta", "nfproto"):
                return "ipv4" if packet.family == 4 else "ipv6"
            case ("meta", "iifname" | "iif"):
                return sight.entered
            case ("meta", "oifname" | "oif"):
                return sight.leaves
            case ("ct", "state"):
                return sight.state.lower()
            case ("ct", "status") if packet.tracked is not None and packet.tracked.connection is not None:
                held = packet.tracked.connection
                return ("dnat," if held.dnat else "") + ("snat," if held.snat else "") + ","
            case ("ct", "status"):
                return None
            case ("icmp" | "icmpv6", "type") if packet.icmp is not None:
                return {8: "echo-request", 0: "echo-reply", 128: "echo-request", 129: "echo-reply"}.get(
                    packet.icmp[0], str(packet.icmp[0])
                )
            case ("icmp" | "icmpv6", "type"):
                return None
            case ("fib", "daddr" | "saddr") if self._peek() == "type":
                self._at += 1
                if not sight.stack.knows_addresses:
                    raise _Stuck
                return sight.routing.kind(packet.dst if name == "daddr" else packet.src)
            case _:
                raise _Stuck


def _port(packet: Packet, group: str, name: str) -> int | None:
    if group != "th" and packet.proto != {"tcp": 6, "udp": 17, "sctp": 132}[group]:
        return None
    if not packet.has_ports:
        return None
    port = packet.dport if name == "dport" else packet.sport
    if port is None:
        raise _Stuck
    return port


def _needed(value: int | None) -> int:
    if value is None:
        raise _Stuck
    return value
