"""Reading under limits and by several processes: the same results, or an honest part of them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import msgspec
import pytest

from analyzer import work
from analyzer.analysis import Analysis, Options, analyse
from analyzer.compose import compose
from analyzer.limits import Limits
from analyzer.parse import parse
from analyzer.recognise import Artifact
from analyzer.report import Report

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "samples" / "bundles" / "coredns-loop"
UP = "from analyzer.cli import main; print('up', flush=True); main()"
HAIRPIN = (sys.executable, "-c", "from analyzer.cli import main; main()")


def _report(path: Path, **options: object) -> Report:
    analysis = analyse([path], Options(strict=True, **options))  # type: ignore[arg-type]
    with analysis.bundle:
        return compose(analysis)


def _big_log(path: Path, lines: int = 60_000) -> None:
    choose = random.Random(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for number in range(lines):
            text = choose.choice(("ok", "dial tcp 10.43.0.1:443: i/o timeout", "x" * 200))
            clock = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
            file.write(f"E1123 {clock}.000000    1 a.go:1] {text}\n")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with a log that is large enough, for the sizes that `small_pieces` sets, to be cut."""
    folder = tmp_path_factory.mktemp("work") / "bundle"
    shutil.copytree(SAMPLE, folder)
    node = next(path.parent for path in sorted(folder.rglob("*")) if path.name.startswith("iptables-save"))
    _big_log(node / "var" / "log" / "k3s.log")
    return folder


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "POOL_BYTES", 0)
    monkeypatch.setattr(work, "PART_BYTES", 1 << 20)


def test_one_process_and_several_say_the_same(bundle: Path, small_pieces: None) -> None:
    one = _report(bundle, jobs=1)
    assert any(file.path.endswith("k3s.log") for file in one.files)
    assert one.findings
    for jobs in (2, 5):
        assert msgspec.json.encode(_report(bundle, jobs=jobs)) == msgspec.json.encode(one)


def test_the_log_is_cut(bundle: Path, small_pieces: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    analyse([bundle], Options(jobs=2), told.append).bundle.close()
    last = [text for text in told if text.startswith("read ")][-1]
    done, _, rest = last.removeprefix("read ").partition(" of ")
    assert done == rest.split(" ", 1)[0] and int(done.replace(",", "")) > len(list(bundle.rglob("*.log")))
    assert any("MiB, " in text for text in told), "the node is told"


def test_folder_and_archive_say_the_same(bundle: Path, tmp_path: Path, small_pieces: None) -> None:
    packed = tmp_path / "bundle.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(bundle, arcname=".")
    one, other = _report(bundle), _report(packed, jobs=2)
    for name in ("findings", "checks", "missing", "gaps", "paths", "cluster", "timeline", "verdict"):
        assert getattr(one, name) == getattr(other, name), name


def test_nothing_read_in_time_is_not_collected(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock runs out after the documents: what would be found in logs is neither found nor clear."""
    whole = _report(bundle)
    found = {check.rule for check in whole.checks if check.outcome == "found"}
    read: list[str] = []
    real = parse

    def slow(artifact: Artifact, *rest: object, **more: object) -> object:
        read.append(artifact.kind)
        if artifact.kind == "log":
            time.sleep(0.01)
        return real(artifact, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("analyzer.work.parse", slow)
    clock = time.monotonic
    monkeypatch.setattr("analyzer.work.time.monotonic", lambda: clock() + (1e6 if "log" in read else 0))
    part = _report(bundle, limits=Limits(time_limit=3600))
    late = [failure.where for failure in part.failures if "--time-limit" in failure.text]
    assert late, "what was not read is named"
    outcome = {check.rule: check.outcome for check in part.checks}
    logs = [check for check in part.checks if "LogLine" in str(msgspec.json.encode(check))]
    assert set(outcome.values()) <= {"found", "clear", "not collected", "not applicable"}
    # Nothing that is found in the whole reads as healthy in the part.
    assert {rule for rule in found if outcome[rule] == "clear"} == set(), logs
    assert part.verdict != whole.verdict or part.missing


def test_a_limit_reached_while_unpacking_is_a_cut_off_archive(bundle: Path, tmp_path: Path) -> None:
    packed = tmp_path / "bundle.tar"
    with tarfile.open(packed, "w") as archive:
        for path in sorted(bundle.rglob("*"), reverse=True):
            archive.add(path, arcname=str(path.relative_to(bundle)), recursive=False)
    from analyzer import limits

    calls = 0
    real = limits.Budget.late

    def late(self: limits.Budget) -> bool:
        nonlocal calls
        calls += 1
        return calls > 10

    limits.Budget.late = property(late)  # type: ignore[assignment]
    try:
        whole, part = _analysed(bundle), _analysed(packed)
    finally:
        limits.Budget.late = real  # type: ignore[method-assign]
    with whole.bundle, part.bundle:
        assert any("time limit" in note.text for note in part.bundle.notes)
        assert len(part.bundle.members) < len(whole.bundle.members)
        report = compose(part)
    assert "no_problem" not in str(report.verdict)
    clear = {check.rule for check in report.checks if check.outcome == "clear"}
    found = {outcome.rule for outcome in whole.outcomes if outcome.word == "found"}
    assert not clear & found


def _analysed(path: Path) -> Analysis:
    return analyse([path], Options(strict=True))


def test_a_time_limit_of_the_command_line(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    done = subprocess.run(
        [*HAIRPIN, "report", str(bundle), "-o", str(out), "--time-limit", "600", "--fail-on", "never"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not msgspec.json.decode(out.read_bytes())["failures"]


def test_a_memory_limit_is_kept_and_told(tmp_path: Path) -> None:
    """A file that does not fit is not read, and the report says so; the peak stays below the limit."""
    folder = tmp_path / "b" / "cluster"
    folder.mkdir(parents=True)
    item = '{"kind":"Pod","metadata":{"name":"p%d","namespace":"n","annotations":{"a":"' + "x" * 4000 + '"}}}'
    text = '{"apiVersion":"v1","kind":"List","items":[' + ",".join(item % number for number in range(60_000)) + "]}"
    (folder / "pods.json").write_text(text)
    shutil.copytree(SAMPLE, tmp_path / "b" / "sample")
    out = tmp_path / "r.json"
    done = subprocess.run(
        [*HAIRPIN, "report", str(tmp_path / "b"), "-o", str(out), "--max-memory", "200M", "--fail-on", "never"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    failures = msgspec.json.decode(out.read_bytes())["failures"]
    assert [one["where"].rsplit("/", 1)[-1] for one in failures if "memory" in one["text"]] == ["pods.json"]


def test_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C at any time: exit code 130, no report, no process, nothing in the temporary folder."""
    folder, scratch = tmp_path / "b", tmp_path / "tmp"
    scratch.mkdir()
    for node in range(3):
        _big_log(folder / "nodes" / f"n{node}" / "var" / "log" / "k3s.log", 400_000)
    out = tmp_path / "report.html"
    for wait in (0.1, 0.5, 1.0, 1.6):
        process = subprocess.Popen(
            [sys.executable, "-c", UP, "report", str(folder), "-o", str(out), "--jobs", "3"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | {"TMPDIR": str(scratch)},
        )  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        time.sleep(wait)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert "Traceback" not in said
        if process.returncode not in (0, 1):
            assert process.returncode in (130, -signal.SIGINT), said
            assert not out.exists()
        out.unlink(missing_ok=True)
        assert not list(scratch.iterdir())
        assert not subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, check=False).stdout
