"""The table of limits tells what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from analyzer.cli import app
from analyzer.limits import FLAGS, Limits, readable

TABLE = re.findall(
    r"^\| .+? \| `(--[a-z-]+)` \| (.+?) \|", (Path(__file__).parent.parent / "docs" / "limits.md").read_text(), re.M
)
SIZES = {"member_size", "total_size", "line_length", "memory"}


def test_every_limit_stands_in_the_table_with_its_default() -> None:
    shown = {}
    for name, flag in FLAGS.items():
        value = getattr(Limits(), name)
        shown[flag] = "no limit" if value is None else readable(value) if name in SIZES else f"{value:,}"
    assert dict(TABLE) == shown


def test_every_command_that_reads_a_bundle_has_every_flag() -> None:
    for words in (["report"], ["files"], ["facts"], ["paths"], ["trace"], ["rules", "try"]):
        text = CliRunner().invoke(app, [*words, "--help"]).output
        assert not [flag for flag, _ in TABLE if flag not in text], words
