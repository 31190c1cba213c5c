"""Every probe of every real bundle: what the trace says must be what really happened."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import Options, collect
from analyzer.bundle import Limits, open_bundle
from analyzer.facts.derived import Cluster
from analyzer.facts.services import Service
from analyzer.facts.store import Facts
from analyzer.logs import Patterns
from analyzer.packet.endpoints import resolve
from analyzer.packet.trace import Trace, trace

BUNDLES = Path(__file__).resolve().parents[2] / "shared" / "bundles"
TRUTHS = sorted(BUNDLES.glob("*.truth.json"))


@cache
def facts_of(name: str) -> Facts:
    with open_bundle([BUNDLES / f"{name}.tar.xz"], Limits()) as bundle:
        return collect(bundle, Patterns(()), Options()).facts


def source(text: str) -> str:
    if found := re.match(r"pod (\S+?)(?:/(\S+))? \((\S+)\) on", text):
        return found[3]
    if found := re.match(r"node (\S+)", text):
        return f"node/{found[1]}"
    return "external"


def targets(facts: Facts, text: str, command: str) -> list[tuple[str, str]]:
    """Protocol and end of every flow that a probe needs, in order."""
    dns = facts.of(Cluster)[0].dns_ip
    name_server = [("udp", f"{dns}:53")]
    if text.startswith("DNS name") or "nslookup" in command:
        return name_server
    if found := re.match(r"https?://([\d.]+)(?::(\d+))?/", text):
        return [("tcp", f"{found[1]}:{found[2] or ('443' if text.startswith('https') else '80')}")]
    if found := re.match(r"http://(\w+)\.(\w+)\.svc", text):
        service = facts.where(Service, namespace=found[2], name=found[1])[0]
        return [*name_server, ("tcp", f"{service.cluster_ip}:80")]
    if command.startswith("ping"):
        found = re.search(r"([\d.]{7,})", text)
        assert found
        return [("icmp", found[1])]
    found = re.search(r"https?://([\d.]+)(?::(\d+))?/", command if "http" in command else text) or re.search(
        r"https?://([\d.]+)(?::(\d+))?/", text
    )
    assert found, text
    return [("tcp", f"{found[1]}:{found[2] or 80}")]


def works(facts: Facts, probe: dict[str, str]) -> tuple[bool | None, list[Trace]]:
    traces = []
    answers: list[bool | None] = []
    for proto, target in targets(facts, probe["to"], probe["cmd"]):
        result = trace(facts, resolve(facts, source(probe["from"]), target, proto))
        traces.append(result)
        answer = result.ok
        if result.verdict == "one-of" and answer is False and "six times" not in probe["to"]:
            # One try at a service with a dead endpoint: both results are right.
            answer = None if any(outcome.ok is not False for outcome in result.outcomes) else False
        answers.append(answer)
    return (False if False in answers else None if None in answers else True), traces


@pytest.mark.parametrize("truth", [pytest.param(path, id=path.name.split(".")[0]) for path in TRUTHS])
def test_trace_agrees_with_every_probe(truth: Path) -> None:
    facts = facts_of(truth.name.removesuffix(".truth.json"))
    probes = json.loads(truth.read_text())["probes"]
    wrong, open_ = [], []
    for probe in probes:
        said, traces = works(facts, probe)
        if said is None and not any(result.verdict == "one-of" for result in traces):
            open_.append((probe["id"], [(t.verdict, t.missing, t.undecided, t.reply) for t in traces]))
        elif said is not None and said != probe["ok"]:
            wrong.append(
                (probe["id"], probe["ok"], [(t.verdict, t.at, t.listener, t.reply, t.reply_at) for t in traces])
            )
    assert not wrong
    assert len(open_) <= 0.05 * len(probes), open_


def test_there_are_bundles() -> None:
    if not TRUTHS:
        pytest.skip("the real bundles are not here")
    assert len(TRUTHS) >= 6
