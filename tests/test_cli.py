"""The command line: every mistake gives one line that says what and the way out, its exit code, and no file."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer import cli
from analyzer.options import size

ROOT = Path(__file__).parent.parent
HAIRPIN = [sys.executable, "-c", "from analyzer.cli import main; main()"]
NODE = "nodes/worker-1/"
ROUTES = "default via 10.1.0.1 dev eth0\n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.5\n"
RULE = """\
id: route-missing
title: Node {node} has no default route
severity: error
confidence: certain
match:
  - each: Node node
  - none: Route route
    where:
      - route.node == node
      - route.destination == "0.0.0.0/0"
why: Nothing leaves the node.
fix:
  - Add one
docs:
  - https://kubernetes.io/docs/
tests:
  - name: no route
    given:
      - Node: {name: a}
    expect: [Node a has no default route]
  - name: a route
    given:
      - Node: {name: a}
      - Route: {node: a, destination: 0.0.0.0/0}
    expect: clear
"""
RULES = {
    "good": RULE,
    "key": RULE.replace("severity:", "severty:"),
    "clause": RULE.replace("    where:", "    were:"),
    "type": RULE.replace("severity: error", "severity: [error]"),
    "word": RULE.replace("severity: error", "severity: eror"),
    "fact": RULE.replace("none: Route route", "none: Rout route"),
    "field": RULE.replace("route.destination", "route.destinaton"),
    "regex": RULE.replace('route.destination == "0.0.0.0/0"', 'route.dev matches "[a-"'),
    "test": RULE.replace("[Node a has no default route]", "[Node b has no default route]"),
    "twice": RULE.replace("confidence:", "severity: info\nconfidence:"),
    "yaml": RULE.replace("title: Node", "title: a: b: Node"),
    "deep": "a: " + "[" * 100_000,
    "nul": RULE + "\0",
    "alias": "a: &a [x]\nb: *a\n",
}
DEEP = "[" * 100_000
FLOWS = {
    "no-target": '{"src_node": "worker-1"}',
    "port-type": '{"dst_ip": "10.1.0.1", "dst_port": "http"}',
    "port-range": '{"dst_ip": "10.1.0.1", "dst_port": 70000}',
    "address": '{"dst_ip": "ten"}',
    "key": '{"dst_ip": "10.1.0.1", "dport": 80}',
    "mark": '{"dst_ip": "10.1.0.1", "mark": "zz"}',
    "flags": '{"dst_ip": "10.1.0.1", "tcp_flags": 7}',
    "proto": '{"dst_ip": "10.1.0.1", "proto": "carrier-pigeon"}',
    "list": "[]",
    "text": "dst_ip: 10.1.0.1",
    "deep": DEEP,
    "good": '{"src_node": "worker-1", "dst_ip": "10.1.0.1", "dst_port": 80}',
    "ends": '{"from": "node/worker-1", "to": "10.1.0.1:80", "mark": "zz"}',
}
TOPOLOGIES = {
    "misspelt": '{"link": []}',
    "number": '{"links": 3}',
    "one-end": '{"links": [{"a": {"node": "x", "if": "eth0"}}]}',
    "no-if": '{"links": [{"a": {"node": "x"}, "b": {"node": "y", "if": "eth0"}}]}',
    "pods": '{"pods": 3}',
    "deep": DEEP,
}


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


def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command, in this process; a bug of ours is raised here."""
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


