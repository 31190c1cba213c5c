"""One rule of native nftables: its conditions in order, its changes, its verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from analyzer.packet.nft_selector import Stuck, select
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
        except Stuck:
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

    def peek(self) -> str:
        """The word that comes next, "" at the end."""
        return self._words[self._at] if self._at < len(self._words) else ""

    def take(self) -> str:
        """The word that comes next; it is done with."""
        word = self.peek()
        self._at += 1
        return word

    def _carry_out(self, pick: Callable[[Sequence[float]], int]) -> Verdict | None:
        while self._at < len(self._words):
            word = self.take()
            if word in ENDS:
                return (word,)
            if word in ("jump", "goto"):
                return word, self.take()
            if word == "reject":
                rest = self._words[self._at - 1 :]
                return tuple(rest[: rest.index("comment")] if "comment" in rest else rest)
            if word in NAT:
                rest = self._words[self._at - 1 :]
                return tuple(rest[: rest.index("comment")] if "comment" in rest else rest)
            if word == "counter":
                if self.peek() == "packets":
                    self._at += 4
            elif word == "comment":
                self._at += 1
            elif word in ("log", "limit"):
                self._skip_statement()
            elif word == "notrack":
                if self._sight.packet.tracked is None:
                    self._sight.packet.untracked = True
            elif word in ("update", "add", "delete") and self.peek().startswith("@"):
                while self._at < len(self._words) and self.take() != "}":
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
            raise Stuck
        while self._at < len(self._words) and self.peek() not in known:
            self._at += 1

    def _random(self, pick: Callable[[Sequence[float]], int]) -> Verdict | None:
        how, mod, count_text = self.take(), self.take(), self.take()
        count = number(count_text)
        if how not in ("random", "inc") or mod != "mod" or not count or self.take() != "vmap":
            raise Stuck
        text = self._set_text()
        picked = pick([1 / count] * count) if count > 1 else 0
        answer, verdict = found_in((picked,), text)
        if answer is None:
            raise Stuck
        return tuple(verdict.split()) if answer else None

    def _set(self, what: str) -> None:
        packet = self._sight.packet
        name, _ = self.take(), self.take()
        value = self._expression()
        if self._open:
            raise Stuck
        if (what, name) == ("meta", "mark"):
            packet.mark = value
        elif (what, name) == ("ct", "mark"):
            if packet.tracked is not None and packet.tracked.connection is not None:
                packet.tracked.connection.mark = value
        else:
            raise Stuck

    def _expression(self) -> int:
        """`meta mark | 0x4000`, `ct mark`, a number; left to right."""
        word = self.take()
        if word in ("meta", "ct", "mark"):
            name = "mark" if word == "mark" else self.take()
            if name != "mark":
                raise Stuck
            tracked = self._sight.packet.tracked
            connection = tracked.connection if tracked is not None else None
            value = self._sight.packet.mark if word != "ct" else connection.mark if connection is not None else 0
        else:
            value = _needed(number(word))
        while self.peek() in ("&", "|", "^", "and", "or", "xor"):
            operator, operand = self.take(), _needed(number(self.take()))
            if operator in ("&", "and"):
                value &= operand
            elif operator in ("|", "or"):
                value |= operand
            else:
                value ^= operand
        return value

    def _set_text(self) -> str:
        word = self.take()
        if word.startswith("@"):
            text = self._sets(word[1:])
            if text is None:
                raise Stuck
            return text
        if word != "{":
            raise Stuck
        begin = self._at
        while self._at < len(self._words) and self.take() != "}":
            pass
        return " ".join(self._words[begin : self._at - 1])

    def _condition(self, word: str) -> Verdict | None:
        """None if it holds; ("no",) if not; the verdict that a map gives."""
        values, known = [], True
        while True:
            value = self._selector(word)
            known = known and value is not None
            values.append(value)
            if self.peek() != ".":
                break
            self._at += 1
            word = self.take()
        first = values[0]
        if isinstance(first, frozenset):
            return None if self._flags(first) else ("no",)
        if self.peek() in ("&", "and") and isinstance(first, int):
            self._at += 1
            values[0] = first & _needed(number(self.take()))
        negated = self.peek() == "!="
        if self.peek() in ("!=", "=="):
            self._at += 1
        present: tuple[Value, ...] = tuple(value for value in values if value is not None)
        if self.peek() == "vmap":
            self._at += 1
            text = self._set_text()
            if not known:
                return ("no",)
            answer, verdict = found_in(present, text)
            if answer is None:
                raise Stuck
            return tuple(verdict.split()) if answer else ("no",)
        if self.peek() in ("<", ">", "<=", ">="):
            operator, bound = self.take(), _needed(number(self.take()))
            return None if known and _ordered(present[0], operator, bound) else ("no",)
        holds: Answer
        if self.peek() == "{" or self.peek().startswith("@"):
            holds, _ = found_in(present, self._set_text())
        else:
            listed = [self.take()]
            while self.peek() == ",":
                self._at += 1
                listed.append(self.take())
            if len(present) > 1:
                raise Stuck
            answers = [self._one(present[0], word) for word in listed] if present else [False]
            holds = True if True in answers else None if None in answers else False
        if not known:
            return ("no",)
        if holds is None:
            self._open = True
            return None
        return None if holds != negated else ("no",)

    def _flags(self, held: frozenset[str]) -> bool:
        """`tcp flags`: "syn / fin,syn,rst,ack", "& (fin | syn) == syn", "syn" (any of them), "== syn | ack"."""
        mask: frozenset[str] | None = None
        if self.peek() in ("&", "and"):
            self.take()
            mask = _bits(self._group())
        operator = self.take() if self.peek() in ("==", "!=") else ""
        wanted = _bits(self._group())
        if self.peek() == "/":
            self.take()
            mask = _bits(self._group())
        if mask is None and operator != "==":
            return bool(held & wanted) != (operator == "!=")
        return ((held if mask is None else held & mask) == wanted) != (operator == "!=")

    def _group(self) -> str:
        """Names joined by commas or bars, in parentheses or not."""
        words = [self.take()]
        if words[0].startswith("("):
            while self.peek() and not words[-1].endswith(")"):
                words.append(self.take())
        while self.peek() in ("|", ","):
            words += [self.take(), self.take()]
        if "{" in words or words[0].startswith("@"):
            raise Stuck
        return " ".join(words)

    def _one(self, value: Value, word: str) -> Answer:
        if isinstance(value, str) and "," in value:
            return word in value.split(",")
        return equals(value, word)

    def _selector(self, word: str) -> Value | None:
        """The value of a selector; None if the packet has none (the rule does not match then)."""
        group, name = ALIASES.get(word) or (word, "")
        return select(group, name or self.take(), self, self._sight)


def _needed(value: int | None) -> int:
    if value is None:
        raise Stuck
    return value


def _ordered(value: Value, operator: str, bound: int) -> bool:
    if not isinstance(value, int):
        raise Stuck
    return {"<": value < bound, ">": value > bound, "<=": value <= bound, ">=": value >= bound}[operator]


def _bits(word: str) -> frozenset[str]:
    """Names that stand in one word or several: "fin,syn" or "(fin | syn)"."""
    return frozenset(part for part in re.split(r"[^a-z]+", word.lower()) if part)
