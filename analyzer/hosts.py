"""Whose a file is: the host of each collector's folder, and of files that no collector wrote."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from analyzer import text
from analyzer.bundle import Bundle
from analyzer.facts.source import Place
from analyzer.glob import compiled
from analyzer.kinds import LOG, kinds
from analyzer.layout import Layout, Located, Told, begun_by, said
from analyzer.ran import ran

if TYPE_CHECKING:
    from analyzer.recognise import Artifact

UNNAMED = "unnamed-node"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
# How many files of a kind one host's folder may hold
_ONE_EACH = {"sysctl": 1, "ip-link": 1, "ip-addr": 2, "iptables-save": 3, "ip-rule": 2, "ip-neigh": 2}
_UNAME = re.compile(r"^Linux (\S+) \d+\.\d+")
_NODES_TABLE = re.compile(r"^(\S+)\s+(?:Not)?Ready\S*\s+\S+\s+\d+\w*\s+v\d", re.MULTILINE)
_TELLS_HOST = re.compile(r"(?:^|/)(?:etc/hostname|hostname(?:\.txt)?|uname(?:[-_]a)?(?:\.txt)?)$")
# Folders that sort files by subject, not by machine
_SUBJECTS = re.compile(
    r"cluster|nodes?|logs?|etc|proc|sys|var|run|opt|usr|home|network(?:ing)?|kube\S*|system|commands?|outputs?|dumps?|files|iptables"
    r"|data|tmp|misc|pods?|host|config\S*|\d+|.*\.(?:txt|log|json|yaml|yml|conf|gz|xz|zip)"
)


def with_node(place: Place, host: str) -> Place:
    """The place on another host; a namespace's place stays in its namespace."""
    if place.netns:
        return msgspec.structs.replace(place, netns=f"{host}:{place.netns.split(':', 1)[-1]}")
    return msgspec.structs.replace(place, node=host)


