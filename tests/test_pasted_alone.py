"""What one paste alone tells: logs without a list of pods, `ip addr` without -d, pods without their network."""

from __future__ import annotations

import pytest

from analyzer.analysis import facts_of
from analyzer.facts.derived import Cluster
from analyzer.facts.derived import Path as PacketPath
from analyzer.facts.firewall import Rule
from analyzer.facts.logs import LogLine
from analyzer.facts.nodes import Node
from analyzer.facts.routing import Interface
from analyzer.facts.workloads import Event, Pod

TITLES = "  Type     Reason  Age  From  Message\n  ----     ------  ---- ----  -------\n"
FAILED = (
    "  Warning  FailedCreatePodSandBox  24s (x3 over 2m)  kubelet, n-2 Failed create pod sandbox: "
    'NetworkPlugin cni failed to set up pod "web-1_shop" network: failed to find plugin "flannel" in path [/opt]\n'
)
DESCRIBED = f"Name:       web-1\nNamespace:  shop\nNode:       cp-1/192.168.10.11\nEvents:\n{TITLES}{FAILED}"
LISTED = """\
NAMESPACE   NAME    READY   STATUS              RESTARTS   AGE   IP       NODE   NOMINATED NODE   READINESS GATES
shop        web-1   0/1     ContainerCreating   0          41d   <none>   cp-1   <none>           <none>
"""
REFUSED = "The connection to the server 192.0.2.1:6443 was refused - did you specify the right host or port?"
LOG = "I0628 07:01:11.111111       1 main.go:211] CLI flags config\n"
ADDRESSES = """\
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
    link/ether 52:54:00:aa:bb:11 brd ff:ff:ff:ff:ff:ff
    inet 192.168.10.11/24 brd 192.168.10.255 scope global eth0
3: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default
    link/ether 3a:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 10.244.0.0/32 scope global flannel.1
4: mybridge: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default qlen 1000
    link/ether 4a:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 10.244.0.1/24 brd 10.244.0.255 scope global mybridge
9: veth0a1b2c3d@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master mybridge state UP group default
    link/ether 5a:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
10: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq master bond0 state UP group default
    link/ether 52:54:00:aa:bb:12 brd ff:ff:ff:ff:ff:ff
11: bond0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
    link/ether 52:54:00:aa:bb:12 brd ff:ff:ff:ff:ff:ff
"""
NODES = """\
NAME   STATUS   ROLES    AGE   VERSION   INTERNAL-IP     EXTERNAL-IP   OS-IMAGE   KERNEL-VERSION   CONTAINER-RUNTIME
cp-1   Ready    <none>   41d   v1.29.4   192.168.10.11   <none>        Ubuntu     5.15.0           containerd://1.7
"""
PODS = """\
NAMESPACE     NAME            READY   STATUS    RESTARTS   AGE   IP              NODE   NOMINATED NODE   READINESS GATES
kube-system   coredns-5bc-1   1/1     Running   0          41d   10.244.0.5      cp-1   <none>           <none>
kube-system   cilium-abcde    1/1     Running   0          41d   192.168.10.11   cp-1   <none>           <none>
"""


@pytest.mark.parametrize(
    "options",
    [
        "-n kube-flannel logs",
        "logs -n kube-flannel",
        "logs --namespace kube-flannel --tail 50",
        "logs -f -n kube-flannel",
    ],
)
def test_a_log_makes_its_pod_known(options: str) -> None:
    facts = facts_of({"paste.txt": f"$ kubectl {options} kube-flannel-ds-8wv5r\n{LOG}"}, [])
    assert [(pod.namespace, pod.name) for pod in facts.of(Pod)] == [("kube-flannel", "kube-flannel-ds-8wv5r")]
    assert not facts.collected(Pod), "one pod is not the list of them"


def test_the_log_of_a_deployment_names_no_pod() -> None:
    facts = facts_of({"paste.txt": f"$ kubectl -n kube-system logs deploy/coredns\n{LOG}"}, [])
    assert not facts.of(Pod)


