"""Line formats: what carried a line, what wrote it, when, and what it says."""

from __future__ import annotations

import pytest

from analyzer.facts.source import Place
from analyzer.logs.clock import Moment, iso, yearless
from analyzer.logs.components import by_tag, place_of
from analyzer.logs.lines import Line, read_line

NOVEMBER = 1795435907.0  # 2026-11-23 12:11:47 UTC


def line(
    message: str, seconds: float | None = None, level: str | None = None, writer: str | None = None, dated: bool = True
) -> tuple[str, Moment | None, str | None, str | None]:
    return message, None if seconds is None else Moment(seconds, dated), level, writer


def parts(found: Line) -> tuple[str, Moment | None, str | None, str | None]:
    return found.message, found.moment, found.level, found.writer


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            'E1123 12:11:47.500000    7905 pod_workers.go:190] "Error syncing pod" err="failed to \\"Start\\""',
            line('"Error syncing pod" err="failed to "Start""', NOVEMBER + 0.5, "error"),
            id="klog",
        ),
        pytest.param(
            'time="2026-11-23T12:11:47.500000000Z" level=error msg="copy \\"shim\\" log" error="file closed"',
            line('copy "shim" log error="file closed"', NOVEMBER + 0.5, "error"),
            id="logrus",
        ),
        pytest.param(
            'time="2026-11-23T13:11:47+01:00" level=info msg=ready', line("ready", NOVEMBER, "info"), id="logrus zone"
        ),
        pytest.param(
            'level=warn ts=2026-11-23T12:11:47Z caller=x.go:1 msg="slow"',
            line("slow ts=2026-11-23T12:11:47Z caller=x.go:1", None, "warning"),
            id="go-kit",
        ),
        pytest.param(
            "2026-11-23T12:11:47.500Z [FATAL] plugin/loop: Loop (127.0.0.1:1 -> :53) detected",
            line("plugin/loop: Loop (127.0.0.1:1 -> :53) detected", NOVEMBER + 0.5, "fatal"),
            id="CoreDNS with time",
        ),
        pytest.param("[ERROR] plugin/errors: 2 a.", line("plugin/errors: 2 a.", None, "error"), id="CoreDNS"),
        pytest.param(
            "2026-11-23T12:11:47.5Z stderr F [ERROR] plugin/errors: 2 a.",
            line("plugin/errors: 2 a.", NOVEMBER + 0.5, "error"),
            id="CRI",
        ),
        pytest.param(
            "2026-11-23T12:11:47.5Z stderr F W1123 12:11:46.000000 1 x.go:1] hm",
            line("hm", NOVEMBER + 0.5, "warning"),
            id="klog in CRI: the carrier's time has a zone",
        ),
        pytest.param(
            '{"log":"E1123 12:00:00.000000 1 x.go:1] a -\\u003e b\\n","stream":"x","time":"2026-11-23T12:11:47.5Z"}',
            line("a -> b", NOVEMBER + 0.5, "error"),
            id="docker",
        ),
        pytest.param(
            "2026-11-23T12:11:47.500000000Z I1123 12:11:47.000000 1 x.go:1] up",
            line("up", NOVEMBER + 0.5, "info"),
            id="kubectl --timestamps",
        ),
        pytest.param(
            "Nov 23 12:11:47 k3s-w1 kubelet[812]: E1123 12:11:47.500000 812 kubelet.go:1] down",
            line("down", NOVEMBER, "error", "kubelet"),
            id="journal",
        ),
        pytest.param(
            "Nov 23 12:11:47 k3s-w1 kernel: nf_conntrack: table full, dropping packet",
            line("nf_conntrack: table full, dropping packet", NOVEMBER, None, "kernel"),
            id="syslog of the kernel",
        ),
        pytest.param(
            "Nov 23 12:11:47 w1 kernel: [ 5123.000001] nf_conntrack: table full",
            line("nf_conntrack: table full", NOVEMBER, None, "kernel"),
            id="kern.log with seconds since boot",
        ),
        pytest.param(
            '2026-11-23T12:11:47+0000 w1 containerd[9]: time="2026-11-23T12:11:46Z" level=error msg="no network"',
            line("no network", NOVEMBER, "error", "containerd"),
            id="journal short-iso",
        ),
        pytest.param(
            "<11>1 2026-11-23T12:11:47Z w1 kubelet 812 - - it failed",
            line("it failed", NOVEMBER, None, "kubelet"),
            id="syslog RFC 5424",
        ),
        pytest.param(
            '{"__REALTIME_TIMESTAMP":"1795435907500000","SYSLOG_IDENTIFIER":"k3s","PRIORITY":"3","MESSAGE":"bad"}',
            line("bad", NOVEMBER + 0.5, "error", "k3s"),
            id="journal json",
        ),
        pytest.param(
            '{"__REALTIME_TIMESTAMP":"1795435907000000","SYSLOG_IDENTIFIER":"a","MESSAGE":[98,97,100]}',
            line("bad", NOVEMBER, None, "a"),
            id="journal json with bytes",
        ),
        pytest.param(
            "[Mon Nov 23 12:11:47 2026] cni0: port 7(veth) entered disabled state",
            line("cni0: port 7(veth) entered disabled state", NOVEMBER, None, "kernel"),
            id="dmesg -T",
        ),
        pytest.param(
            "[  123.450000] eth0: link down", line("eth0: link down", 123.45, None, "kernel", dated=False), id="dmesg"
        ),
        pytest.param(
            "<4>[  123.450000] eth0: x", line("eth0: x", 123.45, "warning", "kernel", dated=False), id="dmesg -r"
        ),
        pytest.param(
            "kern  :err   : [  123.450000] eth0: x",
            line("eth0: x", 123.45, "error", "kernel", dated=False),
            id="dmesg -x",
        ),
        pytest.param(
            '{"level":"warn","ts":"2026-11-23T12:11:47.5Z","caller":"etcdserver/util.go:170","msg":"slow","took":"1s","n":2}',
            line('slow took="1s" n=2', NOVEMBER + 0.5, "warning"),
            id="zap json",
        ),
        pytest.param(
            '{"level":"info","ts":1795435907.5,"msg":"up"}', line("up", NOVEMBER + 0.5, "info"), id="zap epoch"
        ),
        pytest.param(
            "2026-11-23 12:11:47.500 [ERROR][45] felix/int_dataplane.go 12: Failed to x",
            line("Failed to x", NOVEMBER + 0.5, "error"),
            id="Calico",
        ),
        pytest.param("Listening on :8080", line("Listening on :8080"), id="plain"),
        pytest.param('{"broken": ', line('{"broken":'), id="broken json"),
        pytest.param("", line(""), id="empty"),
    ],
)
def test_formats(raw: str, expected: tuple[str, Moment | None, str | None, str | None]) -> None:
    assert parts(read_line(raw, NOVEMBER)) == expected


