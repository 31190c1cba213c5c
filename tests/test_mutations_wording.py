"""The real healthy bundle with one thing changed: what a finding says of it, and which commands it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.packet.text import sentence
from analyzer.packet.verdict import At, Peer, Receiver, Step, Trace
from tests.test_bundles import report_of, told
from tests.test_mutations import CASES, OTHER, edit, healthy, write
from tests.test_mutations_more import causes, changed, unlisted

__all__ = ["healthy"]


def test_a_service_that_is_not_tracked_is_not_said_to_be_empty(healthy: Path, tmp_path: Path) -> None:
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.43.0.0/16 -j CT --notrack\nCOMMIT\n"
    changes = (edit(f"{OTHER}/iptables-save*.txt", r"\Z", raw, 1), unlisted(OTHER))
    why = report_of(changed(healthy, tmp_path, changes)).findings[0].why
    assert "not tracked, so not translated to an endpoint of the Service" in why
    assert "rule 1 of chain PREROUTING, table raw" in why
    assert "nothing behind it" not in why


def test_the_policy_of_mangle_is_a_cause_of_its_own(healthy: Path, tmp_path: Path) -> None:
    policy = edit(f"{OTHER}/iptables-save*.txt", r"(\*mangle\n(?:.*\n)*?:FORWARD) ACCEPT", r"\1 DROP")
    report = report_of(changed(healthy, tmp_path, (policy, unlisted(OTHER))))
    assert causes(report) == {"mangle-policy-drop"}, told(report)
    assert "`iptables -t mangle -P FORWARD ACCEPT`" in " ".join(report.findings[0].fix)


def test_the_command_of_the_backend_is_named_where_both_are_in_use(healthy: Path, tmp_path: Path) -> None:
    text = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -d 10.42.0.0/16 -j DROP\nCOMMIT\n"
    report = report_of(changed(healthy, tmp_path, (write(f"{OTHER}/iptables-legacy-save.txt", text),)))
    assert causes(report) == {"foreign-drop-rule-forward"}, told(report)
    fix = " ".join(report.findings[0].fix)
    assert "`iptables-legacy -t raw -D PREROUTING 1`" in fix
    assert "legacy:raw" not in fix


def test_a_route_to_the_pods_of_a_node_is_no_network_that_overlaps_them(healthy: Path, tmp_path: Path) -> None:
    report = report_of(changed(healthy, tmp_path, CASES["the route leads elsewhere"][1]))
    assert "pod-cidr-overlaps-node-network" not in {finding.rule for finding in report.findings}, told(report)
    assert causes(report) == {"pod-route-wrong-nexthop"}, told(report)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        pytest.param("other", "the reply goes to other, which has 10.2.0.3, and not to the sender", id="to another"),
        pytest.param("client", "the reply arrives with another address than was asked", id="to the sender"),
    ],
)
def test_where_a_misaddressed_reply_goes(end: str, words: str) -> None:
    result = Trace(
        verdict="delivered",
        to=Receiver("server", "10.2.0.2", 80),
        seen_src=Peer("10.2.0.3", 30000),
        reply="misaddressed",
        reply_at=At(end),
        steps=(Step(node="client"), Step(node="server")),
    )
    assert words in sentence(result)
