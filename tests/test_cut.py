"""A text that was cut off: what was read before the cut is what the whole text says, and nothing counts as complete."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from analyzer.bundle import Limits, open_bundle
from analyzer.facts.fact import Fact
from analyzer.facts.nodes import Counter
from analyzer.logs import Patterns
from analyzer.parse import parse
from analyzer.recognise import Artifact
from tests.artifact_samples import Sample, samples
from tests.goldens import value_of

CUT = [one for one in samples() if one.file.stat().st_size > 200]


def _told(fact: Fact) -> str:
    """A fact as text, without what a warning at the end of iptables -L tells of all rules."""
    return str({name: value for name, value in value_of(fact).items() if name != "backend"})


@pytest.mark.parametrize("sample", CUT, ids=lambda sample: f"{sample.kind}/{sample.file.stem}")
def test_nothing_wrong_before_the_cut(sample: Sample, tmp_path: Path) -> None:
    """As if the archive ended inside the file. Counters are summed over lines, so those of a part are smaller."""
    whole = {_told(fact) for fact in sample.parse().facts}
    data = sample.file.read_bytes()
    source = random.Random(len(data))
    path = sample.path or f"nodes/worker-1/{sample.file.stem}.txt"
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    for _ in range(8):
        file.write_bytes(data[: source.randrange(20, len(data))])
        with open_bundle([tmp_path], Limits()) as bundle:
            bundle.truncated = frozenset({path})
            artifact = Artifact(path=path, kind=sample.kind, place=sample.place(), why="", command=sample.command)
            parsed = parse(artifact, bundle, Patterns(()))
        assert not [entry for entry in parsed.coverage if entry.complete]
        assert not [fact for fact in parsed.facts if not isinstance(fact, Counter) and _told(fact) not in whole]
