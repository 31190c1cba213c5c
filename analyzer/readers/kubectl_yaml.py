"""`kubectl get -o yaml` and the files of must-gather, cilium sysdump and the like: API objects as YAML."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

import msgspec

from analyzer.facts.acyclic import acyclic
from analyzer.facts.fact import Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.kubectl_collected import Collected, named
from analyzer.readers.kubectl_convert import KINDS
from analyzer.readers.kubectl_region import Region
from analyzer.readers.kubectl_scope import Asked, asked, kind_of
from analyzer.readers.yaml_tree import Document, Item, documents
from analyzer.text import decode

ARTIFACT = "kubectl-yaml"
COMMAND = "kubectl get {resource} -A -o yaml"
PER = "cluster"
FILES = ("**/cluster/*.yaml", "**/cluster-scoped-resources/**/*.yaml", "**/namespaces/**/*.yaml", "**/k8s-*.yaml")
BEGINS = (r"^(apiVersion|items|kind|metadata):(\s|$)", r"^- (apiVersion|kind|metadata):")
RANK = 90

_START = re.compile(r"(---|- |[A-Za-z][\w.-]*:(\s|$)|#|%)")
_KNOWN = re.compile(
    r"Warning: |[EWIF]\d{4} \d\d:|\s*$|.*[#$+>] *(kubectl|oc) |\+ |No resources found|command terminated"
)


def SNIFF(head: str) -> bool:
    """Whether a text that begins like an API object is not a component's own configuration or a client's."""
    kind = re.search(r"^kind: *(\w+)", head, re.MULTILINE)
    version = re.search(r"^apiVersion: *(\S+)", head, re.MULTILINE)
    if version and ".config.k8s.io/" in version[1]:
        return False
    return kind is None or kind[1] != "Config"


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Facts of every object in every document; of a broken file those of the objects before the break."""
    text = decode(data)
    lines = text.split("\n")
    written = sum(map(bool, map(str.strip, lines)))
    collected = Collected(path)
    skipped = 0
    # What stderr or a shell wrote before the first document is blanked, so that line numbers stay.
    while skipped < len(lines) and (_KNOWN.match(lines[skipped]) or not _START.match(lines[skipped])):
        if not _KNOWN.match(lines[skipped]):
            here = Source(path, first_line + skipped, first_line + skipped)
            collected.gap(Gap(here, "an API object in YAML", lines[skipped][:400]))
        lines[skipped] = ""
        skipped += 1
    text = "\n".join(lines) if skipped else text
    del lines
    reader = _Reader(text, path, first_line, asked(command, path, place), collected)
    with acyclic():
        for document in documents(text):
            reader.document(document)
    return collected.parsed(written)


class _Reader:
    """One file: its bytes, where its lines start, and what was found so far."""

    def __init__(self, text: str, path: str, first_line: int, wanted: Asked, collected: Collected) -> None:
        self._data = text.encode("utf-8", "replace")
        self._starts = [0, *accumulate(map((1).__add__, map(len, self._data.split(b"\n"))))]
        self._path, self._first, self._asked, self._collected = path, first_line, wanted, collected

    def document(self, document: Document) -> None:
        """Facts and coverage of one document."""
        value = document.value
        kind = str(value.get("kind") or "") if isinstance(value, dict) else ""
        listed = document.items is not None
        if not listed and not isinstance(value, dict):
            if value is not None or document.broken:
                self._gap(document.first, document.last, "an API object in YAML")
            return
        item_kind = kind_of(kind) if listed else None
        items = document.items or [] if listed else [Item(value, document.first, document.last)]
        if document.broken and not listed:
            items = []
        kinds: set[str] = set()
        spaces: set[str] = set()
        note = ""
        for item in items:
            note = self._item(item, item_kind, kinds, spaces) or note
        if document.broken:
            line = document.broken.line
            note = f"{document.broken} at line {self._first + line - 1}"
            last = items[-1].last + 1 if items else document.first
            self._gap(last, max(last, len(self._starts) - 2), f"YAML: {document.broken}")
        elif listed and isinstance(value, dict) and not kind and "metadata" not in value:
            # kind and metadata of a list stand behind its items: without both the end is missing.
            note = note or "cut off: the end of the list is missing"
        if listed and not items:
            kinds = {item_kind} if item_kind else set(self._asked.kinds)
        elif document.broken and not listed and kind in KINDS:
            kinds = {kind}
        self._collected.cover(kinds, spaces, self._asked, note, single=not listed)

    def _item(self, item: Item, listed: str | None, kinds: set[str], spaces: set[str]) -> str:
        """Facts of one object; returns why something of it is missing."""
        value: Any = item.value
        kind = (str(value.get("kind") or "") if isinstance(value, dict) else "") or listed or ""
        if not kind and len(self._asked.kinds) == 1:
            kind = self._asked.kinds[0]
        if kind not in KINDS:
            return ""
        kinds.add(kind)
        try:
            obj = named(msgspec.convert(value, KINDS[kind].struct, strict=False), kind)
        except (msgspec.ValidationError, RecursionError) as error:
            self._gap(item.first, item.last, f"an API object: {error}")
            return f"an object at line {self._first + item.first} was not understood"
        if obj.metadata.namespace:
            spaces.add(obj.metadata.namespace)
        start, end = self._starts[item.first], self._starts[min(item.last + 1, len(self._starts) - 1)]
        first, last = self._first + item.first, self._first + item.last
        region = Region(self._path, self._data, start, end, first, last, yaml=True)
        self._collected.facts.extend(KINDS[kind].convert(obj, region))
        return ""

    def _gap(self, first: int, last: int, expected: str) -> None:
        text = self._data[self._starts[first] : self._starts[min(last + 1, len(self._starts) - 1)]][:400]
        source = Source(self._path, self._first + first, self._first + last)
        self._collected.gap(Gap(source, expected, text.decode("utf-8", "replace")), last - first + 1)
