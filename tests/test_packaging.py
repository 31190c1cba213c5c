"""The wheel carries what the program reads: every folder of rules, grammars, layouts, templates."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_folder_of_rules_is_packed() -> None:
    packed = {name.removeprefix("share/hairpin/rules/") for name in TOOLS["data-files"] if "/rules/" in name}
    assert packed == {path.name for path in (ROOT / "rules").iterdir() if path.is_dir()}


def test_every_package_is_packed() -> None:
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "analyzer").rglob("__init__.py")}
    assert set(TOOLS["packages"]) == packages


def test_every_other_file_is_packed() -> None:
    patterns = [(package.replace(".", "/"), p) for package, ps in TOOLS["package-data"].items() for p in ps]
    files = [path for path in (ROOT / "analyzer").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    loose = [
        str(path.relative_to(ROOT))
        for path in files
        if not any(str(path.parent.relative_to(ROOT)) == folder and path.match(p) for folder, p in patterns)
    ]
    assert not loose
