"""What the HTML page shows of a report, within its limits: counted, folded, and made visible."""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from analyzer.report import Check, Evidence, FileInfo, Finding, GapInfo, Report
from analyzer.reports.collection import script
from analyzer.reports.html.drawing import path_drawing, timeline_drawing
from analyzer.reports.html.matrix import RANK, Matrix, node_matrix, reach_matrix
from analyzer.reports.lines import Wanted, place, titles, wanted
from analyzer.reports.visible import pieces, prose, visible

# What the fixes of rules run; a setting or a line of a file may hold spaces as well.
_NAMES = """
    awk aws az bridge calicoctl cat chronyc cilium conntrack cp crictl curl dig dnf docker echo ethtool firewall-cmd
    for gcloud getenforce grep helm ip ip6tables ipset iptables iptables-save ipvsadm istioctl journalctl k3s kubeadm
    kubectl ls microk8s modprobe mount nft nmcli nslookup oc openssl ping restorecon sed semanage semodule setenforce
    ss sudo sysctl systemctl tc tcpdump tee timedatectl tracepath ufw update-alternatives wg yum zypper
"""
PROGRAMS = frozenset(_NAMES.split())
SYMPTOMS, ENTITIES, ALIKE_SHOWN = 50, 12, 200


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each part is shown; `excerpts` are dropped first when the page grows too large."""

    findings_per_rule: int = 20
    causes: int = 400
    excerpts: int = 5
    context: bool = True
    listed: int = 1000


class Line(msgspec.Struct, frozen=True):
    """One line of an excerpt."""

    number: int
    text: str
    hit: bool


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A few lines of a file around a hit."""

    place: str
    fact: str
    lines: tuple[Line, ...]


class Part(msgspec.Struct, frozen=True):
    """A piece of a step: `kind` is text, code (a name inside the sentence) or command (on a line of its own)."""

    kind: str
    text: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A cause as the page shows it."""

    id: str
    rule: str
    severity: str
    confidence: str
    title: str
    why: tuple[Part, ...]
    steps: tuple[tuple[Part, ...], ...]
    docs: tuple[str, ...]
    entities: tuple[str, ...]
    entities_left: int
    symptoms: tuple[Symptom, ...]
    symptoms_left: int
    drawing: Markup | None
    caption: str
    evidence: tuple[Excerpt, ...]
    evidence_left: int
    absent: tuple[tuple[str, str, tuple[str, ...]], ...]
    first: str
    last: str


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that a cause explains, with where it shows."""

    id: str
    rule: str
    severity: str
    title: str
    place: str
    text: str


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Further findings of a rule, only named."""

    rule: str
    titles: tuple[str, ...]
    left: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template asks for."""

    report: Report
    cards: tuple[Card, ...]
    alike: tuple[Alike, ...]
    nodes: Matrix | None
    reach: Matrix | None
    moments: tuple[tuple[str, str, str, str], ...]
    moments_left: int
    lanes: Markup | None
    wanted: tuple[Wanted, ...]
    script: str
    checks: tuple[Check, ...]
    files: tuple[FileInfo, ...]
    files_left: int
    gaps: tuple[GapInfo, ...]
    gaps_left: int
    dropped: str


def page(report: Report, budget: Budget, dropped: str = "") -> Page:
    """The page of a report within a budget; `dropped` says in the header what had to be left out."""
    causes = [finding for finding in report.findings if not finding.explained_by]
    known = titles(report.findings)
    cards: list[Card] = []
    left: dict[str, list[str]] = {}
    shown: dict[str, int] = {}
    for finding in causes:
        number = shown[finding.rule] = shown.get(finding.rule, 0) + 1
        if number > budget.findings_per_rule or len(cards) >= budget.causes:
            left.setdefault(finding.rule, []).append(prose(finding.title))
        else:
            cards.append(card(finding, known, budget))
    moments = report.timeline[: budget.listed]
    files = sorted(report.files, key=_file_order)
    return Page(
        report=report,
        cards=tuple(cards),
        alike=tuple(
            Alike(rule=rule, titles=tuple(texts[:ALIKE_SHOWN]), left=max(0, len(texts) - ALIKE_SHOWN))
            for rule, texts in left.items()
        ),
        nodes=node_matrix(report.checks),
        reach=reach_matrix(report.paths),
        moments=tuple((m.time, visible(m.entity, 80), prose(m.text, 300), m.finding) for m in moments),
        moments_left=len(report.timeline) - len(moments),
        lanes=timeline_drawing(report.timeline),
        wanted=tuple(wanted(report.missing)),
        script=script(report),
        checks=tuple(sorted(report.checks, key=lambda check: (RANK.index(check.outcome), check.area, check.rule))),
        files=tuple(files[: budget.listed]),
        files_left=max(0, len(files) - budget.listed),
        gaps=report.gaps[: budget.listed],
        gaps_left=max(0, len(report.gaps) - budget.listed),
        dropped=dropped,
    )


