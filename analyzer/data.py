"""Where grammars and rules are: beside the package in a checkout, in share/hairpin of an installed wheel."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from pathlib import Path

from analyzer.errors import DefinitionError


@cache
def grammar_dir() -> Path:
    """The folder of *.lark files."""
    return _folder("grammars")


@cache
def rule_dir() -> Path:
    """The folder of rules, one sub-folder an area."""
    return _folder("rules")


def _folder(name: str) -> Path:
    user = sysconfig.get_path("data", sysconfig.get_preferred_scheme("user"))
    shares = (sysconfig.get_path("data"), user, sys.prefix)
    checkout = Path(__file__).resolve().parent.parent / name
    places = [checkout, *(Path(share) / "share" / "hairpin" / name for share in shares)]
    for place in places:
        if place.is_dir():
            return place
    raise DefinitionError(str(places[0]), 0, f"the folder {name}/ of this installation is missing")
