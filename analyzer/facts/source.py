"""Where things are: a place in the cluster, a source in the bundle, a gap in the text."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the cluster an artifact speaks of; every field may be unknown.

    `netns` names a network namespace that is not the host's, as "<node>:<name>" where <name> is a pod's name or
    the name `ip netns` prints. `all_namespaces` is true if the artifact is known to hold every namespace, `together`
    if it is one of several that hold all objects of their kind: one file for each object.
    """

    node: str | None = None
    namespace: str | None = None
    pod: str | None = None
    container: str | None = None
    netns: str | None = None
    component: str | None = None
    previous: bool = False
    all_namespaces: bool = False
    together: bool = False


class Source(msgspec.Struct, frozen=True):
    """Lines `line` to `end` (1-based, inclusive) of `path`, a path inside the bundle.

    `also` says which fields of a fact that several artifacts state were read elsewhere, and where.
    """

    path: str
    line: int
    end: int
    also: tuple[tuple[str, Source], ...] = ()

    def of(self, field: str) -> Source:
        """Where a field of the fact was read."""
        return next((source for name, source in self.also if name == field), self)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


NOWHERE = Source("", 0, 0)


class Gap(msgspec.Struct, frozen=True):
    """Text that was not understood: where, what was expected, and the text cut at 400 characters."""

    source: Source
    expected: str
    text: str = ""
