"""What README and help say is what there is."""

from __future__ import annotations

import re

import pytest

from analyzer.options import size
from tests.cli.program import ROOT, command


def test_help_without_arguments() -> None:
    done = command()
    assert done.returncode == 2 and "Usage: hairpin" in done.stderr and "hairpin report BUNDLE" in done.stderr
    done = command("--help")
    assert done.returncode == 0 and "Usage: hairpin" in done.stdout and done.stderr == ""


def test_the_version() -> None:
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, "") and re.fullmatch(r"hairpin \d+\.\d+\.\d+\n", done.stdout)


def _help(*words: str) -> str:
    done = command(*words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_of_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    block = next(block for block in re.findall(r"```sh\n(.*?)```", text, re.S) if "hairpin report" in block)
    said = set(re.findall(r"^hairpin (\w+)", block, re.M))
    shown = _help()
    listed = set(re.findall(r"^  (\w+)  ", shown.split("Commands:")[1], re.M))
    assert said == listed
    options = _help("report")
    for option in re.findall(r"--[a-z-]+", block.split("hairpin trace")[0]):
        assert option in options
    rules = re.findall(
        r"[a-z]+", re.sub(r"[A-Z\[\]#]+", " ", next(line for line in block.splitlines() if "hairpin rules" in line))
    )
    listed = set(re.findall(r"^  (\w+)  ", _help("rules").split("Commands:")[1], re.M))
    assert listed - {"schema", "catalogue"} <= set(rules) - {"hairpin", "rules"} <= listed


@pytest.mark.parametrize("command_line", ["", "report", "files", "facts", "trace", "paths", "diff", "rules"])
def test_no_help_text_is_cut_short(command_line: str) -> None:
    assert "..." not in _help(*command_line.split()).replace("BUNDLE...", "").replace("[ARGS]...", "")


@pytest.mark.parametrize(
    ("text", "bytes"),
    [("1", 1), ("64K", 65536), ("512MiB", 512 << 20), ("4g", 4 << 30), ("1 GB", 1 << 30)],
)
def test_sizes(text: str, bytes: int) -> None:
    assert size(text) == bytes
