"""Line patterns: one regex for all lines of a shape that is common, made from lines that were taken apart word by word.

A match proves that taking the line apart would give the same: words that were equal in all lines so far stand in the
regex as they are, and for each of the others the parser takes the same terminal as before, because the word matches
it and no other that the parser would accept in its place. So the parse tree is the same, and with it the template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from analyzer.plans import Spelling, Template
from analyzer.typed import Memo

# Lines of a shape after which a pattern is made, and attempts at making it
OFTEN = 24
TRIES = 40
MOST = 400  # patterns
MOST_ALIKE = 12  # patterns tried on one line
MOST_KEYS = 1000
DASH = " -"
PLAIN = r"\S+"
QUOTED = r'(?:! )?(?:"(?:[^"\\]|\\.)*"(?!\S)|\S+)'
_BARE = re.compile(r'[^\s"!]\S*')
_IN_QUOTES = re.compile(r'"[^"\\]*"')
_NEGATED = re.compile(r"! [^\s\"!]\S*")
ANYTHING = (r"\S+", r"(?s:.+)")


Match = Callable[[str], re.Match[str] | None]


class Choice(msgspec.Struct, frozen=True):
    """What the parser took a word for, and what it would rather have taken it for: other terminals, fixed texts."""

    terminal: str
    rather: tuple[str, ...]
    texts: tuple[str, ...]


class Taken(Protocol):
    """What the shapes of a grammar know of its words."""

    patterns: dict[str, re.Pattern[str]]

    def choices(self, words: Sequence[str]) -> list[Choice]:
        """What Lark takes each word of a record for."""


class Unlike(ValueError):
    """A word for which the parser may take another terminal."""


class Line(msgspec.Struct, eq=False):
    """The lines of one shape: what matches them, whose groups are the words that differ, and the template for these."""

    matches: Match
    template: Template
    fixed: dict[int, str]
    forms: dict[int, set[str]]
    gaps: list[str]


class _Seen(msgspec.Struct, eq=False):
    """The lines of a shape that no pattern matched, and what was made of those before."""

    lines: list[tuple[str, list[str]]]
    made: Line | None = None
    tries: int = 0


class Lines:
    """The line patterns of one grammar.

    `known` has what matches them and their templates, by the number of words that begin with a dash, a mere hint
    which of them to try on a line.
    """

    def __init__(self, words: str, shapes: Taken) -> None:
        self.known: dict[int, list[tuple[Match, Template]]] = {}
        self.often = OFTEN
        self._learns = words in (PLAIN, QUOTED)
        self._plain, self._shapes = words == PLAIN, shapes
        self._seen: dict[Template, _Seen] = {}
        self._guards: dict[Choice, Memo] = {}
        self._guarded: dict[tuple[int, int], Memo] = {}

    def learn(self, template: Template, line: str, words: list[str]) -> None:
        """Take note of a line that had to be taken apart."""
        seen = self._seen.get(template)
        if seen is None:
            if not self._learns or len(self._seen) >= MOST:
                return
            seen = self._seen[template] = _Seen([])
        if seen.tries >= TRIES:
            return
        seen.lines.append((line, words))
        if len(seen.lines) < self.often:
            return
        seen.tries += 1
        keys = {line.count(DASH) for line, _ in seen.lines}
        made = self._made(template, seen)
        seen.lines.clear()
        if made is None:
            return
        old, new = seen.made, (made.matches, made.template)
        for alike in self.known.values() if old else ():
            alike[:] = [new if old and one[1] is old.template else one for one in alike]
        seen.made = made
        for key in keys:
            alike = self.known.setdefault(key, []) if len(self.known) < MOST_KEYS else self.known.get(key, [])
            if new not in alike and len(alike) < MOST_ALIKE:
                alike.append(new)

    def _made(self, template: Template, seen: _Seen) -> Line | None:
        """A pattern that matches these lines and those of the pattern before; None if there is none."""
        rows = [words for _, words in seen.lines]
        before = seen.made
        fixed = {
            number: word
            for number, word in enumerate(rows[0])
            if all(row[number] == word for row in rows) and (before is None or before.fixed.get(number) == word)
        }
        forms = {
            number: {self._form(row[number]) for row in rows} | (before.forms.get(number, set()) if before else set())
            for number in range(len(rows[0]))
        }
        if before is not None:
            for number, word in before.fixed.items():
                forms[number].add(self._form(word))
        if any("" in forms[number] and (number not in fixed or not self._may_stand(fixed[number])) for number in forms):
            return None
        choices = self._shapes.choices(rows[0])
        free = [number for number in forms if number not in fixed]
        guards = {number: self._guard(choices[number], forms[number]) for number in free}
        between = zip(*(_gaps(line, words) for line, words in seen.lines), strict=True)
        gaps = [" " if set(gap) == {" "} else r"\s++" for gap in between]
        if before is not None:
            gaps = [gap if gap == other else r"\s++" for gap, other in zip(gaps, before.gaps, strict=True)]
        parts = [r"\s*+"]
        for number, gap in enumerate([*gaps, r"\s*+"]):
            parts.append(re.escape(fixed[number]) if number in fixed else "(" + "|".join(sorted(forms[number])) + ")")
            parts.append(gap)
        try:
            made = _LineTemplate(template, fixed, free, guards, self._both)
            made.values  # noqa: B018  # a fixed word that cannot be read is a gap each time
        except ValueError:
            return None
        return Line(re.compile("".join(parts)).fullmatch, made, fixed, forms, gaps)

    def _form(self, word: str) -> str:
        """The regex for words like this one that are cut out of a line as a whole; "" if there is none."""
        if self._plain:
            return r"\S++"
        if _BARE.fullmatch(word):
            return r'[^\s"!]\S*+'
        return r'"[^"\\]*+"' if _IN_QUOTES.fullmatch(word) else ""

    def _may_stand(self, word: str) -> bool:
        return bool(_NEGATED.fullmatch(word))

    def _guard(self, choice: Choice, forms: set[str]) -> Memo | None:
        """Words by themselves, if the parser takes them for the same terminal; None if it takes all of them so."""
        patterns = self._shapes.patterns
        own = patterns[choice.terminal]
        plain = own.pattern
        while (inner := re.sub(r"\(\?P<\w+>([^()]*)\)", r"\1", plain)) != plain:
            plain = inner
        whole = plain == ANYTHING[1] or (plain == ANYTHING[0] and not any(form.startswith('"') for form in forms))
        if whole and not choice.rather and not choice.texts:
            return None
        if choice not in self._guards:
            rather = "|".join([without_groups(patterns[name].pattern) for name in choice.rather])
            other = f"(?!(?:{rather})\\Z)" if rather else ""
            fits = re.compile(f"{other}(?:{without_groups(own.pattern)})").fullmatch
            texts = frozenset(choice.texts)

            def guard(word: str) -> str:
                if word in texts or not fits(word):
                    raise Unlike
                return word

            self._guards[choice] = Memo(guard)
        return self._guards[choice]

    def _both(self, guard: Memo, memo: Memo) -> Memo:
        """The values of words that pass a guard."""
        key = (id(guard), id(memo))
        if key not in self._guarded:
            self._guarded[key] = Memo(lambda word: memo[guard.make(word)])
        return self._guarded[key]


class _LineTemplate(Template):
    """A template whose words are the groups of a line pattern."""

    __slots__ = ("_both", "_fixed", "_guards", "_numbers")

    def __init__(
        self,
        template: Template,
        fixed: dict[int, str],
        free: Sequence[int],
        guards: dict[int, Memo | None],
        both: Callable[[Memo, Memo], Memo],
    ) -> None:
        super().__init__(template.plans)
        self._fixed, self._guards, self._both = fixed, guards, both
        self._numbers = {word: group for group, word in enumerate(free)}

    def spelling(self) -> Spelling:
        """Words that are fixed are constants, the others groups."""
        return _Groups(self._fixed, self._numbers, self._guards, self._both)


class _Groups(Spelling):
    """Words spelt as the groups of a match."""

    def __init__(
        self,
        fixed: dict[int, str],
        numbers: dict[int, int],
        guards: dict[int, Memo | None],
        both: Callable[[Memo, Memo], Memo],
    ) -> None:
        super().__init__({})
        self._fixed, self._numbers, self._guards, self._both = fixed, numbers, guards, both
        self._unused = {number for number, guard in guards.items() if guard is not None}

    def value(self, memo: Memo, numbers: tuple[int, ...]) -> str:
        if all(number in self._fixed for number in numbers):
            return self.named(memo[" ".join(self._fixed[number] for number in numbers)])
        if len(numbers) == 1:
            guard = self._guards[numbers[0]]
            self._unused.discard(numbers[0])
            values = memo if guard is None else self._both(guard, memo)
            return f"{self.named(values)}[w[{self._numbers[numbers[0]]}]]"
        return f"{self.named(memo)}[' '.join((" + ",".join(self._word(number) for number in numbers) + "))]"

    def checked(self, expression: str) -> str:
        """Words that no field takes must be as the parser wants them too."""
        checks = "".join(f"{self._word(number)}, " for number in sorted(self._unused))
        return f"({checks}{expression})[-1]" if checks else expression

    def _word(self, number: int) -> str:
        if number in self._fixed:
            return self.named(self._fixed[number])
        self._unused.discard(number)
        guard = self._guards[number]
        word = f"w[{self._numbers[number]}]"
        return word if guard is None else f"{self.named(guard)}[{word}]"


def without_groups(pattern: str) -> str:
    """A regex whose groups have neither names nor numbers."""
    return re.sub(r"\(\?P<\w+>|(?<!\\)\((?!\?)", "(?:", pattern)


def _gaps(line: str, words: Sequence[str]) -> list[str]:
    """What stands between the words of a line."""
    gaps, end = [], 0
    for word in words:
        start = line.index(word, end)
        gaps.append(line[end:start])
        end = start + len(word)
    return gaps[1:]
