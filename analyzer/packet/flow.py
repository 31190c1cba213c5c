"""What is asked: one flow, and the links between nodes that dumps cannot show."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from analyzer.errors import UsageError
from analyzer.facts.address import ip
from analyzer.packet.header import protocol_number

KINDS = ("new", "established", "crafted")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One flow, told by its first packet.

    `src_node` names a node, a pod's namespace "<node>:<name>" or "external"; None: whoever owns `src_ip`. `src_ip`
    None: the address that the kernel picks. `kind`: "new" (the first packet of a connection), "established" (a later
    packet of a connection that exists), "crafted" (a packet from a raw socket). `tcp_flags` None: SYN, or ACK of what
    is not new; a crafted packet may have none. `size` is the length of the IP packet.
    """

    src_node: str | None = None
    src_ip: str | None = None
    src_port: int | None = None
    dst_ip: str
    dst_port: int | None = None
    proto: str = "tcp"
    tcp_flags: tuple[str, ...] | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    kind: str = "new"
    mark: int = 0
    ttl: int = 64
    size: int | None = None
    dont_fragment: bool = True
    uid: int | None = None


class End(msgspec.Struct, frozen=True):
    """One end of a link: an interface of a node."""

    node: str
    interface: str


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """Every link there is: pairs of ends, and pods by name with the host's end of their veth pair."""

    links: tuple[tuple[End, End], ...] = ()
    pods: dict[str, End] = {}


def flow_from(text: str | bytes, name: str = "flow") -> Flow:
    """The flow that a JSON object states; UsageError names what is wrong with it."""
    raw = _object(text, name)
    known = set(Flow.__struct_fields__)
    if unknown := sorted(set(raw) - known - {"comment", "id", "name", "reply"}):
        raise UsageError(f"{name}: unknown field {unknown[0]!r}; fields are {', '.join(sorted(known))}")
    flags = raw.get("tcp_flags")
    if isinstance(flags, str):
        flags = [part for part in flags.replace("|", ",").replace(" ", ",").split(",") if part]
    if not isinstance(flags, list | tuple | None):
        raise UsageError(f'{name}: tcp_flags is a list such as ["SYN"]')
    fields = {key: value for key, value in raw.items() if key in known and value is not None}
    if flags is not None:
        fields["tcp_flags"] = tuple(str(flag).upper() for flag in flags)
    fields["mark"] = number_of(raw.get("mark") or 0, "mark", name)
    fields["proto"] = str(raw.get("proto") or "tcp").lower()
    try:
        flow = msgspec.convert(fields, Flow)
    except msgspec.ValidationError as problem:
        raise UsageError(f"{name}: {problem}") from problem
    if flow.kind not in KINDS:
        raise UsageError(f"{name}: kind {flow.kind!r} is not one of {', '.join(KINDS)}")
    for field in ("src_ip", "dst_ip"):
        if (value := getattr(flow, field)) is not None and ip(value) is None:
            raise UsageError(f"{name}: {field} {value!r} is not an address")
    for field in ("src_port", "dst_port"):
        if (value := getattr(flow, field)) is not None and not 0 <= value <= 65535:
            raise UsageError(f"{name}: {field} {value} is not between 0 and 65535")
    if protocol_number(flow.proto) is None:
        raise UsageError(f"{name}: unknown protocol {flow.proto!r}; tcp, udp, icmp or a number")
    return flow


def topology_from(text: str | bytes, name: str = "topology") -> Topology:
    """The links that a JSON object states: `links` (a, b: node, if) and `pods` (name: node, host_if)."""
    raw = _object(text, name)
    if "links" not in raw and "pods" not in raw:
        raise UsageError(f"{name}: has neither links nor pods")
    links = []
    listed = raw.get("links") or []
    if not isinstance(listed, list):
        raise UsageError(f"{name}: links is a list")
    for link in listed:
        if not isinstance(link, dict) or "a" not in link or "b" not in link:
            raise UsageError(f"{name}: a link needs the ends a and b")
        links.append((_end(link["a"], name), _end(link["b"], name)))
    pods = raw.get("pods") or {}
    if isinstance(pods, list):
        pods = {str(pod.get("name") or pod.get("pod")): pod for pod in pods if isinstance(pod, dict)}
    if not isinstance(pods, dict):
        raise UsageError(f"{name}: pods is an object of ends by the name of the pod")
    return Topology(links=tuple(links), pods={pod: _end(end, name) for pod, end in pods.items()})


def _object(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{name}: not JSON: {problem}") from problem
    if not isinstance(raw, dict):
        raise UsageError(f"{name}: not a JSON object")
    return raw


def number_of(value: Any, field: str, name: str) -> int:
    """A number, or a text such as "0x4000"."""
    try:
        return int(value, 0) if isinstance(value, str) else int(value)
    except (TypeError, ValueError) as problem:
        raise UsageError(f"{name}: {field} {value!r} is not a number") from problem


def _end(raw: Any, name: str) -> End:
    interface = raw.get("if") or raw.get("host_if") or raw.get("interface") if isinstance(raw, dict) else None
    if not interface or not raw.get("node"):
        raise UsageError(f"{name}: an end of a link needs node and if")
    return End(str(raw["node"]), str(interface))
