"""What dumps leave open is unknown, and the trace names what is missing: the lab's healthy dumps, with something lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from analyzer.packet.endpoints import resolve
from analyzer.packet.flow import Flow
from analyzer.packet.trace import Trace, trace
from tests.kernel.scene_build import facts_in

HEALTHY = Path(__file__).parents[2] / "samples" / "bundles" / "healthy"
Texts = dict[str, str]
SHELL, NEAR, FAR = "pod/tools/shell-1", "pod/shop/web-7f9-x1", "pod/shop/web-7f9-x2"


def texts() -> Texts:
    """The dumps by path."""
    return {str(file.relative_to(HEALTHY)): file.read_text() for file in HEALTHY.rglob("*") if file.is_file()}


def asked(change: Callable[[Texts], None], target: str, **more: int) -> Trace:
    """The trace from a pod of node-1 over the changed dumps."""
    changed = texts()
    change(changed)
    facts = facts_in(changed)
    flow: Flow = msgspec.structs.replace(resolve(facts, SHELL, target), **more)
    return trace(facts, flow)


def rule(text: str) -> Callable[[Texts], None]:
    """Puts a rule in front of FORWARD of node-1."""

    def change(changed: Texts) -> None:
        path = "nodes/node-1/iptables-save.txt"
        before, found, after = changed[path].partition("-A FORWARD")
        assert found
        changed[path] = f"{before}-A FORWARD {text}\n{found}{after}"

    return change


def without(*parts: str) -> Callable[[Texts], None]:
    """Removes the files whose paths begin so."""

    def change(changed: Texts) -> None:
        gone = [path for path in changed if path.startswith(parts)]
        assert gone
        for path in gone:
            del changed[path]

    return change


def cut(path: str, text: str) -> Callable[[Texts], None]:
    """Cuts a file off where a text begins."""

    def change(changed: Texts) -> None:
        assert text in changed[path]
        changed[path] = changed[path].partition(text)[0]

    return change


def test_the_whole_dumps_decide() -> None:
    for target in (NEAR, FAR):
        assert (found := asked(lambda changed: None, target)).verdict == "delivered", found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param('-m u32 --u32 "0>>22&0x3C@0>>24=5" -j DROP', "u32", id="match"),
        pytest.param("-m bpf --bytecode 4,48 -j DROP", "bpf", id="bpf"),
        pytest.param("-m set --match-set blocked src -j DROP", "blocked", id="ipset not collected"),
        pytest.param("-p tcp -j TPROXY --on-port 1 --on-ip 0.0.0.0", "TPROXY", id="target"),
        pytest.param("-m recent --update --seconds 60 --name scan --rsource -j DROP", "recent", id="recent"),
    ],
)
def test_a_rule_that_cannot_be_decided(text: str, named: str) -> None:
    found = asked(rule(text), NEAR)
    assert found.verdict == "unknown", found
    assert any(named in item for item in (*found.undecided, *found.missing)), found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('-m u32 --u32 "0>>22&0x3C@0>>24=5" -j LOG', id="log"),
        pytest.param('-m u32 --u32 "0>>22&0x3C@0>>24=5" -j ACCEPT', id="accept, as what follows"),
    ],
)
def test_a_rule_that_does_not_matter(text: str) -> None:
    assert asked(rule(text), NEAR).verdict == "delivered"


@pytest.mark.parametrize(
    ("change", "target", "named"),
    [
        pytest.param(without("nodes/node-1/ip-route"), FAR, "ip route show table all on node-1", id="routes"),
        pytest.param(without("nodes/node-2/"), FAR, "node-2", id="the other node"),
        pytest.param(without("nodes/node-1/"), NEAR, "node-1", id="the own node"),
        pytest.param(without("nodes/node-1/iptables-save"), NEAR, "iptables-save of node-1", id="rules"),
        pytest.param(without("nodes/node-2/iptables-save"), FAR, "iptables-save of node-2", id="rules of the other"),
        pytest.param(without("nodes/node-1/sysctl"), FAR, "ipv4", id="settings"),
        pytest.param(cut("nodes/node-1/iptables-save.txt", "-A FLANNEL-FWD"), FAR, "node-1", id="rules cut off"),
    ],
)
def test_a_dump_that_is_missing(change: Callable[[Texts], None], target: str, named: str) -> None:
    found = asked(change, target)
    assert found.verdict == "unknown", found
    assert any(named in item for item in (*found.undecided, *found.missing)), found
