"""Facts derived from facts: the cluster, programmed services, allowed flows, ranges in conflict, packet paths."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from analyzer.facts.acyclic import acyclic
from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.nodes import Node
from analyzer.facts.store import Facts
from analyzer.model.cluster import cluster
from analyzer.model.conntrack import tables
from analyzer.model.dns import upstreams
from analyzer.model.networks import clocks, hairpin_ports, overlay_peers
from analyzer.model.outliers import differences
from analyzer.model.permissions import permissions
from analyzer.model.policies import allowances
from analyzer.model.programmed import services
from analyzer.model.ranges import range_conflicts
from analyzer.model.workloads import agents, service_health


def derive(facts: Facts, *, paths: bool = True, until: float | None = None) -> Facts:
    """These facts and all that follows from them; each derived type is covered where its sources are.

    `paths` false leaves out the fates of the standard probes; after `until` (time.monotonic) no more are followed.
    """
    whole = cluster(facts)
    nodes = _nodes(facts)
    found: list[Fact] = [whole]
    coverage: list[Coverage] = [Coverage(fact="Cluster", path=whole.origin.path)]
    with acyclic():
        for more, entries in (
            services(facts, nodes),
            allowances(facts, whole.dns_ip),
            service_health(facts),
            agents(facts),
            range_conflicts(facts, whole, nodes),
            hairpin_ports(facts, nodes),
            overlay_peers(facts, nodes),
            tables(facts, nodes),
            clocks(facts),
            differences(facts, nodes),
            upstreams(facts, whole.dns_ip),
            permissions(facts),
        ):
            found += more
            coverage += entries
    result = facts.plus(found, coverage)
    if not paths or find_spec("analyzer.packet.paths") is None:
        return result
    found_paths, known = import_module("analyzer.packet.paths").derive_paths(result, until=until)
    return result.plus(found_paths, known)


def _nodes(facts: Facts) -> list[NodeName]:
    """Every node that the API lists or that anything was collected on, by name."""
    listed = {node.name for node in facts.of(Node)}
    seen = {NodeName(entry.node) for entry in facts.all_coverage() if entry.node is not None}
    return sorted(listed | seen)
