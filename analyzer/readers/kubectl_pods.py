"""A Pod object as facts: the pod, its containers, the ports they declare, and the flags of known components."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.facts.address import ip
from analyzer.facts.fact import Fact, NodeName, PodName
from analyzer.facts.workloads import Container, ContainerPort, Pod
from analyzer.readers.component_settings import COMPONENTS, flags
from analyzer.readers.kubectl_objects import (
    Condition,
    ContainerSpec,
    ContainerStatus,
    PodObject,
    PodSpec,
    PodStatus,
    State,
)
from analyzer.readers.kubectl_region import Region
from analyzer.readers.kubectl_values import ips, labels, seconds

_NOTHING = State()
_NO_SPEC, _NO_STATUS = PodSpec(), PodStatus()


def pod_facts(obj: PodObject, region: Region) -> Iterator[Fact]:
    """Pod, Container, ContainerPort and Setting facts of one pod."""
    meta, spec, status = obj.metadata, obj.spec or _NO_SPEC, obj.status or _NO_STATUS
    namespace, name = meta.namespace or "default", meta.name or ""
    node = NodeName(spec.node_name) if spec.node_name else None
    own = {
        status.name: status for status in (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
    }
    ready = next((c.status == "True" for c in status.conditions or () if c.type == "Ready"), None)
    owner = next((owner for owner in meta.owner_references or () if owner.controller is not False), None)
    stated = labels(meta.labels)
    shown, restarts = column(obj)
    yield Pod(
        namespace=namespace,
        name=name,
        node=node,
        ip=ip(status.pod_ip) if status.pod_ip else None,
        ips=ips(one.ip for one in status.pod_ips) if status.pod_ips else ips((status.pod_ip,)),
        host_network=bool(spec.host_network) if obj.spec else None,
        phase=status.phase,
        status=shown or None,
        ready=ready if status.conditions is None or ready is not None else False,
        restarts=restarts,
        waiting=_waiting(status),
        labels=stated,
        service_account=spec.service_account_name,
        dns_policy=spec.dns_policy,
        owner=_workload(owner.name, owner.kind, stated) if owner else None,
        owner_kind=owner.kind if owner else None,
        started=seconds(status.start_time),
        terminating=meta.deletion_timestamp is not None,
        origin=region.at("name", name, "metadata"),
    )
    pod = PodName(f"{namespace}/{name}")
    for init, containers in ((True, spec.init_containers), (False, spec.containers)):
        for container in containers or ():
            yield _container(pod, container, own.get(container.name), init, region)
            for port in container.ports or ():
                if port.container_port is not None:
                    yield ContainerPort(
                        pod=pod,
                        container=container.name,
                        name=port.name or None,
                        port=port.container_port,
                        protocol=port.protocol or "TCP",
                        host_port=port.host_port or None,
                        origin=region.at("containerPort", port.container_port),
                    )
            if not node or not (container.command or container.args or container.name in COMPONENTS):
                continue
            arguments = [*(container.command or ()), *(container.args or ())]
            if container.name in COMPONENTS or _program(arguments) in COMPONENTS:
                component = COMPONENTS.get(_program(arguments)) or COMPONENTS[container.name]
                yield from flags(component, arguments, node, region.at("name", container.name, "containers"))


def _program(arguments: list[str]) -> str:
    return arguments[0].rsplit("/", 1)[-1] if arguments else ""


def _workload(name: str, kind: str, stated: dict[str, str]) -> str:
    """The Deployment behind a ReplicaSet, whose name ends in the template hash that its pods carry as a label."""
    ending = f"-{stated.get('pod-template-hash')}"
    return name.removesuffix(ending) if kind == "ReplicaSet" else name


def _container(
    pod: PodName, spec: ContainerSpec, status: ContainerStatus | None, init: bool, region: Region
) -> Container:
    state = (status and status.state) or _NOTHING
    last = (status and status.last_state and status.last_state.terminated) or None
    arm = state.waiting or state.terminated
    kind = "waiting" if state.waiting else "terminated" if state.terminated else "running" if state.running else None
    arguments = (*(spec.command or ()), *(spec.args or ()))
    section = ("initContainerStatuses" if init else "containerStatuses") if status else "spec"
    return Container(
        pod=pod,
        name=spec.name,
        init=init,
        image=spec.image,
        ready=status.ready if status else None,
        restarts=status.restart_count if status else None,
        state=kind,
        reason=arm.reason if arm else None,
        message=arm.message if arm else None,
        last_reason=last.reason if last else None,
        last_exit_code=last.exit_code if last else None,
        last_finished=seconds(last.finished_at) if last else None,
        arguments=arguments,
        origin=region.at("name", spec.name, section),
    )


def _waiting(status: PodStatus) -> str | None:
    reasons = [
        one.state.waiting.reason
        for one in (*(status.init_container_statuses or ()), *(status.container_statuses or ()))
        if one.state and one.state.waiting and one.state.waiting.reason
    ]
    # While an init container fails, the others wait with PodInitializing, which says nothing.
    return next((reason for reason in reasons if reason != "PodInitializing"), reasons[0] if reasons else None)


def column(obj: PodObject) -> tuple[str, int]:
    """The STATUS column of `kubectl get pods` and its RESTARTS."""
    status, spec = obj.status or _NO_STATUS, obj.spec or _NO_SPEC
    shown, restarts, initializing = status.reason or status.phase or "", 0, False
    conditions = {condition.type: condition for condition in status.conditions or ()}
    if (scheduled := conditions.get("PodScheduled")) and scheduled.reason == "SchedulingGated":
        shown = "SchedulingGated"
    sidecars = {one.name for one in spec.init_containers or () if one.restart_policy == "Always"}
    sidecar_restarts = 0
    for number, one in enumerate(status.init_container_statuses or ()):
        state, count = one.state or _NOTHING, one.restart_count or 0
        restarts += count
        sidecar_restarts += count if one.name in sidecars else 0
        if (state.terminated and not state.terminated.exit_code) or (one.name in sidecars and one.started):
            continue
        shown, initializing = (
            _initial(state, number, len(spec.init_containers or status.init_container_statuses or ())),
            True,
        )
        break
    if not initializing or ((ready := conditions.get("Initialized")) and ready.status == "True"):
        shown, count = _main(shown, status, conditions)
        restarts = sidecar_restarts + count
    if obj.metadata.deletion_timestamp is not None:
        if status.reason == "NodeLost":
            shown = "Unknown"
        elif status.phase not in ("Failed", "Succeeded"):
            shown = "Terminating"
    return shown, restarts


def _initial(state: State, number: int, total: int) -> str:
    if state.terminated:
        ended = state.terminated
        return f"Init:{ended.reason or (f'Signal:{ended.signal}' if ended.signal else f'ExitCode:{ended.exit_code}')}"
    if state.waiting and state.waiting.reason and state.waiting.reason != "PodInitializing":
        return f"Init:{state.waiting.reason}"
    return f"Init:{number}/{total}"


def _main(shown: str, status: PodStatus, conditions: dict[str, Condition]) -> tuple[str, int]:
    restarts, running = 0, False
    for one in reversed(status.container_statuses or ()):
        state = one.state or _NOTHING
        restarts += one.restart_count or 0
        if state.waiting and state.waiting.reason:
            shown = state.waiting.reason
        elif ended := state.terminated:
            shown = ended.reason or (f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}")
        elif one.ready and state.running:
            running = True
    if shown == "Completed" and running:
        ready = conditions.get("Ready")
        shown = "Running" if ready and ready.status == "True" else "NotReady"
    return shown, restarts
