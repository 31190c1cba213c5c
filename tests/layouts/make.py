"""Writes samples/layouts: one broken sample of the lab as each collector would have packed it."""

from __future__ import annotations

import gzip
import io
import tarfile
from importlib import import_module
from pathlib import Path

from tests.layouts.dump import Files, load

ROOT = Path(__file__).parents[2]
CASE = ROOT / "samples" / "bundles" / "coredns-loop"
FOLDER = ROOT / "samples" / "layouts"


def packed(files: Files) -> bytes:
    """A tar.gz that is the same for the same files."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, data in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def main() -> None:
    from tests.test_layouts import PROVES

    FOLDER.mkdir(exist_ok=True)
    for name in PROVES:
        (FOLDER / f"{name.replace('_', '-')}.tar.gz").write_bytes(
            packed(import_module(f"tests.layouts.{name}").render(load(CASE)))
        )


if __name__ == "__main__":
    main()
