"""Which file of a bundle is what: kind, place, command and completeness, told from its path and from its content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from analyzer import text
from analyzer.bundle import Bundle, Member
from analyzer.command import Command, parse_command
from analyzer.facts.source import Place
from analyzer.hosts import Hosts, apart, with_node
from analyzer.kinds import LOG
from analyzer.layout import Told, fill
from analyzer.logs.components import CLIENT
from analyzer.masked import REPLACED, were_replaced
from analyzer.match import Matcher
from analyzer.sections import CONTAINER_LOGS, Section, by_heading, by_host, looks_sectioned, split

HEAD = 8192
SPLIT_UP_TO = 32 << 20
# Each run of lines is read by itself: beyond this the hosts are interleaved, not one after the other
MAX_RUNS = 64
SECTIONS = "sections"
KNOWN_KIND = "known"
_PACKED = re.compile(r"\.(gz|xz|bz2|zst|tailed)$")


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or lines `first` to `last` of one, that some grammar or reader understands; `why` says how that is known.

    `cut` says why it does not hold all there is ("cut off", "| grep X"), `masked` why its addresses are not those of
    the cluster; each may be empty. `home` is the collector's folder or the input that it lies in.
    """

    path: str
    kind: str
    place: Place
    why: str
    first: int = 1
    last: int | None = None
    command: str = ""
    cut: str = ""
    masked: str = ""
    home: str = ""


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every file: understood, not understood (with the reason), a failure to collect, or not needed.

    `failed` are (path, kind or command, message). `obfuscated`: addresses in the bundle were replaced, so that
    which network contains which cannot be told.
    """

    artifacts: tuple[Artifact, ...] = ()
    unrecognised: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str, str], ...] = ()
    layout: str = ""
    known: tuple[str, ...] = ()
    obfuscated: bool = False


class _Found:
    """What is gathered while files are looked at."""

    def __init__(self) -> None:
        self.artifacts: list[Artifact] = []
        self.unrecognised: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str, str]] = []
        self.known: list[str] = []


def recognise(bundle: Bundle) -> Recognition:
    """Tell what every file of a bundle is."""
    return _Recogniser(bundle).run()


class _Recogniser:
    """One bundle being looked at."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._matcher = Matcher()
        self._hosts = Hosts(bundle)
        self._found = _Found()
        self._replaced = False

    def run(self) -> Recognition:
        for member in self._bundle.members:
            self._file(member)
        found = self._found
        used = (*self._hosts.located.roots.values(), *self._hosts.alone.values())
        names = dict.fromkeys(layout.name for layout in used)
        return Recognition(
            artifacts=tuple(self._mask(apart(self._hosts.settle(artifact) for artifact in found.artifacts))),
            unrecognised=tuple(found.unrecognised),
            failed=tuple(found.failed),
            layout=" + ".join(names) or "files",
            known=tuple(found.known),
            obfuscated=self._obfuscated(),
        )

    def _obfuscated(self) -> bool:
        return self._hosts.obfuscated or self._replaced

    def _mask(self, artifacts: list[Artifact]) -> list[Artifact]:
        """The artifacts of a bundle whose addresses were mapped: what contains what is lost for all of them."""
        if not self._obfuscated():
            return artifacts
        return [msgspec.structs.replace(artifact, masked=REPLACED) for artifact in artifacts]

    def _home(self, path: str) -> str:
        """The collection that a file belongs to: its collector's folder, else one of several things that were given."""
        root = self._hosts.located.root_of(path)
        if root is not None:
            return root
        return path.partition("/")[0] if self._bundle.several else ""

    def _file(self, member: Member) -> None:
        path = member.path
        data = self._bundle.read(path, HEAD)
        self._replaced = self._replaced or were_replaced(data)
        told = self._hosts.tell(path, text.decode(data))
        fields = told.fields if told else {}
        names = self._names(path, told)
        if fields.get("kind") == KNOWN_KIND or (not fields.get("kind") and self._matcher.not_needed(names, told)):
            self._found.known.append(path)
            return
        if data.count(0) > len(data) // 20 and data.strip(b"\0") and not text.wide(data[:512]):
            self._found.unrecognised.append((path, "binary"))
            return
        head = text.decode(data)
        place = self._hosts.place(path, told)
        command = parse_command(fields.get("command", ""), place)
        if fields.get("hosts"):
            self._by_host(member, place, fields)
            return
        if told and fields.get("headings") and member.size <= SPLIT_UP_TO:
            self._by_heading(path, told)
            return
        if member.size <= SPLIT_UP_TO and self._sectioned(member, fields, head):
            self._sections(path, names, place)
            return
        self._decide(path, names, head, command, fields, Section(1, 0))

    def _sectioned(self, member: Member, fields: dict[str, Any], head: str) -> bool:
        """Whether a file holds several outputs."""
        if fields.get("kind") in (SECTIONS, LOG):
            return bool(fields["kind"] == SECTIONS)
        if looks_sectioned(head):
            return True
        dump = re.search(r"^\s*\{", head, re.MULTILINE) is not None
        return dump and f"\n{CONTAINER_LOGS}".encode() in self._bundle.read(member.path)

    def _by_host(self, member: Member, place: Place, fields: dict[str, Any]) -> None:
        """A file that many hosts wrote to: one artifact for each run of lines of one host."""
        kind, why = fields.get("kind") or LOG, "by the collector's layout"
        runs: list[tuple[str, int, int]] = []
        if member.size <= SPLIT_UP_TO:
            runs = by_host(text.decode(self._bundle.read(member.path)), re.compile(fields["hosts"]))
        if not runs or len(runs) > MAX_RUNS:
            command = parse_command("", place)
            self._add(member.path, kind, why, command, "lines of several hosts are mixed in it", Section(1, 0))
            return
        for host, first, last in runs:
            here = with_node(place, host) if host else place
            self._add(member.path, kind, why, parse_command("", here), fields.get("cut") or "", Section(first, last))

    def _names(self, path: str, told: Told | None) -> tuple[str, ...]:
        """A path as globs see it: links that lead to it count too, and a compressed file's name without its suffix."""
        found = [path]
        aliases = self._bundle.aliases
        if aliases:
            found += aliases.get(path, ())
            folder, tail = path, ""
            while "/" in folder:
                folder, _, last = folder.rpartition("/")
                tail = f"/{last}{tail}"
                for link in aliases.get(folder, ()):
                    found.append(link + tail)
                    # a link to a folder may itself be reached through one: proc/net -> self/net, self -> PID
                    found += [other + tail for other in aliases.get(link, ())]
        return tuple(_PACKED.sub("", _PACKED.sub("", name)) for name in found)

    def _by_heading(self, path: str, told: Told) -> None:
        """A file whose parts the collector's layout names."""
        content = text.decode(self._bundle.read(path, SPLIT_UP_TO))
        lines = content.split("\n")
        for section, entry, caught in by_heading(lines, told.fields["headings"]):
            body = "\n".join(lines[section.first - 1 : section.last])
            fields: dict[str, Any] = {}
            if entry:
                fill(fields, entry, caught)
            for name, value in told.fields.items():
                fields.setdefault(name, value)
            if fields.get("kind") == KNOWN_KIND:
                self._found.known += [path] if path not in self._found.known[-1:] else []
                continue
            place = self._hosts.place(path, msgspec.structs.replace(told, fields=fields))
            command = parse_command(fields.get("command", ""), place)
            self._decide(path, (), body[:HEAD], command, fields, section)

    def _sections(self, path: str, names: tuple[str, ...], place: Place) -> None:
        """A file that holds the output of several commands."""
        content = text.decode(self._bundle.read(path, SPLIT_UP_TO))
        lines = content.split("\n")
        sections = split(content)
        for section in sections:
            body = "\n".join(lines[section.first - 1 : section.last])
            here = with_node(place, section.host) if section.host else place
            command = parse_command(section.command, here)
            own = command.names() if section.command else ()
            if section.file:
                own = (*own, section.file, f"sections/{section.file}.log")
            fields = {"kind": section.kind} if section.kind else {}
            if not own and len(sections) == 1:
                own = names
            self._decide(path, own, body[:HEAD], command, fields, section)

    def _decide(
        self, path: str, names: tuple[str, ...], head: str, command: Command, fields: dict[str, Any], section: Section
    ) -> None:
        """Say what a file or section is."""
        found = self._found
        if command.text:
            names = (*names, *command.names())
        wanted = str(fields.get("kind") or "")
        label = wanted or next(iter(self._matcher.by_path(names)), "") or command.plain or names[0] if names else ""
        if not head.strip() and fields.get("error"):
            found.failed.append((path, label or command.plain, str(fields["error"])[:300]))
            return
        if not head.strip():
            self._empty(path, names, command, section, wanted, label)
            return
        whole = section.last == 0 or section.last - section.first < 40
        if label != LOG and not wanted and whole and text.is_client_error(head):
            # What failed was not collected, but how it failed is told
            place = msgspec.structs.replace(command.place, component=CLIENT)
            told = msgspec.structs.replace(command, place=place)
            self._add(path, LOG, "by its content, an error of a client", told, "only an error message", section)
            if not command.text and not self._matcher.by_path(names):
                return
        # What a container printed may look like a failed collection; the reader of logs knows better.
        if label != LOG and whole and len(head) < HEAD and (message := text.is_error_output(head)):
            found.failed.append((path, label, message))
            return
        kind, why = (wanted, "by the collector's layout") if wanted in self._matcher.kinds else ("", "")
        if not kind:
            kind, why = self._matcher.choose(names, head)
        if not kind:
            if not self._matcher.command_not_needed(command):
                where = f"line {section.first}: " if section.last else ""
                what = f"output of `{command.plain}`: " if command.plain else ""
                found.unrecognised.append((path, f"{where}{what}neither its name nor its content is known"))
            elif path not in found.known[-1:]:
                found.known.append(path)
            return
        self._add(path, kind, why, command, str(fields.get("cut") or ""), section)

    def _add(self, path: str, kind: str, why: str, command: Command, cut: str, section: Section) -> None:
        self._found.artifacts.append(
            Artifact(
                path=path,
                kind=kind,
                place=command.place,
                why=f"{why}, after the command that was pasted with it" if section.last and command.text else why,
                first=section.first,
                last=section.last or None,
                command=command.plain,
                cut=cut or section.cut or command.cut,
                home=self._home(path),
            )
        )

    def _empty(
        self, path: str, names: tuple[str, ...], command: Command, section: Section, wanted: str, label: str
    ) -> None:
        """A file without text: for a few kinds that says that there is nothing, else it says nothing."""
        kind = wanted or next(iter(self._matcher.by_path(names)), "")
        if kind in self._matcher.kinds and self._matcher.may_be_empty(kind):
            self._add(path, kind, "by its name; it is empty, as when there is nothing", command, "", section)
        elif kind or command.text:
            if kind or not self._matcher.command_not_needed(command):
                self._found.failed.append((path, label, "the file is empty" if not section.last else "no output"))
        else:
            self._found.unrecognised.append((path, "empty"))


def artifacts_of(recognition: Recognition, kind: str) -> Iterator[Artifact]:
    """The artifacts of one kind."""
    return (artifact for artifact in recognition.artifacts if artifact.kind == kind)
