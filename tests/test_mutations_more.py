"""The real healthy bundle with one thing changed, as in `test_mutations`: the change is the only cause.

Links, addresses, neighbours, overlays and objects. Listings that state an edited rule set in another form are removed.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from analyzer.analysis import Options, collect
from analyzer.bundle import Limits, open_bundle
from analyzer.facts.firewall import Chain, Rule
from analyzer.logs import Patterns
from analyzer.report import Report
from tests.test_bundles import REAL, report_of, told
from tests.test_mutations import NAME, ONE, OTHER, Change, edit, first_rule, healthy, objects, without

__all__ = ["healthy"]

CATALOG, CATALOG_MAC, CATALOG_PORT = "catalog-7f987c9864-lc6bv", "5e:7b:ad:67:53:f4", "vethb4c2682a"
LISTINGS = ("nft-ruleset.txt", "iptables-L.txt", "iptables-nat-L.txt")
ROUTES = ("proc/net/route", "route-n.txt", "ifconfig.txt")
TEXTS = ("svc.txt", "endpoints.txt", "endpointslices.txt", "describe-svc.txt", "describe-endpoints.txt")
XLB = """\
:KUBE-XLB-PY4JZH2ITZYEO4CN - [0:0]
"""
NO_LOCAL = """\
-A KUBE-XLB-PY4JZH2ITZYEO4CN -m comment --comment "shop/frontend:http has no local endpoints" -j KUBE-MARK-DROP
"""


def unlisted(node: str) -> Change:
    return without(*(f"{node}/{name}" for name in LISTINGS))


def unstated() -> Change:
    """Without the texts that repeat what the JSON of Services and endpoints says."""

    def change(root: Path) -> None:
        without(*(f"cluster/{name}" for name in (*TEXTS, "top-level-all.txt")))(root)
        shutil.rmtree(root / "cluster/cluster-info-dump")

    return change


def named(name: str, change: Any) -> Any:
    """Changes the objects of a name, or whose name begins so."""

    def done(items: list[dict[str, Any]]) -> None:
        found = [one for one in items if one["metadata"]["name"].startswith(name)]
        assert found, name
        for one in found:
            change(one)

    return done


def emptied(service: str) -> tuple[Change, ...]:
    """The Service without endpoints, as API objects and as kube-proxy's rules on both nodes."""

    def unprogrammed(root: Path) -> None:
        for file in root.glob("nodes/*/iptables-save*.txt"):
            text = file.read_text()
            file.write_text("".join(line for line in text.splitlines(True) if f'"{service}' not in line))

    name = service.split("/")[1]
    return (
        objects("endpoints", named(name, lambda one: one.pop("subsets"))),
        objects("endpointslices", named(name, lambda one: one.update(endpoints=[]))),
        unstated(),
        unprogrammed,
        unlisted(ONE),
        unlisted(OTHER),
    )


def gone(name: str) -> Change:
    """Without the pods whose names begin so, in the lists and on the nodes."""

    def change(root: Path) -> None:
        file = root / "cluster/pods.json"
        document = json.loads(file.read_text())
        document["items"] = [one for one in document["items"] if not one["metadata"]["name"].startswith(name)]
        file.write_text(json.dumps(document))
        edit("cluster/pods.txt", rf"^.* {name}.*\n", "")(root)
        without("cluster/describe-pods.txt", f"cluster/pod-logs/shop_{name}*")(root)
        for folder in root.glob(f"nodes/*/pods/{name}*"):
            shutil.rmtree(folder)

    return change


def scaled_down(root: Path) -> None:
    """Deployment orders wants no pods and has none."""
    objects("deployments", named("orders", lambda one: one["spec"].update(replicas=0)))(root)
    objects("deployments", named("orders", lambda one: one.update(status={})))(root)
    objects("replicasets", named("orders", lambda one: one["spec"].update(replicas=0)))(root)
    without("cluster/deployments.txt", "cluster/replicasets.txt")(root)
    gone("orders-")(root)


def elsewhere_only(items: list[dict[str, Any]]) -> None:
    """The endpoints without the pod of frontend on the other node."""
    text = json.dumps([one for one in items if one["metadata"]["name"].startswith("frontend")])
    assert "10.42.1.89" in text
    for one in items:
        for subset in one.get("subsets") or ():
            subset["addresses"] = [entry for entry in subset["addresses"] if entry["ip"] != "10.42.1.89"]
        if "endpoints" in one:
            one["endpoints"] = [entry for entry in one["endpoints"] or () if "10.42.1.89" not in entry["addresses"]]


