"""The catalogue of rules as one Markdown page: by area, with a table at the end of what each rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analyzer.engine.message import parts
from analyzer.engine.prose import clause_lines
from analyzer.engine.rule import Rule
from analyzer.facts import fact_types

_AREAS = {
    "api": "API server, certificates and time",
    "cloud": "Cloud networks",
    "cni": "CNI plugins and overlays",
    "dns": "DNS",
    "firewall": "Packet filters of the node",
    "ingress": "Ingress",
    "node": "Node and kernel",
    "policy": "Network policies",
    "routing": "Routing",
    "runtime": "Container runtime and kubelet",
    "services": "Services and endpoints",
}
_WORDS = {
    "error": "broken now", "warning": "will bite, or is broken in part", "info": "worth knowing",
    "certain": "the facts prove it", "likely": "the facts fit nothing else that is common", "possible": "a symptom",
}  # fmt: skip
_FOUND = {"log": "a log line", "path": "the packet path", "facts": "objects and dumps"}


def catalogue(rules: Sequence[Rule]) -> str:
    """The page, in Markdown; the same rules give the same text."""
    areas: dict[str, list[Rule]] = defaultdict(list)
    for rule in sorted(rules, key=lambda rule: rule.id):
        areas[rule.area].append(rule)
    causes: dict[str, list[str]] = defaultdict(list)
    for rule in sorted(rules, key=lambda rule: rule.id):
        for symptom in rule.explains:
            causes[symptom].append(rule.id)
    lines = _head(rules, areas)
    for area in sorted(areas):
        lines += ["", f"## {_AREAS.get(area, area)}"]
        for rule in areas[area]:
            lines += ["", *_page(rule, causes[rule.id])]
    return "\n".join([*lines, "", *_coverage(rules)]) + "\n"


def _head(rules: Sequence[Rule], areas: dict[str, list[Rule]]) -> list[str]:
    lines = [
        "# Rules",
        "",
        "Written by `hairpin rules catalogue`; a test holds it against the rules.",
        "",
        f"{len(rules)} rules. Words in braces stand for what a bundle says: `{{pod.name}}` is the name of the pod",
        "that was found. `hairpin rules explain ID` prints one of them in the terminal.",
        "",
        "| word | means |",
        "|---|---|",
        *(f"| {word} | {meaning} |" for word, meaning in _WORDS.items()),
    ]
    for area in sorted(areas):
        named = ", ".join(f"[{rule.id}](#{rule.id})" for rule in areas[area])
        lines += ["", f"**{_AREAS.get(area, area)}** ({len(areas[area])}): {named}"]
    return lines


def _page(rule: Rule, causes: Sequence[str]) -> list[str]:
    lines = [
        f"### {rule.id}",
        "",
        f"**{_plain(rule.title)}**",
        "",
        f"{rule.severity}, {rule.confidence}. {_plain(rule.why)}",
    ]
    lines += ["", "Found if", ""]
    if rule.only_if:
        lines.append(f"- `{rule.only_if.text}`; else the rule does not apply")
    for clause in rule.match:
        first, *conditions = clause_lines(clause)
        # Two backticks, since a log pattern may hold one.
        told = ", ".join(f"`` {text.strip()} ``" if "`" in text else f"`{text.strip()}`" for text in conditions)
        lines.append(f"- {first.removesuffix(', where')}" + (f", where {told}" if told else ""))
    lines += ["", "Do this", "", *(f"{number}. {_plain(text)}" for number, text in enumerate(rule.fix, 1))]
    lines += ["", "Needs", "", *(f"- {name}: {_command(name)}" for name in rule.needs)]
    if rule.explains:
        lines += ["", "Explains " + ", ".join(f"[{name}](#{name})" for name in sorted(rule.explains)) + "."]
    if causes:
        lines += ["", "Explained by " + ", ".join(f"[{name}](#{name})" for name in causes) + "."]
    return [*lines, "", "Sources: " + ", ".join(f"<{link}>" for link in rule.docs)]


def _coverage(rules: Sequence[Rule]) -> list[str]:
    """Each signature, what its rule rests on, and what has to be collected for it."""
    lines = [
        "## Coverage",
        "",
        "A signature of the catalogue of failures has a rule if its name stands here.",
        "",
        "| signature | area | severity | rests on | facts | tests |",
        "|---|---|---|---|---|---|",
    ]
    for rule in sorted(rules, key=lambda rule: rule.id):
        lines.append(
            f"| [{rule.id}](#{rule.id}) | {rule.area} | {rule.severity} | {_rests_on(rule)} "
            f"| {', '.join(rule.facts)} | {len(rule.tests)} |"
        )
    lines += ["", "| fact | rules | collected by |", "|---|---|---|"]
    for name in sorted({fact for rule in rules for fact in rule.facts}):
        lines.append(f"| {name} | {sum(name in rule.facts for rule in rules)} | {_command(name)} |")
    return lines


def _rests_on(rule: Rule) -> str:
    found = {
        "log" if fact == "LogLine" else "path" if fact == "Path" else "facts"
        for fact in rule.needs
        if fact not in ("Node", "Pod")
    }
    return ", ".join(_FOUND[one] for one in ("facts", "path", "log") if one in (found or {"facts"}))


def _command(name: str) -> str:
    command = fact_types()[name].command
    shown = "; ".join(f"`{one.strip()}`" for one in command.split(";")) if command else "always there"
    return shown.replace("|", "\\|")


def _plain(text: str) -> str:
    """A message with its slots as they are written, and doubled braces as what they print."""
    told = []
    for part in parts(text):
        if isinstance(part, str):
            told.append(part)
        else:
            told.append(
                "{count " + part.name + "}"
                if part.count
                else "{" + part.name + (f".{part.field}" if part.field else "") + "}"
            )
    return "".join(told).replace("<", "&lt;") if "<" in text and "`" not in text else "".join(told)
