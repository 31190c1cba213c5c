"""A gzip file that unpacks to itself, made as Russ Cox describes in "Zip Files All The Way Down"."""

from __future__ import annotations

import struct
import zlib

# A command is 5 bytes, so that commands can print commands: "print the bytes that follow", "repeat the last 20".
UNIT = 5
# A block of fixed codes: 10 bytes from 20 before, twice, and the end; 3 + 15 + 15 + 7 bits.
REPEAT = "010" + 2 * "0001000_01000_110".replace("_", "") + "0000000"


def _print(count: int) -> bytes:
    return b"\0" + struct.pack("<HH", count, count ^ 0xFFFF)


def _repeat() -> bytes:
    """Codes stand with their first bit first, numbers with their last; bits fill bytes from below."""
    return bytes(int(REPEAT[at : at + 8][::-1], 2) for at in range(0, len(REPEAT), 8))


def _body(crc: int, size: int) -> bytes:
    begin = b"\x1f\x8b\x08\x08" + bytes(6) + b"r.gz\0"
    end = _print(0) + b"\x03\x00" + struct.pack("<II", crc, size)
    none, one, four, again = _print(0), _print(UNIT), _print(4 * UNIT), _repeat()
    assert len(begin) == len(end) == 3 * UNIT and len(again) == UNIT
    return b"".join(
        (
            begin, four, begin, four, again, one, again, one, one, four, again, one, one, four, again,
            four, again, four, again, four, again, four, again, none, none, four, again,
            none, none, four, again, end, again, end,
        )
    )  # fmt: skip


def gzip_quine() -> bytes:
    """The file. Its checksum stands in it: each bit of the number turns bits of the checksum, independent of others."""
    size = len(_body(0, 0))
    zero = zlib.crc32(_body(0, size))
    # rows of the equation checksum(c) = c: what bit n of c turns, and n itself
    rows = [(zlib.crc32(_body(1 << bit, size)) ^ zero ^ (1 << bit), 1 << bit) for bit in range(32)]
    left, crc = zero, 0
    for bit in range(32):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        if pivot is None:
            continue
        rows = [
            (turned ^ pivot[0], made ^ pivot[1]) if turned >> bit & 1 else (turned, made)
            for turned, made in rows
            if (turned, made) != pivot
        ]
        if left >> bit & 1:
            left, crc = left ^ pivot[0], crc ^ pivot[1]
    assert left == 0, "no such number"
    return _body(crc, size)
