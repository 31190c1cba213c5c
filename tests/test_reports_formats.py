"""What each format says, how formats are found, the verdict, the threshold, the limits of the page."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import jsonschema
import msgspec
import pytest

from analyzer.errors import UsageError
from analyzer.report import Evidence, Finding, Report
from analyzer.reports import format_of, formats, html, render_as, terminal
from analyzer.reports.html.view import Budget, page
from analyzer.reports.schema import PAGE, PUBLISHED, page_text, published_text
from analyzer.reports.threshold import fails
from analyzer.verdict import verdict_of, verdict_text
from tests.report_fixture import CONNTRACK, INFO, ROUTE, check, quiet_report, rich_report


def many(number: int, size: int = 1) -> Report:
    """A report with many findings of one rule, each with some evidence."""
    evidence = tuple(
        Evidence(
            fact="LogLine",
            path=f"n/{n}.log",
            line=n + 3,
            text="x" * 390,
            before=("b" * 390,) * 2,
            after=("a" * 390,) * 2,
        )
        for n in range(size)
    )
    findings = tuple(
        msgspec.structs.replace(ROUTE, id=f"{n:08x}", rule=f"rule-{n % 40}", evidence=evidence, title=f"finding {n}")
        for n in range(number)
    )
    return msgspec.structs.replace(rich_report(), findings=findings, verdict=verdict_of(findings, ()))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param((2, 3, 1), "2 causes explain 3 further findings; 1 check could not be decided", id="causes"),
        pytest.param((1, 1, 0), "1 cause explains 1 further finding", id="one cause"),
        pytest.param((1, 0, 0), "1 finding", id="one finding"),
        pytest.param((3, 0, 2), "3 findings; 2 checks could not be decided", id="findings, undecided"),
        pytest.param((0, 0, 12), "Nothing found; 12 checks could not be decided", id="undecided"),
        pytest.param((0, 0, 0, True), "Nothing found in what was collected", id="partly"),
        pytest.param((0, 0, 0), "Nothing found; every check was decided", id="decided"),
    ],
)
def test_verdict_text(arguments: tuple[int, int, int], text: str) -> None:
    assert verdict_text(*arguments) == text


def test_verdict_counts_causes_and_undecided_checks() -> None:
    report = rich_report()
    assert report.verdict.text == "4 causes explain 1 further finding; 2 checks could not be decided"
    assert report.verdict.worst == "error"
    assert verdict_of((INFO,), ()).worst == "info"
    assert verdict_of((), ()).text == "Nothing found in what was collected"
    partly = check("a", "node", "clear", {"worker-3": "not collected"})
    assert verdict_of((), (partly,)).text == "Nothing found in what was collected"


@pytest.mark.parametrize(
    ("finding", "level", "expected"),
    [
        (CONNTRACK, "error", True),
        (INFO, "error", False),
        (INFO, "warning", False),
        (INFO, "info", True),
        (CONNTRACK, "never", False),
    ],
    ids=["error/error", "info/error", "info/warning", "info/info", "error/never"],
)
def test_threshold(finding: Finding, level: str, expected: bool) -> None:
    assert fails(finding, level) is expected


def test_formats_are_found_in_the_folder() -> None:
    assert set(formats()) >= {"html", "json", "junit", "sarif", "sqlite", "terminal"}


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("report.html", "html"),
        ("a.sarif.json", "sarif"),
        ("R.JSON", "json"),
        ("junit.xml", "junit"),
        ("x.db", "sqlite"),
    ],
)
def test_ending_names_the_format(name: str, format: str) -> None:
    assert format_of(Path(name)) == format


def test_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"known endings: .*\.html"):
        format_of(Path("report.pdf"))
    with pytest.raises(UsageError, match="did you mean 'html'"):
        render_as("htm", quiet_report())


def test_schema_is_published_and_holds() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == published_text(), "run python -m analyzer.reports.schema"
    assert PAGE.read_text(encoding="utf-8") == page_text(), "run python -m analyzer.reports.schema"
    for report in (rich_report(), quiet_report()):
        jsonschema.validate(json.loads(render_as("json", report)), json.loads(PUBLISHED.read_text(encoding="utf-8")))


def test_json_keys_are_sorted() -> None:
    document = json.loads(render_as("json", rich_report()))
    assert list(document) == sorted(document) and list(document["bundle"]) == sorted(document["bundle"])
    assert [finding["id"] for finding in document["findings"]][:2] == ["3b1c0f2e", "9c0d1e22"]


def test_terminal_tells_a_cause_in_a_few_lines() -> None:
    lines = terminal.render(rich_report()).decode().splitlines()
    assert lines[:8] == [
        "error[conntrack-table-full] Node worker-2 dropped packets because its conntrack table was full",
        "  --> nodes/worker-2/dmesg.txt:8812",
        " 8812 | [88122.401922] nf_conntrack: nf_conntrack: table full, dropping packet",
        "  why    New connections through worker-2 fail at random, and DNS, which opens one per query, fails first. "
        "Connections that exist already go on working, which is why the fault looks like an unreliable application.",
        "  do     See how full the table is, `sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max`",
        "         Raise the limit now, `sysctl -w net.netfilter.nf_conntrack_max=262144`",
        "  so     CoreDNS pod coredns-5d-1 cannot reach its upstream 10.0.0.2   [coredns-upstream-timeout]",
        "",
    ]
    assert "not collected: ProgrammedService on worker-3" in lines


def test_terminal_totals_stand_alone() -> None:
    text = terminal.render(rich_report(), quiet=True, full="out/report.html").decode()
    assert text == (
        "4 causes explain 1 further finding; 2 checks could not be decided.\n"
        "61 of 64 files recognised, 2 gaps. Full report: out/report.html\n"
    )


def test_terminal_folds_findings_of_one_rule() -> None:
    text = terminal.render(many(400)).decode()
    assert text.count("\n  why") == 40 and "and 9 more of rule-0" in text


def test_sarif_follows_the_table() -> None:
    (run,) = json.loads(render_as("sarif", rich_report()))["runs"]
    first, second = run["results"][:2]
    assert (first["kind"], first["level"], first["partialFingerprints"]) == ("fail", "error", {"entity/v1": "3b1c0f2e"})
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "conntrack-table-full"
    location = first["locations"][0]
    assert location["physicalLocation"]["region"]["startLine"] == 8812
    assert location["physicalLocation"]["contextRegion"]["startLine"] == 8810
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "Node/worker-2"
    assert len(first["codeFlows"][0]["threadFlows"][0]["locations"]) == 5
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "nodes/worker-3/ip-route.txt"
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(json.loads(render_as("sarif", many(6000)))["runs"][0]["results"]) == 5000


def test_sqlite_answers_questions() -> None:
    database = sqlite3.connect(":memory:")
    database.deserialize(render_as("sqlite", rich_report()))
    asked = "SELECT rule FROM findings JOIN explains ON id = cause"
    assert database.execute(asked).fetchall() == [("conntrack-table-full",)]
    assert database.execute("SELECT count(*) FROM scopes WHERE outcome = 'not collected'").fetchone() == (2,)
    database.close()


def test_page_folds_nodes_and_findings() -> None:
    shown = page(rich_report(), Budget())
    assert shown.nodes and shown.nodes.columns == ("worker-1", "worker-2", "worker-3", "worker-9")
    assert shown.nodes.folded == 36
    assert shown.nodes.rows[-1][0] == "service-not-programmed"
    assert shown.nodes.quiet == ("ip-forward-off",)
    assert shown.reach and [name for name, _, _ in shown.reach.rows][-1] == "service default/kubernetes"
    folded = page(many(4000), Budget())
    assert len(folded.cards) == 400 and sum(len(one.titles) + one.left for one in folded.alike) == 3600


def test_symptoms_have_no_card_of_their_own() -> None:
    shown = page(rich_report(), Budget())
    assert [card.id for card in shown.cards] == ["3b1c0f2e", "9c0d1e22", "deadbeef", "0badcafe"]
    assert [one.id for one in shown.cards[0].symptoms] == ["77aa0001"]


def test_page_stays_small_and_says_what_it_dropped() -> None:
    content = html.render(many(800, 5))
    assert len(content) <= 5 << 20
    assert b"To keep this page small" in content
    assert b"To keep this page small" not in html.render(rich_report())


def test_commands_are_told_from_names() -> None:
    steps = page(rich_report(), Budget()).cards[0].steps
    assert [(part.kind, part.text) for part in steps[0]][:1] == [("text", "See how full the table is:")]
    assert steps[0][1].kind == "command" and steps[2][1] == type(steps[2][1])("code", "conntrack.maxPerCore")


def test_what_stands_in_parentheses_or_is_no_command_stays_in_the_sentence() -> None:
    cause = msgspec.structs.replace(
        CONNTRACK, fix=("Name the upstream, `forward . 192.0.2.1` (`kubectl get cm`), `kubectl edit cm coredns`",)
    )
    shown = page(msgspec.structs.replace(rich_report(), findings=(cause,)), Budget())
    kinds = [(part.kind, part.text) for part in shown.cards[0].steps[0] if part.kind != "text"]
    assert kinds == [
        ("code", "forward . 192.0.2.1"), ("code", "kubectl get cm"), ("command", "kubectl edit cm coredns"),
    ]  # fmt: skip


def test_words_of_outcomes_are_the_same_everywhere() -> None:
    document = render_as("html", rich_report()).decode()
    for word in ("found", "clear", "not collected", "not applicable", "broken"):
        assert f"</span> {word}</td>" in document
