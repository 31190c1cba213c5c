"""Everything in one folder under names that say nothing: which node printed what is lost."""

from __future__ import annotations

from tests.layouts import flattened
from tests.layouts.dump import Dump, Files

NAME = "files"


def render(dump: Dump) -> Files:
    return {f"upload/{path.rsplit('/', 1)[-1]}": data for path, data in flattened.render(dump).items()}
