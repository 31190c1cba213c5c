"""A fact whose message fits a pattern of a rule, and what the pattern captured."""

from __future__ import annotations

from typing import Any

import msgspec

from analyzer.facts.fact import Fact


class Hit(msgspec.Struct, frozen=True, eq=False):
    """A fact and the fields that `text:` captured from its message."""

    fact: Fact
    captured: dict[str, Any]
