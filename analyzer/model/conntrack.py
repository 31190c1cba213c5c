"""How full the connection tracking table of each node is."""

from __future__ import annotations

from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.health import ConntrackTable
from analyzer.facts.nodes import Counter, Sysctl
from analyzer.facts.store import Facts


def tables(facts: Facts, nodes: list[NodeName]) -> tuple[list[Fact], list[Coverage]]:
    """ConntrackTable of every node that tells both numbers; known to be absent nowhere else than with sysctls."""
    found: list[Fact] = []
    coverage: list[Coverage] = []
    for node in nodes:
        limit = next(
            (
                one
                for name in ("net.netfilter.nf_conntrack_max", "net.nf_conntrack_max")
                for one in facts.where(Sysctl, node=node, name=name)
            ),
            None,
        )
        count = next(
            (one.number for one in facts.where(Sysctl, node=node, name="net.netfilter.nf_conntrack_count")), None
        )
        if count is None:
            count = next((one.value for one in facts.where(Counter, node=node, name="nf_conntrack_count")), None)
        if limit is None or not limit.number or count is None:
            continue
        percent = 100 * count // limit.number
        found.append(ConntrackTable(node=node, count=count, max=limit.number, percent=percent, origin=limit.origin))
        coverage.append(Coverage(fact="ConntrackTable", node=node, path=limit.origin.path))
    return found, coverage
