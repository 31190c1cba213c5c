"""Attacks through the whole program: each ends in bounded time and memory; the summary prints the peak of each."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.facts.routing import Route
from analyzer.facts.source import Source
from analyzer.listing import render_rows, row

ROOT = Path(__file__).parent.parent
MOST_MIB = 600
# The peak that wait4 tells of a child is at least that of the process it was forked from, which may be a large one.
MEASURED = """
import os, re
from analyzer.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status, open(os.environ["PEAK_TO"], "w") as out:
        out.write(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
"""
MOST_SECONDS = 90
NODE = "nodes/worker-1/"
LONG = "a" * 3_000_000
TABLE = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
NODES = json.dumps({"kind": "List", "items": [{"kind": "Node", "metadata": {"name": "worker-1"}}]})


def laughs() -> str:
    lines = ['a: &a ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]']
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(9)]
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n" + "\n".join(lines) + "\n"


def doubling() -> str:
    names = "".join(f":C{n} - [0:0]\n" for n in range(60))
    return TABLE + names + "-A OUTPUT -j C0\n" + "".join(f"-A C{n} -j C{n + 1}\n" * 2 for n in range(59)) + "COMMIT\n"


TEXTS: dict[str, Callable[[], dict[str, str]]] = {
    "JSON nested 10^5 deep": lambda: {"cluster/pods.json": '{"kind":"List","items":' + "[" * 100_000},
    "YAML nested 10^5 deep": lambda: {"cluster/pods.yaml": "kind: List\nitems: " + "[" * 100_000},
    "billion laughs": lambda: {"cluster/pods.yaml": laughs(), NODE + "etc/cni/net.d/x.conflist": laughs()},
    "long lines": lambda: {
        NODE + "iptables-save.txt": f'{TABLE}-A INPUT -m comment --comment "{LONG}" -j ACCEPT\nCOMMIT\n',
        NODE + "ip-route.txt": "10.0.0.0/8" + " via 1.1.1.1" * 300_000 + "\n",
        NODE + "journal.log": 'Nov 01 00:00:00 h kubelet[1]: "' + '="' * 1_500_000 + "\n",
        "cluster/pods.txt": "NAMESPACE   NAME   READY   STATUS   RESTARTS   AGE\nx" + " " * 3_000_000 + "y\n",
        NODE + "sysctl.txt": "net.ipv4.ip_forward = " + "1" * 3_000_000 + "\n",
    },
    "NULs": lambda: {NODE + "iptables-save.txt": "\0" * 5_000_000, NODE + "ip-route.txt": "default dev e\0\n" * 9999},
    "10^5 columns": lambda: {"cluster/pods.txt": "NAMESPACE   NAME   " + "   ".join(f"C{n}" for n in range(100_000))},
    "unreadable lines": lambda: {NODE + "iptables-save.txt": TABLE + "-A INPUT nonsense here\n" * 200_000},
    "chains that double": lambda: {"cluster/nodes.json": NODES, NODE + "iptables-save.txt": doubling()},
    "numbers of 6,000 digits": lambda: {
        NODE + "sysctl.txt": f"net.ipv4.ip_forward = {'9' * 6000}\n",
        NODE + "ip-route.txt": f"10.0.0.0/{'9' * 6000} dev eth0\n10.0.0.0/8 dev e metric {'9' * 6000}\n",
    },
}


def run(record: Callable[[str, object], None], bundle: Path, name: str, out: Path) -> tuple[int, str]:
    """Exit code and standard error of a report; time and memory are recorded and bounded."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HAIRPIN_STRICT": "1", "PEAK_TO": str(out) + ".peak"}
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", MEASURED, "report", str(bundle), "-j", "1", "-o", str(out), "--fail-on", "never"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds, peak = time.monotonic() - begun, int(Path(f"{out}.peak").read_text()) >> 10
    record("attack", f"{name}: {peak} MiB, {seconds:.1f} s, exit {process.returncode}")
    assert peak < MOST_MIB and used.ru_utime < MOST_SECONDS
    assert "Traceback" not in said
    return process.returncode, said


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_ends_in_a_report(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for path, text in TEXTS[name]().items():
        file = tmp_path / "bundle" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    code, said = run(record_property, tmp_path / "bundle", name, tmp_path / "report.html")
    assert (code, said) == (0, "")
    assert (tmp_path / "report.html").stat().st_size < 5 << 20


def test_many_empty_members(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    with tarfile.open(tmp_path / "many.tar.gz", "w:gz", compresslevel=1) as archive:
        for number in range(20_000):
            archive.addfile(tarfile.TarInfo(f"cluster/pod-logs/ns{number % 100}_pod{number}_c.log"))
    code, said = run(record_property, tmp_path / "many.tar.gz", "20,000 empty logs", tmp_path / "report.html")
    assert code in (0, 3) and said.count("\n") == (code == 3)


HOSTILE = "=HYPERLINK(1)\x1b[31m\x9b31m\u202e<script>\n"


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "|x", "%x"])
def test_a_spreadsheet_runs_nothing(start: str) -> None:
    rows = [row(Route(destination=None, dev=start, origin=Source("x", 1, 1)))]  # type: ignore[arg-type]
    (read,) = csv.DictReader(io.StringIO(render_rows(rows, "csv")))
    assert read["dev"].startswith("'")


@pytest.mark.parametrize("format", ["text", "csv", "json"])
def test_facts_show_no_control_character(format: str) -> None:
    rows = [row(Route(destination=None, dev=HOSTILE, origin=Source("x", 1, 1)))]  # type: ignore[arg-type]
    text = render_rows(rows, format)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    if format == "json":
        assert json.loads(text)[0]["dev"] == HOSTILE