TRACE = "trace b --from node/worker-1"
MISTAKES = [
    # the command line
    ("report b --nope", 2, r"no such option: --nope.*hairpin report --help"),
    ("report b --fail-no error", 2, r"--fail-on"),
    ("repor b", 2, r"'repor'.*report.*--help"),
    ("b", 2, r"'b' is not a command.*hairpin report b"),
    ("report", 2, r"missing argument.*BUNDLE"),
    ("report b --fail-on eror", 2, r"--fail-on takes .*'eror'; did you mean 'error'"),
    ("report b --fail-on", 2, r"--fail-on"),
    ("report b --format jsn", 2, r"--format takes .*did you mean 'json'"),
    ("report b --jobs many", 2, r"--jobs.*'many'.*number"),
    ("report b --max-size lots", 2, r"--max-size.*'lots'.*512M"),
    ("report b --max-ratio 0", 2, r"--max-ratio"),
    ("rules", 2, None),
    ("rules lst", 2, r"'lst'.*list"),
    ("rules explain route-mising", 2, r"no rule 'route-mising'"),
    ("rules explain pod-route-mising", 2, r"did you mean 'pod-route-missing'"),
    ("rules try pod-route-mising b", 2, r"did you mean 'pod-route-missing'"),
    ("rules new Bad_Name", 2, r"small letters"),
    ("rules new a-b --in nowhere", 2, r"no folder nowhere"),
    ("facts b -t Rout", 2, r"no fact type 'Rout'; did you mean 'Route'"),
    ("facts b -t route", 2, r"did you mean 'Route'"),
    ("facts b -f xls", 2, r"--format takes text, json, csv or sqlite"),
    ("facts b -o x.xls", 2, r"ending.*\.csv"),
    ("facts b -t Route --where fact.nod==1", 2, r"did you mean 'node'"),
    ("facts b --where fact.node==1", 2, r"--type"),
    ("paths b -f yaml", 2, r"text or json"),
    ("diff empty empty", 2, r"empty is not a report as JSON.*-o report\.json"),
    ("diff b b", 2, r"cannot read b: .*-o report\.json"),
    ("diff flow/good.json flow/good.json", 2, r"is not a report as JSON"),
    # where the result goes
    ("report b -o nowhere/x.html", 2, r"cannot write nowhere/x\.html: there is no folder nowhere"),
    ("report b -o /proc/x.html", 2, r"cannot write /proc/x\.html"),
    ("report b -o emptydir", 2, r"cannot write emptydir: it is a folder"),
    ("report b -o x.docx", 2, r"the ending of x\.docx names no format; known endings: .*\.html"),
    ("report b -o x.html -o ./x.html", 2, r"x\.html: that file is named twice"),
    ("report b -o x.html -o x.json -o nowhere/x.xml", 2, r"no folder nowhere"),
    ("report empty -o empty", 2, r"empty: that is the bundle itself"),
    ("report b -o -", 2, r"--format"),
    ("facts b -o nowhere/x.csv", 2, r"no folder nowhere"),
    # the bundle
    ("report nothing", 3, r"nothing: No such file"),
    ("report empty", 3, r"empty: the file is empty"),
    ("report emptydir", 3, r"emptydir: nothing to read in it"),
    ("report noart", 3, r"noart: nothing in it is known \(1 file, the first is readme\.txt.*hairpin files noart"),
    ("report text.tar.gz", 3, r"text\.tar\.gz: is named like an archive but is none"),
    ("report report.pdf", 3, r"nothing in it is known"),
    ("report failed -o x.html", 3, r"no output in it.*iptables-save.txt: .*command not found"),
    ("report pipe", 3, r"pipe: the file is empty"),
    ("report /dev/zero", 3, r"/dev/zero: neither a file nor a folder"),
    ("report b nothing -o x.html", 3, r"nothing: No such file"),
    ("report b empty", 3, r"empty: the file is empty"),
    ("report b --max-members 1", 3, r"more than 1 files.*--max-members raises"),
    ("report b --max-member-size 8", 3, r"--max-member-size raises"),
    ("files b --max-size 8", 3, r"--max-size raises"),
    ("facts nothing", 3, r"No such file"),
    ("files nothing", 3, r"No such file"),
    ("paths noart", 3, r"nothing in it is known"),
    (f"{TRACE.replace(' b ', ' noart ')} --to 10.0.0.1:1", 3, r"nothing in it is known"),
    # rules
    ("report b --rules nothing", 4, r"nothing: no such folder of rules"),
    ("report b --rules rules/none", 4, r"rules/none: no rule is in it"),
    ("report b --rules rules/key -o x.html", 4, r"route-missing\.yaml:3: .*'severty'; did you mean 'severity'"),
    ("rules check rules/clause", 4, r"yaml:\d+: .*'were'; did you mean 'where'"),
    ("rules check rules/type", 4, r"yaml:3: severity: is one of"),
    ("rules check rules/word", 4, r"yaml:3: severity.*did you mean 'error'"),
    ("rules check rules/fact", 4, r"yaml:\d+: there is no fact type 'Rout'; did you mean 'Route'"),
    ("rules check rules/field", 4, r"yaml:\d+: .*'destinaton'; did you mean 'destination'"),
    ("rules check rules/regex", 4, r"yaml:\d+: .*\[a-"),
    ("rules check rules/twice", 4, r"yaml:4: 'severity' is given twice"),
    ("rules check rules/yaml", 4, r"yaml:2: not valid YAML"),
    ("rules check rules/nul", 4, r"route-missing\.yaml.*not valid YAML"),
    ("rules check rules/alias", 4, r"yaml:\d: "),
    ("rules check rules/deep", 4, r"route-missing\.yaml.*not valid YAML"),
    ("rules list --rules rules/key", 4, r"did you mean 'severity'"),
    # a packet
    (TRACE, 2, r"--from and --to"),
    (f"{TRACE.replace('worker-1', 'worker-2')} --to 10.0.0.1:1", 2, r"no node 'worker-2'.*did you mean worker-1"),
    (f"{TRACE} --to somewhere", 2, r"cannot send to 'somewhere'; use pod/"),
    (f"{TRACE} --to svc/a/b", 2, r"no service 'a/b'"),
    (f"{TRACE} --to 10.0.0.1", 2, r":PORT"),
    (f"{TRACE} --to 10.0.0.1:1 --proto pigeon", 2, r"protocol 'pigeon'"),
    (f"{TRACE} --to 10.0.0.1:1 --format xml", 2, r"text or json"),
    (f"{TRACE} --to 10.0.0.1:1 --topology nothing", 2, r"cannot read nothing"),
    (f"{TRACE} --to 10.0.0.1:1 --flow flow/good.json", 2, r"leave out --from"),
    ("trace b --flow nothing", 2, r"cannot read nothing: No such file"),
    ("trace b --flow flow/no-target.json", 2, r"no-target\.json: .*dst_ip"),
    ("trace b --flow flow/port-type.json", 2, r"port-type\.json: .*int.*dst_port"),
    ("trace b --flow flow/port-range.json", 2, r"dst_port 70000"),
    ("trace b --flow flow/address.json", 2, r"dst_ip 'ten' is not an address"),
    ("trace b --flow flow/key.json", 2, r"unknown field 'dport'; fields are .*dst_port"),
    ("trace b --flow flow/mark.json", 2, r"mark 'zz'"),
    ("trace b --flow flow/ends.json", 2, r"mark 'zz'"),
    ("trace b --flow flow/flags.json", 2, r"tcp_flags"),
    ("trace b --flow flow/proto.json", 2, r"protocol 'carrier-pigeon'"),
    ("trace b --flow flow/list.json", 2, r"not a JSON object"),
    ("trace b --flow flow/text.json", 2, r"not JSON"),
    ("trace b --flow flow/deep.json", 2, r"not JSON"),
    ("trace b --flow flow/good.json --topology links/misspelt.json", 2, r"neither links nor pods"),
    ("trace b --flow flow/good.json --topology links/number.json", 2, r"links is a list"),
    ("trace b --flow flow/good.json --topology links/one-end.json", 2, r"ends a and b"),
    ("trace b --flow flow/good.json --topology links/no-if.json", 2, r"node and if"),
    ("trace b --flow flow/good.json --topology links/pods.json", 2, r"pods is an object"),
    ("trace b --flow flow/good.json --topology links/deep.json", 2, r"not JSON"),
]


