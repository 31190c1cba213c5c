"""The report as SARIF 2.1.0, within the limits that code scanning services display."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from analyzer.report import Check, Evidence, Finding, Report
from analyzer.reports.lines import titles, told, wanted
from analyzer.reports.visible import prose, visible

EXTENSIONS = (".sarif", ".sarif.json")
# GitHub shows 5,000 results, and 100 locations of each.
RESULTS, LOCATIONS, NOTIFICATIONS = 5_000, 100, 1_000
PRECISION = {"certain": "very-high", "likely": "high", "possible": "medium"}
LEVEL = {"error": "error", "warning": "warning", "info": "note"}
PROBLEM = {"error": "error", "warning": "warning", "info": "recommendation"}
KIND = {"clear": "pass", "not applicable": "notApplicable", "not collected": "open", "broken": "open"}
BASE = "BUNDLE"


def render(report: Report, *, fail_on: str = "error", every_check: bool = False) -> bytes:
    """SARIF in UTF-8. `every_check` adds a result for each check without finding; most viewers count these."""
    order = [check.rule for check in report.checks]
    order += sorted({finding.rule for finding in report.findings} - set(order))
    index = {rule: number for number, rule in enumerate(order)}
    known = titles(report.findings)
    results = [_result(finding, index, known) for finding in report.findings[:RESULTS]]
    if every_check:
        results += [_check_result(check, index) for check in report.checks if check.outcome in KIND]
    run = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": [_rule(rule, report) for rule in order],
            }
        },
        "originalUriBaseIds": {BASE: {"description": {"text": f"the root of {visible(report.bundle.name)}"}}},
        "invocations": [_invocation(report)],
        "results": results,
        "properties": {"verdict": report.verdict.text, "bundle": {"sha256": report.bundle.sha256}},
    }
    document = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return (json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def _rule(id: str, report: Report) -> dict[str, Any]:
    check = next((check for check in report.checks if check.rule == id), None)
    finding = next((finding for finding in report.findings if finding.rule == id), None)
    severity = check.severity if check else finding.severity if finding else "info"
    title = prose(check.title if check else finding.title if finding else id)
    rule: dict[str, Any] = {
        "id": id,
        "name": "".join(word.capitalize() for word in id.split("-")),
        "shortDescription": {"text": title},
        "defaultConfiguration": {"level": LEVEL[severity]},
        "properties": {
            "tags": [check.area if check else finding.area if finding else "other"],
            "problem.severity": PROBLEM[severity],
        },
    }
    if finding:
        steps = [f"{number}. {prose(step)}" for number, step in enumerate(finding.fix, 1)]
        links = [f"- <{link}>" for link in finding.docs]
        text = "\n".join([prose(finding.why), "", *steps, "", *links]).strip()
        rule["help"] = {"text": text, "markdown": text}
        rule["properties"]["precision"] = PRECISION[finding.confidence]
        if finding.docs:
            rule["helpUri"] = finding.docs[0]
    return rule


def _result(finding: Finding, index: dict[str, int], known: dict[str, Finding]) -> dict[str, Any]:
    entities = [
        {"fullyQualifiedName": visible(entity), "kind": visible(entity.split("/", 1)[0])} for entity in finding.entities
    ]
    first: dict[str, Any] = {"logicalLocations": entities} if entities else {}
    if finding.evidence:
        first |= _location(finding.evidence[0])
    elif finding.absent and finding.absent[0].searched:
        first["physicalLocation"] = {"artifactLocation": _artifact(finding.absent[0].searched[0])}
    related = [_location(one) | {"message": {"text": visible(one.text)}} for one in finding.evidence[1:LOCATIONS]]
    for id in finding.explains:
        if id in known and known[id].evidence and len(related) < LOCATIONS:
            text = f"explains: {prose(known[id].title)}"
            related.append(_location(known[id].evidence[0]) | {"message": {"text": text}})
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "kind": "fail",
        "level": LEVEL[finding.severity],
        "message": {"text": f"{prose(finding.title)}\n{told(finding)}"},
        "locations": [first] if first else [],
        "partialFingerprints": {"entity/v1": finding.id},
        "properties": {
            "confidence": finding.confidence,
            "explains": list(finding.explains),
            "explainedBy": list(finding.explained_by),
        },
    }
    if related:
        result["relatedLocations"] = [{"id": number, **one} for number, one in enumerate(related, 1)]
    if finding.path:
        steps = [
            {"location": {"message": {"text": visible(hop.label) + (" (broken after here)" if hop.broken else "")}}}
            for hop in finding.path
        ]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return result


def _check_result(check: Check, index: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": check.rule,
        "ruleIndex": index[check.rule],
        "kind": KIND[check.outcome],
        "level": "none",
        "message": {"text": f"{check.outcome}: {prose(check.title)}"},
    }


def _location(evidence: Evidence) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(evidence.path)}
    if evidence.line > 0:
        around = (*evidence.before, evidence.text, *evidence.after)
        start = max(1, evidence.line - len(evidence.before))
        physical["region"] = {"startLine": evidence.line, "snippet": {"text": visible(evidence.text)}}
        physical["contextRegion"] = {
            "startLine": start,
            "endLine": start + len(around) - 1,
            "snippet": {"text": "\n".join(visible(line) for line in around)},
        }
    return {"physicalLocation": physical}


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path.encode("utf-8", "surrogateescape").lstrip(b"/")), "uriBaseId": BASE}


def _invocation(report: Report) -> dict[str, Any]:
    notes = [
        f"not collected: {', '.join(one.facts)}: run {visible(one.command, 0)}{one.place}"
        for one in wanted(report.missing)
    ]
    gaps = [
        f"{visible(gap.path)}:{gap.line}: expected {visible(gap.expected)}: {visible(gap.text)}" for gap in report.gaps
    ]
    return {
        "executionSuccessful": not report.failures,
        "toolConfigurationNotifications": [
            {"level": "note", "message": {"text": text}} for text in (*notes, *gaps)[:NOTIFICATIONS]
        ],
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": f"{visible(one.where)}: {prose(one.text)}"}}
            for one in report.failures
        ],
    }
