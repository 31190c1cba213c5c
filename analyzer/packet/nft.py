"""Native nftables rule sets, as kube-proxy in nftables mode and firewalld write them."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.packet.chains import Filters
from analyzer.packet.run import Run
from analyzer.packet.sight import Sight


@dataclass(frozen=True, slots=True)
class Base:
    """A base chain: where it hooks, and its policy."""

    family: str
    table: str
    name: str
    policy: str


def base_chains(filters: Filters, hook: str, kind: str) -> list[tuple[int, Base]]:
    """Base chains of one type at a hook, with their priorities."""
    return []


def walk_base(run: Run, filters: Filters, base: Base, sight: Sight) -> None:
    """Takes a packet through a base chain."""
