"""Rule files to checked rules: unknown keys, fields and types are refused with file, line and "did you mean"."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analyzer.engine.checking import check_clauses, check_rule, check_set
from analyzer.engine.condition import parse_test
from analyzer.engine.document import Entry, read_document
from analyzer.engine.fields import FieldType
from analyzer.engine.outcome import Confidence, Severity
from analyzer.engine.pattern import capture_fields
from analyzer.engine.rule import QUANTIFIERS, Clause, Condition, Rule, Status, Trial
from analyzer.engine.spot import Bound, Spot, nearest, seconds
from analyzer.facts import fact_types
from analyzer.facts.derived import Cluster

RULE_KEYS = (
    "id", "title", "severity", "confidence", "status", "only_if", "match", "why", "fix", "docs", "explains", "tests",
)  # fmt: skip
CLAUSE_KEYS = (*QUANTIFIERS, "where", "text", "at_least", "within")
TEST_KEYS = ("name", "given", "files", "missing", "expect")
OUTCOMES = ("clear", "not collected", "not applicable", "found")


def load_rules(dirs: Sequence[Path]) -> tuple[Rule, ...]:
    """Every rule under these folders, by id; a rule of a later folder replaces one of the same id. DefinitionError."""
    rules: dict[str, Rule] = {}
    for folder in dirs:
        here: dict[str, Rule] = {}
        for path in rule_files(folder):
            rule = load_rule(path, path.parent.name if path.parent != folder else "")
            if rule.id in here:
                raise Spot(rule.path, 1).fail(f"{rule.id} is also defined in {here[rule.id].path}")
            here[rule.id] = rule
        rules |= here
    loaded = tuple(rules[name] for name in sorted(rules))
    check_set(loaded)
    return loaded


def rule_files(folder: Path) -> list[Path]:
    """The rule files under a folder, or the file itself, sorted."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        Spot(str(folder), 0).fail("no such folder of rules")
    found = sorted(path for path in folder.rglob("*.y*ml") if path.suffix in (".yaml", ".yml"))
    if not found:
        Spot(str(folder), 0).fail("no rule is in it, that is a file of the ending .yaml")
    return found


def load_rule(path: Path, area: str = "") -> Rule:
    """One rule file, checked by itself (not against other rules)."""
    return build_rule(read_document(path), path, area)


