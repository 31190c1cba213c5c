"""The table of token shapes gives what Lark gives, on every record of every sample and on records that were mutated;
and no kind of artifact ever raises, whatever stands in its file."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.facts.fact import Parsed
from analyzer.facts.source import Place
from analyzer.grammar import Grammar, grammars
from analyzer.kinds import Kind, kinds
from analyzer.lines import Lines
from analyzer.plans import Template
from analyzer.records import Reading
from analyzer.shapes import Misfit, Shapes
from analyzer.text import decode
from tests.artifact_samples import Sample, samples

SAMPLES = [sample for sample in samples() if sample.kind in grammars()]
by_name = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}/{sample.file.stem}")
every_kind = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
MUTATIONS = 100  # for each kind
ODD = ("", "0", "-j", "! -s", '"', "10.0.0.0/33", "::/0", "x" * 300, "dev", "\\", "<", "é")


class Plain(Shapes):
    """Shapes without the table and without patterns of lines: Lark is asked for every record."""

    def lines(self, words: str) -> Lines:
        return Lines("", self)

    def template(self, words: list[str]) -> Template | Misfit:  # type: ignore[override]
        return self.parse(words)


def plain(grammar: Grammar) -> Plain:
    return Plain(grammar.file, grammar.body, grammar.head.quoted, grammar.head.meaning)


def read(grammar: Grammar, shapes: Shapes, text: str, sample: Sample) -> Parsed:
    path = sample.path or "nodes/worker-1/x.txt"
    reading = Reading(grammar.head, grammar.facts, shapes, path, Place(node="worker-1"), sample.command)
    return reading.read(text, 1)


@by_name
def test_table_and_lark_agree_on_samples(sample: Sample) -> None:
    grammar, text = grammars()[sample.kind], decode(sample.file.read_bytes())
    shapes = grammar.shapes
    first = read(grammar, shapes, text, sample)
    assert first == read(grammar, plain(grammar), text, sample)
    assert first == read(grammar, shapes, text, sample), "a second reading takes everything from the table"


def _mutated(lines: list[str], source: random.Random) -> str:
    """Records with values changed, words dropped, doubled and moved, and lines joined, split and lost."""
    lines = list(lines)
    for _ in range(source.randint(1, 6)):
        place = source.randrange(len(lines))
        words = lines[place].split(" ")
        word = source.randrange(len(words))
        match source.randrange(9):
            case 0:
                del words[word]
            case 1:
                words.insert(word, words[word])
            case 2:
                words.insert(source.randrange(len(words)), words.pop(word))
            case 3:
                words[word] = source.choice(ODD)
            case 4:
                words[word] = words[word][: source.randrange(len(words[word]) + 1)]
            case 5:
                lines[place : place + 2] = [" ".join(lines[place : place + 2])]
                continue
            case 6:
                lines.insert(place, lines[source.randrange(len(lines))])
                continue
            case 7:
                words = source.choice(lines).split(" ")
            case _:
                words[word] = words[word].swapcase()
        lines[place] = " ".join(words)
    return "\n".join(lines)


@by_name
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 2**32))
def test_table_and_lark_agree_on_mutated_records(sample: Sample, seed: int) -> None:
    grammar = grammars()[sample.kind]
    lines = decode(sample.file.read_bytes()).split("\n")[:60]
    text = _mutated(lines, random.Random(seed))
    expected = read(grammar, _kept(grammar), text, sample)
    assert read(grammar, grammar.shapes, text, sample) == expected
    assert read(grammar, _patterned(grammar), text, sample) == expected


@pytest.mark.parametrize("name", [name for name, grammar in grammars().items() if grammar.head.record == "line"])
def test_line_patterns_and_lark_agree(name: str) -> None:
    """Patterns made from as few as two lines: of every sample in turn, and then of every sample mutated."""
    grammar = grammars()[name]
    own = [sample for sample in SAMPLES if sample.kind == name]
    for seed in range(60):
        sample = own[seed % len(own)]
        lines = decode(sample.file.read_bytes()).split("\n")[:60]
        text = "\n".join(lines * 2) if seed < len(own) else _mutated(lines * 2, random.Random(seed))
        assert read(grammar, _patterned(grammar), text, sample) == read(grammar, _kept(grammar), text, sample)


def test_common_lines_of_kube_proxy_have_patterns() -> None:
    """Also where quoting, spacing and fixed words differ between the lines of one shape."""
    grammar = grammars()["iptables-save"]
    shapes = Shapes(grammar.file, grammar.body, grammar.head.quoted, grammar.head.meaning)
    lines = shapes.lines(grammar.head.words)
    rules = [
        f"-A KUBE-SEP-{number} -s 10.42.0.{number % 250}/32 -m comment --comment {text}{' ' * (1 + number % 2)}-j X"
        for number, text in enumerate(['"shop/web:http"', "plain", r'"with \" inside"', '"two words"'] * 60)
    ]
    odd = ["-A A -s 10.0.0.1/32 -m comment --comment -j -j X", "-A A -s ! -m comment --comment x -j X"]
    text = "\n".join(["*nat", *rules, *odd, *rules, "COMMIT"])
    assert read(grammar, shapes, text, SAMPLES[0]) == read(grammar, _kept(grammar), text, SAMPLES[0])
    [[(matches, _)]] = lines.known.values()
    assert matches(rules[0]) and matches(rules[1]) and matches(rules[9]) and not matches(rules[2])
    assert not any(matches(line) for line in odd[1:])


_PLAIN: dict[str, Plain] = {}
_PATTERNED: dict[str, Shapes] = {}


def _patterned(grammar: Grammar) -> Shapes:
    """Shapes whose lines have a pattern from the second line of a shape on."""
    if grammar.name not in _PATTERNED:
        shapes = Shapes(grammar.file, grammar.body, grammar.head.quoted, grammar.head.meaning)
        shapes.lines(grammar.head.words).often = 2
        _PATTERNED[grammar.name] = shapes
    return _PATTERNED[grammar.name]


def _kept(grammar: Grammar) -> Plain:
    return _PLAIN.setdefault(grammar.name, plain(grammar))


def _broken(data: bytes, source: random.Random) -> bytes:
    """Bytes with bits flipped, lines lost, joined, doubled, cut off; or no text at all."""
    for _ in range(source.randint(1, 5)):
        lines = data.split(b"\n")
        at = source.randrange(len(lines))
        match source.randrange(8):
            case 0:
                flipped = bytearray(data)
                for _ in range(min(len(flipped), source.randint(1, 8))):
                    flipped[source.randrange(len(flipped))] ^= 1 << source.randrange(8)
                data = bytes(flipped)
            case 1:
                data = b"\n".join(lines[:at] + lines[at + source.randint(1, 3) :])
            case 2:
                data = data[: source.randrange(len(data) + 1)]
            case 3:
                data = b"\n".join(lines[:at]) + b" ".join(lines[at:])
            case 4:
                data = b"\n".join([*lines[:at], *lines[at : at + 3] * 2, *lines[at + 3 :]])
            case 5:
                data = data.replace(b"\n", b"\r\n") if source.random() < 0.5 else data.replace(b" ", b"\t")
            case 6:
                data = source.randbytes(source.randint(0, 400))
            case _:
                start = source.randrange(len(data) + 1)
                data = data[:start] + source.randbytes(source.randint(1, 6)) + data[start:]
    return data


@every_kind
def test_no_kind_raises(kind: Kind) -> None:
    """Its own samples broken in every way, and bytes that are nothing: gaps, and lines that add up."""
    source = random.Random(zlib.crc32(kind.name.encode()))
    own = [sample for sample in samples() if sample.kind == kind.name]
    for number in range(MUTATIONS):
        sample = own[number % len(own)]
        data = _broken(sample.file.read_bytes()[:6000], source)
        parsed = sample.parse(data)
        assert 0 <= parsed.understood <= parsed.lines
        last = decode(data).count("\n") + 1
        for entry in (*(fact.origin for fact in parsed.facts), *(gap.source for gap in parsed.gaps)):
            assert 1 <= entry.line <= entry.end <= last


@every_kind
def test_no_kind_raises_on_another_kinds_text(kind: Kind) -> None:
    """What one tool printed in the file of another."""
    for sample in samples():
        if sample.kind != kind.name:
            kind.parse(sample.file.read_bytes()[:3000], "nodes/worker-1/x.txt", Place(node="worker-1"), 1, "")
