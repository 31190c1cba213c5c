"""What every fact has in common: where it was read, at what scope it is collected, and what makes it the same fact."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from analyzer.facts.source import NOWHERE, Source

Scope = Literal["cluster", "namespace", "node"]
# Named, because a fact with a field called `type` could not spell it in its annotations.
Reference = type[str]


class NodeName(str):
    """A reference to a Node: its name."""

    __slots__ = ()


class PodName(str):
    """A reference to a Pod: "namespace/name"."""

    __slots__ = ()


class ServiceName(str):
    """A reference to a Service: "namespace/name"."""

    __slots__ = ()


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a bundle states, typed.

    A field that is None was not said by the artifact: it is unknown, never "no". Class variables describe the type:

    `per`       the scope at which its artifact is collected; a rule's `none` must pin it
    `command`   what collects it, shown when it is missing ({node} and {namespace} are filled in)
    `identity`  fields that make two facts the same fact; two artifacts that state it are merged. Empty: all fields
    `richest`   fields that name a group of which only the richest artifacts count: a table prints less than JSON
    `whole`     fields that name a group that must come from one artifact only (an ordered rule set)
    `reference` the type of references to this fact, if other facts point at it
    `derived`   true if `analyzer.model` computes it from other facts
    """

    origin: Source = NOWHERE

    per: ClassVar[Scope] = "cluster"
    command: ClassVar[str] = ""
    identity: ClassVar[tuple[str, ...]] = ()
    richest: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[Reference | None] = None
    derived: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """The text that references to this fact hold: a name, or "namespace/name"."""
        name = str(getattr(self, "name", ""))
        namespace = getattr(self, "namespace", None)
        return f"{namespace}/{name}" if namespace else name


class Selector(msgspec.Struct, frozen=True):
    """A label selector: labels that must be equal, and expressions (key, operator, values)."""

    labels: dict[str, str] = {}
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        parts = [f"{k}={v}" for k, v in sorted(self.labels.items())]
        parts += [f"{k} {op} ({', '.join(v)})" if v else f"{k} {op}" for k, op, v in self.expressions]
        return ",".join(parts) or "everything"

    def selects(self, labels: dict[str, str]) -> bool:
        """Whether an object with these labels is selected; an empty selector selects everything."""
        if any(labels.get(key) != value for key, value in self.labels.items()):
            return False
        return all(_holds(labels.get(key), operator, values) for key, operator, values in self.expressions)


def _holds(value: str | None, operator: str, values: tuple[str, ...]) -> bool:
    match operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """That facts of type `fact` were collected for a part of the cluster; a dimension that is None means all of it.

    `complete` is false if the text was cut off, filtered or had gaps: finding nothing there proves nothing. `note`
    says why ("cut off at line 812"). `path` is the artifact that was read.
    """

    fact: str
    node: str | None = None
    namespace: str | None = None
    pod: str | None = None
    component: str | None = None
    table: str | None = None
    complete: bool = True
    note: str = ""
    path: str = ""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What one artifact gave: facts, gaps, coverage, and how many of its lines are accounted for.

    `lines` counts the lines with text; `understood` those covered by a fact, a header or "known, not needed".
    """

    facts: tuple[Fact, ...] = ()
    gaps: tuple[Any, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    lines: int = 0
    understood: int = 0