@pytest.mark.parametrize(
    ("month", "day", "reference", "year"),
    [
        pytest.param("Nov", 23, NOVEMBER, 1795392000.0, id="the same day"),
        pytest.param("Nov", 24, NOVEMBER, 1795478400.0, id="a day ahead, of another zone"),
        pytest.param("Dec", 31, NOVEMBER, 1767139200.0, id="last year"),
        pytest.param("Feb", 29, NOVEMBER, 1709164800.0, id="the last leap year"),
    ],
)
def test_a_year_that_is_not_said(month: str, day: int, reference: float, year: float) -> None:
    assert yearless(month, day, "00:00:00", reference) == Moment(year)


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "now", ""])
def test_times_that_are_none(text: str) -> None:
    assert iso(text) is None


def test_without_any_year_only_differences_mean_something() -> None:
    one, other = yearless(11, 23, "12:00:00.5", None), yearless(11, 23, "12:00:10", None)
    assert one and other and not one.dated
    assert other.seconds - one.seconds == 9.5


@pytest.mark.parametrize(
    ("path", "place", "expected"),
    [
        pytest.param("nodes/w1/var/log/k3s.log", Place(), (None, None, "k3s"), id="k3s"),
        pytest.param("nodes/w1/dmesg.txt", Place(), (None, None, "kernel"), id="dmesg"),
        pytest.param("kernel/dmesg.human.current", Place(), (None, None, "kernel"), id="dmesg of EKS"),
        pytest.param("x/containerd/containerd.log", Place(), (None, None, "containerd"), id="containerd"),
        pytest.param("journald/k3s-agent", Place(), (None, None, "k3s"), id="journal of one unit"),
        pytest.param("sos_commands/logs/journalctl_--no-pager", Place(), (None, None, None), id="journal of all units"),
        pytest.param("var/log/syslog", Place(), (None, None, None), id="syslog"),
        pytest.param("snap.microk8s.daemon-kubelite/journal.log", Place(), (None, None, "kubelite"), id="microk8s"),
        pytest.param(
            "var/log/pods/kube-system_coredns-5d-abcde_1234/coredns/0.log",
            Place(),
            ("kube-system/coredns-5d-abcde", "coredns", "coredns"),
            id="kubelet's tree",
        ),
        pytest.param(
            "var/log/containers/kube-flannel-ds-x1_kube-flannel_kube-flannel-0123456789abcdef.log",
            Place(),
            ("kube-flannel/kube-flannel-ds-x1", "kube-flannel", "flannel"),
            id="kubelet's links",
        ),
        pytest.param(
            "cluster/pod-logs/shop_cart-7b646b74cf-n9c9h_cart.log",
            Place(),
            ("shop/cart-7b646b74cf-n9c9h", "cart", "cart"),
            id="names joined",
        ),
        pytest.param(
            "x/calico-node-abcde.log",
            Place(namespace="kube-system", pod="calico-node-abcde"),
            ("kube-system/calico-node-abcde", None, "calico-node"),
            id="pod from the layout",
        ),
        pytest.param(
            "x/y.log",
            Place(namespace="shop", pod="cart-7b646b74cf-n9c9h"),
            ("shop/cart-7b646b74cf-n9c9h", None, "cart"),
            id="the workload, if the container is unknown",
        ),
        pytest.param("x/any", Place(node="w1", component="kubelet"), (None, None, "kubelet"), id="from the layout"),
    ],
)
def test_places(path: str, place: Place, expected: tuple[str | None, str | None, str | None]) -> None:
    found = place_of(path, place)
    assert (f"{found.namespace}/{found.pod}" if found.pod else None, found.container, found.component) == expected


@pytest.mark.parametrize(
    ("path", "previous"),
    [
        ("a_b_c.previous.log", True),
        ("pod/c-previous.log", True),
        ("logs-p-c-20260101-prev.log", True),
        ("a_b_c.log", False),
    ],
)
def test_logs_of_the_previous_container(path: str, previous: bool) -> None:
    assert place_of(path, Place()).previous is previous


@pytest.mark.parametrize(
    ("tag", "component"),
    [("k3s-agent", "k3s"), ("kubelet.service", "kubelet"), ("/usr/bin/dockerd", "dockerd"), ("x", "x")],
)
def test_tags(tag: str, component: str) -> None:
    assert by_tag(tag) == component
