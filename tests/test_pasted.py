"""What people paste and rename: every prompt, terminal recording, encoding and mask, and messages instead of output."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.analysis import Options, analyse
from analyzer.bundle import Bundle
from analyzer.compose import compose
from analyzer.logs.components import CLIENT
from analyzer.recognise import Recognition, recognise
from analyzer.report import Report
from tests.layouts import pasted
from tests.layouts.dump import Files, load
from tests.layouts.sos_clean import mapped
from tests.test_bundles import SAMPLES, first_cause, report_of, told
from tests.test_layouts import LOOP, ROUTE, SELECTOR, accusing, written

ROUTES = "default via 192.0.2.1 dev eth0 proto dhcp\n10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1\n"
RULES = "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n"

PROMPTS = [
    pytest.param("[root@node1 ~]# {}", "node1", id="brackets"),
    pytest.param("[core@w1 ~]$ sudo {}", "w1", id="brackets, sudo"),
    pytest.param("root@node1:~# {}", "node1", id="debian"),
    pytest.param("user@host-7:~/dir$ {}", "host-7", id="debian, user"),
    pytest.param("node1:~ # {}", "node1", id="suse"),
    pytest.param("$ {}", "", id="dollar"),
    pytest.param("# {}", "", id="hash"),
    pytest.param("➜  ~ {}", "", id="arrow"),
    pytest.param("bash-5.2# {}", "", id="bash"),
    pytest.param("sh-4.4# {}", "", id="oc debug"),
    pytest.param("PS C:\\Users\\me> {}", "", id="PowerShell"),
    pytest.param("/ # {}", "", id="busybox"),
    pytest.param("+ {}", "", id="set -x"),
    pytest.param("--- {} ---", "", id="dashes"),
    pytest.param("=== {} ===", "", id="equals"),
    pytest.param("## {}", "", id="two hashes"),
    pytest.param(">>> {}", "", id="angles"),
    pytest.param("==> {} <==", "", id="tail"),
]


def recognised(files: dict[str, str]) -> Recognition:
    with Bundle.of_texts(files) as bundle:
        return recognise(bundle)


@pytest.mark.parametrize(("prompt", "host"), PROMPTS)
def test_every_prompt_parts_a_session(prompt: str, host: str) -> None:
    session = f"{prompt.format('ip route show table all')}\n{ROUTES}{prompt.format('ip rule')}\n{RULES}"
    found = recognised({"paste.txt": session}).artifacts
    assert [(one.kind, one.first, one.last) for one in found] == [("ip-route", 2, 3), ("ip-rule", 5, 7)]
    assert {one.place.node for one in found} == {host or "unnamed-node"}
    assert found[0].command == "ip route show table all"


@pytest.mark.parametrize(
    ("command", "node", "netns", "cut"),
    [
        pytest.param("kubectl exec -n kube-system web-1 -- ip route", None, ":web-1", False, id="kubectl exec"),
        pytest.param("ip netns exec blue ip route", None, "n1:blue", False, id="ip netns exec"),
        pytest.param("ssh root@n2 ip route", "n2", None, False, id="ssh"),
        pytest.param("docker exec kind-worker ip route", None, "n1:kind-worker", False, id="docker exec"),
        pytest.param("nsenter -t 4711 -n ip route", None, "n1:pid-4711", False, id="nsenter"),
        pytest.param("ip route | grep 10.", "n1", None, True, id="grep"),
        pytest.param("ip route | head -3", "n1", None, True, id="head"),
        pytest.param("ip route | sort", "n1", None, False, id="sort"),
    ],
)
def test_the_command_tells_where_it_ran_and_what_it_left_out(
    command: str, node: str | None, netns: str | None, cut: bool
) -> None:
    (found,) = recognised({"paste.txt": f"[root@n1 ~]# {command}\n{ROUTES}"}).artifacts
    assert (found.place.node, found.place.netns, bool(found.cut)) == (node, netns, cut)


ERRORS = [
    "bash: line 1: ip: command not found",
    "dash: 1: ip: not found",
    "timeout: failed to run command ‘ip’: No such file or directory",
    'Cannot open network namespace "x": No such file or directory',
    'Device "eth7" does not exist.',
    "netlink error: no device matches name (offset 24)",
    "Error: Peer netns reference is invalid.",
    "The connection to the server 192.0.2.1:6443 was refused - did you specify the right host or port?",
    'Error from server (Forbidden): nodes is forbidden: User "x" cannot list resource "nodes"',
    'error: the server doesn\'t have a resource type "x"',
    "iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)",
    "ipset v7.17: Kernel error received: Operation not permitted",
    "conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root",
]


@pytest.mark.parametrize("message", ERRORS)
@pytest.mark.parametrize("pasted_", [True, False], ids=["pasted", "file"])
def test_a_message_instead_of_output_is_a_failure_to_collect(message: str, pasted_: bool) -> None:
    files = {"p.txt": f"[root@n1 ~]# ip route\n{message}\n"} if pasted_ else {"n1/ip-route.txt": f"{message}\n"}
    found = recognised(files)
    # how a client of the API failed is a line of its log, of which nothing else is known
    assert not [artifact for artifact in found.artifacts if artifact.place.component != CLIENT or not artifact.cut]
    assert [text for _, _, text in found.failed] == [message]


def typescript(text: str) -> str:
    """As script(1) records it: every line ends CRLF, prompts coloured, bracketed paste, typing errors erased."""
    body = re.sub(r"(?m)^(\[root@.*?\]#) (.)(.*)$", "\x1b[?2004h\x1b[1;32m\\1\x1b[0m x\b\\2\\3\r\n\x1b[?2004l\r", text)
    body = body.replace("\n", "\r\n").replace("\r\r\n", "\r\n")
    start = 'Script started on 2026-11-23 12:10:00+00:00 [TERM="xterm"]\r\n'
    return f"{start}{body}\r\nScript done on 2026-11-23 12:20:00\r\n"


def fenced(text: str) -> str:
    """As a comment of an issue tracker: a sentence, the prompt, and the whole session in a fence."""
    return f"Hi team,\n\nhere is what you asked for:\n\n```console\n{text}\n```\n\nThanks!\n"


def banner(text: str) -> str:
    """With what sshd says first."""
    return (
        "Welcome to Ubuntu 24.04.1 LTS (GNU/Linux 6.8.0 x86_64)\n\n * Documentation:  https://help.ubuntu.com\n\n"
        + text
    )


def coloured(text: str) -> str:
    """As `ip -c` prints addresses."""
    return re.sub(r"\b(\d+\.\d+\.\d+\.\d+)(?=[/ ])", "\x1b[35m\\1\x1b[0m", text)


FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "UTF-16 with a mark": lambda text: b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "Latin-1": lambda text: text.encode() + "[root@x ~]# echo grüße\ngrüße\n".encode("latin-1"),
    "typescript": lambda text: typescript(text).encode(),
    "fence": lambda text: fenced(text).encode(),
    "banner": lambda text: banner(text).encode(),
    "colours": lambda text: coloured(text).encode(),
    "NULs of a crash": lambda text: text.encode() + bytes(64),
}


@pytest.mark.parametrize(("case", "rule"), [("pod-route-missing", ROUTE), ("coredns-loop", LOOP), ("healthy", None)])
@pytest.mark.parametrize("form", FORMS)
def test_a_pasted_session_in_any_form(form: str, case: str, rule: str | None, tmp_path: Path) -> None:
    files = pasted.render(load(SAMPLES / case))
    changed = {path: FORMS[form](data.decode()) for path, data in files.items()}
    report = reported(changed, tmp_path)
    assert first_cause(report) == rule, told(report)
    assert accusing(report) <= accusing(report_of(SAMPLES / case))


def reported(files: Files, folder: Path) -> Report:
    analysis = analyse([written(files, folder)], Options(strict=True))
    with analysis.bundle:
        return compose(analysis)


ADDRESS = re.compile(r"\b(?!0\.0\.0\.0|127\.|255\.)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\b")


def numbered(form: str) -> Callable[[str], str]:
    """Every address by a word that is the same wherever the address is the same."""

    def mask(text: str) -> str:
        return ADDRESS.sub(lambda found: form.format(int(found[3]) * 256 + int(found[4]) + int(found[2]) * 7919), text)

    return mask


MASKS: dict[str, Callable[[str], str]] = {
    "***HIDDEN***": lambda text: ADDRESS.sub("***HIDDEN***", text),
    "tokens": numbered("***TOKEN_IPADDRESS_{:06X}***"),
    "x-ipv4": numbered("x-ipv4-{:010}-x"),
    "xxx": lambda text: ADDRESS.sub("xxx.xxx.xxx.xxx", text),
    "words": numbered("10.alpha.bravo.w{}"),
}


@pytest.mark.parametrize(
    ("case", "rule"), [("healthy", None), ("selector-mismatch", SELECTOR), ("pod-route-missing", None)]
)
@pytest.mark.parametrize("mask", MASKS)
def test_masked_addresses_are_none_and_accuse_nobody(mask: str, case: str, rule: str | None, tmp_path: Path) -> None:
    """Nothing that needs no address is lost, nothing that needs one is found or clear because of the mask."""
    original = report_of(SAMPLES / case)
    dump = load(SAMPLES / case)
    files = {path: MASKS[mask](data.decode()).encode() for path, data in dump.files.items()}
    report = reported(files, tmp_path)
    assert accusing(report) <= accusing(original), told(report)
    if rule:
        assert first_cause(report) == rule
    before = {check.rule: check.outcome for check in original.checks}
    turned = [check.rule for check in report.checks if check.outcome == "clear" and before[check.rule] == "found"]
    assert not turned, "found before, clear behind the mask"


@pytest.mark.parametrize("case", ["healthy", "selector-mismatch", "coredns-loop"])
def test_addresses_that_were_mapped_accuse_nobody(case: str, tmp_path: Path) -> None:
    original = report_of(SAMPLES / case)
    report = reported(mapped(load(SAMPLES / case).files), tmp_path)
    assert accusing(report) <= accusing(original), told(report)
    assert first_cause(report) == first_cause(original)
