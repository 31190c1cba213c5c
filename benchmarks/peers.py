"""hotsos and insights-core doing the same work as hairpin, each in an environment of its own from PyPI.

What they do not do: neither follows a packet, joins Services with rules or says that something was not collected.
insights-core publishes parsers but no rules of this field, so it only parses; it holds a log as a list of lines, and of
one over 200 MB only the end. hotsos asks its own questions, few of them about Kubernetes, and unpacks archives to disk.
"""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path

from benchmarks import generate, work
from benchmarks.measure import Cost, cost, side_by_side
from benchmarks.scale import HAIRPIN, PYTHON, Row, Scale

PEERS = ("insights-core", "hotsos")
SIGNATURES = work.SIGNATURES[:10]
# Each finds the lines of a log that hold one of the texts, and prints how many.
_OURS = """
import json, sys
from pathlib import Path
from analyzer.facts.logs import LogLine
from analyzer.facts.source import Place
from analyzer.logs import Patterns, read_log
with Path(sys.argv[1]).open("rb") as stream:
    parsed = read_log(stream, sys.argv[1], Place(node="n1"), Patterns(json.loads(sys.argv[2])))
print(sum(isinstance(fact, LogLine) for fact in parsed.facts))
"""
_INSIGHTS = """
import json, sys
from pathlib import Path
from insights.core import LogFileOutput
from insights.core.spec_factory import TextFileProvider
class Log(LogFileOutput):
    pass
names = []
for number, text in enumerate(json.loads(sys.argv[2])):
    names.append(f"found_{number}")
    Log.keep_scan(names[-1], text)
path = Path(sys.argv[1])
log = Log(TextFileProvider(path.name, root=str(path.parent)))
print(sum(len(getattr(log, name)) for name in names))
"""
# The hint is the fastest way it has: lines without it are not matched.
_HOTSOS = """
import json, re, sys
from searchkit import FileSearcher, SearchDef
search = FileSearcher()
for number, text in enumerate(json.loads(sys.argv[2])):
    search.add(SearchDef(".*" + re.escape(text), tag=str(number), hint=re.escape(text)), sys.argv[1])
print(len(search.run()))
"""
_SCANS = {"insights-core": _INSIGHTS, "hotsos": _HOTSOS}


def peers(folder: Path, scale: Scale) -> list[Row]:
    """The same log and sos archive through each peer; one that cannot be installed is named with the reason."""
    log, sos = folder / "k3s.log", folder / "sosreport-node-0-2026-11-23-bench"
    megabytes = max(1, scale.logs // 10)
    planted = generate.log(log, megabytes, SIGNATURES)
    generate.sos(sos, megabytes, SIGNATURES)
    rows = []
    for peer in PEERS:
        home = folder / peer
        if why := _installed(home, peer):
            rows.append(Row(id="peers", work=f"{peer} was not run: {why}", ours=0, rss=0, target=""))
            continue
        version = _version(home, peer)
        texts = json.dumps(SIGNATURES)
        ours, theirs = side_by_side(
            (PYTHON, "-c", _OURS, str(log), texts),
            (str(home / "bin" / "python"), "-c", _SCANS[peer], str(log), texts),
            scale.repeats,
        )
        found = f"lines found: ours {ours.output.strip()}, theirs {theirs.output.strip()}, planted {planted}"
        rows.append(_row(f"{megabytes} MB of log, {len(SIGNATURES)} texts", version, ours, theirs, found))
        rows.append(_report(home, peer, version, sos, scale))
    return rows


def _report(home: Path, peer: str, version: str, sos: Path, scale: Scale) -> Row:
    """A whole sos archive: our report with every rule beside what the peer has for it."""
    command = {
        "insights-core": ("insights-run", "-p", "insights.parsers", str(sos)),
        "hotsos": ("hotsos", "--all-logs", "--quiet", str(sos)),
    }[peer]
    what = {"insights-core": "every parser, no rules", "hotsos": "every plugin"}[peer]
    out = home.parent / "sos.json"
    ours, theirs = side_by_side(
        (*HAIRPIN, "report", str(sos), "--format", "json", "-o", str(out), "--fail-on", "never"),
        (str(home / "bin" / command[0]), *command[1:]),
        scale.repeats,
    )
    found = f"exit status: ours {ours.status}, theirs {theirs.status}"
    return _row("report on a sos archive with that log", f"{version}, {what}", ours, theirs, found)


def _row(what: str, reference: str, ours: Cost, theirs: Cost, found: str) -> Row:
    return Row(
        id="peers",
        work=f"{what}; {found}",
        ours=ours.cpu,
        theirs=theirs.cpu,
        reference=f"{reference}, {theirs.rss:.0f} MB:",
        ratio=ours.cpu / theirs.cpu,
        rss=ours.rss,
        target="",
    )


def _installed(home: Path, peer: str) -> str:
    """Install a peer in an environment of its own; why that failed, or ""."""
    try:
        venv.create(home, with_pip=True)
        done = subprocess.run(
            [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", peer],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return " ".join(str(error).split())[:200]
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1][:200]


def _version(home: Path, peer: str) -> str:
    code = f"from importlib.metadata import version; print(version({peer!r}))"
    return f"{peer} {cost((str(home / 'bin' / 'python'), '-c', code), 1).output.strip()}"
