"""sos collect: an archive with the archive of each node's report in it."""

from __future__ import annotations

import io
import tarfile

from tests.layouts import sos_report
from tests.layouts.convert import text
from tests.layouts.dump import Dump, Files

NAME = "sos collect"
TOP = "sos-collector-case-2026-11-23-fghij"


def render(dump: Dump) -> Files:
    reports: dict[str, Files] = {}
    for path, data in sos_report.render(dump).items():
        reports.setdefault(path.split("/")[0], {})[path] = data
    files: Files = {f"{TOP}/sos_logs/sos.log": text("2026-11-23 12:10:00,100 INFO: collecting from 2 nodes\n")}
    for name, inner in reports.items():
        files[f"{TOP}/{name}.tar.xz"] = packed(inner, "xz")
        files[f"{TOP}/{name}.tar.xz.sha256"] = text("0a1b2c\n")
    return {f"{TOP}.tar.xz": packed(files, "xz")}


def packed(files: Files, kind: str) -> bytes:
    """A tar of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as archive:  # type: ignore[call-overload]
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
