"""Attacks: every one gives a result or an error that names the limit and its flag, and nothing is written anywhere."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzer.bundle import Bundle, open_bundle
from analyzer.errors import BundleError
from analyzer.limits import Limits

SMALL = Limits(members=1000, member_size=1 << 20, total_size=4 << 20, ratio=100, ratio_from=1 << 16, depth=3)


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working folder of its own, in which nothing may appear, and a temporary folder that is empty again."""
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield
    assert list(work.iterdir()) == [] and list(temporary.iterdir()) == []


def given(tmp_path: Path, data: bytes, name: str = "attack.tar", limits: Limits = SMALL) -> Bundle:
    folder = tmp_path / "given"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return open_bundle([folder / name], limits)


def tar(*entries: tuple[str | bytes, bytes, str] | tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            name, data, link = entry
            info = tarfile.TarInfo(os.fsdecode(name))
            info.size = len(data)
            if link:
                info.type, info.linkname, info.size = tarfile.SYMTYPE, link, 0
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def paths(bundle: Bundle) -> list[str]:
    return [member.path for member in bundle.members]


NAMES = [
    pytest.param("../../../etc/passwd", "etc/passwd", id="traversal"),
    pytest.param("a/../../b", "b", id="traversal inside"),
    pytest.param("/etc/shadow", "etc/shadow", id="absolute"),
    pytest.param("line\nbreak", "line\\x0abreak", id="newline"),
    pytest.param("esc\x1b[31m\x07", "esc\\x1b[31m\\x07", id="control"),
    pytest.param(b"latin\xe9", "latin\\xe9", id="not utf-8"),
    pytest.param("bidi‮gpj", "bidi\\u202egpj", id="bidi"),
    pytest.param("a//./b", "a/b", id="dots"),
]


@pytest.mark.parametrize(("name", "path"), NAMES)
def test_names_become_harmless(tmp_path: Path, name: str | bytes, path: str) -> None:
    with given(tmp_path, tar((name, b"x", ""), ("ok", b"fine", ""))) as bundle:
        assert sorted(paths(bundle)) == sorted([path, "ok"])
        assert all(member.path.isprintable() and ".." not in member.path for member in bundle.members)


def test_very_long_names(tmp_path: Path) -> None:
    with given(tmp_path, tar(("n" * 5000, b"1", ""), ("n" * 5001, b"2", ""))) as bundle:
        assert len(paths(bundle)) == 2 and all(len(path) < 300 for path in paths(bundle))


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    data = tar(("d", b"", "/etc"), ("d/evil", b"x", ""), ("e", b"", "../../.."), ("e/evil2", b"y", ""))
    with given(tmp_path, data) as bundle:
        assert paths(bundle) == ["d/evil", "e/evil2"]
    assert not Path("/etc/evil").exists()


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "plain").write_text("plain")
    (folder / "out").symlink_to("../secret")
    (folder / "absolute").symlink_to(tmp_path / "secret")
    (folder / "sub" / "loop").symlink_to("..")
    (folder / "round").symlink_to("round")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        with open_bundle([folder], SMALL) as bundle:
            assert paths(bundle) == ["plain"]
            assert "out" not in bundle and "absolute" not in bundle
            noted = {note.path for note in bundle.notes}
            assert {"out", "absolute", "round", "fifo", "socket"} <= noted


