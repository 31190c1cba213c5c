"""Bundle layouts: which collector wrote a folder of the bundle, and what its paths say about place and command."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from analyzer.cache import kept_data, stamps
from analyzer.errors import DefinitionError
from analyzer.glob import compiled, expression

FOLDER = Path(__file__).parent / "layouts"
KNOWN = "_not_needed.yaml"
NAMES = ("node", "namespace", "pod", "container", "component", "netns", "command", "kind", "cut")


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What paths of one form say. Values are text with {names} that the path template caught.

    All entries that match a path are used; the first that says something about a field wins. An empty text says
    that there is none: a node's entry below a pod's entry does not put the pod's files onto the node.

    `kind` may also be "known" (read for nothing) or "sections" (outputs under headings, whatever its first lines look
    like). `hosts` is a regex with a group `node` that tells for each line whose it is, in a file of many hosts.
    `heading` is a regex for the lines that begin a part of the file; what it catches may be used like names of the
    path, and the entry speaks of these parts alone. `together` says that the files of this form hold all objects of
    their kind between them, one or some in each.
    """

    path: tuple[str, ...]
    node: str | None = None
    netns: str | None = None
    namespace: str | None = None
    pod: str | None = None
    container: str | None = None
    component: str | None = None
    command: str | None = None
    kind: str | None = None
    cut: str | None = None
    previous: bool | None = None
    all_namespaces: bool | None = None
    together: bool | None = None
    hosts: str | None = None
    heading: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON file in which a collector notes what it ran. Objects in it that have the key `command` are taken.

    The output is in the file that the key `file` names, or else at `writes`, a path with {names} that `path` caught.
    `status` is the key of the exit status, `error` that of the message of what failed, `cut` that of a flag that says
    whether the output was cut off.
    """

    path: str
    command: str
    file: str = ""
    writes: str = ""
    status: str = ""
    error: str = ""
    cut: str = ""


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the name of the host stands: in `files` (the first word of the first that exists; globs), else in `name`.

    `name` are regexes with a group `node`, tried on the name of the collector's folder and then on the archive's.
    `inside` are regexes with a group `node`, tried on the first lines of `files` before the first word is taken.
    """

    files: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One collector: `markers` are templates that all must exist below its folder; `files` say what paths mean.

    `obfuscated` are regexes on the names of archive, folder and host that show that names and addresses were replaced.
    `begins` is a regex that the start of a file must match, for collectors that write one file: its entries then see
    the name of the file.
    """

    name: str
    about: str
    markers: tuple[str, ...] = ()
    rank: int = 0
    host: Identity = Identity()
    files: tuple[Entry, ...] = ()
    records: tuple[Record, ...] = ()
    begins: str = ""
    obfuscated: tuple[str, ...] = ()


class Told(msgspec.Struct, kw_only=True):
    """What a layout says of one path; None: nothing."""

    layout: Layout
    root: str
    relative: str
    fields: dict[str, Any]


@cache
def layouts() -> tuple[Layout, ...]:
    """Every layout, the most specific first."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != KNOWN)
    parts = [stamps(Path(__file__).parent), *(f"{file}\n{file.read_text(encoding='utf-8')}" for file in files)]
    return kept_data("layouts", parts, lambda: _loaded(files), tuple[Layout, ...])


def _loaded(files: Iterable[Path]) -> tuple[Layout, ...]:
    return tuple(sorted((load(file) for file in files), key=lambda layout: (-layout.rank, layout.name)))


def load(file: Path) -> Layout:
    """A layout from its file; DefinitionError says what is wrong with it."""
    import yaml  # layouts that were checked before come from the cache

    try:
        said = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        layout = msgspec.convert(_listed(said), Layout)
        for entry in layout.files:
            _check(file, entry)
        lines = [one for entry in layout.files for one in (entry.hosts, entry.heading, layout.begins) if one]
        for pattern in (*layout.host.name, *layout.host.inside, *layout.obfuscated, *lines):
            re.compile(pattern)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise DefinitionError(file.name, mark.line + 1 if mark else 0, str(error.problem)) from error
    except msgspec.ValidationError as error:
        unknown = re.search(r"unknown field `(\w+)`", str(error))
        fields = [name for one in (Layout, Entry, Record, Identity) for name in one.__struct_fields__]
        close = difflib.get_close_matches(unknown[1], fields, 1) if unknown else []
        raise DefinitionError(file.name, 0, str(error), close[0] if close else "") from error
    except re.error as error:
        raise DefinitionError(file.name, 0, f"{error.pattern!r} is no pattern: {error}") from error
    return layout