def apart(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """The artifacts; where files of no known host cannot all be of one, each file is a host of its own.

    Rules and routes of two machines must not be taken for those of one.
    """
    found = list(artifacts)
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for artifact in found:
        if artifact.place.node == UNNAMED and artifact.kind in _ONE_EACH:
            seen[artifact.path.rpartition("/")[0], artifact.kind].add(artifact.path)
    several = {folder for (folder, kind), paths in seen.items() if len(paths) > _ONE_EACH[kind]}
    for number, artifact in enumerate(found):
        folder, _, name = artifact.path.rpartition("/")
        if artifact.place.node == UNNAMED and folder in several:
            place = msgspec.structs.replace(artifact.place, node=f"{UNNAMED}-{name}")
            found[number] = msgspec.structs.replace(artifact, place=place)
    return found


class Hosts:
    """Names of hosts in one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        paths = [member.path for member in bundle.members]
        self.located = Located([*paths, *bundle.aliases_of_folders()])
        self._of_root = {root: self._host(root, layout) for root, layout in self.located.roots.items()}
        self.alone: dict[str, Layout] = {}
        self._ran = ran(bundle, self.located)
        self.obfuscated = any(self._is_obfuscated(root, layout) for root, layout in self.located.roots.items())
        self._of_folder: dict[str, str] = {}
        self._cluster: set[str] = set()
        for member in bundle.members:
            if self.located.root_of(member.path) is None:
                self._learn(member.path)
        self._top = _common(paths)

    def tell(self, path: str, head: str) -> Told | None:
        """What a layout says of a path, or of a file that begins like this."""
        root = self.located.root_of(path)
        told = None if root is None else self.located.tell(path, self._of_root.get(root, ""))
        if told is not None and (known := self._ran.get(path)):
            told.fields.setdefault("command", known.command)
            told.fields["cut"] = told.fields.get("cut") or known.cut
            told.fields["error"] = known.error
        if (told is None or not told.fields) and (layout := begun_by(head)):
            self.alone[path] = layout
            folder, _, name = path.rpartition("/")
            return Told(layout=layout, root=folder, relative=name, fields=said(layout, name, ""))
        return told

    def place(self, path: str, told: Told | None) -> Place:
        """The place of a file, as far as its path and its folder tell."""
        if told is None:
            return Place(node=self._ad_hoc(path))
        fields: dict[str, Any] = told.fields
        host = self._of_root.get(told.root) or None
        netns = fields.get("netns") or None
        node = fields.get("node", host)
        return Place(
            node=None if netns else node or None,
            netns=netns,
            namespace=fields.get("namespace") or None,
            pod=fields.get("pod") or None,
            container=fields.get("container") or None,
            component=fields.get("component") or None,
            previous=bool(fields.get("previous")),
            all_namespaces=bool(fields.get("all_namespaces")),
            together=bool(fields.get("together")),
        )

    def settle(self, artifact: Artifact) -> Artifact:
        """The artifact with a host if it needs one, and without if it speaks of the cluster."""
        place = artifact.place
        kind = kinds().get(artifact.kind)
        if artifact.kind == LOG:
            return artifact
        if kind is None or kind.per != "node":
            return msgspec.structs.replace(artifact, place=msgspec.structs.replace(place, node=None))
        if place.node is None and place.netns is None:
            place = msgspec.structs.replace(place, node=self._fallback(artifact.path))
            return msgspec.structs.replace(artifact, place=place)
        return artifact

    def _fallback(self, path: str) -> str:
        root = self.located.root_of(path)
        if root is not None and len(self._of_root) == 1 and not self._of_folder and len(self._cluster) == 1:
            return next(iter(self._cluster))
        if root is not None:
            # one collector's folder is one host's, whatever that host is called
            return root.rstrip("/").rsplit("/", 1)[-1] or UNNAMED
        known = {host for host in (*self._of_root.values(), *self._of_folder.values(), *self._cluster) if host}
        if len(known) == 1:
            return known.pop()
        named = [host for host in known if re.search(rf"(?<![a-z0-9]){re.escape(host)}(?![a-z0-9])", path)]
        if named:
            return max(named, key=len)
        inner = path[len(self._top) :].split("/")
        folders = [part for part in inner[:-1] if not _SUBJECTS.fullmatch(part)]
        return folders[0] if folders else UNNAMED

    def _host(self, root: str, layout: Layout) -> str:
        for path in self._existing(root, layout.host.files):
            head = text.decode(self._bundle.read(path, 4096))
            if text.is_error_output(head):
                continue
            for pattern in layout.host.inside:
                if found := re.search(pattern, head, re.MULTILINE):
                    return str(found["node"])
            words = head.split()
            if words and not layout.host.inside and _NAME.fullmatch(words[0]):
                return words[0]
        for label in (root.rstrip("/").rsplit("/", 1)[-1], *reversed(root.split("/")), self._bundle.name):
            for pattern in layout.host.name:
                if label and (found := re.match(pattern, label)):
                    return str(found["node"])
        return ""

    def _existing(self, root: str, names: tuple[str, ...]) -> Iterator[str]:
        """Files below a collector's folder at these names, which may be globs."""
        for name in names:
            if not re.search(r"[*?{]", name):
                yield from (root + name,) if root + name in self._bundle else ()
                continue
            pattern = compiled(name)
            for member in self._bundle.members:
                if member.path.startswith(root) and pattern.fullmatch(member.path[len(root) :]):
                    yield member.path

    def _is_obfuscated(self, root: str, layout: Layout) -> bool:
        label = f"{self._bundle.name} {root}"
        host = self._of_root.get(root, "")
        return any(re.search(pattern, label) or re.search(pattern, host) for pattern in layout.obfuscated)

    def _learn(self, path: str) -> None:
        """Note what a file that no collector's layout covers tells about names of hosts."""
        name = path.rsplit("/", 1)[-1].lower()
        if match := _TELLS_HOST.search(path):
            head = text.decode(self._bundle.read(path, 1024)).strip()
            found = _UNAME.match(head)
            words = [found[1]] if found else head.split()
            if len(words) == 1 and _NAME.fullmatch(words[0]):
                self._of_folder.setdefault(path[: match.start()] + "/" if match.start() else "", words[0])
        elif "node" in name and not name.endswith((".json", ".log")):
            self._cluster.update(_NODES_TABLE.findall(text.decode(self._bundle.read(path, 65536))))

    def _ad_hoc(self, path: str) -> str | None:
        folder = path
        while "/" in folder:
            folder = folder.rsplit("/", 1)[0]
            if folder + "/" in self._of_folder:
                return self._of_folder[folder + "/"]
        return self._of_folder.get("")


def _common(paths: list[str]) -> str:
    """The folder that all paths share, with its slash."""
    if not paths:
        return ""
    first, last = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return "".join(part + "/" for part in first[:shared])