def test_names_and_masters_tell_kinds() -> None:
    facts = facts_of({"paste.txt": f"root@cp-1:~# hostname\ncp-1\nroot@cp-1:~# ip addr\n{ADDRESSES}"}, [])
    kinds = {link.name: link.kind for link in facts.of(Interface)}
    assert kinds["flannel.1"] == "vxlan"
    assert kinds["mybridge"] == "bridge"
    assert kinds["veth0a1b2c3d"] == "veth"
    assert kinds["bond0"] != "bridge"


def test_a_pod_with_its_node_s_address_is_on_its_network() -> None:
    facts = facts_of({"paste.txt": f"$ kubectl get nodes -o wide\n{NODES}$ kubectl get pods -A -o wide\n{PODS}"}, [])
    assert {pod.name: pod.host_network for pod in facts.of(Pod)} == {"coredns-5bc-1": False, "cilium-abcde": True}
    assert facts.of(Cluster)[0].service_proxy == "cilium"


def test_a_pod_whose_attachment_is_unknown_is_not_unreachable() -> None:
    """Plain `ip addr` with a bridge of which no port is known."""
    node = ADDRESSES.split("9: veth")[0]
    routes = "default via 192.168.10.1 dev eth0\n10.244.0.0/24 dev mybridge proto kernel scope link src 10.244.0.1\n"
    typed = f"root@cp-1:~# hostname\ncp-1\nroot@cp-1:~# ip addr\n{node}root@cp-1:~# ip route\n{routes}"
    paste = f"{typed}root@cp-1:~# kubectl get nodes -o wide\n{NODES}root@cp-1:~# kubectl get pods -A -o wide\n{PODS}"
    facts = facts_of({"paste.txt": paste}, [])
    assert not [path.reason for path in facts.of(PacketPath) if path.ok is False]


def test_a_listing_is_no_second_rule_set() -> None:
    saved = (
        "# Generated by iptables-save v1.8.9 (nf_tables) on Mon Nov 23 11:57:18 2026\n*filter\n:FORWARD ACCEPT [0:0]\n"
    )
    saved += "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\nCOMMIT\n"
    listed = "Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)\n"
    listed += " pkts bytes target     prot opt in     out     source               destination         \n"
    own = "    0     0 ACCEPT     all  --  *      *       10.244.0.0/16        0.0.0.0/0           \n"
    other = "    0     0 DROP       all  --  *      *       172.16.0.0/16        0.0.0.0/0           \n"
    paths = {"nodes/cp-1/iptables-save.txt": saved, "nodes/cp-1/iptables-L.txt": listed + own}
    assert [rule.backend for rule in facts_of(paths, []).of(Rule)] == ["nft"]
    paths["nodes/cp-1/iptables-L.txt"] = listed + other + other.replace("172.16", "172.17")
    assert {rule.backend for rule in facts_of(paths, []).of(Rule)} == {"nft", None}, "another rule set is kept"


@pytest.mark.parametrize("above", [f"Events:\n{TITLES}", TITLES, "", f"here is what we see\nEvents:\n{TITLES}"])
def test_a_table_of_events_needs_no_object(above: str) -> None:
    events = facts_of({"paste.txt": above + FAILED}, []).of(Event)
    assert [(one.kind, one.namespace, one.pod, one.node) for one in events] == [("Object", "", None, None)]
    assert (events[0].reason, events[0].count, events[0].age) == ("FailedCreatePodSandBox", 3, 24.0)
    assert events[0].message.startswith("Failed create pod sandbox")


def test_only_a_row_that_is_lost_keeps_a_table_from_being_whole() -> None:
    around = facts_of({"paste.txt": f"what we see\n\nEvents:\n{TITLES}{FAILED}\nthanks a lot\n"}, [])
    assert around.collected(Event, namespace="")
    within = facts_of({"paste.txt": f"Events:\n{TITLES}{FAILED}  Warning, and so on\n"}, [])
    assert within.of(Event)
    assert not within.collected(Event, namespace="")


