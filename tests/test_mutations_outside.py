"""The real healthy bundle with a rule against one outside address that its pods talk to, or against its replies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analyzer.analysis import Options, collect
from analyzer.bundle import Limits, open_bundle
from analyzer.facts.derived import Path as Way
from analyzer.logs import Patterns
from tests.test_bundles import first_cause, report_of, told
from tests.test_mutations import OTHER, Change, first_rule, healthy, without
from tests.test_mutations_more import causes, changed, unlisted

__all__ = ["healthy"]


def headless(root: Path) -> None:
    """A Service without address or selector in front of a database outside of the cluster."""
    file = root / "cluster/svc.json"
    document = json.loads(file.read_text())
    document["items"].append({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "ledger", "namespace": "shop"},
        "spec": {"clusterIP": "None", "type": "ClusterIP", "ports": [{"port": 5432, "protocol": "TCP"}]},
    })  # fmt: skip
    file.write_text(json.dumps(document))
    file = root / "cluster/endpoints.json"
    document = json.loads(file.read_text())
    document["items"].append({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "ledger", "namespace": "shop"},
        "subsets": [{"addresses": [{"ip": "198.51.100.7"}], "ports": [{"port": 5432, "protocol": "TCP"}]}],
    })  # fmt: skip
    file.write_text(json.dumps(document))


CASES: dict[str, tuple[Change, ...]] = {
    "one address that conntrack names": first_rule(OTHER, "FORWARD", r"-A FORWARD -d 203.0.113.10/32 -j DROP\n"),
    "its network": first_rule(OTHER, "FORWARD", r"-A FORWARD -d 203.0.113.0/24 -p tcp -m tcp --dport 80 -j REJECT\n"),
    "an endpoint outside of the cluster": (
        headless,
        *first_rule(OTHER, "FORWARD", r"-A FORWARD -d 198.51.100.7/32 -j DROP\n"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_on_an_outside_address_is_the_only_cause(healthy: Path, tmp_path: Path, case: str) -> None:
    report = report_of(changed(healthy, tmp_path, CASES[case]))
    assert causes(report) == {"foreign-drop-rule-forward"}, told(report)
    assert first_cause(report) == "foreign-drop-rule-forward"


def test_an_address_that_no_pod_asks_for_is_no_cause(healthy: Path, tmp_path: Path) -> None:
    changes = first_rule(OTHER, "FORWARD", r"-A FORWARD -d 203.0.113.99/32 -j DROP\n")
    assert not told(report_of(changed(healthy, tmp_path, changes)))


def mangled(root: Path) -> None:
    for file in root.glob(f"{OTHER}/iptables-save*.txt"):
        rule = "-A PREROUTING -i eth0 -p tcp -m tcp --dport 5432 -j DROP\n"
        text = file.read_text()
        assert "*mangle\n" in text
        head, _, rest = text.partition("*mangle\n")
        file.write_text(head + "*mangle\n" + rest.replace("COMMIT\n", rule + "COMMIT\n", 1))


def test_a_rule_on_one_port_is_no_open_question_for_replies(healthy: Path, tmp_path: Path) -> None:
    report = report_of(changed(healthy, tmp_path, (mangled, unlisted(OTHER))))
    assert not told(report)
    assert report.paths
    assert {cell.verdict for cell in report.paths} == {"ok"}, report.paths


def test_the_only_pod_of_a_node_is_sent_to_from_other_nodes(healthy: Path, tmp_path: Path) -> None:
    """Of the pods on the other node one is left; what is sent to it dies there."""
    root = changed(healthy, tmp_path, first_rule(OTHER, "FORWARD", r"-A FORWARD -s 10.42.0.0/24 -o cni0 -j DROP\n"))
    left = sorted(folder.name for folder in (root / OTHER / "pods").iterdir())[0]
    document = json.loads((root / "cluster/pods.json").read_text())
    rest = [one for one in document["items"] if one["spec"]["nodeName"] != "k3s-w1" or one["metadata"]["name"] == left]
    (root / "cluster/pods.json").write_text(json.dumps({**document, "items": rest}))
    without("cluster/describe-pods.txt", "cluster/pods.txt", "cluster/top-level-all.txt")(root)
    shutil.rmtree(root / "cluster/cluster-info-dump")
    for folder in (root / OTHER / "pods").iterdir():
        if folder.name != left:
            shutil.rmtree(folder)
    with open_bundle([root], Limits()) as bundle:
        facts = collect(bundle, Patterns(()), Options()).facts
    probes = [path for path in facts.of(Way) if path.kind == "pod-to-pod-other-node" and path.peer == "k3s-w1"]
    assert [path.ok for path in probes] == [False]
