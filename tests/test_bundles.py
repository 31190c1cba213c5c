"""Whole bundles: the samples of the lab, and the real ones where they lie beside the project."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import Options, analyse
from analyzer.compose import compose
from analyzer.report import Report
from analyzer.reports import formats, render_as
from tests.lab.faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples" / "bundles"
REAL = ROOT.parent / "shared" / "bundles"
OPTIONS = Options(strict=True)

# What was injected into each real bundle, as the rule that has to stand first; None: nothing may be found.
TRUTH: dict[str, str | None] = {
    "s00-healthy": None,
    "s02-forward-drop-policy": None,
    "s03-hairpin-off": "hairpin-veth-off",
    "s05-selector-mismatch": "service-selector-mismatch",
    "s07b-coredns-loop-crash": "coredns-loop",
    "s10-route-to-peer-deleted": "pod-route-missing",
}


@cache
def report_of(*paths: Path) -> Report:
    """The report of bundles, made once."""
    analysis = analyse(paths, OPTIONS)
    with analysis.bundle:
        return compose(analysis)


def told(report: Report) -> list[str]:
    """The findings that accuse, as texts that a failing test can show."""
    return [f"{f.severity}[{f.rule}] {f.title}" for f in report.findings if f.severity != "info"]


def first_cause(report: Report) -> str | None:
    accusing = [finding for finding in report.findings if finding.severity != "info"]
    return accusing[0].rule if accusing else None


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_first_cause_of_a_sample_is_its_fault(fault: Fault) -> None:
    report = report_of(SAMPLES / fault.name)
    assert first_cause(report) == (fault.rule or None), told(report)
    assert all(finding.evidence or finding.absent for finding in report.findings), "a finding without file:line"
    assert not report.failures


def summary(report: Report) -> dict[str, object]:
    """What a golden keeps: small enough to be read, complete enough to notice."""
    return {
        "verdict": report.verdict.text,
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity,
                "title": finding.title,
                "evidence": [f"{one.path}:{one.line}" for one in finding.evidence[:5]],
                "explained_by": sorted({other.rule for other in report.findings if other.id in finding.explained_by}),
            }
            for finding in report.findings
        ],
        "outcomes": {check.rule: check.outcome for check in report.checks if check.outcome != "clear"},
        "gaps": len(report.gaps),
    }


@pytest.mark.parametrize("case", sorted(path.name for path in SAMPLES.iterdir() if path.is_dir()))
def test_golden_diagnosis(case: str, request: pytest.FixtureRequest) -> None:
    golden = SAMPLES / f"{case}.golden.json"
    text = json.dumps(summary(report_of(SAMPLES / case)), indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--accept"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("format", sorted(formats()))
@pytest.mark.parametrize("case", ["coredns-loop", "pod-route-missing", "healthy"])
def test_every_format_renders(case: str, format: str) -> None:
    report = report_of(SAMPLES / case)
    assert render_as(format, report) == render_as(format, report)


@pytest.mark.parametrize("case", ["pod-route-missing", "selector-mismatch", "hairpin-off"])
@pytest.mark.parametrize(
    "artifact",
    [
        "iptables-save.txt",
        "ip-route-all.txt",
        "sysctl-a.txt",
        "pods.json",
        "services.json",
        "endpoints.json",
        "nodes.json",
    ],
)
def test_nothing_turns_clear_when_an_artifact_is_missing(case: str, artifact: str, tmp_path: Path) -> None:
    before = {check.rule: check.outcome for check in report_of(SAMPLES / case).checks}
    partial = tmp_path / case
    shutil.copytree(SAMPLES / case, partial)
    for path in partial.rglob(artifact):
        path.unlink()
    after = {check.rule: check.outcome for check in report_of(partial).checks}
    assert not [rule for rule in before if after[rule] == "clear" and before[rule] in ("found", "not collected")]


def packed(folder: Path, kind: str, target: Path) -> Path:
    """The folder as an archive of the given kind."""
    path = target / f"{folder.name}.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, f"w:{kind.removeprefix('tar.')}") as archive:  # type: ignore[call-overload]
            archive.add(folder, folder.name)
    return path


@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz", "zip"])
def test_the_packing_does_not_matter(kind: str, tmp_path: Path) -> None:
    folder = SAMPLES / "coredns-loop"
    assert summary(report_of(packed(folder, kind, tmp_path)))["outcomes"] == summary(report_of(folder))["outcomes"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real bundles do not lie beside the project")
@pytest.mark.parametrize("name", sorted(TRUTH))
def test_real_bundle(name: str) -> None:
    report = report_of(REAL / f"{name}.tar.xz")
    assert first_cause(report) == TRUTH[name], told(report)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real bundles do not lie beside the project")
def test_two_healthy_sos_reports() -> None:
    report = report_of(*sorted(REAL.glob("healthy-sosreport-*.tar.xz")))
    assert not told(report)
    assert report.missing, "sos collects no policies, and that must be told"
