"""The user's cache: what is in it is used only if it is ours, whole, and made from the same parts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzer import cache
from analyzer.data import grammar_dir, rule_dir
from analyzer.engine import load_rules
from analyzer.engine.rule import Rule
from analyzer.grammar import grammars, load_grammars
from analyzer.kinds import kinds
from analyzer.layout import layouts
from analyzer.match import _not_needed
from analyzer.reports import formats


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HAIRPIN_CACHE", str(tmp_path / "cache"))
    cache._folder.cache_clear()
    yield tmp_path / "cache"
    cache._folder.cache_clear()


def _counted(value: object) -> tuple[Callable[[], object], list[int]]:
    calls: list[int] = []

    def make() -> object:
        calls.append(1)
        return value

    return make, calls


def test_made_once_for_the_same_parts(folder: Path) -> None:
    make, calls = _counted({"a": 1})
    assert cache.kept("thing", ["x"], make) == cache.kept("thing", ["x"], make) == {"a": 1}
    assert len(calls) == 1
    cache.kept("thing", ["y"], make)
    cache.kept("thing", ["x", ""], make)
    assert len(calls) == 3
    assert folder.stat().st_mode & 0o077 == 0


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def _bare(path: Path) -> None:
    path.write_bytes(pickle.dumps("foreign"))


def _shared(path: Path) -> None:
    path.chmod(0o666)


def _linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _given_away(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 12345, -1)


@pytest.mark.parametrize("spoil", [_cut, _flipped, _bare, _shared, _linked, _pipe, _given_away])
def test_a_file_that_is_not_ours_and_whole_is_never_read(
    folder: Path, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.kept("thing", ["x"], lambda: "first")
    (path,) = folder.iterdir()
    spoil(path)
    read: list[bytes] = []

    def load(data: bytes) -> object:
        read.append(data)
        return pickle.loads(data)

    assert cache.kept("thing", ["x"], lambda: "second", load=load) == "second"
    assert not read


def test_a_folder_of_another_user_is_not_used(folder: Path) -> None:
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    make, calls = _counted(1)
    cache.kept("thing", ["x"], make)
    cache.kept("thing", ["x"], make)
    assert len(calls) == 2 and not list(folder.iterdir())


def test_what_no_longer_loads_is_made_anew(folder: Path) -> None:
    cache.kept("thing", ["x"], lambda: "first")

    def load(data: bytes) -> str:
        raise AttributeError("a class that is gone")

    assert cache.kept("thing", ["x"], lambda: "second", load=load) == "second"


def test_data_of_another_shape_is_made_anew(folder: Path) -> None:
    for foreign in (b"", b"\xc1", msgspec.msgpack.encode({"a": 1}), msgspec.msgpack.encode([["a", "b", "c"]])):
        cache.kept("thing", [foreign], lambda: foreign, bytes, bytes)  # noqa: B023
        assert cache.kept_data("thing", [foreign], lambda: (("x", 1),), tuple[tuple[str, int], ...]) == (("x", 1),)


def test_what_cannot_be_written_is_still_given(folder: Path) -> None:
    make = lambda: lambda: 1  # noqa: E731  # no pickle of a local function
    assert cache.kept("thing", ["x"], make)() == 1
    assert [path.name for path in folder.iterdir()] == []


def test_old_files_of_a_name_are_removed(folder: Path) -> None:
    for number in range(cache.KEPT + 3):
        cache.kept("thing", [str(number)], lambda: 1)
    cache.kept("thing-other", ["x"], lambda: 1)
    assert len(list(folder.iterdir())) == cache.KEPT + 1


def test_an_empty_name_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAIRPIN_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache._folder.cache_clear()
    make, calls = _counted(1)
    cache.kept("thing", ["x"], make)
    cache.kept("thing", ["x"], make)
    cache._folder.cache_clear()
    assert len(calls) == 2 and not list(tmp_path.iterdir())


def _plain(rules: Iterable[Rule]) -> list[Any]:
    return [msgspec.to_builtins(rule, enc_hook=repr) for rule in rules]


def test_rules_from_the_cache_are_the_rules(folder: Path) -> None:
    from analyzer.engine.loading import load_rules as load_folders

    load_rules(())
    cached = load_rules(())
    plain = load_folders([rule_dir()])
    assert _plain(cached) == _plain(plain)
    assert any(rule.tests for rule in cached)


def test_rules_without_their_tests_are_else_the_same(folder: Path) -> None:
    made = load_rules((), tests=False)
    cached = load_rules((), tests=False)
    plain = _plain(msgspec.structs.replace(rule, tests=()) for rule in load_rules(()))
    assert _plain(made) == _plain(cached) == plain
    assert {path.name.rpartition("-")[0] for path in folder.iterdir()} == {"rules", "rules-bare"}


def test_definitions_from_the_cache_are_the_definitions(folder: Path) -> None:
    def told() -> list[Any]:
        for one in (kinds, grammars, layouts, formats, _not_needed):
            one.cache_clear()
        asked = [msgspec.structs.asdict(kind) for kind in kinds().values()]
        heads = [(name, grammar.head, grammar.body) for name, grammar in grammars().items()]
        plain = [kind | {name: callable(kind[name]) for name in ("parse", "sniff", "beside")} for kind in asked]
        return [plain, heads, layouts(), formats(), _not_needed()]

    made, cached = told(), told()
    names = {path.name.rpartition("-")[0] for path in folder.iterdir()}
    assert names == {"readers", "grammars", "layouts", "formats", "not-needed"}
    assert made == cached and all(made)
    for kind in kinds().values():
        assert len(kind.patterns) == len(kind.begins)


def test_grammars_from_the_cache_parse_alike(folder: Path) -> None:
    """The first set of parsers is made by Lark, the second from what the first left behind."""
    text = (
        "*nat\n:KUBE-SVC - [0:0]\n-A KUBE-SVC ! -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j DNAT --to 1.2.3.4:5\nCOMMIT\n"
    )
    texts = {"iptables-save": text, "ip-route": "default via 10.0.0.1 dev eth0 proto dhcp metric 100\n"}
    assert grammars().keys() >= texts.keys()
    from analyzer.facts.source import Place

    for kind, one in texts.items():
        read = [load_grammars(grammar_dir())[kind].read(one, "x", Place(node="n")) for _ in range(2)]
        assert read[0].facts and read[0] == read[1]
    assert len([path for path in folder.iterdir() if path.name.startswith("grammar-")]) == 2


def test_help_imports_no_parser() -> None:
    code = (
        "import sys\nsys.argv = ['hairpin', '--help']\nfrom analyzer.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'lark', 'jinja2', 'hyperscan', 'yaml', 'pydantic', 'multiprocessing', 'rich', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "report" in done.stdout
    assert done.stderr.strip() == "[]"


def test_a_run_imports_what_its_bundle_needs(folder: Path, tmp_path: Path) -> None:
    """From the second run on: no YAML, no processes, no readers of kinds that do not occur, no other formats."""
    bundle = tmp_path / "b" / "nodes" / "a"
    bundle.mkdir(parents=True)
    (bundle / "ip-route.txt").write_text("default via 10.0.0.1 dev eth0\n")
    code = (
        "import sys\nsys.argv = ['hairpin', 'report', 'b', '-o', 'x.html', '--fail-on', 'never']\n"
        "from analyzer.cli import main\ntry: main()\nexcept SystemExit as end: assert end.code == 0\n"
        "heavy = {'yaml', 'pydantic', 'multiprocessing', 'rich', 'sqlite3', 'analyzer.readers.kubectl_yaml',"
        " 'analyzer.readers.certificates', 'analyzer.reports.sarif', 'analyzer.reports.terminal'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert "yaml" in first and second.strip() == "[]"
