"""The real healthy bundle with one thing changed in every dump that states it: the change is the first cause.

Real faults leave more traces than these edits; what an edit cannot keep consistent (listings that state the same thing
in another form) is removed.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_bundles import REAL, first_cause, report_of, told

NAME = "s00-healthy"
ONE, OTHER = "nodes/k3s-cp1", "nodes/k3s-w1"
DROP_PODS = '-A FORWARD -s 10.42.0.0/16 -d 10.42.0.0/16 -m comment --comment "hardening" -j DROP\n'

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = REAL / f"{NAME}.tar.xz"
    if not archive.exists():
        pytest.skip("the real bundles do not lie beside the project")
    folder = tmp_path_factory.mktemp("healthy")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / NAME


def edit(files: str, pattern: str, text: str, count: int = 0) -> Change:
    """Replaces a pattern in files; at least one of them has to hold it."""

    def change(root: Path) -> None:
        changed = 0
        for file in sorted(root.glob(files)):
            before = file.read_text(errors="surrogateescape")
            after, number = re.subn(pattern, text, before, count=count, flags=re.MULTILINE)
            file.write_text(after, errors="surrogateescape")
            changed += number
        assert changed, f"{pattern!r} stands in none of {files}"

    return change


def without(*files: str) -> Change:
    """Removes files; each has to exist."""

    def change(root: Path) -> None:
        for pattern in files:
            found = list(root.glob(pattern))
            assert found, pattern
            for path in found:
                path.unlink()

    return change


def write(file: str, text: str) -> Change:
    """Writes a whole file."""

    def change(root: Path) -> None:
        (root / file).write_text(text)

    return change


def first_rule(node: str, chain: str, rule: str) -> tuple[Change, ...]:
    """A rule before the first of a chain, in the dumps of iptables-save."""
    return (
        edit(f"{node}/iptables-save*.txt", rf"\A((?:.*\n)*?)((?:\[[\d:]+\] )?-A {chain} )", rf"\1{rule}\2", 1),
        without(f"{node}/nft-ruleset.txt", f"{node}/iptables-L.txt"),
    )


def objects(file: str, change: Callable[[list[dict[str, object]]], object]) -> Change:
    """Changes the items of a list of objects."""

    def done(root: Path) -> None:
        for path in [root / f"cluster/{file}.json"]:
            document = json.loads(path.read_text())
            change(document["items"])
            path.write_text(json.dumps(document, indent=1))

    return done


def without_named(name: str) -> Callable[[list[dict[str, object]]], None]:
    def change(items: list[dict[str, object]]) -> None:
        items[:] = [item for item in items if name not in json.dumps(item["metadata"])]

    return change


CASES: dict[str, tuple[str, tuple[Change, ...]]] = {
    "forwarding off": (
        "ip-forward-disabled",
        (edit(f"{OTHER}/sysctl-a.txt", r"^(net\.ipv4\.(?:ip_forward|conf\.[\w.-]+\.forwarding)) = 1", r"\1 = 0"),),
    ),
    "bridged packets miss iptables": (
        "bridge-nf-call-iptables-disabled",
        (edit(f"{ONE}/sysctl-a.txt", "(bridge-nf-call-iptables) = 1", r"\1 = 0"),),
    ),
    "a foreign rule drops pods": ("foreign-drop-rule-forward", first_rule(OTHER, "FORWARD", DROP_PODS)),
    "a rule of the legacy backend rejects pods": (
        "foreign-drop-rule-forward",
        (
            write(
                f"{OTHER}/iptables-legacy-save.txt",
                "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
                "-A FORWARD -d 10.42.0.0/16 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n",
            ),
        ),
    ),
    "a native table drops pods": (
        "foreign-drop-rule-forward",
        (
            edit(
                f"{OTHER}/nft-ruleset.txt",
                r"\Z",
                "table inet sec {\n\tchain forward {\n\t\ttype filter hook forward priority filter - 5; "
                "policy accept;\n\t\tip daddr 10.42.0.0/16 counter packets 12 bytes 900 drop\n\t}\n}\n",
                1,
            ),
        ),
    ),
    "the overlay's port is blocked": (
        "overlay-port-blocked",
        first_rule(OTHER, "INPUT", r"-A INPUT -p udp -m udp --dport 8472 -j DROP\n"),
    ),
    "the overlay's interface is down": (
        "overlay-interface-down",
        (
            edit(f"{OTHER}/ip-*.txt", r"(flannel\.1: <BROADCAST,MULTICAST),UP,LOWER_UP>", r"\1>"),
            edit(f"{OTHER}/ip-*route*.txt", r"^.* dev flannel\.1 .*\n", ""),
            without(f"{OTHER}/proc/net/route", f"{OTHER}/route-n.txt", f"{OTHER}/ifconfig.txt"),
        ),
    ),
    "no entry for the other end of the overlay": (
        "overlay-peer-unknown",
        (edit(f"{OTHER}/bridge-fdb.txt", r"^.* dev flannel\.1 dst .*\n", ""),),
    ),
    "the overlay does not fit": (
        "overlay-mtu-too-large",
        (
            edit(f"{OTHER}/ip-*.txt", r"(: eth0.*) mtu 1500", r"\1 mtu 1400"),
            without(f"{OTHER}/ifconfig.txt"),
        ),
    ),
    "one Service is not translated": (
        "service-rule-missing",
        (
            edit(f"{OTHER}/iptables-save*.txt", r"^.*-A KUBE-SERVICES .*shop/cart:.*\n", ""),
            without(f"{OTHER}/nft-ruleset.txt", f"{OTHER}/iptables-nat-L.txt"),
        ),
    ),
    "a wrong endpoint": (
        "service-endpoint-stale",
        (
            edit(
                f"{ONE}/iptables-save*.txt",
                r"(KUBE-SEP-.*shop/catalog.*to-destination) 10\.42\.1\.\d+",
                r"\1 10.42.1.222",
            ),
            without(f"{ONE}/nft-ruleset.txt", f"{ONE}/iptables-nat-L.txt"),
        ),
    ),
    "no masquerade": (
        "masquerade-rule-missing",
        (
            edit(f"{OTHER}/iptables-save*.txt", r"^.*-A POSTROUTING .*MASQUERADE.*\n", ""),
            without(f"{OTHER}/nft-ruleset.txt", f"{OTHER}/iptables-nat-L.txt"),
        ),
    ),
    "a blackhole instead of the route": (
        "pod-route-blackhole",
        (
            edit(f"{OTHER}/ip-route*.txt", r"^10\.42\.0\.0/24 via .*", "blackhole 10.42.0.0/24 "),
            without(f"{OTHER}/proc/net/route", f"{OTHER}/route-n.txt"),
        ),
    ),
    "the route leads elsewhere": (
        "pod-route-wrong-nexthop",
        (
            edit(f"{OTHER}/ip-route*.txt", r"^10\.42\.0\.0/24 via .*", "10.42.0.0/24 via 192.168.56.99 dev eth0 "),
            without(f"{OTHER}/proc/net/route", f"{OTHER}/route-n.txt"),
        ),
    ),
    "the Service of DNS is gone": (
        "dns-service-missing",
        (
            objects("svc", without_named("kube-dns")),
            without("cluster/svc.txt", "cluster/describe-svc.txt", "cluster/top-level-all.txt"),
            without("cluster/cluster-info-dump/kube-system/services.json"),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_changed_is_the_first_cause(healthy: Path, tmp_path: Path, case: str) -> None:
    rule, changes = CASES[case]
    bundle = tmp_path / NAME
    shutil.copytree(healthy, bundle)
    for change in changes:
        change(bundle)
    report = report_of(bundle)
    assert first_cause(report) == rule, told(report)


def test_unchanged_it_is_healthy(healthy: Path) -> None:
    assert not told(report_of(healthy))
