"""Artifacts read one after the other or by several processes: an artifact, or a part of a large log, is one piece.

Logs and YAML go to other processes, this one reads the rest meanwhile.

Results do not depend on the number of processes, and come in the order of the artifacts.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from analyzer.bundle import Bundle
from analyzer.facts.fact import Parsed
from analyzer.kinds import LOG
from analyzer.limits import MIB
from analyzer.logs import Part, Patterns, Scanned
from analyzer.parse import log_parts, parse, scan_part
from analyzer.recognise import Artifact
from analyzer.twins import Twins

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

# What other processes read: the facts of other kinds are so many that sending them back costs more than reading them.
SENT = frozenset({LOG, "kubectl-yaml"})
# Below this many bytes of such kinds a pool of processes costs more than it saves.
POOL_BYTES = 24 * MIB
# A log that is larger than two of these is cut into parts of at least that many bytes.
PART_BYTES = 16 * MIB
LATE = "not read: the time limit was reached before (--time-limit)"
KILLED = "not read: the process that read it was ended from outside, as when memory runs out"

Progress = Callable[[str], None]
Guard = Callable[[Callable[[], Parsed | Scanned], float | None], Parsed | Scanned | str]


class Work(msgspec.Struct, frozen=True):
    """What is to be read, and how.

    `until` is the time (time.monotonic) after which nothing more is begun, None for no such time. `guard` runs the
    reading of one piece and turns what goes wrong into a sentence.
    """

    bundle: Bundle
    artifacts: tuple[Artifact, ...]
    patterns: Patterns
    guard: Guard
    jobs: int = 1
    until: float | None = None
    progress: Progress = lambda text: None
    twins: Twins = msgspec.field(default_factory=Twins)


class Piece(NamedTuple):
    """An artifact by number, or the part of it that is given; its size in bytes."""

    artifact: int
    part: Part | None
    size: int


Results = Generator[tuple[Piece, Parsed | Scanned | str], None, None]


def read_all(work: Work) -> list[Parsed | str]:
    """What each artifact says, or why it was not read."""
    sizes = {member.path: member.size for member in work.bundle.members}
    total = sum(sizes.get(artifact.path, 0) for artifact in work.artifacts)
    sent = sum(sizes.get(artifact.path, 0) for artifact in work.artifacts if artifact.kind in SENT)
    pooled = work.jobs > 1 and sent >= POOL_BYTES
    pieces = list(_pieces(work, sizes, work.jobs if pooled else 1))
    # Under a time limit the state of the cluster comes before its history. In a pool the largest piece comes first, so
    # that no process is left with it at the end.
    if work.until is not None:
        pieces.sort(key=lambda piece: (work.artifacts[piece.artifact].kind == LOG, piece.size))
    elif pooled:
        pieces.sort(key=lambda piece: -piece.size)
    done: dict[Piece, Parsed | Scanned | str] = {}
    read = 0
    # Closed by name: a traceback would keep the pool and its processes alive.
    with closing(_pooled(work, pieces) if pooled else _in_turn(work, pieces)) as results:
        for piece, result in results:
            done[piece] = result
            read += piece.size
            work.progress(_told(work, len(done), len(pieces), read, total, work.artifacts[piece.artifact]))
    by_artifact: dict[int, list[tuple[Piece, Parsed | Scanned | str]]] = {}
    for piece, result in done.items():
        by_artifact.setdefault(piece.artifact, []).append((piece, result))
    return [_joined(work, number, by_artifact[number]) for number in range(len(work.artifacts))]


def _told(work: Work, count: int, pieces: int, read: int, total: int, artifact: Artifact) -> str:
    node = f", {artifact.place.node}" if artifact.place.node else ""
    return f"read {count:,} of {pieces:,} artifacts, {read / MIB:,.0f} of {total / MIB:,.0f} MiB{node}"


def _pieces(work: Work, sizes: dict[str, int], jobs: int) -> Iterator[Piece]:
    for number, artifact in enumerate(work.artifacts):
        size = sizes.get(artifact.path, 0)
        count = min(2 * jobs, size // PART_BYTES) if jobs > 1 else 1
        cut = log_parts(artifact, work.bundle, size, count) if count > 1 else []
        if len(cut) > 1:
            yield from (Piece(number, part, part[1] - part[0]) for part in cut)
        else:
            yield Piece(number, None, size)


def _in_turn(work: Work, pieces: Sequence[Piece]) -> Results:
    for piece in pieces:
        yield piece, _read(work, piece)


# What forked processes inherit instead of being sent: the bundle with its open spool, and the compiled patterns.
_shared: Work | None = None


def _pooled(work: Work, pieces: Sequence[Piece]) -> Results:
    global _shared
    # Only a large bundle needs processes.
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    _shared = work
    sent = [piece for piece in pieces if work.artifacts[piece.artifact].kind in SENT]
    left = set(sent)
    pool = ProcessPoolExecutor(work.jobs, mp_context=get_context("fork"), initializer=_begin)
    try:
        futures = _submitted(pool, sent)
        yield from _in_turn(work, [piece for piece in pieces if piece not in left])
        try:
            for future in as_completed(futures):
                result = future.result()
                left.discard(futures[future])
                yield futures.pop(future), result
        except BrokenProcessPool:
            # The system takes memory back by ending processes: what it cost is told, the rest is kept.
            yield from ((piece, KILLED) for piece in sent if piece in left)
            left.clear()
    finally:
        # Interrupted: nobody waits for what is still being read. The pool's own threads may then wait for ever on a
        # pipe that nobody reads; whoever was interrupted has to end the process without joining them.
        children = active_children() if left else []
        pool.shutdown(wait=not left, cancel_futures=True)
        for process in children:
            process.kill()
        for process in children:
            process.join(5)
        _shared = None


def _submitted(pool: ProcessPoolExecutor, pieces: Sequence[Piece]) -> dict[Future[Parsed | Scanned | str], Piece]:
    """Every piece handed to the pool. Ctrl-C waits meanwhile, as a process just forked would take it for its own."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return {pool.submit(_work, one): one for one in pieces}
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _begin() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when it is told to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


def _work(piece: Piece) -> Parsed | Scanned | str:
    assert _shared is not None
    return _read(_shared, piece)


def _read(work: Work, piece: Piece) -> Parsed | Scanned | str:
    artifact = work.artifacts[piece.artifact]

    def read() -> Parsed | Scanned:
        if piece.part is None:
            return parse(artifact, work.bundle, work.patterns, twins=work.twins)
        return scan_part(artifact, work.bundle, work.patterns, piece.part)

    left = None if work.until is None else work.until - time.monotonic()
    if left is not None and left <= 0:
        return LATE
    result = work.guard(read, left)
    return LATE if isinstance(result, str) and work.until is not None and time.monotonic() > work.until else result


def _joined(work: Work, number: int, results: list[tuple[Piece, Parsed | Scanned | str]]) -> Parsed | str:
    """The result of an artifact from those of its pieces; one that was not read costs all of it."""
    scans: list[Scanned] = []
    for _, result in sorted(results, key=lambda pair: pair[0].part or (0, 0)):
        if not isinstance(result, Scanned):
            return result
        scans.append(result)
    whole, *rest = scans
    for later in rest:
        whole.extend(later)
    artifact = work.artifacts[number]
    found = work.guard(lambda: parse(artifact, work.bundle, work.patterns, whole), None)
    assert not isinstance(found, Scanned)
    return found
