"""journalctl -o export, and records of the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.bundle import Limits, open_bundle
from analyzer.facts.logs import LogLine
from analyzer.logs import Patterns
from analyzer.logs.export import as_json_lines
from analyzer.parse import parse
from analyzer.recognise import recognise

PATTERNS = Patterns(("connection refused", "second line", "avc:  denied {what:any}"))
LONG = b"first line\nsecond line"
EXPORT = (
    b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795435907123456\nPRIORITY=3\n_HOSTNAME=worker-1\nSYSLOG_IDENTIFIER=kubelet\n"
    b"MESSAGE=dial tcp 10.96.0.1:443: connect: connection refused\n_PID=7\n\n"
    b"__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1795435908000000\nMESSAGE\n"
    + len(LONG).to_bytes(8, "little")
    + LONG
    + b"\nSYSLOG_IDENTIFIER=containerd\n\n__CURSOR=s=1;i=4\nMESSAGE=connection refu"
)
AUDIT = (
    b'type=AVC msg=audit(1795435907.123:456): avc:  denied  { write } for  pid=1 comm="cp" name="net.d"'
    b" tcontext=system_u:object_r:etc_t:s0 tclass=dir permissive=0\n"
)


def _lines(folder: Path, name: str, data: bytes) -> list[LogLine]:
    file = folder / "nodes" / "worker-1" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    with open_bundle([folder], Limits()) as bundle:
        [artifact] = recognise(bundle).artifacts
        assert artifact.kind == "log"
        return [fact for fact in parse(artifact, bundle, PATTERNS).facts if isinstance(fact, LogLine)]


@pytest.mark.parametrize("name", ["journal.export", "pasted.txt"])
def test_export(name: str, tmp_path: Path) -> None:
    first, second = _lines(tmp_path, name, EXPORT)
    assert (first.origin.line, first.time, first.component, first.level) == (6, 1795435907.123456, "kubelet", "error")
    assert first.message == "dial tcp 10.96.0.1:443: connect: connection refused"
    assert (second.origin.line, second.time, second.component) == (11, 1795435908.0, "containerd")


@pytest.mark.parametrize("size", range(0, len(EXPORT), 7))
def test_export_keeps_line_numbers_wherever_it_is_cut(size: int) -> None:
    data = EXPORT[:size]
    assert as_json_lines(data).count(b"\n") in (data.count(b"\n"), data.count(b"\n") - 1)


def test_audit_records_have_a_time(tmp_path: Path) -> None:
    [line] = _lines(tmp_path, "audit.log", AUDIT)
    assert line.time == 1795435907.123
    assert line.message.startswith("type=AVC")
