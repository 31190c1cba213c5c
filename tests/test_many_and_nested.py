"""Archives that never end or hold very many files: a result or an error that names the limit, in bounded memory."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from analyzer.archive import DEEPEST
from analyzer.bundle import open_bundle
from analyzer.errors import BundleError
from analyzer.limits import MIB, Limits
from tests.quine import gzip_quine

DEPTHS = [pytest.param(6, id="default"), pytest.param(10**6, id="raised")]


def tar(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_the_quine_unpacks_to_itself() -> None:
    assert gzip.decompress(gzip_quine()) == gzip_quine()


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_archive_that_holds_itself_is_refused(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "r.gz"
    path.write_bytes(gzip_quine())
    with pytest.raises(BundleError, match=f"inside {min(depth, DEEPEST)} archives was not opened"):
        open_bundle([path], Limits(depth=depth))


@pytest.mark.parametrize("depth", DEPTHS)
def test_beside_an_archive_that_holds_itself_files_are_read(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "bundle.tar"
    path.write_bytes(tar(loop=gzip_quine(), plain=b"text\n"))
    with open_bundle([path], Limits(depth=depth)) as bundle:
        assert [member.path for member in bundle.members] == ["plain"]
        told = [note.text for note in bundle.notes if note.path == "loop"]
        assert len(told) == 1 and ("--max-depth" in told[0]) == (depth < DEEPEST)


def test_archives_in_archives_to_the_deepest_level(tmp_path: Path) -> None:
    data = tar(core=b"text\n")
    for _ in range(DEEPEST):
        data = gzip.compress(tar(inner=data, beside=b"text\n"))
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(data)
    with open_bundle([path], Limits(depth=10**6)) as bundle:
        assert len(bundle.members) == DEEPEST
        assert "was not opened" in bundle.notes[0].text


def many(path: Path, count: int) -> None:
    """A tar.gz of that many files of one line."""
    info = tarfile.TarInfo()
    with gzip.open(path, "wb", 1) as file:
        for number in range(count):
            line = b"line %d\n" % number
            info.name, info.size = f"d{number // 1000}/f{number}", len(line)
            file.write(info.tobuf(tarfile.USTAR_FORMAT) + line.ljust(512, b"\0"))
        file.write(bytes(1024))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is told by /proc")
def test_very_many_files_take_bounded_memory(tmp_path: Path) -> None:
    """More files than the default limit are read where it is raised; a file costs less than 800 bytes."""
    count = Limits().members + 1000
    path = tmp_path / "many.tar.gz"
    many(path, count)
    code = (
        "import sys; from pathlib import Path; from analyzer.bundle import open_bundle; "
        "from analyzer.limits import Limits; "
        f"bundle = open_bundle([Path(sys.argv[1])], Limits(members={count}, ratio=10**6)); "
        f"print(len(bundle.members), bundle.read('d{(count - 1) // 1000}/f{count - 1}').decode().split()[1]); "
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    members, last, peak = map(int, done.stdout.split())
    assert (members, last) == (count, count - 1)
    assert peak * 1024 < 40 * MIB + 800 * count, peak
