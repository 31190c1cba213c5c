"""Two JSON reports side by side: fixed, new, no longer decided."""

from __future__ import annotations

from pathlib import Path

import msgspec

from analyzer.errors import UsageError
from analyzer.report import Report

SCHEMA = "hairpin-report/1"


def compare(before: Path, after: Path) -> str:
    """Lines that say what was fixed, what is new, what stays, and what can no longer be decided."""
    old, new = _read(before), _read(after)
    was = {finding.id: finding for finding in old.findings}
    now = {finding.id: finding for finding in new.findings}
    undecided = {check.rule for check in new.checks if check.outcome in ("not collected", "broken")}
    lines = []
    for id, finding in was.items():
        if id not in now:
            word = "undecided" if finding.rule in undecided else "fixed"
            lines.append(f"{word:9} {finding.severity}[{finding.rule}] {finding.title}")
    lines += [f"{'new':9} {one.severity}[{one.rule}] {one.title}" for id, one in now.items() if id not in was]
    lines += [f"{'still':9} {one.severity}[{one.rule}] {one.title}" for id, one in now.items() if id in was]
    lost = sorted(undecided - {check.rule for check in old.checks if check.outcome in ("not collected", "broken")})
    lines += [f"{'undecided':9} {rule} was decided before and cannot be now" for rule in lost]
    return "\n".join(lines) or "no difference"


def _read(path: Path) -> Report:
    hint = "; `hairpin report BUNDLE -o report.json` makes one"
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}{hint}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not a report as JSON (hairpin-report/1): {error}{hint}") from error
    if report.schema != SCHEMA:
        raise UsageError(f"{path} is a {report.schema[:40]!r}, only {SCHEMA} can be compared{hint}")
    return report
