"""flannel's net-conf.json as a FlannelBackend fact, wherever it stands."""

from __future__ import annotations

import msgspec

from analyzer.facts.address import cidr
from analyzer.facts.configuration import FlannelBackend
from analyzer.facts.fact import NodeName
from analyzer.facts.source import Source


class _Backend(msgspec.Struct, frozen=True):
    """The Backend object."""

    type: str | None = msgspec.field(default=None, name="Type")
    vni: int | None = msgspec.field(default=None, name="VNI")
    port: int | None = msgspec.field(default=None, name="Port")


class _NetConf(msgspec.Struct, frozen=True):
    """net-conf.json."""

    network: str | None = msgspec.field(default=None, name="Network")
    ipv6_network: str | None = msgspec.field(default=None, name="IPv6Network")
    backend: _Backend | None = msgspec.field(default=None, name="Backend")


def backend(text: str, node: NodeName | None, origin: Source) -> FlannelBackend | None:
    """The backend that a net-conf.json names; None if the text is none."""
    try:
        conf = msgspec.json.decode(text, type=_NetConf, strict=False)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    if conf.backend is None and conf.network is None and conf.ipv6_network is None:
        return None
    network = conf.network or conf.ipv6_network
    said = conf.backend or _Backend(type="udp")
    return FlannelBackend(
        node=node,
        network=cidr(network) if network else None,
        backend=said.type.lower() if said.type else None,
        vni=said.vni,
        port=said.port,
        origin=origin,
    )
