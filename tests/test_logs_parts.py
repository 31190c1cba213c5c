"""A log read in parts says what it says read whole, wherever it is cut; hits and numbers are those of grep -n."""

from __future__ import annotations

import io
import random
import subprocess
from pathlib import Path

import pytest

from analyzer.facts.source import Place
from analyzer.logs import Patterns, facts_of_scan, parts, read_log, scan_log
from analyzer.logs.scan import CHUNK, Scan

LITERALS = ("i/o timeout", "connection refused", "table full, dropping packet", "no route to host")
WORDS = (
    "ok",
    "sync",
    "i/o",
    "timeout",
    "connection",
    "refused",
    "é",
    "x" * 90,
    "table full,",
    "dropping packet",
    "[5]",
)


def _log(choose: random.Random, lines: int, ending: bool = True) -> bytes:
    made = []
    for number in range(lines):
        words = choose.choices(WORDS, k=choose.randrange(0, 7))
        if choose.random() < 0.2:
            words.insert(choose.randrange(len(words) + 1), choose.choice(LITERALS))
        made.append(f"I1123 12:00:{number % 60:02}.000000    1 a.go:1] {' '.join(words)}" if words else "")
    return ("\n".join(made) + ("\n" if ending else "")).encode()


@pytest.mark.parametrize("seed", range(12))
def test_hits_and_line_numbers_are_those_of_grep(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)
    path = tmp_path / "a.log"
    path.write_bytes(_log(choose, 400, ending=seed % 2 == 0))
    said = subprocess.run(
        ["grep", "-n", "-i", "-F", *(f"-e{one}" for one in LITERALS), str(path)], capture_output=True, check=True
    )
    wanted = [(int(number), text) for number, _, text in (line.partition(b":") for line in said.stdout.splitlines())]
    assert len(wanted) > 20
    for chunk in (64, 4096, CHUNK):
        with path.open("rb") as file:
            assert [(hit.line, hit.text) for hit in Scan(file, Patterns(LITERALS), chunk=chunk)] == wanted


def test_a_scan_in_two_parts_at_every_border() -> None:
    """Every number of parts, over blocks so small that borders fall at, before and behind every line."""
    patterns = Patterns(LITERALS)
    for seed in range(30):
        data = _log(random.Random(seed), 14, ending=seed % 3 > 0)
        for chunk in (7, 32, 64, 200):
            whole = [(hit.line, hit.text, hit.patterns) for hit in Scan(io.BytesIO(data), patterns, chunk=chunk)]
            for count in (2, 3, 5, len(data)):
                found, lines = [], 0
                cut = parts(io.BytesIO(data), len(data), count, chunk)
                assert [begin for begin, _ in cut[1:]] == [end for _, end in cut[:-1]]
                for part in cut:
                    scan = Scan(io.BytesIO(data), patterns, chunk=chunk, part=part)
                    found += [(hit.line + lines, hit.text, hit.patterns) for hit in scan]
                    lines += scan.lines
                assert found == whole, (seed, chunk, count)
                assert lines == data.count(b"\n") + (not data.endswith(b"\n"))


@pytest.mark.parametrize("seed", range(3))
def test_a_log_in_parts_gives_the_same_facts(seed: int) -> None:
    """More hits of a pattern than are kept, containers' sections, daemons' tags, a line longer than a block."""
    choose = random.Random(seed)
    pieces = [_log(choose, 12_000)]
    for number in range(40):
        pieces.append(f"==== START logs for container c of pod shop/p{number} ====\n".encode())
        pieces.append(_log(choose, 1000))
        pieces.append(f"Nov 23 12:00:01 host kubelet[{number}]: connection refused\n".encode())
        pieces.append(f"==== END logs for container c of pod shop/p{number} ====\n".encode())
    pieces.append(b"y" * 900_000 + b"i/o timeout" + b"z" * (3 * CHUNK) + b" connection refused\n")
    data = b"".join(pieces)
    patterns, place = Patterns(LITERALS), Place(node="n1")
    whole = read_log(io.BytesIO(data), "x.log", place, patterns, 1795435907.0)
    assert len(whole.facts) > 4000 and any("are kept" in entry.note for entry in whole.coverage)
    for count in (2, 3, 7):
        cut = parts(io.BytesIO(data), len(data), count)
        assert len(cut) > 1
        first, *rest = [scan_log(io.BytesIO(data), patterns, 1, part) for part in cut]
        for later in rest:
            first.extend(later)
        assert facts_of_scan(first, "x.log", place, patterns, 1795435907.0) == whole
