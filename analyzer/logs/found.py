"""What one scan of a log finds: the lines worth reading, in bounded memory; parts of a log join to the whole."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import BinaryIO

from analyzer.logs.scan import SAMPLE, Hit, Part, Patterns, Scan

KEPT_FIRST = 1000
KEPT_LAST = 1000
KEPT_BYTES = 32 << 20

_SECTION_MARK = rb"==== (START|END) logs for container "
# Daemons whose silence in a journal of all units means something: their tags are looked for in the whole journal.
DAEMONS = (
    "kernel", "kubelet", "containerd", "dockerd", "crio", "k3s", "rke2", "k0s", "kubelite", "firewalld",
    "NetworkManager",
    "systemd-networkd", "systemd-resolved", "ufw", "kube-proxy", "systemd", "audit",
)  # fmt: skip
_TAG_MARKS = tuple(rb"[ :.]" + name.encode() + rb"(-agent|-server)?(\[\d+\])?: " for name in DAEMONS)


class Kept:
    """Hits worth reading: of each pattern the first and last; `counts` of all. Bounded in number and bytes.

    What is kept of a log follows from what is kept of its parts, wherever it is cut.
    """

    def __init__(self, patterns: int) -> None:
        self.counts: dict[int, int] = defaultdict(int)
        self.first: list[Hit] = []
        self._last: dict[int, deque[Hit]] = defaultdict(deque)
        self._bytes: dict[int, int] = defaultdict(int)
        self._most = KEPT_BYTES // max(1, patterns)

    def add(self, hit: Hit, patterns: tuple[int, ...]) -> None:
        early = []
        for number in patterns:
            self.counts[number] += 1
            if self.counts[number] <= KEPT_FIRST:
                early.append(number)
            else:
                self._late(hit, number)
        if early:
            self.first.append(hit._replace(patterns=tuple(early)))

    def _late(self, hit: Hit, number: int) -> None:
        queue = self._last[number]
        queue.append(hit)
        self._bytes[number] += len(hit.text)
        while len(queue) > KEPT_LAST or (self._bytes[number] > self._most and len(queue) > 1):
            self._bytes[number] -= len(queue.popleft().text)

    def extend(self, later: Kept, lines: int) -> None:
        """Take what was kept of the next part; `lines` stand before it."""
        total = {number: self.counts[number] + count for number, count in later.counts.items()}
        for hit in later.first:
            self.add(hit._replace(line=hit.line + lines), hit.patterns)
        for number, queue in later._last.items():
            for hit in queue:
                self._late(hit._replace(line=hit.line + lines), number)
        self.counts.update(total)

    def all(self) -> list[Hit]:
        """Every kept hit once, in order of lines."""
        late: dict[tuple[int, bytes], set[int]] = defaultdict(set)
        for hit in self.first:
            late[hit.line, hit.text].update(hit.patterns)
        for number, queue in self._last.items():
            for hit in queue:
                late[hit.line, hit.text].add(number)
        return [Hit(line, text, tuple(sorted(numbers))) for (line, text), numbers in sorted(late.items())]

    def dropped(self) -> dict[int, int]:
        """How many hits each pattern had, for patterns of which not all were kept."""
        return {
            number: count
            for number, count in sorted(self.counts.items())
            if count > KEPT_FIRST + len(self._last[number])
        }


class Scanned:
    """What a scan of a log, or of a part of it, found. It can be sent to another process, and joined to the next part.

    `turns` are the lines at which a container's log begins or ends, `tags` the daemons that wrote.
    """

    def __init__(self, patterns: int, part: Part | None = None) -> None:
        self.kept = Kept(patterns)
        self.turns: list[Hit] = []
        self.tags: set[int] = set()
        self.lines = 0
        self.head = self.tail = b""
        self.part = part

    def extend(self, later: Scanned) -> None:
        """Take in what was found in the part that follows this one."""
        self.kept.extend(later.kept, self.lines)
        self.turns += [hit._replace(line=hit.line + self.lines) for hit in later.turns]
        self.tags |= later.tags
        self.lines += later.lines
        if len(self.head) < SAMPLE:
            self.head += later.head[: SAMPLE - len(self.head)]
        self.tail = later.tail


def scan_log(stream: BinaryIO, patterns: Patterns, first_line: int = 1, part: Part | None = None) -> Scanned:
    """Look through a log, or a part of it as `scan.parts` cuts it; lines of a part count from `first_line` too."""
    count = len(patterns.templates)
    scan = Scan(stream, patterns.with_marks((_SECTION_MARK, *_TAG_MARKS)), first_line, part=part)
    found = Scanned(count, part)
    for hit in scan:
        if count in hit.patterns:
            found.turns.append(hit)
        found.tags.update(number - count - 1 for number in hit.patterns if number > count)
        wanted = tuple(number for number in hit.patterns if number < count)
        if wanted:
            found.kept.add(hit, wanted)
    found.lines, found.head, found.tail = scan.lines, scan.head, scan.tail
    return found
