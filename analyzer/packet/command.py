"""`hairpin trace`: a flow by its ends or as JSON, followed, as text or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from analyzer.errors import UsageError
from analyzer.facts.store import Facts
from analyzer.packet.endpoints import resolve
from analyzer.packet.flow import Flow, Topology, flow_from, number_of, topology_from
from analyzer.packet.text import render
from analyzer.packet.trace import to_json, trace


def traced(
    facts: Facts,
    source: str | None,
    target: str | None,
    proto: str,
    flow: Path | None,
    topology: Path | None,
    format: str,
    reply: bool,
) -> str:
    """The result of a trace in a format; UsageError if the flow cannot be understood."""
    links: Topology | None = topology_from(_read(topology), str(topology)) if topology is not None else None
    asked = _flow(facts, source, target, proto, flow)
    result = trace(facts, asked, links)
    return to_json(result).decode() + "\n" if format == "json" else render(result, reply)


def _flow(facts: Facts, source: str | None, target: str | None, proto: str, file: Path | None) -> Flow:
    if file is None:
        if source is None or target is None:
            raise UsageError("say which packet: --from and --to, or --flow FILE.json")
        return resolve(facts, source, target, proto)
    if source is not None or target is not None:
        raise UsageError("--flow says where the packet goes; leave out --from and --to")
    text = _read(file)
    raw = _ends(text)
    if raw is None:
        return flow_from(text, str(file))
    flow = resolve(facts, raw["from"], raw["to"], str(raw.get("proto") or proto))
    return msgspec.structs.replace(
        flow,
        mark=number_of(raw.get("mark") or 0, "mark", str(file)),
        ttl=number_of(raw.get("ttl") or 64, "ttl", str(file)),
    )


def _ends(text: str) -> dict[str, Any] | None:
    """A flow that names its ends as --from and --to do."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return (
        raw if isinstance(raw, dict) and isinstance(raw.get("from"), str) and isinstance(raw.get("to"), str) else None
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror or problem}") from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"{path}: not JSON: {problem}") from problem