@pytest.mark.parametrize(("line", "code", "said"), MISTAKES, ids=[case[0].replace("/", "_") for case in MISTAKES])
def test_a_mistake_is_one_clear_line(
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    code: int,
    said: str | None,
) -> None:
    before = sorted(folder.rglob("*"))
    ended, out, err = run(capfd, monkeypatch, *line.split())
    assert ended == code, err
    assert out == ""
    if said is not None:
        assert err.startswith("hairpin: ") and err.count("\n") == 1, err
        assert re.search(said, err), err
    assert sorted(folder.rglob("*")) == before, "nothing is left behind"


def test_a_rule_whose_tests_fail(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(capfd, monkeypatch, "rules", "check", "rules/test")
    assert code == 4 and err == ""
    assert (
        out.startswith("rules/test/route-missing.yaml:17: no route: expected ['Node b has") and "1 tests failed" in out
    )
    code, out, err = run(capfd, monkeypatch, "rules", "check", "rules/good")
    assert (code, out, err) == (0, "1 rules checked, 0 tests failed\n", "")


def test_what_may_not_be_read(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "closed.txt"
    closed.write_text(ROUTES)
    closed.chmod(0)
    (folder / "locked").mkdir(mode=0o555)
    assert run(capfd, monkeypatch, "facts", "b")[0] == 0
    with _as_nobody(folder):
        code, out, err = run(capfd, monkeypatch, "report", "closed.txt")
        assert (code, out, err) == (3, "", "hairpin: closed.txt: Permission denied\n")
        code, out, err = run(capfd, monkeypatch, "report", "b", "-o", "locked/x.html")
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


def test_files_names_what_nobody_knows(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capfd, monkeypatch, "files", "noart")
    assert code == 0 and out.startswith("readme.txt\tunrecognised\t")


def test_an_older_report_survives_a_run_that_fails(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "x.html").write_text("older")
    assert run(capfd, monkeypatch, "report", "empty", "-o", "x.html")[0] == 3
    assert (folder / "x.html").read_text() == "older"


def test_no_room_leaves_no_file(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "x.json").write_text("older")
    before = sorted(folder.rglob("*"))
    real = os.open

    def full(path: str | os.PathLike[str], flags: int, *rest: int, **more: int) -> int:
        if ".partial" in str(path) and len([1 for name in folder.iterdir() if ".partial" in name.name]) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", full)
    code, _, err = run(capfd, monkeypatch, "report", "b", "-o", "x.json", "-o", "x.html")
    assert (code, err) == (2, "hairpin: cannot write x.html: No space left on device\n")
    assert sorted(folder.rglob("*")) == before and (folder / "x.json").read_text() == "older"


def test_a_link_at_the_output_is_replaced_not_followed(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "precious").write_text("kept")
    (folder / "x.json").symlink_to("precious")
    assert run(capfd, monkeypatch, "report", "b", "-o", "x.json", "--fail-on", "never")[0] == 0
    assert (folder / "precious").read_text() == "kept" and not (folder / "x.json").is_symlink()


def test_a_report_in_its_own_bundle_changes_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        assert run(capfd, monkeypatch, "report", "b", "-o", f"{name}.json", "--fail-on", "never")[0] == 0
        for end in ("html", "json", "xml", "sarif", "txt", "sqlite"):
            assert run(capfd, monkeypatch, "report", "b", "-o", f"b/report.{end}", "--fail-on", "never")[0] == 0
    code, out, _ = run(capfd, monkeypatch, "diff", "one.json", "two.json")
    assert code == 0 and not re.search("^(new|fixed)", out, re.M)
    one, two = (json.loads((folder / f"{name}.json").read_text()) for name in ("one", "two"))
    assert [check["outcome"] for check in one["checks"]] == [check["outcome"] for check in two["checks"]]
    assert one["gaps"] == two["gaps"]


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0)])
def test_exit_code_of_a_finding(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, level: str, code: int
) -> None:
    (folder / "b" / NODE / "ip-route.txt").write_text("10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.5\n")
    arguments = ["report", "b", "--rules", "rules/good", "--fail-on", level, "-q"]
    ended, out, err = run(capfd, monkeypatch, *arguments)
    assert ended == code and "1 finding" in out and err == ""


