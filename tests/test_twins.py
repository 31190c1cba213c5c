"""Equal dumps of several nodes: what is told again is what reading would have told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzer import twins
from analyzer.analysis import Options, analyse
from analyzer.facts.fact import Parsed
from analyzer.facts.source import Place
from analyzer.kinds import Kind, kinds
from analyzer.twins import Twins
from tests.artifact_samples import samples

ONE, OTHER = Place(node="alpha-7"), Place(node="beta-8")
POD, OTHER_POD = Place(node="alpha-7", netns="alpha-7:web/a"), Place(node="beta-8", netns="beta-8:web/b")
GRAMMARS = sorted(name for name, kind in kinds().items() if kind.beside is not None)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "LARGE", 0)


def counted(kind: Kind, calls: list[str]) -> Kind:
    """A kind that notes which paths it reads."""

    def read(data: bytes, path: str, *rest: Any) -> Parsed:
        calls.append(path)
        return kind.parse(data, path, *rest)

    return msgspec.structs.replace(kind, parse=read)


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize(("place", "other"), [(ONE, OTHER), (POD, OTHER_POD)])
def test_every_grammar_reads_and_tells_the_same(name: str, place: Place, other: Place) -> None:
    found = [sample for sample in samples() if sample.kind == name]
    assert found
    for sample in found:
        calls: list[str] = []
        data, real = sample.file.read_bytes(), kinds()[name].parse
        kind, known = counted(kinds()[name], calls), Twins()
        # Of kinds whose files are named by what they say, the name stays.
        one, two = (f"{folder}/{sample.path or 'x.txt'}" for folder in ("one", "two"))
        assert known.parse(kind, data, one, place, 1, sample.command) == real(data, one, place, 1, sample.command)
        assert known.parse(kind, data, two, other, 1, sample.command) == real(data, two, other, 1, sample.command)
        assert calls == [one], "it was read again"


@pytest.mark.parametrize(
    ("data", "path", "place", "line", "command"),
    [
        (b"default via 10.0.0.1 dev eth1\n", "other/x.txt", OTHER, 1, ""),
        (b"default via 10.0.0.1 dev eth0\n", "other/x.txt", OTHER, 9, ""),
        (b"default via 10.0.0.1 dev eth0\n", "other/x.txt", OTHER, 1, "ip -6 route"),
        (b"default via 10.0.0.1 dev eth0\n", "other/x.txt", OTHER_POD, 1, ""),
        (b"default via 10.0.0.1 dev eth0\n", "other/x.txt", Place(), 1, ""),
    ],
)  # fmt: skip
def test_what_differs_is_read(data: bytes, path: str, place: Place, line: int, command: str) -> None:
    calls: list[str] = []
    kind, known = counted(kinds()["ip-route"], calls), Twins()
    known.parse(kind, b"default via 10.0.0.1 dev eth0\n", "one/x.txt", ONE, 1, "")
    told = known.parse(kind, data, path, place, line, command)
    assert calls == ["one/x.txt", path]
    assert told == kinds()["ip-route"].parse(data, path, place, line, command)


def test_a_text_that_names_its_node_is_read() -> None:
    data = b"default via 10.0.0.1 dev alpha-7\n"
    calls: list[str] = []
    kind, known = counted(kinds()["ip-route"], calls), Twins()
    for path, place in (("one/x.txt", ONE), ("other/x.txt", OTHER)):
        assert known.parse(kind, data, path, place, 1, "") == kinds()["ip-route"].parse(data, path, place, 1, "")
    assert calls == ["one/x.txt", "other/x.txt"]


def test_a_node_of_any_name_is_read() -> None:
    """Names of folders are any bytes; what cannot be looked for in the text is not told again."""
    data = b"default via 10.0.0.1 dev eth0\n"
    for name in ("n\u00f6rd", "n\udcff"):
        calls: list[str] = []
        kind, known = counted(kinds()["ip-route"], calls), Twins()
        for path, place in (("one/x.txt", Place(node=name)), ("other/x.txt", OTHER)):
            known.parse(kind, data, path, place, 1, "")
        assert calls == ["one/x.txt", "other/x.txt"]


def test_a_cluster_of_equal_dumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: facts, coverage and evidence are those of each node's own file."""
    text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -s 10.9.0.0/16 -j DROP\nnonsense\nCOMMIT\n"
    for node in ("n1", "n2", "n3"):
        place = tmp_path / "nodes" / node
        place.mkdir(parents=True)
        (place / "iptables-save.txt").write_text(text)

    def collected() -> tuple[object, ...]:
        analysis = analyse([tmp_path], Options(strict=True))
        with analysis.bundle:
            facts = analysis.collected.facts
            return tuple(facts.all()), facts.all_coverage(), [parsed for _, parsed in analysis.collected.parsed]

    shared = collected()
    monkeypatch.setattr(twins, "LARGE", 1 << 30)
    assert shared == collected()
