"""One cluster in every collector's layout: the same diagnosis, as far as that collector collects what proves it."""

from __future__ import annotations

import tarfile
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from analyzer.analysis import Options, analyse
from analyzer.compose import compose
from analyzer.layout import layouts
from analyzer.report import Report
from tests.layouts.dump import Files, load
from tests.layouts.make import CASE, FOLDER
from tests.test_bundles import REAL, SAMPLES, first_cause, report_of, told

SELECTOR, ROUTE, LOOP = "service-selector-mismatch", "pod-route-missing", "coredns-loop"

# What each collector brings is enough to prove; the module below tests/layouts writes a bundle as the collector does.
PROVES: dict[str, tuple[str, ...]] = {
    "must_gather": (SELECTOR, LOOP),
    "troubleshoot": (SELECTOR, ROUTE, LOOP),
    "troubleshoot_old": (SELECTOR, ROUTE, LOOP),
    "eks": (LOOP,),
    "rancher": (ROUTE, LOOP),
    "cluster_info_dump": (SELECTOR, LOOP),
    "cluster_info_dump_yaml": (SELECTOR, LOOP),
    "cluster_info_dump_text": (SELECTOR, LOOP),
    "supportconfig": (),
    "microk8s": (SELECTOR, ROUTE, LOOP),
    "cilium_sysdump": (SELECTOR, LOOP),
    "calico_cluster": (SELECTOR, ROUTE),
    "calico_node": (),
    "kind_export": (LOOP,),
    "minikube": (),
    "antrea": (ROUTE,),
    "aks_periscope": (),
    "sos_report": (ROUTE, LOOP),
    "sos_old": (SELECTOR, ROUTE, LOOP),
    "sos_collect": (ROUTE, LOOP),
    "sos_clean": (LOOP,),
    "hand_made": (SELECTOR, ROUTE, LOOP),
    "pasted": (SELECTOR, ROUTE, LOOP),
    "flattened": (SELECTOR, ROUTE, LOOP),
    "flat": (SELECTOR, LOOP),
}
# Its agents' pods make the cluster one of another CNI, to which the rule about the bridges' routes does not apply.
OTHER_CNI = ("cilium_sysdump",)

CASES: dict[str, tuple[Path, str | None]] = {
    "s05-selector-mismatch": (REAL / "s05-selector-mismatch.tar.xz", SELECTOR),
    "s10-route-to-peer-deleted": (REAL / "s10-route-to-peer-deleted.tar.xz", ROUTE),
    "s07b-coredns-loop-crash": (REAL / "s07b-coredns-loop-crash.tar.xz", LOOP),
    "s00-healthy": (REAL / "s00-healthy.tar.xz", None),
    "selector-mismatch": (SAMPLES / "selector-mismatch", SELECTOR),
    "pod-route-missing": (SAMPLES / "pod-route-missing", ROUTE),
    "coredns-loop": (SAMPLES / "coredns-loop", LOOP),
    "healthy": (SAMPLES / "healthy", None),
}


def written(files: Files, folder: Path) -> Path:
    """The files below a folder."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def accusing(report: Report) -> set[str]:
    """Rules that found something wrong."""
    return {finding.rule for finding in report.findings if finding.severity != "info"}


@cache
def original(case: str) -> Report:
    path, _ = CASES[case]
    if not path.exists():
        pytest.skip("the real bundles do not lie beside the project")
    return report_of(path)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("collector", PROVES)
def test_same_diagnosis(collector: str, case: str, tmp_path: Path) -> None:
    before = original(case)
    path, rule = CASES[case]
    module = import_module(f"tests.layouts.{collector}")
    analysis = analyse([written(module.render(load(path)), tmp_path)], Options(strict=True))
    with analysis.bundle:
        report = compose(analysis)
    assert module.NAME in report.bundle.layout
    assert not analysis.collected.recognition.unrecognised
    assert accusing(report) <= accusing(before), f"it accuses what the original does not: {told(report)}"
    if rule is None:
        return
    if rule in PROVES[collector]:
        assert first_cause(report) == rule, told(report)
    else:
        allowed = ("not collected", "not applicable") if collector in OTHER_CNI else ("not collected",)
        assert {check.rule: check.outcome for check in report.checks}[rule] in allowed


def test_every_layout_has_a_renderer() -> None:
    rendered = {import_module(f"tests.layouts.{collector}").NAME for collector in PROVES}
    assert {layout.name for layout in layouts()} - rendered == {"nodes and cluster"}, "the lab's own is the original"


@pytest.mark.parametrize("collector", PROVES)
def test_shipped_sample_is_what_the_renderer_writes(collector: str) -> None:
    shipped = FOLDER / f"{collector.replace('_', '-')}.tar.gz"
    files = import_module(f"tests.layouts.{collector}").render(load(CASE))
    with tarfile.open(shipped) as archive:
        held = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    # Archives inside carry the time at which they were packed.
    inner = tuple(name for name in files if name.endswith((".gz", ".zip", ".xz")))
    assert held.keys() == files.keys()
    assert {name: held[name] for name in files if name not in inner} == {
        name: data for name, data in files.items() if name not in inner
    }, "run python -m tests.layouts.make"
