"""Bundles: every container gives the same members; names, links and cuts are told."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from analyzer.bundle import Bundle, open_bundle
from analyzer.errors import BundleError

FILES = {"top/a.txt": b"alpha\nbeta\n", "top/deep/b.log": b"x" * 5000, "top/empty": b""}


def tar_bytes(files: dict[str, bytes], **kwargs: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **kwargs) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_bytes(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def contents(bundle: Bundle) -> dict[str, bytes]:
    return {member.path: bundle.read(member.path) for member in bundle.members}


def opened(tmp_path: Path, data: bytes, name: str = "case.tar") -> Bundle:
    path = tmp_path / name
    path.write_bytes(data)
    return open_bundle([path])


CONTAINERS: list[tuple[str, Callable[[], bytes]]] = [
    ("case.tar", lambda: tar_bytes(FILES)),
    ("case.tar.gz", lambda: gzip.compress(tar_bytes(FILES))),
    ("case.tar.xz", lambda: lzma.compress(tar_bytes(FILES))),
    ("case.tar.bz2", lambda: bz2.compress(tar_bytes(FILES))),
    ("case.tar.zst", lambda: zstandard.compress(tar_bytes(FILES))),
    ("case.zip", lambda: zip_bytes(FILES)),
    ("case", lambda: lzma.compress(tar_bytes(FILES))),
    ("pax.tar", lambda: tar_bytes(FILES, format=tarfile.PAX_FORMAT)),
    ("gnu.tar", lambda: tar_bytes(FILES, format=tarfile.GNU_FORMAT)),
    ("two.tar.gz", lambda: gzip.compress(tar_bytes(FILES)[:700]) + gzip.compress(tar_bytes(FILES)[700:])),
    ("zipped.zip", lambda: zip_bytes({"in.tar": tar_bytes(FILES)})),
]


@pytest.mark.parametrize(("name", "make"), [pytest.param(*case, id=case[0]) for case in CONTAINERS])
def test_every_container_gives_the_same_members(tmp_path: Path, name: str, make: Callable[[], bytes]) -> None:
    prefix = "in.tar/" if name == "zipped.zip" else ""
    with opened(tmp_path, make(), name) as bundle:
        assert contents(bundle) == {prefix + path: data for path, data in FILES.items()}
        assert bundle.notes == () and bundle.truncated == frozenset()


def test_a_folder_is_read_in_place(tmp_path: Path) -> None:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    with open_bundle([tmp_path / "top"]) as bundle:
        assert contents(bundle) == {path.removeprefix("top/"): data for path, data in FILES.items()}
        assert bundle.lines("a.txt", 2, 2) == ["beta"]
        again = open_bundle([tmp_path / "top"])
        assert again.sha256 == bundle.sha256


def test_archives_inside_archives_and_compressed_files(tmp_path: Path) -> None:
    inner = lzma.compress(tar_bytes({"host/ip.txt": b"ip"}))
    data = zip_bytes({"n1.tar.xz": inner, "log/x.log.gz": gzip.compress(b"line\n"), "plain": b"p"})
    with opened(tmp_path, data, "all.zip") as bundle:
        assert contents(bundle) == {"n1.tar.xz/host/ip.txt": b"ip", "log/x.log.gz": b"line\n", "plain": b"p"}


def test_several_paths_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "dump.tar").write_bytes(tar_bytes({"a": folder.encode()}))
    (tmp_path / "single.txt").write_bytes(b"s")
    paths = [tmp_path / "one" / "dump.tar", tmp_path / "two" / "dump.tar", tmp_path / "single.txt"]
    with open_bundle(paths) as bundle:
        assert contents(bundle) == {"dump.tar/a": b"one", "dump.tar~2/a": b"two", "single.txt": b"s"}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(gzip.compress(tar_bytes(FILES)))

    monkeypatch.setattr(sys, "stdin", Stdin())
    with open_bundle([Path("-")]) as bundle:
        assert contents(bundle) == FILES


def test_links_are_other_names_of_members(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("r/proc/77/net/dev")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"dev"))
        for name, target, kind in (
            ("r/proc/net", "self/net", tarfile.SYMTYPE),
            ("r/proc/self", "77", tarfile.SYMTYPE),
            ("r/hard", "r/proc/77/net/dev", tarfile.LNKTYPE),
            ("r/rooted", "/proc/net/dev", tarfile.SYMTYPE),
            ("r/loop", "loop", tarfile.SYMTYPE),
            ("r/out", "../../../etc/passwd", tarfile.SYMTYPE),
            ("r/gone", "nowhere", tarfile.SYMTYPE),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    with opened(tmp_path, buffer.getvalue()) as bundle:
        assert [member.path for member in bundle.members] == ["r/proc/77/net/dev"]
        for path in ("r/proc/net/dev", "r/proc/self/net/dev", "r/hard", "r/rooted"):
            assert bundle.read(path) == b"dev"
        assert "r/out" not in bundle and "r/loop" not in bundle
        assert {note.path for note in bundle.notes} == {"r/loop", "r/out", "r/gone"}


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".bz2", ".zip"])
def test_a_cut_archive_gives_what_came_before(tmp_path: Path, suffix: str) -> None:
    files = {f"f{number}": os.urandom(3000) for number in range(100)}
    plain = tar_bytes(files)
    data = {
        "": plain,
        ".gz": gzip.compress(plain),
        ".xz": lzma.compress(plain),
        ".bz2": bz2.compress(plain, 1),
        ".zip": zip_bytes(files),
    }[suffix]
    with opened(tmp_path, data[: len(data) * 3 // 4], f"cut.tar{suffix}") as bundle:
        found = contents(bundle)
        whole = {path: data for path, data in found.items() if path not in bundle.truncated}
        assert whole and all(files[path] == data for path, data in whole.items())
        assert len(bundle.truncated) <= 1
        for path in bundle.truncated:
            assert files[path].startswith(found[path])
        assert bundle.notes


def test_the_last_of_two_members_with_one_name_counts(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for data in (b"old", b"newer"):
            info = tarfile.TarInfo("a")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    with opened(tmp_path, buffer.getvalue()) as bundle:
        assert contents(bundle) == {"a": b"newer"}
        assert "more than once" in bundle.notes[0].text


def test_a_forked_process_reads_the_same(tmp_path: Path) -> None:
    with opened(tmp_path, tar_bytes(FILES)) as bundle:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writer, bundle.read("top/a.txt"))
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(writer)
        assert os.read(reader, 100) == FILES["top/a.txt"]
        os.close(reader)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda folder: folder / "absent", "No such file", id="absent"),
        pytest.param(lambda folder: folder, "nothing to read", id="empty folder"),
        pytest.param(lambda folder: _file(folder, b""), "empty", id="empty file"),
        pytest.param(lambda folder: _file(folder, tar_bytes(FILES)[:300]), "", id="a piece of a tar"),
        pytest.param(lambda folder: Path("/dev/null"), "neither a file nor a folder", id="device"),
        pytest.param(lambda folder: _file(folder, b"\xfd7zXZ\x00" + b"\0" * 50), "damaged", id="damaged xz"),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    path = make(tmp_path)
    if not said:
        with open_bundle([path]) as bundle:
            assert bundle.members
        return
    with pytest.raises(BundleError, match=said) as caught:
        open_bundle([path])
    assert "\n" not in str(caught.value)


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "given.tar.gz"
    path.write_bytes(data)
    return path