def isolated(root: Path) -> None:
    for file in root.glob(f"{OTHER}/sys/devices/virtual/net/cni0/brif/*/isolated"):
        file.write_text("1\n")


CASES: dict[str, tuple[str, tuple[Change, ...]]] = {
    "the host's end of a pod's link is down": (
        "pod-interface-down",
        (
            edit(
                f"{OTHER}/ip-*.txt", rf"({CATALOG_PORT}@if3: <BROADCAST,MULTICAST),UP,LOWER_UP>(.*) UP", r"\1>\2 DOWN"
            ),
            edit(f"{OTHER}/pods/{CATALOG}/ip-addr.txt", "(eth0.*UP),LOWER_UP>", r"\1>"),
            without(f"{OTHER}/ifconfig.txt"),
        ),
    ),
    "a pod without a default route": (
        "pod-default-route-missing",
        (edit(f"{OTHER}/pods/{CATALOG}/ip-route.txt", r"^(default|10\.42\.0\.0/16) via .*\n", ""),),
    ),
    "isolated ports": ("bridge-port-isolated", (isolated,)),
    "a neighbour entry made by hand": (
        "neighbor-pod-wrong",
        (
            edit(f"{OTHER}/ip-neigh.txt", rf"^(10\.42\.1\.90 .*) {CATALOG_MAC} \w+", r"\1 02:00:00:00:00:01 PERMANENT"),
            without(f"{OTHER}/arp-n.txt", f"{OTHER}/proc/net/arp"),
        ),
    ),
    "a routing rule prohibits": (
        "routing-rule-discards-pods",
        (edit(f"{OTHER}/ip-rule.txt", "^32766:", "100:\tfrom 10.42.1.0/24 prohibit\n32766:"),),
    ),
    "the bridge lost its address": (
        "pod-bridge-address-missing",
        (
            edit(f"{OTHER}/ip-addr.txt", r"^    inet 10\.42\.1\.1/24.*\n.*\n", ""),
            edit(f"{OTHER}/ip-route*.txt", r"^.*10\.42\.1\.(0/24|1|255) dev cni0.*\n", ""),
            without(*(f"{OTHER}/{name}" for name in ROUTES)),
        ),
    ),
    "the outer packet ends in raw": (
        "overlay-port-blocked",
        (
            edit(
                f"{ONE}/iptables-save*.txt",
                r"\Z",
                "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m udp --dport 8472 -j DROP\nCOMMIT\n",
                1,
            ),
            unlisted(ONE),
        ),
    ),
    "CoreDNS is cut off from its upstream": (
        "foreign-drop-rule-forward",
        first_rule(OTHER, "FORWARD", r"-A FORWARD -d 192.168.56.1/32 -p udp -m udp --dport 53 -j DROP\n"),
    ),
    "a port of one host-network endpoint of two": (
        "foreign-drop-rule-input",
        first_rule(OTHER, "INPUT", r"-A INPUT -p tcp -m tcp --dport 9100 -j DROP\n"),
    ),
    "another port of the overlay": (
        "overlay-ends-differ",
        (
            edit(f"{OTHER}/ip-*.txt", r"(vxlan id 1 .* dstport) 8472", r"\1 4789"),
            edit(f"{OTHER}/ss-ulnp.txt", ":8472", ":4789"),
        ),
    ),
    "flannel announces a stranger": (
        "flannel-public-ip-wrong",
        (
            edit("cluster/nodes.json", r'(flannel.*/public-ip": )"192\.168\.56\.12"', r'\1"192.168.56.99"'),
            edit(f"{ONE}/bridge-fdb.txt", r"(dev flannel\.1 dst) 192\.168\.56\.12", r"\1 192.168.56.99"),
            without("cluster/describe-nodes.txt", "cluster/cluster-info-dump/nodes.json"),
        ),
    ),
    "nothing leads to kube-proxy's source translation": (
        "kube-postrouting-jump-missing",
        (edit(f"{OTHER}/iptables-save*.txt", r"^.*-A POSTROUTING .*-j KUBE-POSTROUTING\n", ""), unlisted(OTHER)),
    ),
    "nothing leads to kube-proxy's Services": (
        "kube-services-jump-missing",
        (edit(f"{OTHER}/iptables-save*.txt", r"^.*-A PREROUTING .*-j KUBE-SERVICES\n", ""), unlisted(OTHER)),
    ),
    "a Deployment of no replicas": ("service-scaled-to-zero", (*emptied("shop/orders"), scaled_down)),
    "the selector of DNS": (
        "dns-selector-mismatch",
        (
            objects("svc", named("kube-dns", lambda one: one["spec"].update(selector={"k8s-app": "coredns"}))),
            *emptied("kube-system/kube-dns"),
        ),
    ),
    "pods ask another DNS": (
        "cluster-dns-ip-mismatch",
        (edit("nodes/*/pods/*/resolv.conf", r"^nameserver 10\.43\.0\.10$", "nameserver 10.43.0.99"),),
    ),
}


