"""A working folder with a small bundle, and the program run in it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from analyzer import cli
from tests.cli.files import FLOWS, NODE, ROUTES, RULES, TOPOLOGIES
from tests.cli.program import Run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a small bundle `b` and all that can be wrong beside it."""
    place = tmp_path / "work"
    for path in (f"b/{NODE}", "noart", "emptydir", "rules/none"):
        (place / path).mkdir(parents=True)
    (place / "b" / NODE / "ip-route.txt").write_text(ROUTES)
    (place / "b" / NODE / "hostname.txt").write_text("worker-1\n")
    (place / "noart" / "readme.txt").write_text("hello\n")
    (place / "empty").write_bytes(b"")
    (place / "text.tar.gz").write_text("this is no archive\n")
    (place / "report.pdf").write_bytes(b"%PDF-1.4\n\0\0\0\0")
    (place / "failed" / NODE).mkdir(parents=True)
    (place / "failed" / NODE / "iptables-save.txt").write_text("bash: iptables-save: command not found\n")
    for kind, texts, end in (
        ("rules", RULES, "/route-missing.yaml"),
        ("flow", FLOWS, ".json"),
        ("links", TOPOLOGIES, ".json"),
    ):
        for name, text in texts.items():
            (place / kind / f"{name}{end}").parent.mkdir(parents=True, exist_ok=True)
            (place / kind / f"{name}{end}").write_text(text)
    os.mkfifo(place / "pipe")
    monkeypatch.chdir(place)
    monkeypatch.delenv("HAIRPIN_STRICT", raising=False)
    return place


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process: exit code, standard output, standard error; a bug of ours is raised here."""

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hairpin", *arguments])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        before = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            signal.signal(signal.SIGTERM, before)
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return ran
