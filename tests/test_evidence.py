"""The first line of evidence is the one that proves the finding, not the object that the finding hangs on."""

from __future__ import annotations

from pathlib import Path

from analyzer.engine.evaluation import evaluate
from analyzer.engine.loading import load_rule
from analyzer.facts.fact import NodeName
from analyzer.facts.nodes import Node
from analyzer.facts.routing import BridgePort
from analyzer.facts.source import Source
from analyzer.facts.store import Facts, merge

RULE = """
id: port-off
title: Port {port.dev} of {node} is off
severity: error
confidence: certain
match:
  - each: Node node
  - some: BridgePort port
    where:
      - port.node == node
      - port.hairpin == false
why: It is off.
fix: [Turn it on]
docs: [https://kubernetes.io/docs/]
tests: []
"""


def test_evidence_names_the_artifact_that_states_what_was_tested(tmp_path: Path) -> None:
    (tmp_path / "port-off.yaml").write_text(RULE)
    node = NodeName("n1")
    brctl = BridgePort(node=node, bridge="br0", dev="v1", state="forwarding", origin=Source("brctl.txt", 7, 7))
    file = BridgePort(node=node, bridge="br0", dev="v1", hairpin=False, origin=Source("hairpin_mode", 1, 1))
    facts = merge([(2, brctl), (1, file), (1, Node(name=node, origin=Source("nodes.json", 10, 12)))])
    [match] = evaluate(load_rule(tmp_path / "port-off.yaml"), Facts(facts)).matches
    assert [str(fact.origin) for fact in match.facts] == ["hairpin_mode:1", "nodes.json:10"]
