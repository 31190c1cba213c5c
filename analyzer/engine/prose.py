"""A rule in words, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.engine.expression import (
    Both,
    Compare,
    Constant,
    Contained,
    Either,
    Matches,
    Near,
    Negation,
    Part,
    Presence,
    Refer,
    Selects,
    Sum,
    Test,
    Truth,
    Value,
)
from analyzer.engine.rule import Clause, Rule

_WORDS = {"each": "For each", "some": "there is at least one", "none": "there is no", "maybe": "perhaps there is a"}


def spell(test: Test, own: str, values: Mapping[tuple[str, str], str]) -> str:
    """A condition in words: the fields of `own` bare, other facts by their values where these are known."""

    def value(one: Value) -> str:
        match one:
            case Constant(text=text):
                return text
            case Sum(operator, left, right):
                return f"{value(left)} {operator} {value(right)}"
            case Part(of=of):
                return value(of)
            case Refer(name, field, item=item):
                if (name, field) in values:
                    return values[name, field]
                whole = field if name == own and field else f"{name}.{field}" if field else name
                return f'{whole}["{item}"]' if item is not None else whole
        raise TypeError(one)

    def words(one: Test) -> str:
        match one:
            case Both(of):
                return " and ".join(words(part) for part in of)
            case Either(of):
                return "(" + " or ".join(words(part) for part in of) + ")"
            case Negation(of):
                return f"not {words(of)}"
            case Truth(of):
                return value(of)
            case Presence(of, present):
                return f"{value(of)} is {'present' if present else 'missing'}"
            case Compare(operator, left, right):
                return f"{value(left)} {operator} {value(right)}"
            case Contained(item, container):
                return f"{value(item)} in {value(container)}"
            case Selects(selector, labels):
                return f"{value(selector)} selects {value(labels)}"
            case Matches(of, pattern):
                return f'{value(of)} matches "{pattern}"'
            case Near(left, right, length):
                return f"{value(left)} within {length:g}s of {value(right)}"
        raise TypeError(one)

    return words(test)


def explain(rule: Rule, rules: Sequence[Rule] = ()) -> str:
    """What a rule looks for and says, as plain text; `rules` tells which rules explain it."""
    lines = [
        f"{rule.id}  ({rule.severity}, {rule.confidence}" + (f", {rule.area}" if rule.area else "") + ")",
        "",
        rule.title,
    ]
    lines += ["", "Why", f"  {rule.why}", "", "Found if"]
    if rule.only_if:
        lines.append(f"  only if {rule.only_if.text}")
    for clause in rule.match:
        lines += [f"  {line}" for line in clause_lines(clause)]
    lines += ["", "Do this", *(f"  {number}. {text}" for number, text in enumerate(rule.fix, 1))]
    commands = {clause.fact: clause.kind.command for clause in rule.match}
    lines += ["", "Needs", *(f"  {fact}: {command}" for fact, command in commands.items())]
    causes = [other.id for other in rules if rule.id in other.explains]
    if rule.explains:
        lines += ["", "Explains", *(f"  {name}" for name in rule.explains)]
    if causes:
        lines += ["", "Explained by", *(f"  {name}" for name in causes)]
    lines += ["", "Read", *(f"  {link}" for link in rule.docs)]
    return "\n".join(lines) + "\n"


def clause_lines(clause: Clause) -> list[str]:
    """A clause in words, then one line for each pattern and condition."""
    amount = f"there are at least {clause.at_least}" if clause.at_least > 1 else _WORDS[clause.quantifier]
    span = f" within {clause.within:g} seconds" if clause.within else ""
    lines = [f"{amount} {clause.fact} {clause.name}{span}" + (", where" if clause.where or clause.text else "")]
    lines += [f"    the message reads {text!r}" for text in clause.text]
    return lines + [f"    {condition.text}" for condition in clause.where]


def list_rules(rules: Sequence[Rule]) -> str:
    """One line a rule: id, severity, title."""
    width = max((len(rule.id) for rule in rules), default=0)
    return "".join(f"{rule.id:<{width}}  {rule.severity:<7}  {rule.title}\n" for rule in rules)
