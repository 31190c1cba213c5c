"""What a layout can say of a file, word by word, and what is said to whoever writes one wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.bundle import Bundle
from analyzer.errors import DefinitionError
from analyzer.layout import load
from analyzer.recognise import Artifact, recognise

GATHER = "must-gather.local.1/image"
JOURNAL = "Nov 23 12:10:0{n} {host} kubenswrapper[1]: I1123 12:10:00.1 1 kubelet.go:1] line {n}\n"


def recognised(files: dict[str, str]) -> dict[str, list[Artifact]]:
    with Bundle.of_texts(files) as bundle:
        found: dict[str, list[Artifact]] = {}
        for artifact in recognise(bundle).artifacts:
            found.setdefault(artifact.path, []).append(artifact)
        return found


def gather(path: str, text: str) -> list[Artifact]:
    files = {f"{GATHER}/version": "openshift/must-gather\n", f"{GATHER}/cluster-scoped-resources/x.yaml": "kind: X\n"}
    return recognised({**files, f"{GATHER}/{path}": text}).get(f"{GATHER}/{path}", [])


def test_a_log_of_several_hosts_is_one_for_each_run_of_lines() -> None:
    hosts = ["m0", "m0", "m1", "m1", "m0"]
    text = "-- Logs begin at Mon --\n" + "".join(JOURNAL.format(n=n, host=host) for n, host in enumerate(hosts))
    found = gather("host_service_logs/masters/kubelet_service.log", text)
    assert [(one.place.node, one.first, one.last) for one in found] == [
        (None, 1, 1),
        ("m0", 2, 3),
        ("m1", 4, 5),
        ("m0", 6, 6),
    ]
    assert {one.place.component for one in found} == {"kubelet"}


def test_hosts_that_are_mixed_line_by_line_are_told_to_be() -> None:
    text = "".join(JOURNAL.format(n=n % 10, host=f"m{n % 3}") for n in range(300))
    (found,) = gather("host_service_logs/masters/crio_service.log", text)
    assert (found.place.node, found.cut) == (None, "lines of several hosts are mixed in it")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("n1.example_iptables", "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n", "iptables-save"),
        ("n1.example_ovnkube-node-x7k2_ip_route", "default via 192.0.2.1 dev br-ex\n", "ip-route"),
        (
            "n1.example_ovnkube-node-x7k2_ip_addr",
            "1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n",
            "ip-addr",
        ),
    ],
)
def test_the_node_is_in_the_name_of_the_file(name: str, text: str, kind: str) -> None:
    (found,) = gather(f"network_logs/{name}", text)
    assert (found.kind, found.place.node) == (kind, "n1.example")


def bundle_with(record: dict[str, object], output: str) -> list[Artifact]:
    home = "support-bundle/host-collectors/run-host"
    files = {"support-bundle/version.yaml": "kind: SupportBundle\n", f"{home}/what-i-like.txt": output}
    files[f"{home}/what-i-like-info.json"] = json.dumps(record)
    return recognised(files).get(f"{home}/what-i-like.txt", [])


RULES = "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n"


@pytest.mark.parametrize(
    ("status", "cut"),
    [("0", ""), ("1", ""), ("-1", "`ip rule`: it timed out"), ("124", "`ip rule`: it timed out")],
)
def test_a_record_tells_what_ran_and_whether_it_ended(status: str, cut: str) -> None:
    (found,) = bundle_with({"command": "ip rule", "exitCode": status}, RULES)
    assert (found.kind, found.command, found.cut) == ("ip-rule", "ip rule", cut)


def test_a_record_that_is_broken_takes_nothing_away() -> None:
    home = "support-bundle/host-collectors/run-host"
    files = {"support-bundle/version.yaml": "x: y\n", f"{home}/r.txt": RULES, f"{home}/r-info.json": '{"command": '}
    assert [one.kind for one in recognised(files)[f"{home}/r.txt"]] == ["ip-rule"]


def test_headings_part_a_file() -> None:
    text = "\n==> coredns [0a1b2c] <==\n[INFO] plugin/ready\n\n==> container status <==\nCONTAINER  IMAGE\n"
    text += "\n==> Audit <==\n|--|\n"
    found = recognised({"whatever.txt": "\n==> Last Start <==\nLog file created\n" + text})["whatever.txt"]
    assert (found[0].kind, found[0].place.component, found[0].first) == ("log", "coredns", 6)
    assert found[0].cut == "only its last lines"
    assert found[1].command == "crictl ps -a"


def test_a_dump_in_one_text_is_documents_and_logs() -> None:
    start, end = "==== START logs for container c of pod n/p ====", "==== END logs for container c of pod n/p ===="
    text = (
        f'{{\n"kind": "NodeList",\n"items": []\n}}\n{start}\nlast line{end}\n{{\n"kind": "PodList",\n"items": []\n}}\n'
    )
    found = recognised({"out.txt": text})["out.txt"]
    assert [(one.kind, one.first, one.last) for one in found] == [
        ("kubectl-json", 1, 4),
        ("log", 5, 6),
        ("kubectl-json", 7, 10),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("name: x\nabout: y\nmakers: [a]\n", "did you mean 'markers'", id="unknown word"),
        pytest.param("name: x\nabout: y\nfiles: [{path: a, node: '{nod}'}]\n", "does not catch", id="unknown name"),
        pytest.param(
            "name: x\nabout: y\nfiles: [{path: a, heading: '(', kind: log}]\n", "is no pattern", id="bad heading"
        ),
        pytest.param("name: x\nabout: y\nhost: {name: ['(?P<node>']}\n", "is no pattern", id="bad pattern"),
        pytest.param("name: [x\n", "expected", id="no YAML"),
    ],
)
def test_a_wrong_layout_is_told_what_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(DefinitionError, match=message):
        load(file)
