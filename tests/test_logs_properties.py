"""What holds of every log: nothing raises, chunks do not matter, both engines agree, templates find what was put in."""

from __future__ import annotations

import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.facts.source import Place
from analyzer.logs import Patterns, captures, read_log
from analyzer.logs.lines import read_line
from analyzer.logs.scan import Scan

TEMPLATES = (
    "lookup {name} on {server:ip}: no such host",
    'level=error msg="{what:any}"',
    "timeout",
    "it's {n:int} of them",
)
HYPERSCAN, PURE = Patterns(TEMPLATES), Patterns(TEMPLATES, pure=True)

pieces = st.sampled_from(
    [
        b"lookup a on 10.0.0.1: no such host", b"TIMEOUT", b'level=error msg=\\"x y\\"',
        b"it\xe2\x80\x99s 9 of them", b"\n", b"\r\n",
        b"Nov 23 12:11:47 w1 kubelet[812]: ", b"[ 12.5] ",
        b"E1123 12:11:47.5 1 a.go:1] ", b"2026-11-23T12:11:47Z ",
        b"stderr F ",
        b'{"log":"', b'time="2026-11-23T12:11:47Z" ',
        b'{"MESSAGE":[1,', b"\x1b[31m", b"\x08", b"\x00", b"\xff", b" ",
        b"==== START logs for container a of pod b/c ====", b"[Mon Feb 30 12:11:47 2026] ", b"<13>1 - - - - - - ",
        b"9999-99-99T99:99:99Z ", b"0229",
    ]
)  # fmt: skip
logs = st.lists(st.one_of(pieces, st.binary(max_size=12)), max_size=30).map(b"".join)


@given(logs, st.sampled_from(["k3s.log", "syslog", "dmesg", "a_b_c.log", ""]))
@example(b"\xff\xfea\x00", "x")
@settings(deadline=None, max_examples=300)
def test_no_content_raises(data: bytes, path: str) -> None:
    parsed = read_log(io.BytesIO(data), path, Place(node="n"), HYPERSCAN, 1795435907.0)
    assert parsed.lines <= data.count(b"\n") + 1
    assert all(1 <= fact.origin.line <= parsed.lines + 1 for fact in parsed.facts)


@given(logs, st.integers(1, 64))
@settings(deadline=None, max_examples=300)
def test_chunks_and_engines_do_not_matter(data: bytes, chunk: int) -> None:
    whole = [(hit.line, hit.patterns) for hit in Scan(io.BytesIO(data), HYPERSCAN)]
    if (
        b"\x1b" not in data
        and b"\x08" not in data
        and not data.startswith((b"\xff\xfe", b"\xfe\xff"))
        and b"\0" not in data
    ):
        assert [(hit.line, hit.patterns) for hit in Scan(io.BytesIO(data), HYPERSCAN, chunk=chunk)] == whole
    assert [(hit.line, hit.patterns) for hit in Scan(io.BytesIO(data), PURE)] == whole


@given(logs)
@settings(deadline=None, max_examples=300)
def test_the_scan_misses_no_line_that_a_template_fits(data: bytes) -> None:
    """Of UTF-8 lines without control characters; what the scan finds beyond that is confirmed afterwards."""
    text = data.decode(errors="replace")
    if any(ord(char) < 32 and char != "\n" for char in text):
        return
    hits = {(hit.line, number) for hit in Scan(io.BytesIO(text.encode()), HYPERSCAN) for number in hit.patterns}
    for number, line in enumerate(text.split("\n"), start=1):
        for index, template in enumerate(TEMPLATES):
            assert captures(template, line) is None or (number, index) in hits


@given(st.text(max_size=80))
@settings(deadline=None)
def test_a_line_without_a_format_is_its_own_message(text: str) -> None:
    assert read_line(f"say {text}").message.startswith("say")


words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters="\"'\\{}"), min_size=1, max_size=20
)


@given(words, st.integers(0, 65535), st.ip_addresses())
@settings(deadline=None)
def test_what_was_put_in_is_captured(name: str, port: int, address: object) -> None:
    found = captures(
        "<<lookup>> {a} <<at>> {b:ip} <<port>> {c:int} <<end>>",
        f"x <<lookup>> {name} <<at>> {address} <<port>> {port} <<end>>",
    )
    assert found == {"a": name, "b": address, "c": port}
