"""Golden facts of log samples, for a few patterns as rules have them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.facts.source import Place
from analyzer.logs import Patterns, read_log
from tests.goldens import golden_of

SAMPLES = sorted((Path(__file__).parent.parent / "samples" / "artifacts" / "log").glob("*.txt"))
PATTERNS = Patterns(
    (
        "table full, dropping packet",
        "connection refused",
        "dial tcp {server}: i/o timeout",
        "read udp {client}->{upstream:ip}:53: i/o timeout",
        "no IP addresses available in range set: {range}",
        "back-off {delay} restarting failed container={container}",
        "Loop ({way:any}) detected for zone",
        "cp: can't create '{file}': Permission denied",
    )
)
COLLECTED = 1795435907.0


def test_there_are_samples() -> None:
    assert SAMPLES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_golden(sample: Path, request: pytest.FixtureRequest) -> None:
    parsed = read_log(io.BytesIO(sample.read_bytes()), sample.stem, Place(node="worker-1"), PATTERNS, COLLECTED)
    golden = sample.with_suffix(".json")
    if request.config.getoption("--accept", default=False) or not golden.exists():
        golden.write_text(golden_of(parsed))
    assert golden_of(parsed) == golden.read_text()
