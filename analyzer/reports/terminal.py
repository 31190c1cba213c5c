"""The report for a terminal: causes first, a few lines each, then what is missing, then the totals."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.report import Evidence, Finding, Report
from analyzer.reports.lines import place, titles, wanted
from analyzer.reports.visible import pieces, prose, visible

EXTENSIONS = (".txt",)
CAUSES, ALIKE, SYMPTOMS, MISSING = 40, 5, 3, 8
SEVERITY_COLOR = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "info": "\x1b[1;36m"}
DIM, RESET = "\x1b[2m", "\x1b[0m"


def render(
    report: Report, *, fail_on: str = "error", color: bool = False, quiet: bool = False, full: str = ""
) -> bytes:
    """UTF-8 text. `quiet` leaves only the two lines of totals; `full` is the file of a fuller report to point to.

    Lines are never wrapped, and colour stands only on the severity and on places: the output goes into chats and pipes.
    """
    lines: list[str] = []
    if not quiet:
        lines += _causes(report, color)
        lines += _missing(report, color)
        lines += [f"broken: {visible(one.where)}: {prose(one.text)}" for one in report.failures]
        lines += [f"note: {prose(note)}" for note in report.bundle.notes]
        if lines and lines[-1]:
            lines.append("")
    lines += _totals(report, full)
    return "".join(f"{line}\n" for line in lines).encode()


def _causes(report: Report, color: bool) -> Iterator[str]:
    known = titles(report.findings)
    causes = [finding for finding in report.findings if not finding.explained_by]
    shown: dict[str, int] = {}
    left: dict[str, int] = {}
    for finding in causes:
        shown[finding.rule] = shown.get(finding.rule, 0) + 1
        if shown[finding.rule] > ALIKE or sum(min(number, ALIKE) for number in shown.values()) > CAUSES:
            left[finding.rule] = left.get(finding.rule, 0) + 1
            continue
        yield from _cause(finding, known, color)
        yield ""
    for rule, number in left.items():
        yield f"and {number} more of {rule}; all of them are in the JSON and HTML reports"
    if left:
        yield ""


def _cause(finding: Finding, known: dict[str, Finding], color: bool) -> Iterator[str]:
    word = f"{SEVERITY_COLOR[finding.severity]}{finding.severity}{RESET}" if color else finding.severity
    yield f"{word}[{finding.rule}] {prose(finding.title)}"
    if finding.evidence:
        yield from _excerpt(finding.evidence[0], color)
    if finding.absent and finding.absent[0].searched:
        gone = finding.absent[0]
        where = f" where {prose(' and '.join(gone.where), 200)}" if gone.where else ""
        yield _dim(f"  --> {visible(gone.searched[0])}: no {visible(gone.fact)}{where}", color)
    yield f"  why    {prose(finding.why)}"
    if finding.fix:
        yield f"  do     {_step(finding.fix[0])}"
        rest = [step for step in finding.fix[1:] if "`" in step]
        if rest:
            yield f"         {_step(rest[0])}"
    explained = [known[id] for id in finding.explains if id in known]
    for other in explained[:SYMPTOMS]:
        yield f"  so     {prose(other.title)}   [{other.rule}]"
    if len(explained) > SYMPTOMS:
        yield f"         and {len(explained) - SYMPTOMS} more"


def _excerpt(evidence: Evidence, color: bool) -> Iterator[str]:
    yield _dim(f"  --> {place(evidence)}", color)
    if evidence.line > 0 and evidence.text.strip():
        yield f" {evidence.line:>4} | {visible(evidence.text)}"


def _step(step: str) -> str:
    return "".join(f"`{text}`" if code else text for text, code in pieces(step))


def _missing(report: Report, color: bool) -> Iterator[str]:
    # One command on ten nodes is one line.
    together: dict[str, tuple[list[str], dict[str, None], dict[str, None]]] = {}
    for one in wanted(report.missing):
        scopes, facts, rules = together.setdefault(one.command, ([], {}, {}))
        if one.place:
            scopes.append(visible(one.scope))
        facts |= dict.fromkeys(one.facts)
        rules |= dict.fromkeys(one.rules)
    for command, (scopes, facts, rules) in list(together.items())[:MISSING]:
        where = f" on {_listed(scopes, 4)}" if scopes else ""
        yield f"not collected: {_listed(list(facts), 4)}{where}"
        yield f"  do     {visible(command, 0)}   " + _dim(f"(needed by {_listed(list(rules), 3)})", color)
    if len(together) > MISSING:
        yield f"not collected: {len(together) - MISSING} more; the HTML report ends in a script that collects all of it"
    if together:
        yield ""


def _totals(report: Report, full: str) -> Iterator[str]:
    bundle = report.bundle
    yield f"{report.verdict.text}."
    gaps = f"{len(report.gaps):,} gap{'' if len(report.gaps) == 1 else 's'}"
    pointer = f" Full report: {visible(full)}" if full else ""
    yield f"{bundle.recognised:,} of {bundle.files:,} files recognised, {gaps}.{pointer}"


def _listed(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(visible(name) for name in names[:most]) + more


def _dim(text: str, color: bool) -> str:
    return f"{DIM}{text}{RESET}" if color else text
