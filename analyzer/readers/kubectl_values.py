"""Small values of the Kubernetes API as the facts have them: labels, selectors, addresses, times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from analyzer.facts.address import CIDR, IP, cidr, ip
from analyzer.facts.fact import Selector
from analyzer.readers.kubectl_objects import Labels, LabelSelector


def labels(found: Labels) -> dict[str, str]:
    """Labels; an absent map is an empty one, because objects are read whole."""
    return {key: value or "" for key, value in found.items()} if found else {}


def selector(found: LabelSelector | None) -> Selector | None:
    """A selector with labels and expressions."""
    if found is None:
        return None
    terms = tuple((term.key, term.operator, tuple(term.values or ())) for term in found.match_expressions or ())
    return Selector(labels(found.match_labels), terms)


def ips(found: Iterable[str | None] | None) -> tuple[IP, ...]:
    """The texts that are addresses; masked ones and "None" are left out."""
    return tuple(one for text in found or () if text and (one := ip(text)) is not None)


def cidrs(found: Iterable[str] | None) -> tuple[CIDR, ...]:
    """The texts that are networks."""
    return tuple(one for text in found or () if (one := cidr(text)) is not None)


@lru_cache(maxsize=65536)
def seconds(text: str | None) -> float | None:
    """Seconds since 1970 of an RFC 3339 time; None if it is none."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
