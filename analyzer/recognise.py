"""Which kind of artifact each file of a bundle is, whose it is, and why we think so."""

from __future__ import annotations

import re

import msgspec

from analyzer import text
from analyzer.bundle import Bundle
from analyzer.facts.source import Place
from analyzer.failed import is_error_output
from analyzer.glob import Globs, compiled
from analyzer.kinds import LOG, Kind, kinds
from analyzer.layout import Layout, Located

HEAD = 8192


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or lines `first` to `last` of it, that holds the output of one command.

    `cut` says why it may be incomplete ("cut off", "| grep DROP"); empty if nothing speaks against it.
    """

    path: str
    kind: str
    place: Place
    why: str
    first: int = 1
    last: int | None = None
    command: str = ""
    cut: str = ""


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every file: artifacts, files that hold an error message, known ones, and the rest with why not."""

    artifacts: tuple[Artifact, ...] = ()
    failed: tuple[tuple[str, str, str], ...] = ()
    known: tuple[str, ...] = ()
    unrecognised: tuple[tuple[str, str], ...] = ()
    layout: str = ""


def recognise(bundle: Bundle) -> Recognition:
    """What each file of a bundle is."""
    known_kinds = kinds()
    globs = Globs((template, kind.name) for kind in known_kinds.values() for template in kind.files)
    located = Located(member.path for member in bundle.members)
    hosts = {root: _host(bundle, root, layout) for root, layout in located.roots.items()}
    artifacts, failed, known, unrecognised = [], [], [], []
    for member in bundle.members:
        told = located.tell(member.path, "")
        fields = {}
        if told:
            fields = located.tell(member.path, hosts[told.root]).fields  # type: ignore[union-attr]
        head = text.decode(bundle.read(member.path, HEAD))
        if not head.strip():
            known.append(member.path)
            continue
        if message := is_error_output(head):
            failed.append((member.path, fields.get("kind", "output"), message))
            continue
        kind, why = _kind(member.path, head, fields, known_kinds, globs)
        if kind is None:
            (known if why == "known" else unrecognised).append(member.path if why == "known" else (member.path, why))  # type: ignore[arg-type]
            continue
        artifacts.append(
            Artifact(
                path=member.path,
                kind=kind,
                place=_place(fields, member.path),
                why=why,
                command=fields.get("command", ""),
                cut=fields.get("cut", "") or ("the archive ends inside it" if member.path in bundle.truncated else ""),
            )
        )
    names = sorted({layout.name for layout in located.roots.values()})
    return Recognition(
        artifacts=tuple(artifacts),
        failed=tuple(failed),
        known=tuple(known),
        unrecognised=tuple(unrecognised),
        layout=", ".join(names) or "files",
    )


_LOG_PATH = re.compile(r"(\.log(\.\d+)?$|/logs?\.txt$|(^|/)(dmesg|journal|messages|syslog|kubelet|journalctl)[^/]*$)")


def _kind(
    path: str, head: str, fields: dict[str, str], known_kinds: dict[str, Kind], globs: Globs
) -> tuple[str | None, str]:
    if fields.get("kind") == "known":
        return None, "known"
    if fields.get("kind"):
        return fields["kind"], "layout"
    owners = globs.owners(path)
    both = [name for name in owners if known_kinds[name].start(head) >= 0]
    if both:
        return max(both, key=lambda name: known_kinds[name].rank), "path and content"
    if _LOG_PATH.search(path):
        return LOG, "path"
    content = [name for name, kind in known_kinds.items() if kind.start(head) >= 0]
    if content:
        return min(content, key=lambda name: (known_kinds[name].start(head), -known_kinds[name].rank)), "content"
    only_path = [name for name in owners if not known_kinds[name].begins]
    if only_path:
        return only_path[0], "path"
    return None, "neither its path nor its content is known"


def _place(fields: dict[str, str], path: str) -> Place:
    given = {name: fields[name] for name in ("node", "namespace", "pod", "container", "netns", "component") if fields.get(name)}
    return Place(
        **given,  # type: ignore[arg-type]
        previous=bool(fields.get("previous")),
        all_namespaces=bool(fields.get("all_namespaces")),
    )


def _host(bundle: Bundle, root: str, layout: Layout) -> str:
    for template in layout.host.files:
        for member in bundle.members:
            if member.path.startswith(root) and compiled(template).fullmatch(member.path[len(root) :]):
                words = text.decode(bundle.read(member.path, HEAD)).split()
                if words:
                    return words[0]
    for pattern in layout.host.name:
        for name in (root.rstrip("/").rsplit("/", 1)[-1], bundle.name):
            if match := re.search(pattern, name):
                return match["node"]
    return ""
