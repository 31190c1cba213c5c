"""The HTML report: one file, complete without script and style, that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analyzer.cache import bytecode
from analyzer.report import Report
from analyzer.reports.html.matrix import SIGNS
from analyzer.reports.html.view import Budget, page
from analyzer.reports.lines import place
from analyzer.reports.visible import prose, visible

EXTENSIONS = (".html", ".htm")
FOLDER = Path(__file__).parent
TARGET, MOST = 2 << 20, 5 << 20
# From full to what fits a page of any bundle; each is tried only if the one before came out too large.
BUDGETS = (
    (Budget(), "", TARGET),
    (Budget(excerpts=2), "To keep this page small, at most two evidence excerpts a finding are shown.", TARGET),
    (
        Budget(excerpts=1, context=False, findings_per_rule=10, listed=500),
        "To keep this page small, one line of evidence a finding and ten findings a rule are shown; "
        "the JSON report has all of it.",
        MOST,
    ),
    (
        Budget(excerpts=0, context=False, findings_per_rule=3, causes=100, listed=100),
        "To keep this page small, evidence is left out and three findings a rule are shown; "
        "the JSON report has all of it.",
        MOST,
    ),
)


def render(report: Report, *, fail_on: str = "error") -> bytes:
    """The page in UTF-8, at most some megabytes: evidence excerpts are dropped first, and the header says so."""
    content = b""
    for budget, dropped, most in BUDGETS:
        content = _rendered(report, budget, dropped)
        if len(content) <= most:
            break
    return content


def _rendered(report: Report, budget: Budget, dropped: str) -> bytes:
    style, script = _asset("report.css"), _asset("report.js")
    text = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            page=page(report, budget, dropped),
            report=report,
            signs=SIGNS,
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )
    return text.encode("utf-8")


@cache
def _environment() -> Environment:
    # Literally True: choosing by file name misses templates whose name does not end in .html.
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(FOLDER),
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=bytecode(),
    )
    environment.filters["visible"] = visible
    environment.filters["prose"] = prose
    environment.filters["place"] = place
    return environment


@cache
def _asset(name: str) -> Markup:
    """Our own style or script: the only text besides drawings that is not escaped."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
