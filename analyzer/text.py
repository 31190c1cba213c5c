"""Bytes as text: any encoding, terminal codes removed, line numbers kept."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from analyzer.failed import is_client_error, is_error_output

__all__ = ["decode", "is_client_error", "is_error_output", "lines", "wide"]

STREAMED_FROM = 64 << 20

# Everything that str.splitlines takes for a line end though it is none, NUL, and what a terminal would obey
_ODD = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_ESCAPE = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?"
    "|[()*+][A-Za-z0-9]|[PX^_][^\x1b\n]*(?:\x1b\\\\)?|[0-~])"
)
_SPACES = {ord(char): " " for char in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"}
_CONTROLS = (*range(0x09), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0x85), *range(0x86, 0xA0), 0xFEFF)
_TABLE: dict[int, str | None] = {**dict.fromkeys(_CONTROLS), **_SPACES}


def decode(data: bytes) -> str:
    """The text of a file, one line for each line of it.

    UTF-8 (Latin-1 for lines that are not), UTF-16 with a byte order mark or by its NULs. Carriage returns, backspaces
    and escape sequences act as on a terminal or vanish; only \\n ends a line in the result.
    """
    text = _characters(data)
    return _plain(text) if _ODD.search(text) else text


def wide(head: bytes) -> str:
    """The UTF-16 flavour of a file that starts with these bytes, or ""."""
    if head.startswith(codecs.BOM_UTF16_LE) and not head.startswith(codecs.BOM_UTF32_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sample = head[:512]
    if (len(sample) >= 16 and len(sample) % 2 == 0) or len(sample) == 512:
        half = len(sample) // 2
        if sample[1::2].count(0) > 0.9 * half and sample[::2].count(0) < 0.1 * half:
            return "utf-16-le"
        if sample[::2].count(0) > 0.9 * half and sample[1::2].count(0) < 0.1 * half:
            return "utf-16-be"
    return ""


def _characters(data: bytes) -> str:
    if flavour := wide(data[:512]):
        return data.decode(flavour, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_line(line) for line in data.split(b"\n"))


def _line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _plain(text: str) -> str:
    if "\x1b" in text:
        text = _ESCAPE.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            text = "\n".join(_overwritten(line) if "\r" in line else line for line in text.split("\n"))
    if "\b" in text:
        text = "\n".join(_erased(line) if "\b" in line else line for line in text.split("\n"))
    return text.translate(_TABLE)


def _overwritten(line: str) -> str:
    """What a terminal shows of a line with carriage returns: the last text that was written over it."""
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def _erased(line: str) -> str:
    kept: list[str] = []
    for char in line:
        if char != "\b":
            kept.append(char)
        elif kept:
            kept.pop()
    return "".join(kept)


def lines(file: BinaryIO, first: int, last: int) -> list[str]:
    """Lines `first` to `last` (1-based, inclusive) of a file, as `decode` gives them; does not hold a big file."""
    first = max(first, 1)
    if last < first:
        return []
    head = file.read(512)
    file.seek(0)
    if wide(head):
        found = decode(file.read(STREAMED_FROM)).split("\n")
        return found[first - 1 : last]
    result = []
    for number, line in enumerate(file, 1):
        if number > last:
            break
        if number >= first:
            result.append(decode(line.rstrip(b"\n")).rstrip("\r"))
    return result
