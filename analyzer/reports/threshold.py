"""Which findings count as failure: the exit code and every report ask here, so that they cannot disagree."""

from __future__ import annotations

from analyzer.report import Finding

ORDER = ("error", "warning", "info")
LEVELS = (*ORDER, "never")


def fails(finding: Finding, fail_on: str) -> bool:
    """Whether a finding is at or above the severity `fail_on`; "never" lets everything pass."""
    return fail_on in ORDER and ORDER.index(finding.severity) <= ORDER.index(fail_on)