def patterns(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Every log pattern of these rules, sorted: what the log scanner looks for."""
    return tuple(
        sorted({text for rule in rules for clause in rule.match if clause.fact == "LogLine" for text in clause.text})
    )


def build_rule(document: Entry, path: Path, area: str) -> Rule:
    """The rule that a document states."""
    reader = _RuleReader(document, str(path))
    rule = reader.rule(area)
    check_rule(rule, reader.names, path.stem)
    return rule


class _RuleReader:
    """Reads one document; every complaint names its line."""

    def __init__(self, document: Entry, path: str) -> None:
        self.path = path
        self.top = self.mapping(document, RULE_KEYS, "a rule")
        for key in ("id", "title", "severity", "confidence", "match", "why", "fix", "docs"):
            if key not in self.top:
                self.spot(document.line).fail(f"{key}: is missing")
        self.names: dict[str, Bound] = {"cluster": Bound(Cluster)}

    def rule(self, area: str) -> Rule:
        top = self.top
        only_if = None
        if "only_if" in top:
            only_if = self.condition(top["only_if"], {"cluster": Bound(Cluster)})
        clauses = tuple(self.clause(entry) for entry in self.list(top["match"], "match"))
        if not clauses:
            self.spot(top["match"].line).fail("match: has no clause")
        check_clauses(clauses, self.path)
        return Rule(
            id=self.text(top["id"], "id"),
            title=self.text(top["title"], "title"),
            severity=self.word(top["severity"], "severity", typing.get_args(Severity)),
            confidence=self.word(top["confidence"], "confidence", typing.get_args(Confidence)),
            status=self.word(top["status"], "status", typing.get_args(Status)) if "status" in top else "stable",
            only_if=only_if,
            match=clauses,
            why=" ".join(self.text(top["why"], "why").split()),
            fix=self.texts(top["fix"], "fix"),
            docs=self.texts(top["docs"], "docs"),
            explains=self.texts(top["explains"], "explains") if "explains" in top else (),
            tests=tuple(self.trial(entry) for entry in self.list(top["tests"], "tests")) if "tests" in top else (),
            area=area,
            path=self.path,
            lines={key: entry.line for key, entry in top.items()} | self.lines_of(top.get("explains")),
        )

    def lines_of(self, entry: Entry | None) -> dict[str, int]:
        items = entry.value if entry and isinstance(entry.value, list) else []
        return {str(item.value): item.line for item in items}

    def spot(self, line: int) -> Spot:
        return Spot(self.path, line)

    def mapping(self, entry: Entry, known: Sequence[str], what: str) -> dict[str, Entry]:
        if not isinstance(entry.value, dict):
            self.spot(entry.line).fail(f"{what} is written as `key: value` lines")
        for key, value in entry.value.items():
            if key not in known:
                self.spot(value.line).fail(f"{what} has no key {key!r}", nearest(key, known))
        return entry.value

    def list(self, entry: Entry, what: str) -> list[Entry]:
        if not isinstance(entry.value, list):
            self.spot(entry.line).fail(f"{what}: is a list, each item after a dash")
        return entry.value

    def text(self, entry: Entry, what: str) -> str:
        if not isinstance(entry.value, str) or not entry.value.strip():
            self.spot(entry.line).fail(f"{what}: must be a text (quote it if it looks like something else)")
        return entry.value

    def texts(self, entry: Entry, what: str) -> tuple[str, ...]:
        """A text, or a list of texts."""
        items = entry.value if isinstance(entry.value, list) else [entry]
        return tuple(" ".join(self.text(item, what).split()) for item in items)

    def word(self, entry: Entry, what: str, known: Sequence[str]) -> Any:
        if entry.value not in known:
            self.spot(entry.line).fail(f"{what}: is one of {', '.join(known)}", nearest(str(entry.value), known))
        return entry.value

    def condition(self, entry: Entry, names: dict[str, Bound]) -> Condition:
        text = " ".join(self.text(entry, "where").split())
        return Condition(text, parse_test(text, names, self.spot(entry.line)), entry.line)

    def clause(self, entry: Entry) -> Clause:
        keys = self.mapping(entry, CLAUSE_KEYS, "a clause")
        spot = self.spot(entry.line)
        given = [word for word in QUANTIFIERS if word in keys]
        if len(given) != 1:
            spot.fail("a clause begins with one of each, some, none, maybe")
        quantifier = given[0]
        words = self.text(keys[quantifier], quantifier).split()
        if len(words) != 2:
            spot.fail(f"{quantifier}: takes a fact type and a name, such as `{quantifier}: Pod pod`")
        fact, name = words
        if fact not in fact_types():
            spot.fail(f"there is no fact type {fact!r}", nearest(fact, fact_types()))
        if name in self.names:
            spot.fail(f"the name {name!r} is taken")
        if not name.isidentifier() or name in _KEYWORDS:
            spot.fail(f"{name!r} cannot be used as a name")
        text = self.clause_text(keys["text"], fact) if "text" in keys else ()
        if fact == "LogLine" and not text:
            spot.fail("LogLine needs `text:`, since only lines that match a pattern are read")
        self.names[name] = Bound(fact_types()[fact], self.captures(text, fact, entry))
        where = keys["where"].value if "where" in keys and isinstance(keys["where"].value, list) else None
        entries = where if where is not None else [keys["where"]] if "where" in keys else []
        conditions = tuple(self.condition(one, self.names) for one in entries)
        if quantifier in ("none", "maybe"):
            reason = "was not found" if quantifier == "none" else "may be absent"
            barred = f"{name} {reason}, so nothing can be read from it"
            self.names[name] = Bound(self.names[name].kind, self.names[name].captures, barred)
        at_least, within = self.amount(keys, quantifier, name)
        return Clause(
            quantifier=quantifier, fact=fact, name=name, text=text, where=conditions,
            at_least=at_least, within=within, line=entry.line,
        )  # fmt: skip

    def clause_text(self, entry: Entry, fact: str) -> tuple[str, ...]:
        if "message" not in fact_types()[fact].__struct_fields__:
            self.spot(entry.line).fail(f"text: searches the message of a fact, {fact} has none")
        items = entry.value if isinstance(entry.value, list) else [entry]
        return tuple(self.text(item, "text") for item in items)

    def captures(self, text: tuple[str, ...], fact: str, entry: Entry) -> dict[str, FieldType]:
        found: dict[str, FieldType] = {}
        for pattern in text:
            try:
                made = capture_fields(pattern)
            except ValueError as error:
                self.spot(entry.line).fail(f"text: {error}")
            for name, kind in made.items():
                if name in fact_types()[fact].__struct_fields__:
                    self.spot(entry.line).fail(f"text: {{{name}}} hides the field {name} of {fact}; use another name")
                if found and name in found and found[name].sort != kind.sort:
                    self.spot(entry.line).fail(f"text: {{{name}}} is captured as two types")
                found[name] = kind
        everywhere = [capture_fields(pattern) for pattern in text]
        return {
            name: kind if all(name in one for one in everywhere) else FieldType(kind.sort, optional=True)
            for name, kind in found.items()
        }

    def amount(self, keys: dict[str, Entry], quantifier: str, name: str) -> tuple[int, float | None]:
        at_least, within = 1, None
        if "at_least" in keys:
            entry = keys["at_least"]
            if not isinstance(entry.value, int) or isinstance(entry.value, bool) or entry.value < 1:
                self.spot(entry.line).fail("at_least: is a number of facts, 1 or more")
            at_least = entry.value
        if "within" in keys:
            entry = keys["within"]
            within = seconds(str(entry.value))
            if within is None:
                self.spot(entry.line).fail("within: is a length of time such as 5m or 90s")
            if "time" not in self.names[name].kind.__struct_fields__ or at_least < 2:
                self.spot(entry.line).fail("within: needs facts with a time, and at_least: 2 or more")
        if (at_least > 1 or within is not None) and quantifier != "some":
            self.spot(keys[quantifier].line).fail("at_least: and within: belong to `some`")
        return at_least, within

    def trial(self, entry: Entry) -> Trial:
        keys = self.mapping(entry, TEST_KEYS, "a test")
        spot = self.spot(entry.line)
        for key in ("name", "expect"):
            if key not in keys:
                spot.fail(f"a test needs {key}:")
        if "given" not in keys and "files" not in keys:
            spot.fail("a test needs given: or files:")
        expect = keys["expect"]
        if isinstance(expect.value, str):
            self.word(expect, "expect", OUTCOMES)
            if expect.value == "found":
                self.spot(expect.line).fail("expect: lists the titles that are found")
        elif not isinstance(expect.value, list) or not expect.value:
            self.spot(expect.line).fail(f"expect: is a list of titles, or one of {', '.join(OUTCOMES[:3])}")
        files = keys["files"].plain() if "files" in keys else {}
        if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
            self.spot(keys["files"].line).fail("files: holds a text for each path")
        given = tuple(self.list(keys["given"], "given")) if "given" in keys else None
        return Trial(
            name=self.text(keys["name"], "name"),
            given=given,
            files=files,
            missing=self.texts(keys["missing"], "missing") if "missing" in keys else (),
            expect=expect.value if isinstance(expect.value, str) else self.texts(expect, "expect"),
            line=entry.line,
        )


_KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "of", "selects", "matches", "within", "missing", "present", "true", "false")
)
