"""One piece of hairpin's work as a process of its own, to be measured: `python -m benchmarks.work NAME …`."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from analyzer.facts.source import Place
from analyzer.facts.store import Facts

# Used as long as no rule is installed; texts of real failures.
SIGNATURES = (
    "nf_conntrack: table full, dropping packet",
    "no IP addresses available in range set",
    "failed to allocate for range",
    "cni config uninitialized",
    "cni plugin not initialized",
    "connect: connection refused",
    "i/o timeout",
    "no route to host",
    "x509: certificate has expired",
    "plugin/loop: Loop",
    "neighbour: arp_cache: neighbor table overflow!",
    "Unable to update cni config",
    "Failed to create pod sandbox",
    "Error acquiring lease",
    'node "k8s" not found',
    "exceeded its allowed bandwidth",
    "iptables: No chain/target/match by that name",
    "another app is currently holding the xtables lock",
    "netlink receive: operation not permitted",
    "too many open files",
)


def templates() -> tuple[str, ...]:
    """Every log pattern of the shipped rules."""
    from analyzer.engine import load_rules, patterns

    return tuple(patterns(load_rules(()))) or SIGNATURES


def literals() -> tuple[str, ...]:
    """The longest fixed text of each pattern: what grep is asked to find."""
    from analyzer.logs import compile_template

    return tuple(dict.fromkeys(compile_template(one).longest for one in templates()))


def logs(path: str) -> str:
    """Scan one log for every shipped pattern."""
    from analyzer.logs import Patterns, read_log

    with Path(path).open("rb") as stream:
        parsed = read_log(stream, path, Place(node="n1"), Patterns(templates()), 1795435907.0)
    return f"{len(parsed.facts) - 1} hits, {parsed.lines} lines"


def artifact(kind: str, path: str) -> str:
    """Read one artifact of a kind; seconds are those of reading alone."""
    from analyzer.kinds import kinds

    read = kinds()[kind].parse
    data = Path(path).read_bytes()
    begin = time.process_time()
    parsed = read(data, path, Place(node="n1", all_namespaces=True), 1, "")
    return f"{len(parsed.facts)} facts, {len(parsed.gaps)} gaps, {time.process_time() - begin:.3f} seconds"


def naive(path: str) -> str:
    """What iptables-save costs if Lark parses every record of it, with the same grammar; facts are not even made."""
    from analyzer.grammar import grammars

    grammar = grammars()["iptables-save"]
    words = re.compile(grammar.head.words)
    begin = time.process_time()
    count = 0
    for line in Path(path).read_text().splitlines():
        if line.startswith("-A"):
            grammar.shapes.parse(words.findall(line))
            count += 1
    return f"{count} rules, {time.process_time() - begin:.3f} seconds"


def plain_json(path: str) -> str:
    """The same file with the standard library, to dictionaries."""
    data = Path(path).read_bytes()
    begin = time.process_time()
    items = json.loads(data)["items"]
    return f"{len(items)} items, {time.process_time() - begin:.3f} seconds"


def rules(nodes: str, services: str, pods: str, log_lines: str) -> str:
    """Evaluate every shipped rule over the facts of a cluster of that size."""
    from analyzer.engine import evaluate, load_rules
    from analyzer.facts.acyclic import acyclic
    from benchmarks.facts import cluster

    facts = cluster(int(nodes), int(services), int(pods), int(log_lines))
    loaded = load_rules(())
    count = sum(1 for _ in facts.all())
    begin = time.process_time()
    slowest = []
    with acyclic():  # as analysis does
        for rule in loaded:
            start = time.process_time()
            evaluate(rule, facts)
            slowest.append((time.process_time() - start, rule.id))
    total = time.process_time() - begin
    worst = ", ".join(f"{name} {cost:.2f}" for cost, name in sorted(slowest, reverse=True)[:3])
    return f"{len(loaded)} rules, {count} facts, {total:.3f} seconds; slowest {worst}"


def _network(folder: str) -> tuple[Facts, list[str], list[str]]:
    """The facts of a folder, and its nodes and Service addresses."""
    from analyzer.analysis import Options, collect
    from analyzer.bundle import open_bundle
    from analyzer.facts.nodes import Node
    from analyzer.facts.services import Service
    from analyzer.logs import Patterns

    with open_bundle([Path(folder)]) as bundle:
        facts = collect(bundle, Patterns(()), Options(strict=True)).facts
    services = sorted(str(service.cluster_ip) for service in facts.of(Service))
    return facts, sorted(str(node.name) for node in facts.of(Node)), services


def paths(folder: str) -> str:
    """Every Service from every node, over facts that are loaded; seconds are those of deriving the paths."""
    from analyzer.packet.paths import derive_paths

    facts, _, _ = _network(folder)
    begin = time.process_time()
    found, _ = derive_paths(facts)
    total = time.process_time() - begin
    served = [path for path in found if path.service]
    told = Counter({True: "ok", False: "broken", None: "unknown"}[path.ok] for path in served)
    words = ", ".join(f"{count} {word}" for word, count in told.most_common())
    return f"{len(served)} verdicts, {words}, {total:.3f} seconds"


def first_trace(folder: str) -> str:
    """One packet to the last Service, over facts that are loaded."""
    from analyzer.packet.trace import Flow, trace

    facts, nodes, services = _network(folder)
    begin = time.process_time()
    result = trace(facts, Flow(src_node=nodes[0], dst_ip=services[-1], dst_port=80))
    return f"{result.verdict}, {time.process_time() - begin:.4f} seconds"


WORK: dict[str, Callable[..., str]] = {
    "logs": logs,
    "artifact": artifact,
    "naive": naive,
    "json": plain_json,
    "rules": rules,
    "paths": paths,
    "trace": first_trace,
}


def main(arguments: list[str]) -> None:
    """Run a piece of work and print what it found."""
    name, *rest = arguments
    print(WORK[name](*rest))


if __name__ == "__main__":
    main(sys.argv[1:])
