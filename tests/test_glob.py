"""Globs: the quick ways to tell that a path does not match say what the patterns say."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.glob import Globs, compiled
from analyzer.kinds import kinds
from analyzer.match import LOG_GLOBS

SAMPLES = Path(__file__).parent.parent / "samples"
PATHS = sorted({str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*") if path.is_file()})
SHIPPED = sorted({*(glob for kind in kinds().values() for glob in kind.files), *LOG_GLOBS})


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        pytest.param("**/ip-route*", "nodes/a/ip-route.txt", True, id="the name alone tells"),
        pytest.param("**/ip-route*", "ip-route", True, id="no folder"),
        pytest.param("**/ip-route*", "ip-route/x", False, id="a star ends at a slash"),
        pytest.param("**/flannel/*.json", "a/flannel/x.json", True, id="name and folder"),
        pytest.param("**/flannel/*.json", "a/calico/x.json", False, id="wrong folder"),
        pytest.param("etc/hosts", "a/etc/hosts", False, id="from the root"),
        pytest.param("**/logs/**", "a/logs/b/c", True, id="anything below"),
        pytest.param("**/logs/**", "a/logsb/c", False, id="only below"),
        pytest.param("{a,b}/**", "b/c", True, id="no text that all paths hold"),
        pytest.param("**/{sysctl.conf,sysctl.d/**}", "etc/sysctl.d/x.conf", True, id="a slash in braces"),
        pytest.param("*/**", "a/b", True, id="only stars"),
        pytest.param("x[0-9]", "x7", True, id="a set"),
    ],
)
def test_one_glob(template: str, path: str, matches: bool) -> None:
    assert Globs([(template, "owner")]).owners(path) == ["owner"][: int(matches)]
    assert bool(compiled(template).fullmatch(path)) is matches


def test_all_that_are_shipped_over_all_samples() -> None:
    many = Globs((glob, glob) for glob in SHIPPED)
    hits = 0
    for path in PATHS:
        found = many.owners(path)
        assert found == [glob for glob in SHIPPED if compiled(glob).fullmatch(path)], path
        hits += len(found)
    assert hits > len(PATHS) / 2
