"""The pods of a namespace by their labels and workloads, so that selectors need not be held against each of them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from analyzer.facts.fact import Selector
from analyzer.facts.workloads import Pod
from analyzer.model.names import workload_of


class Labelled:
    """Some pods, in their order, found by what their labels say or by the name of what made them."""

    def __init__(self, pods: Iterable[Pod]) -> None:
        self.pods = tuple(pods)
        self.unknown = any(pod.labels is None for pod in self.pods)
        self._by_label: dict[tuple[str, str], list[Pod]] = defaultdict(list)
        self._by_workload: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.pods:
            for pair in (pod.labels or {}).items():
                self._by_label[pair].append(pod)
            self._by_workload[workload_of(pod)].append(pod)
        self._workloads = sorted(self._by_workload)

    def with_label(self, key: str, value: str) -> Sequence[Pod]:
        """The pods that carry a label."""
        return self._by_label.get((key, value), ())

    def selected(self, selector: Selector) -> list[Pod]:
        """The pods that a selector selects; one of unknown labels is taken to have none."""
        near = min((self.with_label(*pair) for pair in selector.labels.items()), key=len, default=self.pods)
        return [pod for pod in near if selector.selects(pod.labels or {})]

    def called(self, name: str) -> Iterator[Pod]:
        """The pods of the workload `name` and of those whose names begin with it and a dash."""
        yield from self._by_workload.get(name, ())
        begin, end = (bisect_left(self._workloads, name + mark) for mark in ("-", "."))  # "." follows upon "-"
        for workload in self._workloads[begin:end]:
            yield from self._by_workload[workload]
