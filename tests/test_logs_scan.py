"""The scan: the same hits and line numbers as grep, wherever chunks are cut, with hyperscan and without."""

from __future__ import annotations

import io
import pickle
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.logs.scan import LONGEST_LINE, Patterns, Scan
from analyzer.logs.template import captures

TEMPLATES = (
    "table full, dropping packet",
    "lookup {name} on {server:ip}:53: no such host",
    'failed to "StartContainer"',
    "connection refused",
    "i/o timeout",
)
LINES = (
    b"nf_conntrack: nf_conntrack: table full, dropping packet",
    b"dial tcp: lookup a.b on 10.0.0.1:53: no such host",
    b'E1123 10:00:00.000000 1 x.go:1] "x" err="failed to \\"StartContainer\\" for \\"c\\""',
    b"dial tcp 10.0.0.1:443: connect: Connection Refused, again connection refused",
    b"read: i/o timeout; then connection refused",
    b"nothing to see",
    b"",
    b"connection",
    b"refused i/o",
)


def found(data: bytes, patterns: Patterns, chunk: int) -> list[tuple[int, tuple[int, ...]]]:
    return [(hit.line, hit.patterns) for hit in Scan(io.BytesIO(data), patterns, chunk=chunk)]


def expected(data: bytes) -> list[tuple[int, tuple[int, ...]]]:
    """Line by line, pattern by pattern."""
    result = []
    for number, raw in enumerate(data.split(b"\n"), start=1):
        text = raw.decode(errors="replace")
        which = tuple(one for one, source in enumerate(TEMPLATES) if captures(source, text) is not None)
        if which:
            result.append((number, which))
    return result


@pytest.mark.parametrize("pure", [False, True], ids=["hyperscan", "pure"])
def test_every_chunk_border(pure: bool) -> None:
    data = b"\n".join(LINES) + b"\n" + b"\n".join(reversed(LINES))
    patterns = Patterns(TEMPLATES, pure=pure)
    want = expected(data)
    assert len(want) == 10
    for chunk in range(1, len(data) + 2):
        assert found(data, patterns, chunk) == want, chunk


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["open end", "line end"])
def test_lines_are_counted(end: bytes) -> None:
    data = b"\n".join(LINES) + end
    scan = Scan(io.BytesIO(data), Patterns(TEMPLATES), chunk=16)
    list(scan)
    assert scan.lines == len(LINES)


@pytest.mark.parametrize("seed", range(4))
def test_same_as_grep(seed: int, tmp_path: Path) -> None:
    grep = shutil.which("grep")
    if grep is None:
        pytest.skip("needs grep")
    choose = random.Random(seed)
    literals = ("table full", "connection refused", "i/o timeout", "no such host")
    words = [
        *(word.encode() for text in literals for word in (text, text[:-1], text[1:])),
        b"pod",
        b"\xff\xfe",
        b"\t",
        b"\r",
    ]
    data = b"\n".join(b" ".join(choose.choices(words, k=choose.randrange(7))) for _ in range(3000))
    log = tmp_path / "x.log"
    log.write_bytes(data)
    command = [grep, "-n", "-a", "-i", "-F", *(part for text in literals for part in ("-e", text)), str(log)]
    output = subprocess.run(command, capture_output=True, check=False, env={"LC_ALL": "C"}).stdout
    # grep counts lines by line feed only, as we do
    want = [(int(number), text) for number, _, text in (line.partition(b":") for line in output[:-1].split(b"\n"))]
    for pure in (False, True):
        got = [(hit.line, hit.text) for hit in Scan(io.BytesIO(data), Patterns(literals, pure=pure), chunk=4096)]
        assert got == want


@pytest.mark.parametrize("chunk", [1 << 14, 1 << 16, 1 << 20])
def test_a_line_longer_than_a_chunk(chunk: int) -> None:
    filler = b"x" * (3 * LONGEST_LINE)
    data = b"\n".join(
        [b"a", b"2026-11-23T10:00:00Z " + filler + b"i/o timeout" + filler + b"connection refused", b"i/o timeout"]
    )
    scan = Scan(io.BytesIO(data), Patterns(("i/o timeout", "connection refused")), chunk=chunk)
    hits = list(scan)
    assert [(hit.line, hit.patterns) for hit in hits] == [(2, (0,)), (2, (1,)), (3, (0,))]
    assert all(len(hit.text) <= LONGEST_LINE + 256 for hit in hits)
    assert b"i/o timeout" in hits[0].text and b"connection refused" in hits[1].text
    assert scan.lines == 3


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("a\nread: i/o timeout\n".encode("utf-16"), id="UTF-16 with mark"),
        pytest.param("a\nread: i/o timeout\n".encode("utf-16-le"), id="UTF-16 without mark"),
        pytest.param(b"a\nread: \x1b[31mi/o\x1b[0m timeout\n", id="colours"),
        pytest.param(b"a\nread: i/oo\x08 timeout\n", id="backspace"),
        pytest.param(b"a\r\nread: i/o timeout\r\n", id="CRLF"),
        pytest.param(b"\xef\xbb\xbfa\nread: i/o timeout\n", id="UTF-8 with mark"),
    ],
)
def test_encodings(data: bytes) -> None:
    assert [hit.line for hit in Scan(io.BytesIO(data), Patterns(("i/o timeout",)))] == [2]


def test_no_patterns_and_no_text() -> None:
    assert list(Scan(io.BytesIO(b"a\nb\n"), Patterns(()))) == []
    scan = Scan(io.BytesIO(b""), Patterns(TEMPLATES))
    assert list(scan) == []
    assert scan.lines == 0


def test_patterns_travel_to_other_processes() -> None:
    patterns = Patterns(TEMPLATES)
    patterns.find(b"x")
    copy = pickle.loads(pickle.dumps(patterns))
    assert copy.templates == patterns.templates
    assert copy.find(b"an i/o timeout") == [(14, 4)]


def test_a_wrong_template_is_refused() -> None:
    with pytest.raises(ValueError, match="not closed"):
        Patterns(("server {a down",))
