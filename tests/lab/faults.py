"""Faults of the lab: what breaks it, and the rule that has to name the cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab.cluster import Lab, within
from tests.lab.objects import Object

Api = dict[str, list[Object]]


@dataclass(frozen=True)
class Fault:
    """A fault: `rule` is the first cause expected ("" for harmless states), `inject` breaks the live lab and the API objects."""

    name: str
    rule: str
    inject: Callable[[Lab, Api], dict[str, str]] = field(repr=False)


def _node(number: int, *command: str) -> Callable[[Lab, Api], dict[str, str]]:
    def inject(lab: Lab, api: Api) -> dict[str, str]:
        within(f"hp-node-{number}", *command)
        return {}

    return inject


def _both(*command: str) -> Callable[[Lab, Api], dict[str, str]]:
    def inject(lab: Lab, api: Api) -> dict[str, str]:
        for number in (1, 2):
            within(f"hp-node-{number}", *command)
        return {}

    return inject


def _named(items: list[Object], name: str) -> Object:
    return next(item for item in items if item["metadata"]["name"] == name)


def _forward_drop(lab: Lab, api: Api) -> dict[str, str]:
    within("hp-node-2", "iptables", "-P", "FORWARD", "DROP")
    within("hp-node-2", "iptables", "-F", "FLANNEL-FWD")
    return {}


def _hairpin(lab: Lab, api: Api) -> dict[str, str]:
    within("hp-node-1", "sh", "-c", "for d in /sys/class/net/cni0/brif/*; do echo 0 > $d/hairpin_mode; done")
    return {}


def _selector(lab: Lab, api: Api) -> dict[str, str]:
    _named(api["services"], "api")["spec"]["selector"] = {"app": "apis"}
    _named(api["endpoints"], "api")["subsets"] = None
    label = "shop/api:http"
    for number in (1, 2):
        for line in within(f"hp-node-{number}", "iptables-save", "-t", "nat").splitlines():
            if line.startswith("-A KUBE-SERVICES") and label in line:
                within(f"hp-node-{number}", "sh", "-c", f"iptables -t nat -D {line[3:]}")
        within(
            f"hp-node-{number}",
            "sh",
            "-c",
            f'iptables -N KUBE-SERVICES; for c in FORWARD OUTPUT; do iptables -I $c -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES; done; iptables -A KUBE-SERVICES -d 10.96.41.8/32 -p tcp -m comment --comment "{label} has no endpoints" -m tcp --dport 9000 -j REJECT --reject-with icmp-port-unreachable',
        )
    return {}


def _unready(lab: Lab, api: Api) -> dict[str, str]:
    pod = _named(api["pods"], "api-55c-y1")
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
    pod["status"]["containerStatuses"][0]["ready"] = False
    subset = _named(api["endpoints"], "api")["subsets"][0]
    subset["notReadyAddresses"] = subset.pop("addresses")
    _named(api["deployments"], "api")["status"]["readyReplicas"] = 0
    _remove_service_rules("shop/api:http")
    return {}


def _remove_service_rules(label: str) -> None:
    for number in (1, 2):
        for line in within(f"hp-node-{number}", "iptables-save", "-t", "nat").splitlines():
            if line.startswith("-A KUBE-SERVICES") and label in line:
                within(f"hp-node-{number}", "sh", "-c", f"iptables -t nat -D {line[3:]}")


def _service_rule(lab: Lab, api: Api) -> dict[str, str]:
    for line in within("hp-node-2", "iptables-save", "-t", "nat").splitlines():
        if line.startswith("-A KUBE-SERVICES") and "shop/api:http" in line:
            within("hp-node-2", "sh", "-c", f"iptables -t nat -D {line[3:]}")
    return {}


def _target_port(lab: Lab, api: Api) -> dict[str, str]:
    service = _named(api["services"], "api")
    service["spec"]["ports"][0]["targetPort"] = 9999
    _named(api["endpoints"], "api")["subsets"][0]["ports"][0]["port"] = 9999
    for number in (1, 2):
        for line in within(f"hp-node-{number}", "iptables-save", "-t", "nat").splitlines():
            if "--to-destination 10.244.1.11:9000" in line:
                within(f"hp-node-{number}", "sh", "-c", f"iptables -t nat -D {line[3:]}")
                within(f"hp-node-{number}", "sh", "-c", f"iptables -t nat -A {line[3:].replace(':9000', ':9999')}")
    return {}


def _loop(lab: Lab, api: Api) -> dict[str, str]:
    files = {}
    for pod in api["pods"]:
        if not pod["metadata"]["name"].startswith("coredns"):
            continue
        name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
        pod["status"]["containerStatuses"] = [
            {
                "name": "coredns",
                "ready": False,
                "restartCount": 5,
                "state": {
                    "waiting": {
                        "reason": "CrashLoopBackOff",
                        "message": "back-off 2m40s restarting failed container=coredns",
                    }
                },
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-23T09:08:58Z"}},
            }
        ]
        files[f"cluster/pod-logs/kube-system_{name}_coredns.log"] = (
            ".:53\n[INFO] plugin/reload: Running configuration SHA512 = 591cf328\nCoreDNS-1.11.1\nlinux/amd64, go1.20.7, ae2bbc2\n"
            f'[FATAL] plugin/loop: Loop (127.0.0.1:{42000 + len(name)} -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. '
            'Query: "HINFO 4547991504243258144.3688648895315093531."\n'
        )
        for place in (f"nodes/{node}/etc", f"nodes/{node}/pods/{name}"):
            files[f"{place}/resolv.conf"] = "nameserver 127.0.0.53\noptions edns0 trust-ad\n"
    subset = _named(api["endpoints"], "kube-dns")["subsets"][0]
    subset["notReadyAddresses"] = subset.pop("addresses")
    _named(api["deployments"], "coredns")["status"]["readyReplicas"] = 0
    _remove_service_rules("kube-system/kube-dns:")
    return files


def _policy(lab: Lab, api: Api) -> dict[str, str]:
    api["networkpolicies"].append(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "deny-egress", "namespace": "shop"},
            "spec": {
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [{"to": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 9000}]}],
            },
        }
    )
    # What kube-router's policy controller writes for it, less its ipsets.
    for number, name, address in (
        (1, "web-7f9-x1", "10.244.1.10"),
        (1, "api-55c-y1", "10.244.1.11"),
        (2, "web-7f9-x2", "10.244.2.10"),
    ):
        chain = f"KUBE-POD-FW-{name.upper().replace('-', '')}"
        jump = f"rule to jump traffic from POD name:{name} namespace: shop to chain {chain}"
        refuse = f"rule to REJECT traffic destined for POD name:{name} namespace: shop"
        for rule in (
            ("-N", chain),
            ("-A", chain, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"),
            ("-A", chain, "-d", "10.244.0.0/16", "-p", "tcp", "-m", "tcp", "--dport", "9000", "-j", "ACCEPT"),
            ("-A", chain, "-m", "comment", "--comment", refuse, "-j", "REJECT"),
            ("-I", "FORWARD", "1", "-s", address, "-m", "comment", "--comment", jump, "-j", chain),
        ):
            within(f"hp-node-{number}", "iptables", *rule)
    return {}


def _selinux(lab: Lab, api: Api) -> dict[str, str]:
    pod = next(
        p for p in api["pods"] if p["metadata"]["name"].startswith("kube-flannel") and p["spec"]["nodeName"] == "node-2"
    )
    pod["spec"]["initContainers"] = [{"name": "install-cni", "image": "registry.example/flannel:1"}]
    pod["status"]["phase"] = "Pending"
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-23T09:08:58Z"}
    pod["status"]["initContainerStatuses"] = [
        {
            "name": "install-cni",
            "ready": False,
            "restartCount": 6,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": ended},
        }
    ]
    status = pod["status"]["containerStatuses"][0]
    status.update(ready=False, state={"waiting": {"reason": "PodInitializing"}})
    return {
        f"cluster/pod-logs/kube-flannel_{pod['metadata']['name']}_install-cni.log": "cp: can't create '/etc/cni/net.d/10-flannel.conflist': Permission denied\n",
        "nodes/node-2/sestatus.txt": "SELinux status:                 enabled\nSELinuxfs mount:                /sys/fs/selinux\nLoaded policy name:             targeted\nCurrent mode:                   enforcing\nMode from config file:          enforcing\n",
    }


FAULTS = (
    Fault("healthy", "", lambda lab, api: {}),
    Fault("forward-policy-masked", "", _node(2, "iptables", "-P", "FORWARD", "DROP")),
    Fault("forward-policy-drop", "forward-policy-drop", _forward_drop),
    Fault(
        "foreign-drop-forward",
        "foreign-drop-rule-forward",
        _node(
            2,
            "iptables",
            "-I",
            "FORWARD",
            "1",
            "-s",
            "10.244.0.0/16",
            "-m",
            "comment",
            "--comment",
            "hardening",
            "-j",
            "DROP",
        ),
    ),
    Fault("ip-forward-off", "ip-forward-disabled", _node(1, "sysctl", "-qw", "net.ipv4.ip_forward=0")),
    Fault(
        "bridge-nf-off",
        "bridge-nf-call-iptables-disabled",
        _node(1, "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0"),
    ),
    Fault("hairpin-off", "hairpin-veth-off", _hairpin),
    Fault("pod-route-missing", "pod-route-missing", _node(1, "ip", "route", "del", "10.244.2.0/24")),
    Fault("kube-chains-flushed", "kube-chains-missing", _node(2, "iptables", "-t", "nat", "-F")),
    Fault("service-rule-missing", "service-rule-missing", _service_rule),
    Fault("selector-mismatch", "service-selector-mismatch", _selector),
    Fault("pods-unready", "service-pods-not-ready", _unready),
    Fault("target-port-wrong", "service-targetport-mismatch", _target_port),
    Fault(
        "overlay-port-blocked",
        "overlay-port-blocked",
        _node(2, "iptables", "-I", "INPUT", "1", "-p", "udp", "--dport", "8472", "-j", "DROP"),
    ),
    Fault(
        "apiserver-port-blocked",
        "host-firewall-blocks-apiserver",
        _node(1, "iptables", "-I", "INPUT", "1", "-p", "tcp", "--dport", "6443", "-j", "REJECT"),
    ),
    Fault("coredns-loop", "coredns-loop", _loop),
    Fault("dns-egress-denied", "netpol-dns-egress-blocked", _policy),
    Fault("flannel-selinux", "flannel-install-cni-permission-denied", _selinux),
)
