"""Output formats; a module in this folder with `EXTENSIONS` and `render(report) -> bytes` is found by being there."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from analyzer.cache import kept_data, stamps
from analyzer.errors import UsageError
from analyzer.report import Report

HERE = Path(__file__).parent


@cache
def formats() -> dict[str, tuple[str, ...]]:
    """The name of every format, with the file endings that ask for it."""
    return kept_data("formats", [stamps(HERE, HERE / "html")], _asked, dict[str, tuple[str, ...]])


def _asked() -> dict[str, tuple[str, ...]]:
    """What the formats say: all are imported for that, with the libraries that they need."""
    found = {module.name: _module(module.name) for module in pkgutil.iter_modules(__path__)}
    return {name: module.EXTENSIONS for name, module in sorted(found.items()) if hasattr(module, "EXTENSIONS")}


def format_of(path: Path) -> str:
    """The format that a file's ending asks for; the longest ending wins. Raises UsageError."""
    name = path.name.lower()
    matching = [(len(end), format) for format, ends in formats().items() for end in ends if name.endswith(end)]
    if not matching:
        endings = ", ".join(end for ends in formats().values() for end in ends)
        raise UsageError(f"the ending of {path} names no format; known endings: {endings}")
    return max(matching)[1]


def render_as(name: str, report: Report, *, fail_on: str = "error") -> bytes:
    """The report in the format `name`. Raises UsageError for a format that does not exist."""
    if name not in formats():
        close = get_close_matches(name, formats(), 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"no format {name!r}, there are {', '.join(formats())}{hint}")
    rendered: bytes = _module(name).render(report, fail_on=fail_on)
    return rendered


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")
