"""The pipeline: bundle to facts, facts to outcomes, outcomes to a report.

The only two broad excepts of the product stand here: a bug of ours in one file or in one rule costs that file or that
rule, is told in the report, and is raised again when `strict` is set, as the tests do.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from analyzer.again import latest
from analyzer.bundle import Bundle, Limits, Note, open_bundle
from analyzer.deadline import TookTooLong, file_deadline
from analyzer.engine import evaluate, load_rules, patterns
from analyzer.engine.outcome import Outcome
from analyzer.engine.rule import Rule
from analyzer.errors import AnalyzerError
from analyzer.facts.acyclic import acyclic
from analyzer.facts.fact import Coverage, NodeName, Parsed
from analyzer.facts.nodes import Node
from analyzer.facts.source import Source
from analyzer.facts.store import Facts, merge
from analyzer.host_pods import with_host_pods
from analyzer.join import joint_coverage, node_names, over_namespaces, rename_coverage, rename_fact
from analyzer.kinds import kinds
from analyzer.link_kinds import with_link_kinds
from analyzer.listings import without_copies
from analyzer.logged_pods import logged_pods, nodes_of_pods
from analyzer.logs import Patterns, Scanned
from analyzer.model import derive
from analyzer.named_by_events import with_pods_of_events
from analyzer.recognise import Artifact, Recognition, recognise
from analyzer.report import Failure
from analyzer.work import Progress, Work, read_all


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to analyse: limits of the archive, folders of further rules, processes, whether bugs are raised.

    `paths` false: no standard probes are followed, which a single packet does not need.
    """

    limits: Limits = msgspec.field(default_factory=Limits)
    rule_dirs: tuple[Path, ...] = ()
    jobs: int = 1
    strict: bool = False
    paths: bool = True


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one bundle holds: its facts (derived ones included), and what became of each file.

    `collected_again` says of which artifacts a later collection had the same once more.
    """

    recognition: Recognition
    facts: Facts
    parsed: tuple[tuple[Artifact, Parsed], ...]
    failures: tuple[Failure, ...] = ()
    collected_again: tuple[Note, ...] = ()


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle, its facts, and the outcome of every rule."""

    bundle: Bundle
    collected: Collected
    rules: tuple[Rule, ...]
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...] = ()


def analyse(paths: Sequence[Path], options: Options, progress: Progress = lambda text: None) -> Analysis:
    """Everything that can be said of the bundles at `paths`, taken as one cluster.

    Raises BundleError and DefinitionError. The caller closes `bundle`.
    """
    rules = load_rules(options.rule_dirs, tests=False)
    progress("opening")
    with ExitStack() as undo:
        # A failure on the way closes the bundle's spool; after that the caller does.
        bundle = undo.enter_context(open_bundle(paths, options.limits))
        collected = collect(bundle, Patterns(patterns(rules)), options, progress)
        outcomes, failures = _evaluated(rules, collected, options, progress)
        undo.pop_all()
    return Analysis(bundle=bundle, collected=collected, rules=rules, outcomes=outcomes, failures=failures)


def _evaluated(
    rules: Sequence[Rule], collected: Collected, options: Options, progress: Progress
) -> tuple[tuple[Outcome, ...], tuple[Failure, ...]]:
    progress(f"checking {len(rules)} rules")
    outcomes, failures = [], list(collected.failures)
    with acyclic():
        for rule in rules:
            try:
                outcomes.append(evaluate(rule, collected.facts))
            except AnalyzerError:
                raise
            except Exception as error:
                if options.strict:
                    raise
                failures.append(Failure(where=f"rule {rule.id}", text=_told(error)))
                outcomes.append(Outcome(rule=rule.id, word="broken", error=_told(error)))
    return tuple(outcomes), tuple(failures)


