"""What the operating system takes part in: pipes, full disks, signals, terminals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.files import NODE, ROUTES
from tests.cli.program import HAIRPIN, ROOT, command


def test_standard_input(folder: Path) -> None:
    done = command("facts", "-", "-t", "Route", input=ROUTES)
    assert done.returncode == 0 and done.stdout.count("Route  ") == 2
    done = command("report", "-", stdin=subprocess.DEVNULL)
    assert done.returncode == 3 and done.stderr.startswith("hairpin: stdin: nothing comes in")
    done = command("report", "-", input="")
    assert done.returncode == 3 and done.stderr == "hairpin: stdin: the file is empty\n"
    with open("/dev/zero", "rb") as zeros:
        done = command("report", "-", stdin=zeros)
    assert done.returncode == 3 and done.stderr.count("\n") == 1


def test_a_pipe_that_somebody_writes_to(folder: Path) -> None:
    writer = threading.Thread(target=lambda: (folder / "pipe").write_text(ROUTES))
    writer.start()
    reading = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    done = command("facts", f"/dev/fd/{reading}", "-t", "Route", pass_fds=(reading,))
    os.close(reading)
    writer.join(10)
    assert done.returncode == 0 and done.stdout.count("Route  ") == 2, done.stderr


def test_a_full_disk_at_standard_output(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = command("report", "b", "-f", "json", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr == "hairpin: cannot write the result: No space left on device\n"


def test_a_reader_that_goes_away(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = command("rules", "list", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.returncode == 141 and done.stderr == ""


def test_a_terminal_that_knows_no_unicode(folder: Path) -> None:
    (folder / "b" / NODE / "nöte-漢.txt").write_text("x\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run([*HAIRPIN, "files", "b"], capture_output=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0 and rb"n\xf6te-\u6f22.txt" in done.stdout, done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(folder: Path, number: int, code: int) -> None:
    before = sorted(folder.rglob("*"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*HAIRPIN, "report", "-", "-o", "x.html"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None
        # More than a pipe holds: once it is taken, the program reads
        process.stdin.write(ROUTES.encode() * 4000)
        process.stdin.flush()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in err and err.count(b"\n") <= 1
    assert sorted(folder.rglob("*")) == before


def test_a_bug_is_no_finding(folder: Path) -> None:
    code = "import analyzer.analysis as a; a.analyse = None; from analyzer.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("HAIRPIN_STRICT", None)
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "b"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 70
    assert re.fullmatch(r"hairpin: this is a bug: TypeError: .*HAIRPIN_STRICT=1.*\n", done.stderr)
