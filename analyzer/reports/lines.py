"""Phrases that several formats share: what was not collected, where a finding stands, what it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from analyzer.report import Evidence, Finding, Missing, Report
from analyzer.reports.visible import prose, visible


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One command that would have to be run at one place, for all the facts and rules that lack it."""

    scope: str
    command: str
    facts: tuple[str, ...]
    rules: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where to run it, as words that follow the command; kubectl runs anywhere."""
        return f" on {visible(self.scope)}" if self.scope and not self.command.startswith("kubectl") else ""


def wanted(missing: Iterable[Missing]) -> list[Wanted]:
    """What was not collected, one entry per command and place; the most needed first."""
    groups: dict[tuple[str, str], list[Missing]] = {}
    for entry in missing:
        # kubectl tells of every node at once
        scope = "" if entry.command.startswith("kubectl") else entry.scope
        groups.setdefault((scope, entry.command), []).append(entry)
    merged = [
        Wanted(
            scope=scope,
            command=command,
            facts=_distinct(entry.fact for entry in entries),
            rules=_distinct(rule for entry in entries for rule in entry.rules),
            notes=_distinct(entry.note for entry in entries if entry.note),
        )
        for (scope, command), entries in groups.items()
    ]
    return sorted(merged, key=lambda one: (-len(one.rules), one.command, one.scope))


def run_hint(report: Report, rule: str) -> str:
    """What to run so that a rule can be decided, for example "run iptables-save on worker-3"; "" if unknown."""
    entries = [one for one in wanted(report.missing) if rule in one.rules and one.command]
    if not entries:
        return ""
    more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
    return f"run {visible(entries[0].command, 0)}{entries[0].place}{more}"


def place(evidence: Evidence) -> str:
    """`path:line` of a piece of evidence; the path alone where the line is unknown."""
    path = visible(evidence.path)
    return f"{path}:{evidence.line}" if evidence.line > 0 else path


def told(finding: Finding) -> str:
    """A finding as plain text: why, what to do, where it stands."""
    lines = [prose(finding.why), *(f"- {prose(step)}" for step in finding.fix)]
    lines += [f"{place(evidence)}: {visible(evidence.text)}" for evidence in finding.evidence[:5]]
    lines += [f"no {visible(gone.fact)} where {prose(' and '.join(gone.where))}" for gone in finding.absent]
    return "\n".join(lines)


def titles(findings: Sequence[Finding]) -> dict[str, Finding]:
    """Findings by id."""
    return {finding.id: finding for finding in findings}


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