def collect(bundle: Bundle, wanted: Patterns, options: Options, progress: Progress = lambda text: None) -> Collected:
    """The facts of a bundle."""
    progress(f"recognising {len(bundle.members)} files")
    recognition = recognise(bundle)
    progress(f"reading {len(recognition.artifacts)} artifacts")
    results = read_all(
        Work(
            bundle=bundle,
            artifacts=recognition.artifacts,
            patterns=wanted,
            guard=lambda read, left: _guarded(read, options, left),
            jobs=1 if options.limits.memory else options.jobs,
            until=bundle.until,
            progress=progress,
        )
    )
    failures = tuple(
        Failure(where=artifact.path, text=result)
        for artifact, result in zip(recognition.artifacts, results, strict=True)
        if isinstance(result, str)
    )
    parsed = tuple(
        (artifact, result)
        for artifact, result in zip(recognition.artifacts, results, strict=True)
        if isinstance(result, Parsed)
    )
    progress("deriving")
    lost = min(bundle.damaged, key=lambda path: (path.count("/"), path), default="")
    lost = lost or (failures[0].where if failures else "")
    first_seen = _first_seen(parsed)
    names = node_names((fact for _, result in parsed for fact in result.facts), first_seen)
    with acyclic():
        kept, notes = latest(parsed, {member.path: member.mtime for member in bundle.members}, names)
        merged = _merged(kept, first_seen, names, lost)
    facts = derive(merged, paths=options.paths, until=bundle.until)
    return Collected(
        recognition=recognition, facts=facts, parsed=parsed, failures=failures, collected_again=tuple(notes)
    )


def facts_of(files: Mapping[str, str], searched: Sequence[str] | None = None) -> Facts:
    """The facts of a bundle given as texts by path, for the `files:` tests of rules; bugs are raised.

    `searched` are the patterns to find in logs; None: those of the shipped rules.
    """
    wanted = patterns(load_rules(())) if searched is None else tuple(searched)
    with tempfile.TemporaryDirectory() as name:
        for path, text in files.items():
            file = Path(name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        with open_bundle([Path(name)], Limits()) as bundle:
            return collect(bundle, Patterns(wanted), Options(strict=True)).facts


def _guarded(read: Callable[[], Parsed | Scanned], options: Options, left: float | None) -> Parsed | Scanned | str:
    """What `read` gives, or a sentence on why it gives nothing; `left` are the seconds it has at most."""
    most = options.limits.file_time
    try:
        with file_deadline(most if left is None else min(most, left)):
            return read()
    except TookTooLong as error:
        return str(error)
    except MemoryError:
        return "not read: there is not enough memory (--max-memory raises the limit, where one is set)"
    except AnalyzerError:
        raise
    except Exception as error:
        if options.strict:
            raise
        return _told(error)


def _told(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})"


def _first_seen(parsed: Sequence[tuple[Artifact, Parsed]]) -> dict[str, str]:
    """Every host that dumps were taken on, with the path of one of them."""
    found: dict[str, str] = {}
    for artifact, _ in parsed:
        host = artifact.place.node or (artifact.place.netns or "").split(":", 1)[0]
        if host:
            found.setdefault(host, artifact.path)
    return found


def _merged(
    parsed: Sequence[tuple[Artifact, Parsed]], first_seen: Mapping[str, str], names: Mapping[str, str], damaged: str
) -> Facts:
    """All facts under the API's node names, each thing once, with a Node for every host that was seen."""
    ranks = {name: kind.rank for name, kind in kinds().items()}
    pairs = [(ranks.get(artifact.kind, 0), fact) for artifact, result in parsed for fact in result.facts]
    coverage = joint_coverage([(artifact.place, result) for artifact, result in parsed], damaged)
    coverage += over_namespaces((fact for _, fact in pairs), coverage)
    if names:
        pairs = [(rank, rename_fact(fact, names)) for rank, fact in pairs]
        coverage = [rename_coverage(entry, names) for entry in coverage]
    # A worker's own dump says nothing of the API's nodes, but its rules can be checked all the same. A host that the
    # API does not know is no node of the cluster.
    nodes = {fact.name for _, fact in pairs if isinstance(fact, Node)}
    listed = any(entry.fact == "Node" and entry.complete for entry in coverage)
    pairs += [
        (-1, Node(name=NodeName(name), origin=Source(path, 1, 1)))
        for host, path in first_seen.items()
        if (name := names.get(host, host)) in nodes or not listed
    ]
    if first_seen and not any(entry.fact == "Node" for entry in coverage):
        coverage.append(Coverage(fact="Node", complete=False, note="only the nodes whose own dumps are here"))
    pairs += logged_pods(((artifact.place, artifact.path) for artifact, _ in parsed), coverage)
    pairs += [] if listed else nodes_of_pods([fact for _, fact in pairs], nodes)
    pairs = with_pods_of_events(pairs)
    return Facts(with_link_kinds(with_host_pods(merge(without_copies(pairs)))), coverage)


def network_options() -> Options:
    """Options for following a single packet."""
    return Options(paths=False)