def changed(healthy: Path, tmp_path: Path, changes: tuple[Change, ...]) -> Path:
    bundle = tmp_path / NAME
    shutil.copytree(healthy, bundle)
    for change in changes:
        change(bundle)
    return bundle


def causes(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings if finding.severity != "info" and not finding.explained_by}


@pytest.mark.parametrize("case", CASES)
def test_what_was_changed_is_the_only_cause(healthy: Path, tmp_path: Path, case: str) -> None:
    rule, changes = CASES[case]
    report = report_of(changed(healthy, tmp_path, changes))
    assert causes(report) == {rule}, told(report)


def test_kube_proxy_drops_by_design_where_a_local_service_has_no_endpoint(healthy: Path, tmp_path: Path) -> None:
    """externalTrafficPolicy Local: the mark that KUBE-FIREWALL drops is no broken rule."""
    changes = (
        objects("svc", named("frontend", lambda one: one["spec"].update(externalTrafficPolicy="Local"))),
        objects("endpoints", elsewhere_only),
        objects("endpointslices", elsewhere_only),
        gone("frontend-545bf6df96-nkgpq"),
        edit("nodes/*/iptables-save*.txt", r"^.*(10\.42\.1\.89|KUBE-SEP-VADOQBQOXKHJVDDD).*\n", ""),
        edit("nodes/*/iptables-save*.txt", r"(-A KUBE-SVC-PY4J.*) -m statistic .* (-j KUBE-SEP-IAVL)", r"\1 \2"),
        edit(
            f"{OTHER}/iptables-save*.txt", r"^((?:\[.*\] )?-A KUBE-NODEPORTS .*-j) KUBE-SVC-PY4J", r"\1 KUBE-XLB-PY4J"
        ),
        edit(f"{OTHER}/iptables-save*.txt", r"^(:KUBE-SVC-AIOWKCZMN5S45HKT)", XLB + r"\1"),
        edit(f"{OTHER}/iptables-save*.txt", r"^((?:\[.*\] )?-A KUBE-POSTROUTING -m mark)", NO_LOCAL + r"\1"),
        unlisted(ONE),
        unlisted(OTHER),
        unstated(),
    )
    report = report_of(changed(healthy, tmp_path, changes))
    assert not told(report)


@pytest.mark.parametrize("name", ["s00-healthy", "s10-route-to-peer-deleted"])
def test_a_rule_set_that_is_listed_and_saved_is_kept_once(name: str) -> None:
    archive = REAL / f"{name}.tar.xz"
    if not archive.exists():
        pytest.skip("the real bundles do not lie beside the project")
    with open_bundle([archive], Limits()) as bundle:
        facts = collect(bundle, Patterns(()), Options(strict=True)).facts
    assert {rule.backend for rule in facts.of(Rule)} == {"nft"}
    assert None not in {chain.backend for chain in facts.of(Chain)}


def test_two_faults_are_two_causes(tmp_path: Path) -> None:
    name = "s05-selector-mismatch"
    if not (REAL / f"{name}.tar.xz").exists():
        pytest.skip("the real bundles do not lie beside the project")
    with tarfile.open(REAL / f"{name}.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    edit(f"{ONE}/ip-route*.txt", r"^10\.42\.1\.0/24 via.*\n", "")(tmp_path / name)
    without(*(f"{ONE}/{file}" for file in ROUTES[:2]))(tmp_path / name)
    report = report_of(tmp_path / name)
    assert causes(report) == {"service-selector-mismatch", "pod-route-missing"}, told(report)
