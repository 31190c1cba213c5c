"""The report as JUnit XML: a suite per rule area, a case per check that passed and per finding."""

from __future__ import annotations

from xml.etree import ElementTree

from analyzer.report import Check, Finding, Report
from analyzer.reports.lines import run_hint, told
from analyzer.reports.threshold import fails
from analyzer.reports.visible import prose, visible, visible_text

EXTENSIONS = (".xml",)
COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def render(report: Report, *, fail_on: str = "error") -> bytes:
    """JUnit XML in UTF-8; findings at or above `fail_on` are failures, the others pass."""
    root = ElementTree.Element("testsuites", name=visible(report.bundle.name))
    areas = sorted({check.area for check in report.checks} | {finding.area for finding in report.findings})
    for area in areas:
        suite = ElementTree.SubElement(root, "testsuite", name=visible(area))
        for check in report.checks:
            if check.area == area and check.outcome != "found":
                _check_case(suite, check, report)
        for finding in report.findings:
            if finding.area == area:
                _finding_case(suite, finding, fail_on)
    # A rule that broke has its own case above; files that we could not read have none.
    others = [failure for failure in report.failures if not failure.where.startswith("rule ")]
    if others:
        suite = ElementTree.SubElement(root, "testsuite", name="files")
        for failure in others:
            case = _case(suite, "files", failure.where)
            ElementTree.SubElement(case, "error", type="broken", message=prose(failure.text))
    for suite in root:
        _count(suite, suite.findall("testcase"))
    _count(root, root.findall("*/testcase"))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _case(suite: ElementTree.Element, area: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=visible(area), name=visible(name), time="0")


def _check_case(suite: ElementTree.Element, check: Check, report: Report) -> None:
    case = _case(suite, check.area, check.rule)
    if check.outcome == "broken":
        text = next((one.text for one in report.failures if one.where == f"rule {check.rule}"), "broken")
        ElementTree.SubElement(case, "error", type="broken", message=prose(text))
    elif check.outcome != "clear":
        hint = run_hint(report, check.rule) if check.outcome == "not collected" else ""
        ElementTree.SubElement(case, "skipped", message=f"{check.outcome}: {hint}" if hint else check.outcome)


def _finding_case(suite: ElementTree.Element, finding: Finding, fail_on: str) -> None:
    # Two findings of one rule must not share a name, else CI servers fold them into one.
    subject = finding.entities[0] if finding.entities else finding.id
    case = _case(suite, finding.area, f"{finding.rule} [{subject}] {finding.id}")
    text = visible_text(told(finding))
    if fails(finding, fail_on):
        failure = ElementTree.SubElement(case, "failure", type=finding.severity, message=prose(finding.title))
        failure.text = text
    else:
        ElementTree.SubElement(case, "system-out").text = f"{finding.severity}: {prose(finding.title)}\n{text}"


def _count(element: ElementTree.Element, cases: list[ElementTree.Element]) -> None:
    element.set("tests", str(len(cases)))
    for tag, name in COUNTED.items():
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
