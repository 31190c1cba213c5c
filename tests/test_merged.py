"""Several collections of one cluster: nodes from different collectors, archives in archives, the same thing twice."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from analyzer.analysis import Options, analyse
from analyzer.compose import compose
from analyzer.report import Report
from tests.layouts import calico_node, cluster_info_dump, eks, rancher, sos_collect, sos_report, supportconfig
from tests.layouts.dump import Files, load
from tests.test_bundles import SAMPLES, first_cause, report_of, told
from tests.test_layouts import ROUTE, accusing, written

ROUTE_CASE = load(SAMPLES / "pod-route-missing")


def reported(*paths: Path) -> Report:
    analysis = analyse(paths, Options(strict=True))
    with analysis.bundle:
        return compose(analysis)


def of_node(files: Files, number: int) -> Files:
    """The folder that a collector made on one node."""
    top = sorted({path.split("/")[0] for path in files})[number]
    return {path: data for path, data in files.items() if path.startswith(f"{top}/")}


@pytest.mark.parametrize(
    "first", [supportconfig, calico_node, eks, rancher, sos_report], ids=lambda one: one.__name__[14:]
)
@pytest.mark.parametrize("second", [supportconfig, calico_node], ids=lambda one: one.__name__[14:])
def test_nodes_of_different_collectors_make_one_cluster(first: object, second: object, tmp_path: Path) -> None:
    """The route that is missing on the first node, its peer from elsewhere, and what the API knows from a third."""
    paths = [
        written(of_node(first.render(ROUTE_CASE), 0), tmp_path / "a"),  # type: ignore[attr-defined]
        written(of_node(second.render(ROUTE_CASE), 1), tmp_path / "b"),  # type: ignore[attr-defined]
        written(cluster_info_dump.render(ROUTE_CASE), tmp_path / "c"),
    ]
    report = reported(*paths)
    assert report.cluster.nodes == ("node-1", "node-2")
    assert first_cause(report) == ROUTE, told(report)
    assert accusing(report) <= accusing(report_of(SAMPLES / "pod-route-missing"))


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return buffer.getvalue()


def test_a_zip_of_an_archive_for_each_node(tmp_path: Path) -> None:
    rendered = sos_report.render(ROUTE_CASE)
    tops = sorted({path.split("/")[0] for path in rendered})
    inner = {f"case/{top}.tar.xz": sos_collect.packed(of_node(rendered, n), "xz") for n, top in enumerate(tops)}
    path = tmp_path / "upload.zip"
    path.write_bytes(zipped(inner))
    report = reported(path)
    assert report.cluster.nodes == ("node-1", "node-2")
    assert first_cause(report) == ROUTE, told(report)


def test_members_that_are_packed_once_more(tmp_path: Path) -> None:
    files = {f"{path}.gz": gzip.compress(data) for path, data in rancher.render(ROUTE_CASE).items()}
    path = tmp_path / "upload.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert first_cause(reported(path)) == ROUTE


def test_clocks_of_collections_made_one_after_the_other_are_not_compared(tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        files = of_node(sos_report.render(load(SAMPLES / "healthy")), number)
        home = next(iter(files)).split("/")[0]
        files[f"{home}/sos_commands/date/date"] = f"Mon Nov 23 {9 + number:02}:10:00 UTC 2026\n".encode()
        paths.append(written(files, tmp_path / str(number)))
    assert not told(reported(*paths))


def test_from_standard_input() -> None:
    """The whole command, in a process of its own: a pipe cannot be read twice."""
    data = sos_collect.render(ROUTE_CASE)[f"{sos_collect.TOP}.tar.xz"]
    program = "from analyzer.cli import main; main()"
    command = [sys.executable, "-c", program, "report", "-", "--format", "json"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr.decode()
    assert b'"pod-route-missing"' in done.stdout


@pytest.mark.parametrize(
    ("early", "late", "rule"), [("healthy", "pod-route-missing", ROUTE), ("pod-route-missing", "healthy", None)]
)
@pytest.mark.parametrize("clock", [True, False], ids=["by its clock", "by the times of files"])
def test_the_later_of_two_collections_counts(
    early: str, late: str, rule: str | None, clock: bool, tmp_path: Path
) -> None:
    paths = []
    for number, case in enumerate((early, late)):
        files = dict(load(SAMPLES / case).files)
        for path in [path for path in files if path.endswith("/date.txt")]:
            del files[path]
            if clock:
                files[path] = f"Mon Nov 23 {9 + number:02}:10:00 UTC 2026\n".encode()
        # what was unpacked first comes last by name
        folder = written(files, tmp_path / f"{'ba'[number]}-{case}")
        for file in folder.rglob("*"):
            moment = 1_790_000_000 + (3600 * (number if not clock else 1 - number))
            os.utime(file, (moment, moment))
        paths.append(folder)
    report = reported(*paths)
    assert first_cause(report) == rule, told(report)
    assert accusing(report) <= accusing(report_of(SAMPLES / late))
    assert any("collected again" in note and "1 hour later" in note for note in report.bundle.notes), (
        report.bundle.notes
    )
