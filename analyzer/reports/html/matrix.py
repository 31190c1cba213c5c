"""The two matrices of the HTML page: checks by node, and what each node reaches."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from analyzer.report import Check, PathCell
from analyzer.reports.html.drawing import path_drawing
from analyzer.reports.visible import prose, visible

SIGNS = {"found": "✕", "clear": "✓", "not collected": "?", "not applicable": "–", "broken": "!"}
RANK = ("found", "broken", "not collected", "not applicable", "clear")
COLUMNS, ROWS = 30, 60


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of a matrix: sign, word, CSS class, why, and the way that is broken."""

    sign: str
    word: str
    look: str
    why: str = ""
    drawing: Markup | None = None


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


def node_matrix(checks: Sequence[Check]) -> Matrix | None:
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


def reach_matrix(paths: Sequence[PathCell]) -> Matrix | None:
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
    return Cell(
        sign="✕",
        word=word,
        look="found",
        why=prose(path.reason, 300),
        drawing=path_drawing(path.path) if path.path else None,
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """worker-2 before worker-10."""
    words = re.split(r"([0-9]{1,9})", name)
    return [(int(word), "") if number % 2 else (0, word) for number, word in enumerate(words)]
