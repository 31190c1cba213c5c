"""Typed facts, one module a subject: the contract between grammars, the model and rules. Imports nothing of ours."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from analyzer.facts.fact import Fact


@cache
def fact_types() -> dict[str, type[Fact]]:
    """Every fact type by name; a module in this folder is found by being there."""
    found: dict[str, type[Fact]] = {}
    for module in pkgutil.iter_modules(__path__):
        names = vars(importlib.import_module(f"{__name__}.{module.name}"))
        found |= {
            name: value
            for name, value in names.items()
            if isinstance(value, type) and issubclass(value, Fact) and value is not Fact
        }
    return dict(sorted(found.items()))
