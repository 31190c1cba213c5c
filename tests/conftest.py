"""Options of the test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite goldens instead of comparing with them")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the peak memory of each attack."""
    told = [
        str(text)
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, text in report.user_properties
        if name == "attack" and report.when == "call"
    ]
    if told:
        terminalreporter.section("peak memory of attacks")
        for line in sorted(told):
            terminalreporter.line(line)
