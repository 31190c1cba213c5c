"""How much of real bundles is understood: lines of recognised artifacts with facts, or known and not needed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from analyzer.bundle import Limits, open_bundle
from analyzer.logs import Patterns
from analyzer.parse import parse
from analyzer.recognise import recognise

ROOT = Path(__file__).resolve().parents[1]
REAL = sorted((ROOT.parent / "shared" / "bundles").glob("*.tar.xz"))
LAB = sorted(path for path in (ROOT / "samples" / "bundles").iterdir() if path.is_dir())
SHARE = 0.995


def measure(path: Path) -> tuple[int, int, Counter[str]]:
    """Lines of recognised artifacts, how many of them are understood, and the gaps by kind of artifact."""
    lines = understood = 0
    gaps: Counter[str] = Counter()
    with open_bundle([path], Limits()) as bundle:
        for artifact in recognise(bundle).artifacts:
            parsed = parse(artifact, bundle, Patterns(()))
            lines += parsed.lines
            understood += parsed.understood
            gaps[artifact.kind] += parsed.lines - parsed.understood
    return lines, understood, +gaps


@pytest.mark.parametrize("path", [*REAL, *LAB], ids=lambda path: path.name)
def test_share_understood(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, understood, gaps = measure(path)
    with capsys.disabled():
        print(f"\n{path.name}: {understood:,} of {lines:,} lines understood ({understood / lines:.3%}) {dict(gaps)}")
    assert lines > 100
    assert understood >= SHARE * lines, gaps


def test_lost_lines_are_counted(tmp_path: Path) -> None:
    """The measure is one: what nobody can read lowers it."""
    (tmp_path / "ip-route.txt").write_text("default via 192.0.2.1 dev eth0\n" + "no route at all\n" * 3)
    assert measure(tmp_path) == (4, 1, Counter({"ip-route": 3}))
