"""The verdict: the whole report in one sentence that never claims health."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.report import Check, Finding, Verdict

ORDER = ("error", "warning", "info")
UNDECIDED = ("not collected", "broken")


def verdict_of(findings: Sequence[Finding], checks: Sequence[Check]) -> Verdict:
    """The verdict over all findings and checks."""
    causes = [finding for finding in findings if not finding.explained_by]
    undecided = sum(check.outcome in UNDECIDED for check in checks)
    partly = not checks or any(word in UNDECIDED for check in checks for word in check.scopes.values())
    return Verdict(
        text=verdict_text(len(causes), len(findings) - len(causes), undecided, partly),
        worst=next((word for word in ORDER if any(finding.severity == word for finding in findings)), ""),
    )


def verdict_text(causes: int, explained: int, undecided: int, partly: bool = False) -> str:
    """One of five sentences; `partly` says that no check is undecided as a whole, but some are on some node."""
    rest = f"{_counted(undecided, 'check')} could not be decided" if undecided else ""
    if causes + explained == 0:
        if undecided:
            return f"Nothing found; {rest}"
        return "Nothing found in what was collected" if partly else "Nothing found; every check was decided"
    if explained:
        verb = "explains" if causes == 1 else "explain"
        found = f"{_counted(causes, 'cause')} {verb} {_counted(explained, 'further finding')}"
    else:
        found = _counted(causes, "finding")
    return f"{found}; {rest}" if rest else found


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
