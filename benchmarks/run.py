"""`python -m benchmarks.run [TARGET …] [--small] [--json FILE]`: every target side by side with its reference."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.peers import peers
from benchmarks.scale import SMALL, Row, Scale
from benchmarks.targets import TARGETS as OWN

TARGETS = {**OWN, "peers": peers}


def table(rows: Sequence[Row]) -> str:
    """The rows as one Markdown table; times are medians."""
    lines = [
        "| target | work | ours, s CPU | reference, s CPU | ratio | RSS, MB | goal | met |",
        "|---|---|--:|--:|--:|--:|---|---|",
    ]
    for row in rows:
        theirs = f"{row.reference} {row.theirs:.2f}" if row.theirs is not None else row.reference
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        if row.met is False and row.found:
            met += f" ({row.found})"
        lines.append(
            f"| {row.id} | {row.work} | {row.ours:.2f} | {theirs} | {ratio} | {row.rss:.0f} | {row.target} | {met} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write the numbers if asked; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--small", action="store_true", help="a tenth of the size, once: to see that it works")
    parser.add_argument("--repeats", type=int, help="how often each command runs; the median counts")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--folder", type=Path, help="where to put the generated data (2.5 GB)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]!r}: one of {', '.join(TARGETS)}")
    scale = SMALL if options.small else Scale()
    if options.repeats:
        scale = msgspec.structs.replace(scale, repeats=options.repeats)
    rows: list[Row] = []
    for name in options.targets or TARGETS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            rows += TARGETS[name](Path(folder), scale)
    print(table(rows))
    if options.json:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
        options.json.write_bytes(
            msgspec.json.format(msgspec.json.encode({"on": machine, "rows": rows}), indent=1) + b"\n"
        )
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
