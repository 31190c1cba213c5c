"""What made-up clusters are made of: their shape, and chance, which follows from a seed."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

PODS = 5
Item = dict[str, object]
Made = list[tuple[Item, list[tuple[str, int]]]]  # Services and their endpoints


class Luck(Random):
    """Chance; where it is calm nothing odd happens by it."""

    calm = False

    def odd(self, share: float) -> bool:
        """Whether something odd happens that does so in this share of cases."""
        return not self.calm and self.random() < share


class Shape(NamedTuple):
    """How many nodes a cluster has, and how they reach pods: each on its own interface, those of others by vxlan."""

    nodes: int
    routed: bool
    overlay: bool


def any_pod(nodes: int, chance: Luck) -> str:
    """The address of some pod."""
    return f"10.42.{chance.randrange(nodes)}.{chance.randrange(PODS) + 2}"
