"""The same artifact from two collections of one cluster: the later one counts, and the report says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from analyzer.facts.fact import Coverage, Parsed
from analyzer.facts.nodes import Clock
from analyzer.join import rename_coverage
from analyzer.kinds import LOG
from analyzer.recognise import Artifact
from analyzer.tree import Note

Read = tuple[Artifact, Parsed]
When = tuple[float, float, str]


class _Own(NamedTuple):
    """What an artifact is about, under the names of nodes that all collections share."""

    kind: str
    node: str
    entries: tuple[Coverage, ...]


def latest(
    parsed: Sequence[Read], mtimes: Mapping[str, float | None], names: Mapping[str, str]
) -> tuple[list[Read], list[Note]]:
    """The artifacts without those that a later collection has again, whole, and a note for each pair of collections.

    Collections are what lies in different collectors' folders or was given by different paths (`Artifact.home`). When
    one was made is told by its `date`, else by the newest of its files. Logs add up and are all kept, clocks of
    different collections cannot be compared and are not. `names` are the API's names of hosts.
    """
    homes = _times(parsed, mtimes)
    if len(homes) < 2:
        return list(parsed), []
    by_kind: dict[tuple[str, str], list[tuple[When, str, _Own]]] = defaultdict(list)
    owned = [_own(artifact, result, names) for artifact, result in parsed]
    for (artifact, _), own in zip(parsed, owned, strict=True):
        by_kind[own.kind, own.node].append((homes[artifact.home], artifact.home, own))
    kept: list[Read] = []
    dropped: dict[tuple[str, str], int] = defaultdict(int)
    for (artifact, result), own in zip(parsed, owned, strict=True):
        later = [
            (home, other)
            for when, home, other in by_kind[own.kind, own.node]
            if home != artifact.home and when > homes[artifact.home]
        ]
        winner = "" if own.kind == LOG or not later else _replaced(own, later)
        if winner:
            dropped[artifact.home, winner] += 1
        else:
            kept.append((artifact, result))
    return _apart(kept), [_note(old, new, count, homes) for (old, new), count in sorted(dropped.items())]


def _apart(parsed: list[Read]) -> list[Read]:
    """Without the clocks, if they were read in different collections: these were made one after the other."""
    told = {artifact.home for artifact, result in parsed if any(isinstance(fact, Clock) for fact in result.facts)}
    if len(told) < 2:
        return parsed
    return [(artifact, _clockless(result) if artifact.kind != LOG else result) for artifact, result in parsed]


def _clockless(result: Parsed) -> Parsed:
    if not any(isinstance(fact, Clock) for fact in result.facts):
        return result
    facts = tuple(fact for fact in result.facts if not isinstance(fact, Clock))
    coverage = tuple(entry for entry in result.coverage if entry.fact != "Clock")
    return msgspec.structs.replace(result, facts=facts, coverage=coverage)


def _times(parsed: Sequence[Read], mtimes: Mapping[str, float | None]) -> dict[str, When]:
    clocks: dict[str, float] = defaultdict(float)
    newest: dict[str, float] = defaultdict(float)
    for artifact, result in parsed:
        newest[artifact.home] = max(newest[artifact.home], mtimes.get(artifact.path) or 0)
        for fact in result.facts:
            if isinstance(fact, Clock):
                clocks[artifact.home] = max(clocks[artifact.home], fact.time)
    return {home: (clocks[home] or newest[home], newest[home], home) for home in newest}


def _own(artifact: Artifact, result: Parsed, names: Mapping[str, str]) -> _Own:
    host = artifact.place.node or artifact.place.netns or ""
    owner, colon, rest = host.partition(":")
    node = names.get(owner, owner) + colon + rest
    return _Own(artifact.kind, node, tuple(rename_coverage(entry, names) for entry in result.coverage))


def _replaced(own: _Own, later: Sequence[tuple[str, _Own]]) -> str:
    """The later collection that covers all that the artifact does; "" if none does."""
    for home in dict.fromkeys(home for home, _ in later):
        others = [other for at, other in later if at == home]
        complete = [entry for other in others for entry in other.entries if entry.complete]
        if own.entries and all(any(_covers(new, old) for new in complete) for old in own.entries):
            return home
        # one value for each file: nothing is covered as a whole, but the later values are the later state
        if not own.entries and own.node and not any(other.entries for other in others):
            return home
    return ""


def _covers(new: Coverage, old: Coverage) -> bool:
    if new.fact != old.fact or new.node != old.node or new.pod != old.pod:
        return False
    return all(getattr(new, name) in (None, getattr(old, name)) for name in ("namespace", "component", "table"))


def _note(old: str, new: str, count: int, homes: Mapping[str, When]) -> Note:
    what = "1 artifact was" if count == 1 else f"{count:,} artifacts were"
    seconds = homes[new][0] - homes[old][0]
    when = f" {_span(seconds)} later" if homes[old][0] and seconds > 0 else ", which of them is later is not known"
    return Note(old.rstrip("/"), f"{what} collected again in {new.rstrip('/')}{when}; what is there was used")


def _span(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count:,} {word}{'' if count == 1 else 's'}"
    return "less than a second"
