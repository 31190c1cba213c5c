"""Logs: templates of rules, one pass over every log for all of them, line formats, times and what a log covers."""

from __future__ import annotations

from analyzer.logs.read import read_log
from analyzer.logs.scan import Patterns
from analyzer.logs.template import capture_types, captures, compile_template

__all__ = ["Patterns", "capture_types", "captures", "compile_template", "read_log"]
