"""A log to facts: hits with their places and times, the window, and what the log covers."""

from __future__ import annotations

import io

import pytest

from analyzer.facts.fact import Parsed
from analyzer.facts.logs import LogLine, LogWindow
from analyzer.facts.source import Place
from analyzer.logs import Patterns, read_log

NOVEMBER = 1795435907.0
PATTERNS = Patterns(
    ("table full, dropping packet", "lookup {name} on {server:ip}: no such host", "timeout", 'level=error msg="x"')
)


def read(text: str | bytes, path: str = "x.log", place: Place = Place(), first: int = 1) -> Parsed:  # noqa: B008
    data = text if isinstance(text, bytes) else text.encode()
    return read_log(io.BytesIO(data), path, place, PATTERNS, NOVEMBER, first)


def lines(parsed: Parsed) -> list[LogLine]:
    return [fact for fact in parsed.facts if isinstance(fact, LogLine)]


def windows(parsed: Parsed) -> list[LogWindow]:
    return [fact for fact in parsed.facts if isinstance(fact, LogWindow)]


def covered(parsed: Parsed, complete: bool = True) -> list[tuple[str | None, str | None, str | None]]:
    return [
        (entry.node, entry.pod, entry.component)
        for entry in parsed.coverage
        if entry.fact == "LogLine" and entry.complete is complete
    ]


def test_one_hit_of_a_node() -> None:
    text = (
        "I1123 12:11:40.000000 1 a.go:1] up\n"
        "E1123 12:11:42.000000 1 a.go:1] lookup a.b on 10.0.0.1: no such host\n"
        "I1123 12:11:47.000000 1 a.go:1] up\n"
    )
    parsed = read(text, "nodes/w1/var/log/k3s.log", Place(node="w1"), first=11)
    (hit,) = lines(parsed)
    assert (hit.node, hit.component, hit.level, hit.message) == (
        "w1",
        "k3s",
        "error",
        "lookup a.b on 10.0.0.1: no such host",
    )
    assert (hit.time, hit.age, hit.origin.line) == (NOVEMBER - 5, 5.0, 12)
    (window,) = windows(parsed)
    assert (window.first, window.last, window.lines) == (NOVEMBER - 7, NOVEMBER, 3)
    assert covered(parsed) == [("w1", None, "k3s")]
    assert (parsed.lines, parsed.understood, parsed.gaps) == (3, 3, ())


def test_the_year_comes_from_the_other_lines_of_the_file() -> None:
    text = 'time="2024-11-23T12:00:00Z" level=info msg="up"\nE1123 12:00:01.000000 1 a.go:1] timeout\n'
    (hit,) = lines(read(text, "k3s.log"))
    assert hit.time == 1732363201.0


def test_seconds_since_boot_give_an_age_but_no_time() -> None:
    (hit,) = lines(read("[   10.5] a\n[   20.0] nf_conntrack: table full, dropping packet\n[   25.5] b\n", "dmesg"))
    assert (hit.time, hit.age, hit.component) == (None, 5.5, "kernel")


def test_a_journal_of_all_units() -> None:
    text = (
        "Nov 23 12:11:40 w1 systemd[1]: Started x.\n"
        "Nov 23 12:11:42 w1 kernel: nf_conntrack: table full, dropping packet\n"
        "Nov 23 12:11:44 w1 kubelet[7]: E1123 12:11:44.000000 7 a.go:1] timeout\n"
        "Nov 23 12:11:45 w1 sshd[8]: hello\n"
    )
    parsed = read(text, "sos_commands/logs/journalctl_--no-pager", Place(node="w1"))
    assert [(hit.component, hit.message) for hit in lines(parsed)] == [
        ("kernel", "nf_conntrack: table full, dropping packet"),
        ("kubelet", "timeout"),
    ]
    assert {component for _, _, component in covered(parsed)} == {"systemd", "kernel", "kubelet", "sshd"}


def test_a_daemon_in_the_middle_of_a_long_journal_is_covered() -> None:
    noise = "Nov 23 12:11:40 w1 cron[1]: x\nNov 23 12:11:40 w1 sshd[1]: x\n" * 60000
    parsed = read(noise + "Nov 23 12:11:44 w1 firewalld[7]: ready\n" + noise, "syslog", Place(node="w1"))
    assert {component for _, _, component in covered(parsed)} == {"cron", "sshd", "kernel", "firewalld"}


def test_sections_of_cluster_info_dump() -> None:
    text = (
        "==== START logs for container install-cni of pod kube-flannel/kube-flannel-ds-x1 ====\n"
        "timeout\n"
        "==== END logs for container install-cni of pod kube-flannel/kube-flannel-ds-x1 ====\n"
        "==== START logs for container app of pod shop/web-0 ====\n"
        "2026-11-23T12:11:47Z timeout==== END logs for container app of pod shop/web-0 ====\n"
    )
    parsed = read(text, "kube-flannel/kube-flannel-ds-x1/logs.txt")
    assert [(hit.pod, hit.container, hit.component, hit.origin.line) for hit in lines(parsed)] == [
        ("kube-flannel/kube-flannel-ds-x1", "install-cni", "flannel", 2),
        ("shop/web-0", "app", "app", 5),
    ]
    assert covered(parsed) == [(None, "kube-flannel/kube-flannel-ds-x1", "flannel"), (None, "shop/web-0", "app")]


@pytest.mark.parametrize(
    "text",
    [
        "Error from server (BadRequest): a container name must be specified for pod x, choose one of: [a b]\n",
        "error: timed out waiting: timeout\n",
        "-- No entries --\n",
        "unable to retrieve container logs for containerd://0123\n",
        'Error from server (BadRequest): previous terminated container "a" in pod "b" not found',
        "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?\n",
        "bash: line 1: journalctl: command not found\n",
    ],
)
def test_an_error_of_collection_covers_nothing(text: str) -> None:
    parsed = read(text, "kubelet.log", Place(node="w1"))
    assert (parsed.facts, parsed.coverage) == ((), ())


def test_an_empty_file_proves_nothing() -> None:
    parsed = read("", "kubelet.log", Place(node="w1"))
    assert covered(parsed) == []
    assert covered(parsed, complete=False) == [("w1", None, "kubelet")]


def test_limits_are_stated() -> None:
    parsed = read("".join(f"timeout {n}\n" for n in range(5000)), "kubelet.log", Place(node="w1"))
    found = lines(parsed)
    assert [hit.origin.line for hit in found] == [*range(1, 1001), *range(4001, 5001)]
    (entry,) = [entry for entry in parsed.coverage if entry.fact == "LogLine"]
    assert not entry.complete
    assert entry.note == "5,000 lines hold 'timeout': the first 1,000 and last 1,000 are kept"


def test_a_pattern_that_spans_the_front_of_a_line_keeps_the_whole_line() -> None:
    (hit,) = lines(read('time="2026-11-23T12:11:47Z" level=error msg="x"\n', "containerd.log"))
    assert hit.message == 'time="2026-11-23T12:11:47Z" level=error msg="x"'


def test_what_only_looks_like_a_hit_is_none() -> None:
    assert lines(read("lookup a.b on nothing: no such host\n")) == []


def test_one_line_that_many_patterns_match_is_one_fact() -> None:
    (hit,) = lines(read("table full, dropping packet: timeout\n"))
    assert hit.message == "table full, dropping packet: timeout"
