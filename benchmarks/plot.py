"""Cost against size as an SVG: straight lines, or something is quadratic. `python -m benchmarks.plot OUT.svg`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks import generate, work
from benchmarks.measure import cost
from benchmarks.network import network
from benchmarks.scale import HAIRPIN, PYTHON

WIDTH, HEIGHT, MARGIN = 300, 220, 46
Points = list[tuple[float, float]]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: sizes and what they cost, both from zero, in their units."""

    title: str
    across: str
    up: str
    points: Points


def logs(folder: Path, sizes: Sequence[int] = (100, 500, 1000, 2000)) -> list[Curve]:
    """CPU and peak memory of scanning a log of so many MB."""
    literals = work.literals()
    costs, peaks = [], []
    for size in sizes:
        path = folder / "k3s.log"
        generate.log(path, size, literals)
        one = cost((PYTHON, "-m", "benchmarks.work", "logs", str(path)), 1)
        costs.append((float(size), one.cpu))
        peaks.append((float(size), one.rss))
        path.unlink()
    return [
        Curve(title="Scanning a log", across="MB", up="s CPU", points=costs),
        Curve(title="Scanning a log", across="MB", up="MB of memory", points=peaks),
    ]


def services(folder: Path, sizes: Sequence[int] = (1000, 5000, 10000, 20000)) -> list[Curve]:
    """CPU of reading the rules of so many Services, and of a whole report on a node that has them."""
    reading, reports = [], []
    for size in sizes:
        path = folder / "iptables-save.txt"
        path.write_text(generate.iptables(size))
        command = (PYTHON, "-m", "benchmarks.work", "artifact", "iptables-save", str(path))
        reading.append((float(size), cost(command, 1).cpu))
        place = folder / f"services-{size}"
        network(place, 1, size)
        reports.append((float(size), _report(place)))
    return [
        Curve(title="Reading iptables-save", across="Services", up="s CPU", points=reading),
        Curve(title="A whole report", across="Services", up="s CPU", points=reports),
    ]


def _report(place: Path) -> float:
    """CPU of a whole report by one process."""
    out = str(place.parent / "report.html")
    one = cost((*HAIRPIN, "report", str(place), "-o", out, "--jobs", "1", "--fail-on", "never"), 1)
    if one.status:
        raise RuntimeError(f"the report on {place.name} ended with {one.status}")
    return one.cpu


def nodes(folder: Path, sizes: Sequence[int] = (1, 25, 50, 100)) -> list[Curve]:
    """CPU of a whole report on a cluster of so many nodes, each with the rules of 50 Services."""
    points = []
    for size in sizes:
        place = folder / f"nodes-{size}"
        network(place, size, 50)
        points.append((float(size), _report(place)))
    return [Curve(title="A whole report", across="nodes", up="s CPU", points=points)]


MEASURED: tuple[Callable[[Path], list[Curve]], ...] = (logs, services, nodes)


def svg(curves: Sequence[Curve]) -> str:
    """The curves side by side."""
    parts = [_panel(curve, number * WIDTH) for number, curve in enumerate(curves)]
    width = WIDTH * len(curves)
    style = "font-family:sans-serif;font-size:11px;fill:#333"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}">\n'
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>\n<g style="{style}">\n'
        + "".join(parts)
        + "</g>\n</svg>\n"
    )


def _panel(curve: Curve, left: float) -> str:
    most = max(x for x, _ in curve.points)
    top = max(y for _, y in curve.points) * 1.1
    inner, tall = WIDTH - MARGIN - 16, HEIGHT - 2 * MARGIN + 10

    def at(x: float, y: float) -> tuple[float, float]:
        return left + MARGIN + inner * x / most, HEIGHT - MARGIN + 10 - tall * y / top

    zero, end, high = at(0, 0), at(most, 0), at(0, top)
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(x, y) for x, y in curve.points))
    dots = "".join(
        f'<circle cx="{at(x, y)[0]:.1f}" cy="{at(x, y)[1]:.1f}" r="3" fill="#0a58ca"/>' for x, y in curve.points
    )
    marks = "".join(
        f'<text x="{at(x, 0)[0]:.1f}" y="{zero[1] + 14:.1f}" text-anchor="middle">{x:,.0f}</text>'
        for x in _spread([x for x, _ in curve.points], most)
    )
    return (
        f'<text x="{zero[0]:.1f}" y="18" font-weight="bold">{curve.title}</text>\n'
        f'<polyline points="{high[0]:.1f},{high[1]:.1f} {zero[0]:.1f},{zero[1]:.1f} {end[0]:.1f},{end[1]:.1f}" '
        'fill="none" stroke="#999"/>\n'
        f'<polyline points="{path}" fill="none" stroke="#0a58ca" stroke-width="1.5"/>{dots}\n{marks}\n'
        f'<text x="{zero[0] - 6:.1f}" y="{high[1] + 10:.1f}" text-anchor="end">{top / 1.1:,.1f}</text>\n'
        f'<text x="{zero[0] - 6:.1f}" y="{zero[1]:.1f}" text-anchor="end">0</text>\n'
        f'<text x="{zero[0]:.1f}" y="{high[1] - 4:.1f}">{curve.up}</text>\n'
        f'<text x="{end[0]:.1f}" y="{zero[1] + 28:.1f}" text-anchor="end">{curve.across}</text>\n'
    )


def _spread(values: list[float], most: float) -> list[float]:
    """The values that have room beside each other on an axis."""
    kept: list[float] = []
    for value in reversed(values):
        if not kept or kept[-1] - value > most / 6:
            kept.append(value)
    return kept


def main(arguments: Sequence[str]) -> None:
    """Measure and write the plot, and the numbers beside it as JSON."""
    out = Path(arguments[0])
    curves: list[Curve] = []
    for measure in MEASURED:
        with tempfile.TemporaryDirectory() as folder:
            curves += measure(Path(folder))
    out.write_text(svg(curves))
    out.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(curves), indent=1) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
