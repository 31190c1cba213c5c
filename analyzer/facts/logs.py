"""Facts from logs: only lines that a rule asks for become facts."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.fact import Fact, NodeName, PodName, Scope


class LogLine(Fact, frozen=True, kw_only=True):
    """A log line that matches a pattern of a rule.

    node: the node it was written on
    pod: the pod whose container wrote it
    container: the container
    component: kernel, kubelet, kube-proxy, containerd, flannel, calico-node, coredns, k3s, kube-apiserver,
      kube-controller-manager, or a container's name
    time: seconds since 1970, UTC; None if the line has no absolute time
    level: error, warning, info, debug, fatal; None if the line does not say
    message: the text after time, host, level and the like; of an unknown format the whole line
    previous: whether it is of a container that ended before the present one started
    age: seconds between this line and the last line of the same log; None if times are unknown
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "journalctl --no-pager; kubectl logs"
    identity: ClassVar[tuple[str, ...]] = ("node", "pod", "container", "component", "time", "message", "previous")

    node: NodeName | None = None
    pod: PodName | None = None
    container: str | None = None
    component: str | None = None
    time: float | None = None
    level: str | None = None
    message: str
    previous: bool = False
    age: float | None = None


class LogWindow(Fact, frozen=True, kw_only=True):
    """The time that one log covers.

    node: the node it was written on
    pod: the pod
    component: what wrote it
    first: time of the first dated line, seconds since 1970
    last: time of the last dated line, seconds since 1970
    lines: how many lines it has
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "journalctl --no-pager; kubectl logs"

    node: NodeName | None = None
    pod: PodName | None = None
    component: str | None = None
    first: float | None = None
    last: float | None = None
    lines: int = 0
