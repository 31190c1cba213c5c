"""Templates: what they capture, what they refuse, and that a hostile line costs no more than a long one."""

from __future__ import annotations

import ipaddress

import pytest

from analyzer.logs.template import capture_types, captures, compile_template


@pytest.mark.parametrize(
    ("template", "message", "expected"),
    [
        pytest.param(
            "lookup {name} on {server:ip}:53: no such host",
            "dial tcp: lookup api.shop.svc on 10.96.0.10:53: no such host",
            {"name": "api.shop.svc", "server": ipaddress.ip_address("10.96.0.10")},
            id="text and address",
        ),
        pytest.param(
            "read udp {client}->{upstream}:53: i/o timeout",
            "[ERROR] plugin/errors: 2 a.io. A: read udp 10.244.1.2:4312->10.0.0.2:53: i/o timeout",
            {"client": "10.244.1.2:4312", "upstream": "10.0.0.2"},
            id="text stops at the text after it",
        ),
        pytest.param(
            "on {server:ip}:53: refused",
            "on fd00::a:53: refused",
            {"server": ipaddress.ip_address("fd00::a")},
            id="an IPv6 address, then a port",
        ),
        pytest.param(
            "no IP addresses available in range set: {range}",
            'err="no IP addresses available in range set: 10.244.1.1-10.244.1.254"',
            {"range": "10.244.1.1-10.244.1.254"},
            id="at the end, without the closing quote",
        ),
        pytest.param("TABLE FULL", "nf_conntrack: table full, dropping packet", {}, id="case does not matter"),
        pytest.param(
            'failed to "StartContainer" for "{c}"',
            r'err="failed to \\\"StartContainer\\\" for \"coredns\" with',
            {"c": "coredns"},
            id="quotes escaped once and thrice",
        ),
        pytest.param(
            r"failed to \"Start\" for \"{c}\"", 'failed to "Start" for "x"', {"c": "x"}, id="escapes in the template"
        ),
        pytest.param(
            "can't create '{file}': Permission denied",
            "cp: can‘t create ‘/etc/cni/net.d/10-flannel.conflist’: Permission denied",
            {"file": "/etc/cni/net.d/10-flannel.conflist"},
            id="typographic quotes",
        ),
        pytest.param(
            "{dev}: port {n:int}(",
            "kernel: cni0: port 7(vethab) entered",
            {"dev": "cni0", "n": 7},
            id="begins with one",
        ),
        pytest.param(
            "Loop ({path:any}) detected",
            "Loop (127.0.0.1:1 -> :53) detected",
            {"path": "127.0.0.1:1 -> :53"},
            id="any holds blanks",
        ),
        pytest.param("a {{b}} {c} done", "a {b} x done", {"c": "x"}, id="braces of the line"),
        pytest.param(
            "net {n:cidr} gone", "net 10.1.0.0/16 gone", {"n": ipaddress.ip_network("10.1.0.0/16")}, id="cidr"
        ),
        pytest.param("net {n:cidr} gone", "net 10.1.0.9 gone", None, id="an address is no cidr"),
        pytest.param("pod {a} is gone", "pod x y is gone", None, id="text holds no blanks"),
        pytest.param(
            "port {n:int} busy", "port x busy; port 9 busy", {"n": 9}, id="the first place fails, the second fits"
        ),
        pytest.param("to {x}: refused", "to a: b: refused to c: refused", {"x": "c"}, id="text after it is elsewhere"),
        pytest.param("dial {a}:{p:int}: no", "dial fd00::1:80: no", {"a": "fd00::1", "p": 80}, id="later separator"),
        pytest.param("x -> {who}", "x -\\u003e kube", {"who": "kube"}, id="escaped angle bracket of JSON"),
    ],
)
def test_captures(template: str, message: str, expected: dict[str, object] | None) -> None:
    assert captures(template, message) == expected


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        pytest.param("", "fixed text", id="empty"),
        pytest.param("{a}", "fixed text", id="only a capture"),
        pytest.param("no {a}", "fixed text", id="too short"),
        pytest.param("server {a:ipp} down", "did you mean ip", id="unknown type"),
        pytest.param("server {a} and {a} down", "captured twice", id="twice"),
        pytest.param("server {a}{b} down", "nothing separates", id="adjacent"),
        pytest.param("server {a down", "not closed", id="open"),
        pytest.param("server a} down", "lone }", id="lone brace"),
        pytest.param("server {Name:x,} down", "not a capture", id="Go struct"),
        pytest.param("one line\ntwo", "one line", id="two lines"),
    ],
)
def test_wrong_templates(template: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compile_template(template)


def test_capture_types() -> None:
    assert capture_types("lookup {name} on {server:ip} failed") == {"name": "text", "server": "ip"}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("aa{a}:{b}:{c}:{d}:{e}:{f}:end of it", "aa" + ":" * 16000, id="separators"),
        pytest.param("aaaa{a}a{b}a{c}a{d}a{e}a{f}end of it", "a" * 16000 + "end of x end of it", id="one letter"),
        pytest.param("{a}aaaa{b:any}aaaa{c:any}aaaa{d}", "a" * 16000, id="overlapping literals"),
        pytest.param("aaaa{a:ip}aa{b:int}aaa", "a" * 16000, id="typed"),
    ],
)
def test_a_hostile_line_ends(template: str, message: str) -> None:
    """These would run for minutes if every combination of places were tried."""
    captures(template, message)