def test_the_type_of_facts_may_stand_behind_the_bundle(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = run(capfd, monkeypatch, "facts", "b", "-t", "Route", "-f", "json")
    assert named[0] == 0 and json.loads(named[1])
    assert run(capfd, monkeypatch, "facts", "b", "Route", "-f", "json") == named


def test_facts_as_a_database(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x.sqlite", "y.db"):
        code, out, err = run(capfd, monkeypatch, "facts", "b", "-o", name)
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
def test_facts_name_their_type(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    code, out, _ = run(capfd, monkeypatch, "facts", "b", "-t", "Route", "-f", format)
    assert code == 0
    assert out.count("Route") == 2 and f"{NODE}ip-route.txt:2" in out and "unicast" in out


# What the operating system takes part in needs a process of its own


def command(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("HAIRPIN_STRICT", None)
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*HAIRPIN, *arguments],
        capture_output="stdout" not in options,
        text=True,
        timeout=60,
        env=environment,
        **options,
    )


def test_help_without_arguments(folder: Path) -> None:
    done = command()
    assert done.returncode == 2 and "Usage: hairpin" in done.stderr and "hairpin report BUNDLE" in done.stderr
    done = command("--help")
    assert done.returncode == 0 and "Usage: hairpin" in done.stdout and done.stderr == ""


def test_the_version() -> None:
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, "") and re.fullmatch(r"hairpin \d+\.\d+\.\d+\n", done.stdout)


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


# What README and help say is what happens


def test_the_exit_codes_of_the_readme() -> None:
    table = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(), re.M)
    assert [int(code) for code, _ in table] == [0, 1, 2, 3, 4, 70]
    tested = {code for _, code, _ in MISTAKES}
    assert tested == {2, 3, 4}
    assert all(f"{code} " in (cli.report.__doc__ or "") for code, _ in table if int(code) < 5)


