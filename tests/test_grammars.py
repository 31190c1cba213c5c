"""Golden facts of every kind of artifact; a kind without a sample fails."""

from __future__ import annotations

import pytest

from analyzer import text
from analyzer.facts import fact_types
from analyzer.facts.source import Place
from analyzer.kinds import LOG, Kind, kinds
from analyzer.match import Matcher
from tests.artifact_samples import FOLDER, Sample, samples
from tests.goldens import golden_of

SAMPLES = samples()
# What stands in a file instead of an output.
ERRORS = (
    "bash: /usr/sbin/tool: command not found",
    'Error from server (Forbidden): nodes is forbidden: User "x" cannot list resource "nodes" in API group ""',
    "cannot open output: Permission denied",
    "timeout: the monitored command dumped core",
)

by_name = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}/{sample.file.stem}")
every_kind = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)


@every_kind
def test_every_kind_has_a_sample(kind: Kind) -> None:
    assert any(sample.kind == kind.name for sample in SAMPLES), f"samples/artifacts/{kind.name}/ holds no sample"


def test_every_sample_is_of_a_kind() -> None:
    assert {folder.name for folder in FOLDER.iterdir() if folder.is_dir()} <= {*kinds(), LOG}


@by_name
def test_golden(sample: Sample, request: pytest.FixtureRequest) -> None:
    said = golden_of(sample.parse())
    if request.config.getoption("--accept"):
        sample.golden.write_text(said)
    assert sample.golden.exists(), "no golden: pytest --accept writes it"
    assert said == sample.golden.read_text()


@by_name
def test_lines_add_up(sample: Sample) -> None:
    parsed = sample.parse()
    lines = text.decode(sample.file.read_bytes()).split("\n")
    assert parsed.lines == sum(1 for line in lines if line.strip())
    assert 0 <= parsed.understood <= parsed.lines
    assert (parsed.understood < parsed.lines) == bool(parsed.gaps)
    for fact in parsed.facts:
        assert 1 <= fact.origin.line <= fact.origin.end <= len(lines)
    for gap in parsed.gaps:
        assert 1 <= gap.source.line <= gap.source.end <= len(lines)
    assert {entry.fact for entry in parsed.coverage} <= set(fact_types())


@by_name
def test_recognised(sample: Sample) -> None:
    """By name and content, and by content alone where a renamed file still tells what it is."""
    head = text.decode(sample.file.read_bytes())[:8192]
    if sample.path:
        assert Matcher().choose((sample.path,), head)[0] == sample.kind
    if sample.content and (kinds()[sample.kind].begins or kinds()[sample.kind].sniff):
        assert Matcher().choose(("renamed",), head)[0] == sample.kind


# Kinds of which only some lines are of interest, and those whose values or rules may be any words.
ANY_LINE = {"date", "sestatus", "kubectl-describe", "kubectl-table", "nft-ruleset", "proc-sys-file", "corefile"}


@by_name
def test_a_line_that_nobody_understands_lowers_coverage(sample: Sample) -> None:
    lines = sample.file.read_bytes().split(b"\n")
    middle = len(lines) // 2
    parsed = sample.parse(b"\n".join([*lines[:middle], b"zzz !!! no line of this ^", *lines[middle:]]))
    if sample.kind not in ANY_LINE and parsed.coverage:
        assert parsed.gaps
        assert not all(entry.complete for entry in parsed.coverage)


@every_kind
@pytest.mark.parametrize("message", ERRORS, ids=["no-command", "forbidden", "denied", "killed"])
def test_an_error_is_no_output(kind: Kind, message: str) -> None:
    """A message instead of the output says that nothing was collected: absence in it proves nothing."""
    parsed = kind.parse(f"{message}\n".encode(), "nodes/worker-1/x.txt", Place(node="worker-1"), 1, "")
    assert not [entry for entry in parsed.coverage if entry.complete]
    assert not parsed.facts


DOCUMENT = FOLDER.parents[1] / "docs" / "artifacts.md"
ABOVE = """# Artifacts

Written by `pytest --accept tests/test_grammars.py` from the kinds and the goldens of their samples.

A kind is told by its content, by its name, or by the command that was pasted with it. Facts are what its samples
gave; a fact that several kinds give is one type, and fields that a format cannot say are unknown. Logs (journal,
syslog, klog, CRI, containers, audit) are read by `analyzer/logs/`. What is known and not needed is listed in
`analyzer/layouts/_not_needed.yaml`.

| kind | printed by | scope | facts |
|---|---|---|---|
"""


def _row(kind: Kind) -> str:
    facts = {type(fact).__name__ for sample in SAMPLES if sample.kind == kind.name for fact in sample.parse().facts}
    command = kind.command.replace("|", "\\|")
    return f"| {kind.name} | `{command}` | {kind.per} | {', '.join(sorted(facts)) or '-'} |\n"


def test_documented(request: pytest.FixtureRequest) -> None:
    said = ABOVE + "".join(_row(kind) for _, kind in sorted(kinds().items()))
    if request.config.getoption("--accept"):
        DOCUMENT.write_text(said)
    assert DOCUMENT.read_text() == said