def _listed(said: Any) -> Any:
    """`path: x` may stand for `path: [x]`."""
    if isinstance(said, dict):
        for entry in said.get("files") or ():
            if isinstance(entry, dict) and isinstance(entry.get("path"), str):
                entry["path"] = [entry["path"]]
    return said


def _check(file: Path, entry: Entry) -> None:
    for template in entry.path:
        caught = set(re.compile(expression(template)).groupindex) | {"host"}
        caught |= set(re.compile(entry.heading or "").groupindex)
        for name in NAMES:
            wanted = set(re.findall(r"\{(\w+)\}", getattr(entry, name) or ""))
            if wanted - caught:
                stray = ", ".join(sorted(wanted - caught))
                raise DefinitionError(
                    file.name, 0, f"{template}: {name} uses {{{stray}}}, which the path does not catch"
                )


class Located:
    """The collectors' folders of one bundle, and what they say of each path."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._roots: dict[str, Layout] = {}
        known = set(paths)
        by_name: dict[str, list[str]] = defaultdict(list)
        for path in tuple(known):
            by_name[path.rsplit("/", 1)[-1]].append(path)
            folder = path.rsplit("/", 1)[0] if "/" in path else ""
            while folder and folder + "/" not in known:
                known.add(folder + "/")
                by_name[folder.rsplit("/", 1)[-1] + "/"].append(folder + "/")
                folder = folder.rsplit("/", 1)[0] if "/" in folder else ""
        for layout in layouts():
            if layout.markers:
                for root in _roots(layout, by_name, known):
                    self._roots.setdefault(root, layout)

    @property
    def roots(self) -> dict[str, Layout]:
        """Folder (with a trailing slash; "" is the bundle itself) to layout."""
        return self._roots

    def tell(self, path: str, host: str) -> Told | None:
        """What the innermost collector's folder around a path says of it; `host` fills in {host}."""
        folder = path
        while True:
            folder = folder.rsplit("/", 1)[0] if "/" in folder else ""
            root = folder + "/" if folder else ""
            if root in self._roots:
                break
            if not folder:
                return None
        layout, relative = self._roots[root], path[len(root) :]
        return Told(layout=layout, root=root, relative=relative, fields=said(layout, relative, host))

    def root_of(self, path: str) -> str | None:
        """The collector's folder around a path."""
        told = self.tell(path, "")
        return told.root if told else None


def said(layout: Layout, relative: str, host: str) -> dict[str, Any]:
    """The fields that a layout's entries give a path below its folder.

    "headings" are the entries that speak of parts of the file, each with the names that the path caught.
    """
    fields: dict[str, Any] = {}
    for entry in layout.files:
        for template in entry.path:
            match = compiled(template).fullmatch(relative)
            if match is None:
                continue
            caught = {name: value or "" for name, value in match.groupdict().items()} | {"host": host}
            if entry.heading:
                fields.setdefault("headings", []).append((entry, caught))
            else:
                fill(fields, entry, caught)
            break
    return fields


def fill(fields: dict[str, Any], entry: Entry, caught: dict[str, str]) -> None:
    """Add what an entry says to the fields that have no value yet."""
    for name in NAMES:
        value = getattr(entry, name)
        if value is not None and name not in fields:
            fields[name] = value.format(**caught) if "{" in value else value
    for name in ("previous", "all_namespaces", "together", "hosts"):
        value = getattr(entry, name)
        if value is not None:
            fields.setdefault(name, value)


def begun_by(head: str) -> Layout | None:
    """The layout that the first lines of a file show, whatever its name is."""
    return next((layout for layout in layouts() if layout.begins and re.search(layout.begins, head)), None)


def _roots(layout: Layout, by_name: dict[str, list[str]], known: set[str]) -> list[str]:
    """Folders below which all markers of a layout exist."""
    first, rest = layout.markers[0], layout.markers[1:]
    pattern = re.compile("(?P<root_>(?:.*/)?)" + expression(first), re.DOTALL)
    last = first.rstrip("/").rsplit("/", 1)[-1] + ("/" if first.endswith("/") else "")
    if re.search(r"[*?\[{]", last):
        possible = [path for name, paths in by_name.items() if compiled(last).fullmatch(name) for path in paths]
    else:
        possible = by_name.get(last, [])
    found = {match["root_"] for path in possible if (match := pattern.fullmatch(path))}
    return [root for root in sorted(found) if all(_exists(root, marker, by_name, known) for marker in rest)]


def _exists(root: str, marker: str, by_name: dict[str, list[str]], known: set[str]) -> bool:
    if not re.search(r"[*?\[{]", marker):
        return root + marker in known
    pattern = re.compile(re.escape(root) + expression(marker), re.DOTALL)
    return any(pattern.fullmatch(path) for path in known if path.startswith(root))
