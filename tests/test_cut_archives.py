"""Archives that end too early: a report all the same, which names the cut; nothing turns clear because of it."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import Options, analyse
from analyzer.cli import main
from analyzer.compose import compose
from analyzer.errors import BundleError
from analyzer.report import Report
from tests.layouts import must_gather
from tests.layouts.dump import Files, load
from tests.test_bundles import REAL, SAMPLES

CUTS = 20
KINDS = ("tar.xz", "tar.gz", "zip")


@cache
def archive(kind: str) -> bytes:
    """A real dump where there is one, else a sample, packed in one way."""
    real = REAL / "s10-route-to-peer-deleted.tar.xz"
    if kind == "tar.xz" and real.exists():
        return real.read_bytes()
    return packed(load(real if real.exists() else SAMPLES / "pod-route-missing").files, kind)


def packed(files: Files, kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
            for path, data in files.items():
                target.writestr(f"dump/{path}", data)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind.removeprefix('tar.')}") as tar:  # type: ignore[call-overload]
        for path, data in files.items():
            info = tarfile.TarInfo(f"dump/{path}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def places(kind: str, size: int) -> list[int]:
    """Where to cut: anywhere, from the first bytes to the last."""
    chosen = random.Random(f"cut {kind}")
    return sorted(chosen.randrange(1, size) for _ in range(CUTS))


def reported(path: Path) -> Report:
    analysis = analyse([path], Options(strict=True))
    with analysis.bundle:
        return compose(analysis)


@cache
def whole(kind: str, folder: Path) -> dict[str, str]:
    path = folder / f"whole.{kind}"
    path.write_bytes(archive(kind))
    return {check.rule: check.outcome for check in reported(path).checks}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cut")


@pytest.mark.parametrize("number", range(CUTS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_is_named_and_clears_nobody(kind: str, number: int, folder: Path) -> None:
    data = archive(kind)
    at = places(kind, len(data))[number]
    path = folder / f"cut-{number}.{kind}"
    path.write_bytes(data[:at])
    before = whole(kind, folder)
    try:
        report = reported(path)
    except BundleError as error:
        told = str(error)
    else:
        told = "\n".join(report.bundle.notes)
        turned = [
            c.rule for c in report.checks if c.outcome == "clear" and before[c.rule] in ("found", "not collected")
        ]
        assert not turned, f"cut at {at} of {len(data)}"
    assert "cut off" in told or "damaged" in told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.02, 0.5, 0.98])
def test_the_command_tells_of_the_cut_and_exits_as_it_should(
    kind: str, part: float, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / f"command-{part}.{kind}"
    data = archive(kind)
    path.write_bytes(data[: int(len(data) * part)])
    monkeypatch.setattr("sys.argv", ["hairpin", "report", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code in (0, 1, 3)
    assert "Traceback" not in said.out + said.err
    assert "cut off" in said.out + said.err or "damaged" in said.out + said.err


@pytest.mark.parametrize("number", range(6))
def test_one_object_for_each_file_is_no_list_if_the_archive_is_cut(number: int, folder: Path) -> None:
    """Nodes and pods that were behind the cut are missing without a trace."""
    data = packed(must_gather.render(load(SAMPLES / "coredns-loop")), "tar.gz")
    path = folder / f"gather-{number}.tar.gz"
    path.write_bytes(data)
    before = {check.rule: check.outcome for check in reported(path).checks}
    path.write_bytes(data[: len(data) * (2 * number + 5) // 20])
    after = reported(path)
    turned = [c.rule for c in after.checks if c.outcome == "clear" and before[c.rule] in ("found", "not collected")]
    assert not turned
