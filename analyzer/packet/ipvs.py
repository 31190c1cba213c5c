"""IPVS: the address of a virtual server becomes that of one of its real servers."""

from __future__ import annotations

from dataclasses import replace

from analyzer.packet.header import Packet
from analyzer.packet.run import Run
from analyzer.packet.stack import Stack
from analyzer.packet.tracking import Attached, Connection, reversed_tuple, tuple_of
from analyzer.packet.verdict import At, Fate, unknown


def served(stack: Stack, packet: Packet) -> bool:
    """Whether IPVS takes a packet that is for this namespace."""
    tracked = packet.tracked
    if packet.dport is None or packet.inner is not None:
        return False
    if tracked is not None and tracked.connection is not None and tracked.connection.dnat:
        return False
    return (packet.dst, packet.dport, packet.proto) in stack.virtual_servers


def choose(run: Run, stack: Stack, packet: Packet) -> None:
    """Sends a packet to one of the real servers, each with the odds of its weight."""
    entries = stack.virtual_servers[packet.dst, packet.dport or 0, packet.proto]
    servers = [entry for entry in entries if entry.server is not None and entry.weight != 0]
    if not servers:
        run.note(stack, "IPVS service without a real server", entries[0], hook="IPVS")
        raise Fate("no-endpoint", At(stack.name))
    if any(entry.forward not in (None, "Masq") for entry in servers):
        raise unknown("IPVS forwarding by route or tunnel", stack.name)
    weights = [float(entry.weight or 1) for entry in servers]
    picked = run.oracle.pick([weight / sum(weights) for weight in weights], f"a real server of {packet.dst}")
    server = servers[picked]
    assert server.server is not None
    if packet.tracked is None or packet.tracked.connection is None:
        wanted = tuple_of(packet)
        packet.tracked = Attached(Connection(wanted, reversed_tuple(wanted)))
    connection = packet.tracked.connection
    assert connection is not None
    proto, _, _, dst, dport = connection.reply
    connection.reply = (proto, server.server, server.server_port or packet.dport, dst, dport)
    connection.dnat = connection.destination_done = True
    # What IPVS sends on is translated again at POSTROUTING, although INPUT was its first stop.
    connection.source_done = False
    if connection.confirmed:
        run.tracker(stack).connections.remove(connection)
        connection.confirmed = False
    packet.tracked = replace(packet.tracked)
    packet.dst, packet.dport = server.server, server.server_port or packet.dport
    run.note(stack, f"IPVS sends it to {packet.dst}:{packet.dport}", server, hook="IPVS",
             changed=f"DNAT to {packet.dst}:{packet.dport}")  # fmt: skip
