"""Who sends and who receives the standard probes: pods that run, and are nobody's special case."""

from __future__ import annotations

from functools import cached_property

from analyzer.facts.address import IP
from analyzer.facts.nodes import Node
from analyzer.facts.policy import NetworkPolicy
from analyzer.facts.routing import Listener
from analyzer.facts.services import Endpoint, Service
from analyzer.facts.workloads import ContainerPort, Pod
from analyzer.packet.world import World


class Places:
    """Pods, nodes and Services of a world as ends of probes; each question is answered once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._isolated: dict[str, bool] = {}
        self._candidates: dict[str, list[Pod]] = {}
        self._behind: dict[str, frozenset[str]] = {}

    @cached_property
    def pods(self) -> dict[str, Pod]:
        """Every pod by its key."""
        return {pod.key: pod for pod in self.world.facts.of(Pod)}

    def candidates(self, node: str) -> list[Pod]:
        """The pods of a node that may send or receive, plain ones first."""
        if node not in self._candidates:
            found = [
                pod
                for pod in self.world.facts.where(Pod, node=node)
                if not pod.host_network and pod.ip is not None and self.world.of_pod(pod.key) is not None
                and pod.phase in (None, "Running") and not pod.terminating
            ]  # fmt: skip
            serving = self.world.facts.index(Endpoint, ("pod",))
            found.sort(key=lambda pod: (pod.ready is False, self.isolated(pod), (pod.key,) in serving, pod.key))
            self._candidates[node] = found
        return self._candidates[node]

    def sender(self, node: str) -> Pod | None:
        """The pod of a node that sends."""
        found = [pod for pod in self.candidates(node) if not self.isolated(pod)] or self.candidates(node)
        return found[0] if found else None

    def stranger(self, node: str, service: str, preferred: Pod | None) -> Pod | None:
        """A pod of a node that does not stand behind a Service: reaching itself is a matter of its own."""
        behind = self.behind(service)
        if preferred is None or preferred.key not in behind:
            return preferred
        return next((p for p in self.candidates(node) if p.key not in behind and not self.isolated(p)), None)

    def receiver(self, node: str, sender: Pod | None) -> Pod | None:
        """The pod of a node that others send to; one with a port if there is any."""
        found = [pod for pod in self.candidates(node) if pod != sender and not self.isolated(pod)]
        serving = [pod for pod in found if self.port(pod)[0] is not None]
        return (serving or found or [None])[0]  # type: ignore[list-item]

    def isolated(self, pod: Pod) -> bool:
        """Whether a NetworkPolicy selects a pod: what it may do is for the rules on policies to judge."""
        if pod.key not in self._isolated:
            policies = self.world.facts.where(NetworkPolicy, namespace=pod.namespace)
            self._isolated[pod.key] = any(
                policy.pod_selector is None or policy.pod_selector.selects(pod.labels or {}) for policy in policies
            )
        return self._isolated[pod.key]

    def behind(self, service: str) -> frozenset[str]:
        """The pods behind a Service."""
        if service not in self._behind:
            endpoints = self.world.facts.where(Endpoint, service=service)
            self._behind[service] = frozenset(endpoint.pod for endpoint in endpoints if endpoint.pod is not None)
        return self._behind[service]

    def isolated_behind(self, service: Service) -> bool:
        """Whether a NetworkPolicy selects any pod behind a Service."""
        return any(self.isolated(self.pods[key]) for key in self.behind(service.key) if key in self.pods)

    def stack(self, pod: Pod) -> str:
        """The name of a pod's namespace."""
        stack = self.world.of_pod(pod.key)
        return stack.name if stack is not None else pod.key

    def port(self, pod: Pod) -> tuple[int | None, str]:
        """A port and protocol that a pod is said, or seen, to serve; else ICMP is what can be sent."""
        for declared in self.world.facts.where(ContainerPort, pod=pod.key):
            if declared.protocol in ("TCP", "UDP"):
                return declared.port, declared.protocol.lower()
        stack = self.world.of_pod(pod.key)
        for socket in self.world.facts.where(Listener, netns=stack.name) if stack is not None else ():
            if socket.protocol.upper() == "TCP" and (socket.ip is None or not socket.ip.is_loopback):
                return socket.port, "tcp"
        return None, "icmp"

    def node_address(self, node: str) -> IP | None:
        """The address of a node: that of the API, else that of its uplink."""
        fact = next(iter(self.world.facts.where(Node, name=node)), None)
        if fact is not None and fact.ip is not None:
            return fact.ip
        gateway = self.world.default_gateway(self.world.stacks[node])
        own = self.world.stacks[node].addresses
        return next((a.ip for a in own if gateway is not None and a.dev == gateway[1] and a.ip.version == 4), None)

    def listens(self, node: str, port: int) -> bool:
        """Whether a socket of a node waits on a TCP port."""
        sockets = self.world.facts.where(Listener, node=node)
        return any(one.port == port and one.protocol.upper() == "TCP" for one in sockets)

    def any_port(self, node: str) -> int | None:
        """A TCP port of a node that others may ask; the kubelet's if no socket was collected."""
        found = sorted(
            one.port
            for one in self.world.facts.where(Listener, node=node)
            if one.protocol.upper() == "TCP" and not (one.ip is not None and one.ip.is_loopback)
        )
        return found[0] if found else 10250
