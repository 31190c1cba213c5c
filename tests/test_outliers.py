"""Nodes that differ from the others."""

from __future__ import annotations

import pytest

from analyzer.facts.fact import NodeName
from analyzer.facts.nodes import Node, Sysctl
from analyzer.facts.store import Facts
from analyzer.model.outliers import differences


@pytest.mark.parametrize(
    ("nodes", "odd", "found"),
    [(40, 1, 1), (40, 4, 4), (40, 5, 0), (4, 1, 1), (4, 2, 0), (3, 1, 0), (40, 0, 0)],
)
def test_few_that_differ_from_many_are_told(nodes: int, odd: int, found: int) -> None:
    names = [NodeName(f"n{number}") for number in range(nodes)]
    facts = Facts(
        [
            *(Node(name=name) for name in names),
            *(
                Sysctl(node=name, name="net.ipv4.ip_forward", value="0" if number < odd else "1")
                for number, name in enumerate(names)
            ),
        ]
    )
    told, coverage = differences(facts, names)
    assert [one.node for one in told] == names[:found]
    assert all(one.usual == "1" and one.of == nodes for one in told)
    assert not any(entry.complete for entry in coverage)
