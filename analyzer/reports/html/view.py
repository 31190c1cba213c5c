"""What the HTML page shows of a report, within its limits: counted, folded, and made visible."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from analyzer.report import Check, Evidence, FileInfo, Finding, GapInfo, PathCell, Report
from analyzer.reports.collection import script
from analyzer.reports.html.drawing import path_drawing, timeline_drawing
from analyzer.reports.lines import Wanted, place, titles, wanted
from analyzer.reports.visible import pieces, prose, visible

SIGNS = {"found": "✕", "clear": "✓", "not collected": "?", "not applicable": "–", "broken": "!"}
RANK = ("found", "broken", "not collected", "not applicable", "clear")
COLUMNS, ROWS = 30, 60
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


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of a matrix: sign, word, CSS class, and why."""

    sign: str
    word: str
    look: str
    why: str = ""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by columns; `folded` counts columns left out because everything in them is clear, `cut` those beyond.

    `quiet` names rows left out because every cell of them is clear or not applicable.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    folded: int = 0
    cut: int = 0
    rows_cut: int = 0
    quiet: tuple[str, ...] = ()


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
        nodes=_node_matrix(report.checks),
        reach=_reach_matrix(report.paths),
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


def _node_matrix(checks: Sequence[Check]) -> Matrix | None:
    """Checks that decide per node, those with something to say first."""
    per_node = [check for check in checks if check.scopes]
    scopes = sorted({scope for check in per_node for scope in check.scopes}, key=_natural)
    if not scopes:
        return None
    columns, folded = scopes, 0
    if len(scopes) > COLUMNS:
        columns = [
            s for s in scopes if any(c.scopes.get(s, "clear") not in ("clear", "not applicable") for c in per_node)
        ]
        folded = len(scopes) - len(columns)
    quiet = [check.rule for check in per_node if set(check.scopes.values()) <= {"clear", "not applicable"}]
    rows = sorted(
        (check for check in per_node if check.rule not in quiet),
        key=lambda check: (min(RANK.index(word) for word in check.scopes.values()), check.rule),
    )
    return Matrix(
        quiet=tuple(sorted(quiet)),
        columns=tuple(columns[:COLUMNS]),
        rows=tuple(
            (check.rule, "", tuple(_cell(check.scopes.get(scope, "not applicable")) for scope in columns[:COLUMNS]))
            for check in rows[:ROWS]
        ),
        folded=folded,
        cut=max(0, len(columns) - COLUMNS),
        rows_cut=max(0, len(rows) - ROWS),
    )


def _cell(word: str) -> Cell:
    return Cell(sign=SIGNS[word], word=word, look=word.replace(" ", "-"))


def _reach_matrix(paths: Sequence[PathCell]) -> Matrix | None:
    """What each node reaches; rows in which something is lost first."""
    if not paths:
        return None
    cells = {(one.row, one.node): _reached(one) for one in paths}
    nodes = sorted({one.node for one in paths}, key=_natural)
    columns, folded = nodes, 0
    if len(nodes) > COLUMNS:
        columns = [n for n in nodes if any(cell.look != "clear" for (_, node), cell in cells.items() if node == n)]
        folded = len(nodes) - len(columns)
    empty = Cell(sign="–", word="not tried", look="not-applicable")
    looks: dict[str, set[str]] = {}
    for (row, _), cell in cells.items():
        looks.setdefault(row, set()).add(cell.look)
    rows = sorted(looks, key=lambda row: ("found" not in looks[row], "not-collected" not in looks[row], row))
    return Matrix(
        columns=tuple(columns[:COLUMNS]),
        rows=tuple(
            (visible(row, 120), "", tuple(cells.get((row, node), empty) for node in columns[:COLUMNS]))
            for row in rows[:ROWS]
        ),
        folded=folded,
        cut=max(0, len(columns) - COLUMNS),
        rows_cut=max(0, len(rows) - ROWS),
    )


def _reached(path: PathCell) -> Cell:
    verdict = visible(path.verdict, 40)
    if path.verdict in ("ok", "delivered"):
        return Cell(sign="✓", word="ok", look="clear", why=prose(path.reason, 300))
    if path.verdict == "unknown":
        return Cell(sign="?", word="unknown", look="not-collected", why=prose(path.reason, 300))
    # "one-of" is the word of `hairpin trace`: some of the endpoints that a connection may get are out of reach.
    word = "lost in part" if verdict.startswith("one-of") else verdict
    return Cell(sign="✕", word=word, look="found", why=prose(path.reason, 300))


def _natural(name: str) -> list[tuple[int, str]]:
    """worker-2 before worker-10."""
    words = re.split(r"([0-9]{1,9})", name)
    return [(int(word), "") if number % 2 else (0, word) for number, word in enumerate(words)]


def _file_order(file: FileInfo) -> tuple[bool, str]:
    return bool(file.kind) and file.kind != "failed" and not file.gaps, file.path