def _help(*words: str) -> str:
    done = command(*words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_of_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    block = next(block for block in re.findall(r"```sh\n(.*?)```", text, re.S) if "hairpin report" in block)
    said = set(re.findall(r"^hairpin (\w+)", block, re.M))
    shown = _help()
    listed = set(re.findall(r"^  (\w+)  ", shown.split("Commands:")[1], re.M))
    assert said == listed
    options = _help("report")
    for option in re.findall(r"--[a-z-]+", block.split("hairpin trace")[0]):
        assert option in options
    rules = re.findall(
        r"[a-z]+", re.sub(r"[A-Z\[\]#]+", " ", next(line for line in block.splitlines() if "hairpin rules" in line))
    )
    listed = set(re.findall(r"^  (\w+)  ", _help("rules").split("Commands:")[1], re.M))
    assert listed - {"schema", "catalogue"} <= set(rules) - {"hairpin", "rules"} <= listed


@pytest.mark.parametrize("command_line", ["", "report", "files", "facts", "trace", "paths", "diff", "rules"])
def test_no_help_text_is_cut_short(command_line: str) -> None:
    assert "..." not in _help(*command_line.split()).replace("}...", "").replace("[ARGS]...", "")


@pytest.mark.parametrize(
    ("text", "bytes"),
    [("1", 1), ("64K", 65536), ("512MiB", 512 << 20), ("4g", 4 << 30), ("1 GB", 1 << 30)],
)
def test_sizes(text: str, bytes: int) -> None:
    assert size(text) == bytes
