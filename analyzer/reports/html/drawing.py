"""Drawings of the HTML report: packet paths and the timeline as SVG with its text inside, for pages without style."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from analyzer.report import Hop, Moment
from analyzer.reports.visible import visible

# Strokes and fills are attributes, not classes: where a server's policy strips the style sheet, the drawing stays.
BOX, GAP, HEIGHT, BOXES, LABEL, KIND = 142, 42, 74, 8, 19, 22
LANES, LANE, LEFT, WIDTH = 12, 24, 230, 880


def path_drawing(path: Sequence[Hop]) -> Markup:
    """The boxes of a packet path, left to right; the broken link is dashed and crossed. At most eight boxes."""
    hops = _shortened(path)
    width = len(hops) * BOX + (len(hops) - 1) * GAP + 2
    parts = [
        f'<svg viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(_spoken(hops))}" font-family="ui-monospace, monospace" fill="currentColor">'
    ]
    for number, hop in enumerate(hops):
        x = number * (BOX + GAP) + 1
        label = visible(hop.label)
        namespace, _, name = label.rpartition("/")
        kind = _fitting(visible(hop.kind) + (f" in {namespace}" if namespace else ""), KIND)
        parts.append(
            f'<g><title>{escape(label)}</title><rect x="{x}" y="14" width="{BOX}" height="46" rx="6" fill="none" '
            f'stroke="currentColor" stroke-width="1.25"/><text x="{x + BOX // 2}" y="33" text-anchor="middle" '
            f'font-size="10.5">{escape(kind)}</text><text x="{x + BOX // 2}" y="49" text-anchor="middle" '
            f'font-weight="600" font-size="11.5">{escape(_fitting(name, LABEL))}</text></g>'
        )
        if number + 1 < len(hops):
            parts.append(_link(x + BOX, hop.broken))
    return Markup("".join(parts) + "</svg>")


def _fitting(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _link(x: int, broken: bool) -> str:
    middle = x + GAP // 2
    if not broken:
        return (
            f'<path d="M{x + 4} 37H{x + GAP - 5}m-6 -4l6 4l-6 4" fill="none" stroke="currentColor" '
            f'stroke-width="1.25"/>'
        )
    return (
        f'<path d="M{x + 4} 37H{x + GAP - 4}" fill="none" stroke="currentColor" stroke-width="1.25" '
        f'stroke-dasharray="3 4"/><path d="M{middle - 7} 30l14 14m0 -14l-14 14" fill="none" stroke="currentColor" '
        f'stroke-width="2.5"/><text x="{middle}" y="11" text-anchor="middle" font-size="10.5" '
        f'font-weight="700">broken</text>'
    )


def _shortened(path: Sequence[Hop]) -> list[Hop]:
    """At most eight boxes, the broken link among them: what is left out stands in the middle as one box."""
    if len(path) <= BOXES:
        return list(path)
    broken = next((number for number, hop in enumerate(path) if hop.broken), 0)
    start = max(1, min(broken - 2, len(path) - BOXES + 1))
    return [path[0], *path[start : start + BOXES - 2], path[-1]]


def _spoken(hops: Sequence[Hop]) -> str:
    words = [f"{visible(hop.label)}{', broken after here' if hop.broken else ''}" for hop in hops]
    return "packet path: " + " to ".join(words)


def seconds(time: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time; None if it is none."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def timeline_drawing(moments: Sequence[Moment]) -> Markup | None:
    """Lanes per entity over one clock; None unless at least three findings have times that differ."""
    dated = [(time, moment) for moment in moments if (time := seconds(moment.time)) is not None]
    if len({moment.finding for _, moment in dated}) < 3:
        return None
    start, end = min(time for time, _ in dated), max(time for time, _ in dated)
    if end <= start:
        return None
    lanes: dict[str, list[float]] = {}
    for time, moment in dated:
        lanes.setdefault(moment.entity, []).append(time)
    shown = list(lanes.items())[:LANES]
    height = len(shown) * LANE + 34
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="when each node and pod shows evidence; the list below tells the same" '
        f'font-family="ui-monospace, monospace" font-size="11.5" fill="currentColor">'
    ]
    for number, (entity, times) in enumerate(shown):
        y = number * LANE + 16
        label = visible(entity)
        short = label if len(label) <= 30 else f"{label[:29]}…"
        first, last = (LEFT + (t - start) / (end - start) * (WIDTH - LEFT - 12) for t in (min(times), max(times)))
        parts.append(
            f'<text x="0" y="{y + 4}">{escape(short)}</text><path d="M{LEFT} {y}H{WIDTH - 6}" stroke="currentColor" '
            f'stroke-width="0.5" stroke-opacity="0.35"/><path d="M{first:.1f} {y}H{last:.1f}" stroke="currentColor" '
            f'stroke-width="3"/>'
            + "".join(f'<circle cx="{x:.1f}" cy="{y}" r="4.5"/>' for x in dict.fromkeys((first, last)))
        )
    y = len(shown) * LANE + 22
    for x, anchor, time in ((LEFT, "start", start), (WIDTH - 6, "end", end)):
        text = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
        parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>')
    return Markup("".join(parts) + "</svg>")
