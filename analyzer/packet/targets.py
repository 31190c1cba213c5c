"""Targets that change a packet and let it go on."""

from __future__ import annotations

from analyzer.facts.firewall import Rule
from analyzer.packet.nat import options_of
from analyzer.packet.sight import Sight, number
from analyzer.packet.verdict import unknown

QUIET = {
    None, "", "LOG", "NFLOG", "ULOG", "TRACE", "CHECKSUM", "TCPMSS", "CLASSIFY", "AUDIT", "RATEEST", "SECMARK", "TEE",
    "CONNSECMARK", "IDLETIMER", "LED", "ECN", "TCPOPTSTRIP", "DSCP", "TOS", "NFACCT", "ACCOUNT", "HL-",
}  # fmt: skip
CHANGING = {"MARK", "CONNMARK", "CT", "NOTRACK", "TTL", "HL", "SET"}
NAT = {"SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP"}


def change(rule: Rule, sight: Sight) -> str:
    """Carries out a target of `CHANGING`; returns what it changed in words."""
    packet, options = sight.packet, options_of(rule)
    match rule.target:
        case "MARK":
            packet.mark = _marked(packet.mark, options, sight)
            return f"mark {packet.mark:#x}"
        case "CONNMARK":
            return _connmark(options, sight)
        case "NOTRACK":
            return _untracked(sight)
        case "CT":
            if "--notrack" in options:
                return _untracked(sight)
            for name in ("--zone", "--zone-orig", "--zone-reply"):
                if name in options and packet.tracked is None:
                    if name != "--zone":
                        raise unknown(f"CT {name}", sight.stack.name)
                    text = options[name]
                    packet.zone = packet.mark if text == "mark" else number(text) or 0
                    return f"zone {packet.zone}"
            return ""
        case "TTL" | "HL":
            return _ttl(options, sight)
        case _:
            return ""


def _untracked(sight: Sight) -> str:
    if sight.packet.tracked is None:
        sight.packet.untracked = True
        return "untracked"
    return ""


def _marked(mark: int, options: dict[str, str], sight: Sight) -> int:
    for name, text in options.items():
        value_text, _, mask_text = text.partition("/")
        value, mask = number(value_text), number(mask_text) if mask_text else 0xFFFFFFFF
        if value is None or mask is None:
            break
        match name:
            case "--set-xmark":
                return (mark & ~mask & 0xFFFFFFFF) ^ value
            case "--set-mark":
                return (mark & ~mask & 0xFFFFFFFF) | value if mask_text else value
            case "--and-mark":
                return mark & value
            case "--or-mark":
                return mark | value
            case "--xor-mark":
                return mark ^ value
    raise unknown(f"MARK {options}", sight.stack.name)


def _connmark(options: dict[str, str], sight: Sight) -> str:
    packet = sight.packet
    connection = packet.tracked.connection if packet.tracked is not None else None
    if connection is None or packet.untracked:
        return ""
    nfmask = _mask(options, "--nfmask", "--mask")
    ctmask = _mask(options, "--ctmask", "--mask")
    if "--save-mark" in options:
        connection.mark = (connection.mark & ~ctmask & 0xFFFFFFFF) ^ (packet.mark & nfmask)
        return f"connection mark {connection.mark:#x}"
    if "--restore-mark" in options:
        packet.mark = (packet.mark & ~nfmask & 0xFFFFFFFF) ^ (connection.mark & ctmask)
        return f"mark {packet.mark:#x}"
    connection.mark = _marked(connection.mark, options, sight)
    return f"connection mark {connection.mark:#x}"


def _mask(options: dict[str, str], *names: str) -> int:
    for name in names:
        if name in options:
            value = number(options[name])
            return 0xFFFFFFFF if value is None else value
    return 0xFFFFFFFF


def _ttl(options: dict[str, str], sight: Sight) -> str:
    packet = sight.packet
    for name, text in options.items():
        value = number(text) or 0
        if name.endswith("-set"):
            packet.ttl = value
        elif name.endswith("-dec"):
            packet.ttl = max(packet.ttl - value, 0)
        elif name.endswith("-inc"):
            packet.ttl = min(packet.ttl + value, 255)
    return f"ttl {packet.ttl}"
