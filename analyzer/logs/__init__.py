"""Logs: templates of rules, one pass over every log for all of them, line formats, times and what a log covers."""

from __future__ import annotations

from analyzer.logs.found import Scanned, scan_log
from analyzer.logs.read import facts_of_scan, read_log
from analyzer.logs.scan import Part, Patterns, parts
from analyzer.logs.template import capture_types, captures, compile_template

__all__ = [
    "Part",
    "Patterns",
    "Scanned",
    "capture_types",
    "captures",
    "compile_template",
    "facts_of_scan",
    "parts",
    "read_log",
    "scan_log",
]