def card(finding: Finding, known: dict[str, Finding], budget: Budget) -> Card:
    """A cause as the page shows it."""
    explained = [known[id] for id in finding.explains if id in known]
    return Card(
        id=finding.id,
        rule=finding.rule,
        severity=finding.severity,
        confidence=finding.confidence,
        title=prose(finding.title, 400),
        why=_words(finding.why),
        steps=tuple(_step(text) for text in finding.fix),
        docs=tuple(link for link in finding.docs if link.startswith("https://")),
        entities=tuple(visible(entity, 80) for entity in finding.entities[:ENTITIES]),
        entities_left=max(0, len(finding.entities) - ENTITIES),
        symptoms=tuple(_symptom(other) for other in explained[:SYMPTOMS]),
        symptoms_left=max(0, len(explained) - SYMPTOMS),
        drawing=path_drawing(finding.path)
        if len(finding.path) > 1 and any(hop.broken for hop in finding.path)
        else None,
        caption=prose(finding.caption, 400),
        evidence=tuple(_excerpt(one, budget.context) for one in finding.evidence[: budget.excerpts]),
        evidence_left=max(0, len(finding.evidence) - budget.excerpts),
        absent=tuple(
            (visible(gone.fact), prose(" and ".join(gone.where)), tuple(visible(path) for path in gone.searched[:20]))
            for gone in finding.absent
        ),
        first=finding.first,
        last=finding.last,
    )


def _step(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    depth = 0
    for piece, code in pieces(text):
        # What stands in parentheses is said by the way: it stays in the sentence.
        parts.append(Part(("code" if depth > 0 else _look(piece)) if code else "text", piece))
        depth += 0 if code else piece.count("(") - piece.count(")")
    if len(parts) > 1 and parts[-1].kind == "text" and parts[-1].text.strip(" .,;") == "":
        parts.pop()
    for number, part in enumerate(parts[1:]):
        before = parts[number]
        if part.kind == "command" and before.kind == "text":
            colon = ":" if number + 2 == len(parts) else ""
            parts[number] = Part("text", before.text.rstrip(" ,:") + colon)
        elif before.kind == "command" and part.kind == "text":
            parts[number + 1] = Part("text", part.text.lstrip(" ,;"))
    return tuple(part for part in parts if part.text)


def _look(code: str) -> str:
    """A command that can be copied gets a line of its own; a name, a setting or an option stays in the sentence."""
    words = code.split()
    return "command" if len(words) > 1 and words[0].rsplit("/", 1)[-1] in PROGRAMS else "code"


def _words(text: str) -> tuple[Part, ...]:
    return tuple(Part("code" if code else "text", part) for part, code in pieces(text))


def _symptom(finding: Finding) -> Symptom:
    first = finding.evidence[0] if finding.evidence else None
    return Symptom(
        id=finding.id,
        rule=finding.rule,
        severity=finding.severity,
        title=prose(finding.title, 400),
        place=place(first) if first else "",
        text=visible(first.text.strip(), 200) if first else "",
    )


def _excerpt(evidence: Evidence, context: bool) -> Excerpt:
    before = evidence.before if context else ()
    after = evidence.after if context else ()
    start = evidence.line - len(before)
    lines = [
        Line(start + number, visible(text), start + number == evidence.line)
        for number, text in enumerate((*before, evidence.text, *after))
    ]
    return Excerpt(place=place(evidence), fact=evidence.fact, lines=tuple(lines))


def _file_order(file: FileInfo) -> tuple[bool, str]:
    return bool(file.kind) and file.kind != "failed" and not file.gaps, file.path
