"""Hostile text of a bundle stays text in every format."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from analyzer.report import Missing, Report
from analyzer.reports import formats, render_as, terminal
from analyzer.reports.collection import script
from analyzer.reports.visible import pieces, prose, visible
from tests.report_fixture import HOSTILE, quiet_report, rich_report

SOURCES = Path(__file__).parent.parent / "analyzer" / "reports"
TEXT_FORMATS = [name for name in formats() if name != "sqlite"]


class Page(HTMLParser):
    """Tags with their attributes, and the text of script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in self.raw:
            self.raw[self.inside].append(data)


@pytest.fixture(scope="module")
def page() -> Page:
    parsed = Page()
    parsed.feed(render_as("html", rich_report()).decode())
    return parsed


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_no_control_character_reaches_a_format(name: str) -> None:
    text = render_as(name, rich_report()).decode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ue000-\uf8ff\ufffe\uffff]", text)
    assert r"\u{202e}" in text or r"\u202e" in text


def test_sqlite_holds_the_hostile_text_visibly() -> None:
    database = sqlite3.connect(":memory:")
    database.deserialize(render_as("sqlite", rich_report()))
    (title,) = database.execute("SELECT title FROM findings WHERE id = 'deadbeef'").fetchone()
    database.close()
    assert r"\u{1b}]0;title" in title and "\x1b" not in title


def test_html_has_one_script_one_style_and_no_handlers(page: Page) -> None:
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == names.count("style") == 1
    attributes = [name for _, attrs in page.tags for name in attrs]
    assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "formaction")]
    assert not set(names) & {"img", "iframe", "object", "embed", "link", "base", "form", "audio", "video"}
    assert names.count("h1") == names.count("main") == 1


def test_html_loads_nothing(page: Page) -> None:
    for tag, attrs in page.tags:
        for name in ("src", "href", "data", "action", "poster", "xlink:href"):
            if name in attrs and not (tag == "a" and (attrs[name] or "").startswith(("#", "https://"))):
                pytest.fail(f"<{tag} {name}={attrs[name]}>")
    style = "".join(page.raw["style"])
    assert "url(" not in style and "@import" not in style


def test_html_policy_has_the_hashes_of_its_script_and_style(page: Page) -> None:
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; ")
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256("".join(page.raw[name]).encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_html_links_only_lead_to_targets_that_exist(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {(attrs["href"] or "")[1:] for tag, attrs in page.tags if tag == "a" and (attrs["href"] or "")[0] == "#"}
    labels = {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs}
    assert targets | labels <= set(ids)


def test_html_is_accessible_in_its_structure(page: Page) -> None:
    for tag, attrs in page.tags:
        if tag == "th":
            assert attrs.get("scope") in ("col", "row")
        if tag == "svg":
            assert attrs.get("role") == "img" and attrs.get("aria-label")
        if attrs.get("tabindex") == "0":
            assert attrs.get("role") == "region" and (attrs.get("aria-label") or attrs.get("aria-labelledby"))
    regions = [attrs["aria-label"] for _, attrs in page.tags if attrs.get("role") == "region" and "aria-label" in attrs]
    assert len(regions) == len(set(regions))


def test_templates_mark_nothing_as_safe() -> None:
    for path in SOURCES.rglob("*.jinja"):
        assert not re.search(r"\|\s*safe|autoescape\s+false|Markup", path.read_text())
    users = {path.name for path in SOURCES.rglob("*.py") if "Markup(" in path.read_text()}
    assert users <= {"__init__.py", "drawing.py"}


def _luminance(color: str) -> float:
    digits = color.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("number", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_text_colour_has_contrast_of_six(number: int) -> None:
    style = (SOURCES / "html" / "report.css").read_text()
    colors = dict(re.findall(r"--(\w+): (#\w+);", re.findall(r":root \{.*?\}", style, re.S)[number]))
    for text in ("ink", "soft", "error", "warning", "info", "clear"):
        for ground in ("paper", "card", "tint", "mark"):
            if ground == "mark" and text not in ("ink", "soft"):
                continue
            high, low = sorted((_luminance(colors[text]), _luminance(colors[ground])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 6, (text, ground)


def test_junit_is_well_formed_and_counts_truly() -> None:
    root = ElementTree.fromstring(render_as("junit", rich_report(), fail_on="warning"))
    cases = root.findall("*/testcase")
    assert root.get("tests") == str(len(cases))
    assert root.get("failures") == str(len(root.findall("*/testcase/failure"))) == "4"
    names = [case.get("name") for case in cases]
    assert len(names) == len(set(names))
    messages = [skipped.get("message") or "" for skipped in root.iter("skipped")]
    assert any(m == "not collected: run iptables-save; ipvsadm -Ln; nft list ruleset on worker-3" for m in messages)


def test_terminal_without_colour_has_no_escape_and_with_colour_only_its_own() -> None:
    assert b"\x1b" not in terminal.render(rich_report())
    colored = terminal.render(rich_report(), color=True).decode()
    assert set(re.findall("\x1b[^m]*m", colored)) <= {"\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[2m", "\x1b[0m"}
    assert colored.count("\x1b[0m") * 2 == colored.count("\x1b")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain\ttab ä 漢", "plain\ttab ä 漢", id="ordinary"),
        pytest.param("\x1b]0;t\x07", r"\u{1b}]0;t\u{7}", id="escape"),
        pytest.param("a\u202eb", r"a\u{202e}b", id="bidi"),
        pytest.param("\udc80\ue000\ufffe", r"\u{dc80}\u{e000}\u{fffe}", id="not text"),
        pytest.param("a\r\nb", r"a\u{d}\u{a}b", id="line ends"),
        pytest.param("x" * 405, "x" * 400 + "… (+5 characters)", id="long"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_pieces_of_a_fix() -> None:
    assert pieces("Run `a b`\n then `c`") == [("Run ", False), ("a b", True), (" then ", False), ("c", True)]
    assert prose("  one\n two ") == "one two"


def test_script_admits_no_foreign_word() -> None:
    text = script(rich_report())
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in lines if "pwned" in line or "oProxy" in line]
    assert "# left out, not the name of a host: $(touch pwned); -oProxyCommand=x" in text
    assert "on worker-3 > nodes/worker-3/iptables-save.txt <<'END'" in lines
    assert "on worker-3 > nodes/worker-3/nft-list-ruleset.txt <<'END'" in lines
    subprocess.run(["sh", "-n"], input=text.encode(), check=True)


def test_script_asks_every_node_where_no_scope_is_known() -> None:
    missing = (Missing(fact="Route", scope="", command="ip route", file="cluster/ip-route.txt"),)
    report = msgspec.structs.replace(rich_report(), missing=missing)
    assert script(report).count("<<'END'") == 40
    assert script(quiet_report()) == ""


@pytest.mark.parametrize("report", [rich_report(), quiet_report()], ids=["rich", "quiet"])
@pytest.mark.parametrize("name", formats())
def test_same_report_same_bytes(name: str, report: Report) -> None:
    assert render_as(name, report) == render_as(name, report)


def test_json_round_trips_but_for_half_characters() -> None:
    text = render_as("json", rich_report())
    again = msgspec.json.decode(text, type=Report)
    assert render_as("json", again) == text
    assert json.loads(text)["findings"][2]["evidence"][0]["text"] == HOSTILE.replace("\udc80", r"\u{dc80}")