def test_events_of_two_tables_stay_apart() -> None:
    facts = facts_of({"paste.txt": f"Events:\n{TITLES}{FAILED}\nEvents:\n{TITLES}{FAILED}", "b.txt": FAILED}, [])
    assert len({one.name for one in facts.of(Event)}) == 3


def test_events_name_a_pod_that_is_listed() -> None:
    facts = facts_of({"paste.txt": f"$ kubectl get pods -A -o wide\n{LISTED}", "events.txt": FAILED}, [])
    assert [(one.kind, one.pod) for one in facts.of(Event)] == [("Pod", "shop/web-1")]
    other = LISTED.replace("web-1", "web-2")
    facts = facts_of({"paste.txt": f"$ kubectl get pods -A -o wide\n{other}", "events.txt": FAILED}, [])
    assert [one.pod for one in facts.of(Event)] == [None], "nobody listed it"


def test_a_trimmed_description_is_of_a_pod_and_says_no_more() -> None:
    facts = facts_of({"paste.txt": DESCRIBED}, [])
    (pod,) = facts.of(Pod)
    assert (pod.namespace, pod.name, pod.node) == ("shop", "web-1", "cp-1")
    assert (pod.ready, pod.labels, pod.restarts, pod.terminating, pod.ips) == (None, None, None, None, None)
    assert [one.pod for one in facts.of(Event)] == ["shop/web-1"]
    assert not facts.collected(Pod)


def test_the_command_tells_what_a_trimmed_description_is_of() -> None:
    described = DESCRIBED.replace("Node:       cp-1/192.168.10.11\n", "Status:     Pending\n")
    facts = facts_of({"paste.txt": f"$ kubectl describe pod web-1 -n shop\n{described}"}, [])
    assert [one.pod for one in facts.of(Event)] == ["shop/web-1"]
    facts = facts_of({"paste.txt": f"$ kubectl describe job web-1 -n shop\n{described}"}, [])
    assert [one.pod for one in facts.of(Event)] == [None]


def test_pods_make_their_nodes_known_where_nobody_listed_nodes() -> None:
    alone = facts_of({"paste.txt": f"$ kubectl get pods -A -o wide\n{LISTED}"}, [])
    assert [one.name for one in alone.of(Node)] == ["cp-1"]
    listed = NODES.replace("cp-1", "cp-9")
    paste = f"$ kubectl get nodes -o wide\n{listed}$ kubectl get pods -A -o wide\n{LISTED}"
    assert [one.name for one in facts_of({"paste.txt": paste}, []).of(Node)] == ["cp-9"]


@pytest.mark.parametrize(
    "line",
    [
        REFUSED,
        "Unable to connect to the server: x509: certificate signed by unknown authority",
        'Error from server: Get "https://10.0.0.5:10250/x": dial tcp 10.0.0.5:10250: connect: no route to host',
        "curl: (28) Resolving timed out after 5000 milliseconds",
        "error: Timeout: context deadline exceeded",
    ],
)
def test_how_a_client_failed_is_a_line_of_its_log(line: str) -> None:
    facts = facts_of({"paste.txt": f"{line}\n"}, [line[:12]])
    assert [(one.component, one.message) for one in facts.of(LogLine)] == [("client", line)]
    assert not facts.collected(LogLine), "one line is not the log"


def test_how_a_client_failed_is_not_the_log_of_its_node() -> None:
    facts = facts_of({"paste.txt": "root@cp-1:~# curl http://web\ncurl: (28) Resolving timed out\n"}, ["curl"])
    assert [(one.component, one.node) for one in facts.of(LogLine)] == [("client", "cp-1")]
    assert not facts.collected(LogLine)


def test_what_the_api_refuses_is_no_trouble_of_the_network() -> None:
    line = 'Error from server (NotFound): pods "web-1" not found'
    assert not facts_of({"paste.txt": f"{line}\n"}, ["Error from server"]).of(LogLine)
