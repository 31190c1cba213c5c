"""What a run gives: findings, files, facts, exit codes; and that nothing else is touched."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.files import NODE, ROUTES
from tests.cli.program import Run


def test_a_rule_whose_tests_fail(folder: Path, run: Run) -> None:
    code, out, err = run("rules", "check", "rules/test")
    assert code == 4 and err == ""
    assert (
        out.startswith("rules/test/route-missing.yaml:17: no route: expected ['Node b has") and "1 tests failed" in out
    )
    code, out, err = run("rules", "check", "rules/good")
    assert (code, out, err) == (0, "1 rules checked, 0 tests failed\n", "")


def test_what_may_not_be_read(folder: Path, run: Run) -> None:
    closed = folder / "closed.txt"
    closed.write_text(ROUTES)
    closed.chmod(0)
    (folder / "locked").mkdir(mode=0o555)
    assert run("facts", "b")[0] == 0
    with _as_nobody(folder):
        code, out, err = run("report", "closed.txt")
        assert (code, out, err) == (3, "", "hairpin: closed.txt: Permission denied\n")
        code, out, err = run("report", "b", "-o", "locked/x.html")
        assert code == 2 and re.search(r"cannot write locked/x\.html: the folder .*locked is not writable", err)
    assert not list((folder / "locked").iterdir())


@contextlib.contextmanager
def _as_nobody(folder: Path) -> Iterator[None]:
    """As root nothing is forbidden, so root becomes somebody else for a while."""
    if os.geteuid():
        yield
        return
    for place in (folder, *folder.parents):
        if place.stat().st_uid == 0 and place != Path("/") and place.stat().st_mode & 5 != 5:
            place.chmod(place.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_files_names_what_nobody_knows(folder: Path, run: Run) -> None:
    code, out, _ = run("files", "noart")
    assert code == 0 and out.startswith("readme.txt\tunrecognised\t")


def test_an_older_report_survives_a_run_that_fails(folder: Path, run: Run) -> None:
    (folder / "x.html").write_text("older")
    assert run("report", "empty", "-o", "x.html")[0] == 3
    assert (folder / "x.html").read_text() == "older"


def test_no_room_leaves_no_file(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "x.json").write_text("older")
    before = sorted(folder.rglob("*"))
    real = os.open

    def full(path: str | os.PathLike[str], flags: int, *rest: int, **more: int) -> int:
        if ".partial" in str(path) and len([1 for name in folder.iterdir() if ".partial" in name.name]) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", full)
    code, _, err = run("report", "b", "-o", "x.json", "-o", "x.html")
    assert (code, err) == (2, "hairpin: cannot write x.html: No space left on device\n")
    assert sorted(folder.rglob("*")) == before and (folder / "x.json").read_text() == "older"


def test_a_link_at_the_output_is_replaced_not_followed(folder: Path, run: Run) -> None:
    (folder / "precious").write_text("kept")
    (folder / "x.json").symlink_to("precious")
    assert run("report", "b", "-o", "x.json", "--fail-on", "never")[0] == 0
    assert (folder / "precious").read_text() == "kept" and not (folder / "x.json").is_symlink()


def test_a_report_in_its_own_bundle_changes_nothing(folder: Path, run: Run) -> None:
    for name in ("one", "two"):
        assert run("report", "b", "-o", f"{name}.json", "--fail-on", "never")[0] == 0
        for end in ("html", "json", "xml", "sarif", "txt", "sqlite"):
            assert run("report", "b", "-o", f"b/report.{end}", "--fail-on", "never")[0] == 0
    code, out, _ = run("diff", "one.json", "two.json")
    assert code == 0 and not re.search("^(new|fixed)", out, re.M)
    one, two = (json.loads((folder / f"{name}.json").read_text()) for name in ("one", "two"))
    assert [check["outcome"] for check in one["checks"]] == [check["outcome"] for check in two["checks"]]
    assert one["gaps"] == two["gaps"]


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0)])
def test_exit_code_of_a_finding(folder: Path, run: Run, level: str, code: int) -> None:
    (folder / "b" / NODE / "ip-route.txt").write_text("10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.5\n")
    arguments = ["report", "b", "--rules", "rules/good", "--fail-on", level, "-q"]
    ended, out, err = run(*arguments)
    assert ended == code and "1 finding" in out and err == ""


def test_the_type_of_facts_may_stand_behind_the_bundle(folder: Path, run: Run) -> None:
    named = run("facts", "b", "-t", "Route", "-f", "json")
    assert named[0] == 0 and json.loads(named[1])
    assert run("facts", "b", "Route", "-f", "json") == named


def test_facts_as_a_database(folder: Path, run: Run) -> None:
    for name in ("x.sqlite", "y.db"):
        code, out, err = run("facts", "b", "-o", name)
        assert (code, out, err) == (0, "", "")
    assert (folder / "x.sqlite").read_bytes() == (folder / "y.db").read_bytes()
    with contextlib.closing(sqlite3.connect(folder / "x.sqlite")) as made:
        rows = made.execute('SELECT destination, "via", dev, source_path, source_line FROM Route ORDER BY source_line')
        assert rows.fetchall() == [
            ("0.0.0.0/0", "10.1.0.1", "eth0", f"{NODE}ip-route.txt", 1),
            ("10.1.0.0/24", None, "eth0", f"{NODE}ip-route.txt", 2),
        ]
        assert made.execute("SELECT complete FROM coverage WHERE fact = 'Route' AND node = 'worker-1'").fetchall()
        assert made.execute("SELECT count(*) FROM Pod").fetchone() == (0,)
        assert made.execute("SELECT count(*) FROM coverage WHERE fact = 'Pod'").fetchone() == (0,), "not collected"


@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_facts_name_their_type(folder: Path, run: Run, format: str) -> None:
    code, out, _ = run("facts", "b", "-t", "Route", "-f", format)
    assert code == 0
    assert out.count("Route") == 2 and f"{NODE}ip-route.txt:2" in out and "unicast" in out
