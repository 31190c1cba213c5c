"""Messages of rules: `{pod}`, `{pod.ip}`, `{line.upstream}`, `{count pod}`; `{{pod}}` prints {pod} itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from analyzer.engine.fields import fields
from analyzer.engine.hit import Hit
from analyzer.engine.spot import Bound, Spot, nearest
from analyzer.facts.fact import Fact

# `${VAR}`, `{.items[*]}` and `{print $1}` are shell, jsonpath and awk: they stay as they are.
PLACE = re.compile(r"\{(\{\w+(?:\.\w+)?\})\}|(?<!\$)\{(count )?([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?\}")

# What somebody may have meant as a place of a fact, like `{node.annotations["zone"]}`.
ALMOST = re.compile(r"(?<![${])\{\s*(?:count )?([A-Za-z_]\w*)\b[^{}]*\}")


class Slot(msgspec.Struct, frozen=True):
    """A place in a message: the fact, its field ("" for its name), or the number of facts."""

    name: str
    field: str = ""
    count: bool = False


@lru_cache(maxsize=4096)
def parts(text: str) -> tuple[str | Slot, ...]:
    """A message cut into fixed texts and slots."""
    found: list[str | Slot] = []
    at = 0
    for place in PLACE.finditer(text):
        found.append(text[at : place.start()])
        if place.group(1):
            found.append(place.group(1))
        else:
            found.append(Slot(place.group(3), place.group(4) or "", bool(place.group(2))))
        at = place.end()
    found.append(text[at:])
    return tuple(part for part in found if part)


def check_message(text: str, names: Mapping[str, Bound], maybe: frozenset[str], spot: Spot) -> None:
    """Refuse a message that names a fact or a field that is not there; `maybe` names may only be counted."""
    for place in ALMOST.finditer(PLACE.sub("", text)):
        if place.group(1) in names:
            spot.fail(f"{place.group()} cannot be filled; write {{fact}}, {{fact.field}} or {{count fact}}")
    for slot in parts(text):
        if isinstance(slot, str):
            continue
        shown = "{" + ("count " if slot.count else "") + slot.name + (f".{slot.field}" if slot.field else "") + "}"
        if slot.name not in names:
            spot.fail(f"{shown}: no fact is named {slot.name!r}", nearest(slot.name, names))
        bound = names[slot.name]
        if bound.barred and slot.name not in maybe:
            spot.fail(f"{shown}: {bound.barred}")
        if slot.name in maybe and not slot.count:
            spot.fail(f"{shown}: {slot.name} may be absent, so it can only be counted")
        if slot.count and slot.field:
            spot.fail(f"{shown}: count takes the name of a fact alone")
        known = {**fields(bound.kind), **bound.captures}
        if slot.field and slot.field not in known:
            spot.fail(f"{shown}: {bound.kind.__name__} has no field {slot.field!r}", nearest(slot.field, known))
        if not slot.field and not slot.count and "name" not in known:
            spot.fail(f"{shown}: a {bound.kind.__name__} has no name of its own; print one of its fields")


def render(text: str, facts: Mapping[str, Sequence[Any]]) -> str:
    """The message with its slots filled: counts count, everything else is of the first fact."""
    return "".join(part if isinstance(part, str) else _filled(part, facts.get(part.name, ())) for part in parts(text))


def _filled(slot: Slot, found: Sequence[Any]) -> str:
    if slot.count:
        return str(len(found))
    if not found:
        return "unknown"
    first = found[0]
    fact = first.fact if isinstance(first, Hit) else first
    if not slot.field:
        return str(fact.key)
    if isinstance(first, Hit) and slot.field in first.captured:
        return show(first.captured[slot.field])
    return show_field(fact, slot.field)


def show_field(fact: Fact, name: str) -> str:
    """A field in words."""
    value = getattr(fact, name)
    if fields(type(fact))[name].time and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return show(value)


def show(value: Any) -> str:
    """A value in words: lists and labels comma separated."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(show(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)