def test_unreadable_files_are_noted(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    (folder / "b").chmod(0)
    with open_bundle([folder], SMALL) as bundle:
        expected = ["a", "b"] if os.geteuid() == 0 else ["a"]
        assert paths(bundle) == expected
        assert bundle.notes or os.geteuid() == 0


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z", b"V"])
def test_devices_are_skipped(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("device")
    info.type = kind
    with given(tmp_path, tar(info, ("ok", b"1", ""))) as bundle:
        assert "ok" in paths(bundle)
        assert bundle.read("device") == b"" if "device" in bundle else bundle.notes


def sparse(size: int) -> bytes:
    """A GNU sparse file of `size` bytes with 512 bytes of data at its start."""
    info = tarfile.TarInfo("huge")
    info.size = 512
    head = bytearray(info.tobuf(format=tarfile.GNU_FORMAT))
    head[156:157] = b"S"
    head[386:410] = b"%011o\0%011o\0" % (0, 512)
    head[483:495] = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + b"d" * 512 + tar(("after", b"x", ""))


def test_sparse_files_within_the_limits_read_with_holes(tmp_path: Path) -> None:
    with given(tmp_path, sparse(40_000), limits=Limits()) as bundle:
        assert bundle.read("huge") == b"d" * 512 + bytes(40_000 - 512)
        assert bundle.read("after") == b"x"


def quine_like() -> bytes:
    data = tar(("core", b"x", ""))
    for _ in range(9):
        data = gzip.compress(tar(("inner.tar.gz", data, "")))
    return data


def zip_bomb(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(size))
    return buffer.getvalue()


def overlapping(count: int) -> bytes:
    """A zip whose directory names one member many times."""
    data = zip_bomb(50_000)
    at = data.rfind(b"PK\x05\x06")
    start = struct.unpack("<I", data[at + 16 : at + 20])[0]
    record = data[start:at]
    directory = record * count
    end = data[at : at + 8] + struct.pack("<HHII", count, count, len(directory), start) + data[at + 20 :]
    return data[:start] + directory + end


def many_members(count: int) -> bytes:
    head = bytes(tarfile.TarInfo("m").tobuf())
    return gzip.compress(head * count, 1)


BOMBS: list[tuple[str, str, Callable[[], bytes], str]] = [
    ("sparse giant", "attack.tar", lambda: sparse(1 << 40), "--max-member-size"),
    ("zip bomb", "attack.zip", lambda: zip_bomb(900_000), "--max-ratio"),
    ("big member", "attack.zip", lambda: zip_bomb(2_000_000), "--max-member-size"),
    ("overlapping zip", "attack.zip", lambda: overlapping(900), "--max-(ratio|size)"),
    ("zip directory", "attack.zip", lambda: overlapping(5000), "--max-members"),
    ("xz bomb", "attack.tar.xz", lambda: lzma.compress(tar(("zeros", bytes(1_000_000), ""))), "--max-ratio"),
    ("gzip bomb", "attack.gz", lambda: gzip.compress(bytes(1_000_000)), "--max-ratio"),
    ("doubly packed", "attack.xz", lambda: lzma.compress(gzip.compress(bytes(900_000_000 // 1000))), "--max-ratio"),
    ("many members", "attack.tar.gz", lambda: many_members(2000), "--max-members"),
    ("much in all", "attack.tar", lambda: tar(*((f"f{n}", os.urandom(900_000), "") for n in range(6))), "--max-size"),
]


@pytest.mark.parametrize(("name", "make", "flag"), [pytest.param(*case[1:], id=case[0]) for case in BOMBS])
def test_bombs_hit_a_limit_that_is_named(tmp_path: Path, name: str, make: Callable[[], bytes], flag: str) -> None:
    with pytest.raises(BundleError, match=flag) as caught:
        given(tmp_path, make(), name)
    assert "\n" not in str(caught.value)


def test_a_million_empty_members_hit_the_default_limit(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="--max-members"):
        given(tmp_path, many_members(1_000_000), "attack.tar.gz", Limits())


def test_archives_nested_too_deep_stay_closed(tmp_path: Path) -> None:
    with given(tmp_path, tar(("ok", b"1", ""), ("inner.tar.gz", quine_like(), ""))) as bundle:
        assert paths(bundle) == ["ok"]
        assert any("--max-depth" in note.text for note in bundle.notes)


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    data = bytearray(zip_bomb(10))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    with pytest.raises(BundleError, match="encrypted"):
        given(tmp_path, bytes(data), "attack.zip")


def test_a_text_named_like_an_archive_is_a_text(tmp_path: Path) -> None:
    with given(tmp_path, b"just text\n", "attack.tar.gz") as bundle:
        assert bundle.read("attack.tar.gz") == b"just text\n"
        assert "named like an archive" in bundle.notes[0].text


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_gives_a_result_or_an_error(tmp_path: Path, seed: int) -> None:
    good = tar(*((f"f{n}", b"some text %d\n" % n * 50, "") for n in range(20)), ("link", b"", "f1"))
    wrapped = [good, gzip.compress(good), lzma.compress(good), zip_bomb(3000)][seed % 4]
    data = bytearray(wrapped)
    for step in range(1 + seed % 5):
        data[(seed * 7919 + step * 104729) % len(data)] ^= 0xFF >> (seed % 7)
    try:
        with given(tmp_path, bytes(data[: len(data) - seed * 3])) as bundle:
            for member in bundle.members:
                assert len(bundle.read(member.path)) == member.size
    except BundleError as error:
        assert "\n" not in str(error)  # noqa: PT017
