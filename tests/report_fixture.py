"""A rich report for the tests of every output format: two causes, symptoms, hostile text, gaps, forty nodes."""

from __future__ import annotations

from analyzer.engine.outcome import Absence, Word
from analyzer.report import (
    BundleInfo,
    Check,
    ClusterInfo,
    Evidence,
    Failure,
    FileInfo,
    Finding,
    GapInfo,
    Hop,
    Missing,
    Moment,
    PathCell,
    Report,
    Span,
    Tool,
)
from analyzer.verdict import verdict_of

HOSTILE = (
    "</pre><script>alert('pwned')</script><img src=http://evil.example/x onerror=alert(1)> {{7*7}} {% raw %}"
    " ]]> <!-- \x1b]0;title\x07\x1b[2J \u202egnp.exe \x00\x08 \ufffe \udc80 \ue000 \x85 \u2028 " + "A" * 5000
)
NODES = tuple(f"worker-{number}" for number in range(1, 41))
DMESG = "[88122.401922] nf_conntrack: nf_conntrack: table full, dropping packet"

CONNTRACK = Finding(
    id="3b1c0f2e",
    rule="conntrack-table-full",
    area="node",
    title="Node worker-2 dropped packets because its conntrack table was full",
    severity="error",
    confidence="certain",
    entities=("Node/worker-2",),
    why="New connections through worker-2 fail at random, and DNS, which opens one per query, fails first.\n"
    "Connections that exist already go on working, which is why the fault looks like an unreliable application.\n",
    fix=(
        "See how full the table is, `sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max`",
        "Raise the limit now, `sysctl -w net.netfilter.nf_conntrack_max=262144`",
        "Make it last: set `conntrack.maxPerCore` of kube-proxy, which overwrites the sysctl when it starts",
    ),
    docs=("https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/",),
    first="2026-08-12T09:58:42Z",
    last="2026-08-12T10:21:03Z",
    evidence=(
        Evidence(
            fact="LogLine",
            path="nodes/worker-2/dmesg.txt",
            line=8812,
            text=DMESG,
            before=("[88121.100331] device veth7a2 entered promiscuous mode", "[88121.100402] cni0: port 7 is up"),
            after=("[88127.518800] net_ratelimit: 312 callbacks suppressed", DMESG.replace("88122", "88127")),
            cut=310,
        ),
        Evidence(
            fact="Sysctl",
            path="nodes/worker-2/sysctl-a.txt",
            line=611,
            text="net.netfilter.nf_conntrack_count = 65536",
            before=("net.netfilter.nf_conntrack_checksum = 1",),
            after=("net.netfilter.nf_conntrack_max = 65536",),
        ),
    ),
    explains=("77aa0001",),
    path=(
        Hop(label="shop/web-1", kind="pod"),
        Hop(label="worker-2", kind="node", broken=True),
        Hop(label="kube-system/kube-dns", kind="service"),
        Hop(label="worker-1", kind="node"),
        Hop(label="kube-system/coredns-5d-1", kind="pod"),
    ),
    caption="broken between worker-2 and kube-system/kube-dns: conntrack drops the first packet of a flow",
)
ROUTE = Finding(
    id="9c0d1e22",
    rule="pod-cidr-route-missing",
    area="routing",
    title="worker-3 has no route to 10.244.7.0/24, the pods of worker-7",
    severity="error",
    confidence="likely",
    entities=("Node/worker-3", "Node/worker-7"),
    why="Pods on worker-3 can only reach pods on worker-7 over a route to 10.244.7.0/24.\n"
    "Without one the packets leave by the default gateway and are dropped there.",
    fix=(
        "Check the CNI agent on worker-3; it owns this route",
        "Compare `ip route show table all` on worker-3 with a node that works",
    ),
    docs=("https://kubernetes.io/docs/concepts/cluster-administration/networking/",),
    absent=(
        Absence(
            fact="Route",
            where=("route.node == worker-3", "10.244.7.0/24 in route.destination"),
            searched=("nodes/worker-3/ip-route.txt",),
        ),
    ),
)
HOSTILE_FINDING = Finding(
    id="deadbeef",
    rule="access-log-errors",
    area="workload",
    title=f"Pod shop/web-1 logs {HOSTILE}",
    severity="warning",
    confidence="possible",
    entities=("Pod/shop/web-1", f"Pod/{HOSTILE[:60]}"),
    why=f"The log says {HOSTILE}",
    fix=(f"Read `kubectl logs {HOSTILE[:80]}` and judge", "Plain advice"),
    docs=(),
    first="2026-08-12T10:00:00Z",
    last="2026-08-12T10:00:00Z",
    evidence=tuple(
        Evidence(fact="LogLine", path=f"pods/{HOSTILE[:40]}.log", line=line, text=HOSTILE, before=(HOSTILE,) * 2)
        for line in range(3, 12)
    ),
    caption=HOSTILE,
    path=(Hop(label=HOSTILE, broken=True), Hop(label="b")),
)
SYMPTOM = Finding(
    id="77aa0001",
    rule="coredns-upstream-timeout",
    area="dns",
    title="CoreDNS pod coredns-5d-1 cannot reach its upstream 10.0.0.2",
    severity="warning",
    confidence="likely",
    entities=("Pod/kube-system/coredns-5d-1", "Node/worker-2"),
    why="CoreDNS forwarded 41 queries to 10.0.0.2 within five minutes and heard nothing.",
    fix=("From node worker-2, try the upstream itself, `dig @10.0.0.2 kubernetes.io`",),
    docs=("https://coredns.io/plugins/forward/",),
    first="2026-08-12T09:59:10Z",
    last="2026-08-12T10:20:44Z",
    evidence=(
        Evidence(
            fact="LogLine",
            path="pods/kube-system/coredns-5d-1/coredns.log",
            line=4120,
            text="[ERROR] plugin/errors: 2 a.io. A: read udp 10.244.1.2:4312->10.0.0.2:53: i/o timeout",
        ),
    ),
    explained_by=("3b1c0f2e",),
)
INFO = Finding(
    id="0badcafe",
    rule="docker-forward-drop",
    area="firewall",
    title="The FORWARD policy of worker-1 is DROP, but pod traffic is accepted before it",
    severity="info",
    confidence="certain",
    entities=("Node/worker-1",),
    why="Harmless as long as kube-proxy or the CNI plugin accepts the pod range first.",
    fix=("Make it independent of rule order, `iptables -P FORWARD ACCEPT`",),
    docs=(),
)


def scopes(special: dict[str, Word]) -> dict[str, Word]:
    """Every node clear, except the given ones."""
    return {node: special.get(node, "clear") for node in NODES}


def check(rule: str, area: str, outcome: Word, special: dict[str, Word] | None = None, **rest: object) -> Check:
    """A check; with `special` it decides per node."""
    return Check(
        rule=rule,
        area=area,
        title=rule.replace("-", " ").capitalize(),
        severity="error",
        outcome=outcome,
        evaluated=len(NODES),
        facts=("LogLine", "Sysctl"),
        scopes=scopes(special) if special is not None else {},
        lacks=("ProgrammedService on worker-3 (cut off at line 812)",) if outcome == "not collected" else (),
    )


CHECKS = (
    check("access-log-errors", "workload", "found"),
    check("conntrack-table-full", "node", "found", {"worker-2": "found", "worker-9": "not collected"}),
    check("coredns-upstream-timeout", "dns", "found"),
    check("docker-forward-drop", "firewall", "found", {"worker-1": "found"}),
    check("ip-forward-off", "node", "clear", {}),
    check("network-policy-dns-denied", "policy", "not applicable"),
    check("pod-cidr-route-missing", "routing", "found", {"worker-3": "found", "worker-40": "not applicable"}),
    check("service-not-programmed", "service", "not collected", {"worker-3": "not collected"}),
    check("vxlan-port-blocked", "tunnel", "broken"),
)
MISSING = (
    Missing(
        fact="ProgrammedService",
        scope="worker-3",
        command="iptables-save; ipvsadm -Ln; nft list ruleset",
        file="nodes/worker-3/iptables-save.txt",
        note="cut off at line 812",
        rules=("service-not-programmed",),
    ),
    Missing(
        fact="Sysctl",
        scope="worker-9",
        command="sysctl -a",
        file="nodes/worker-9/sysctl-a.txt",
        rules=("conntrack-table-full",),
    ),
    Missing(
        fact="NetworkPolicy",
        scope="",
        command="kubectl get networkpolicies -A -o json",
        file="cluster/kubectl-get-networkpolicies-A-o-json.json",
        rules=("network-policy-dns-denied",),
    ),
    Missing(
        fact="Route",
        scope="$(touch pwned); -oProxyCommand=x",
        command="ip route show table all",
        file="nodes/$(touch pwned)/ip-route.txt",
        rules=("pod-cidr-route-missing",),
    ),
)
FINDINGS = (CONNTRACK, ROUTE, HOSTILE_FINDING, INFO, SYMPTOM)


def rich_report() -> Report:
    """The report with everything in it."""
    return Report(
        tool=Tool(name="hairpin", version="0.1.0", rules=len(CHECKS)),
        bundle=BundleInfo(
            name="support-bundle-2026-08-12.tar.gz",
            sha256="5f" * 32,
            layout="troubleshoot",
            files=64,
            recognised=61,
            logs=Span(start="2026-08-12T09:40:00Z", end="2026-08-12T10:22:00Z"),
            notes=("nodes/worker-3/iptables-save.txt: cut off, the archive ends inside it", f"x\x1b[31m: {HOSTILE}"),
        ),
        cluster=ClusterInfo(
            version="v1.29.4",
            cni="flannel",
            service_proxy="iptables",
            distribution="kubeadm",
            nodes=NODES,
            pods=412,
            services=57,
        ),
        verdict=verdict_of(FINDINGS, CHECKS),
        findings=FINDINGS,
        checks=CHECKS,
        missing=MISSING,
        gaps=(
            GapInfo(path="nodes/worker-4/ip-route.txt", line=12, text="garbled via via", expected="a route"),
            GapInfo(path="pods/x.log", line=1, text=HOSTILE, expected="a log line"),
        ),
        files=(
            FileInfo(path="nodes/worker-2/dmesg.txt", kind="log", why="its path", node="worker-2", facts=12),
            FileInfo(path="nodes/worker-2/sysctl-a.txt", kind="sysctl", why="its content", node="worker-2", facts=1100),
            FileInfo(path="nodes/worker-4/ip-route.txt", kind="ip-route", why="its name", node="worker-4", gaps=1),
            FileInfo(path="nodes/worker-5/ipvsadm.txt", kind="failed", why="holds an error instead of ipvs: not found"),
            FileInfo(path=f"odd/{HOSTILE}", why="nothing known begins like this"),
        ),
        failures=(Failure(where="rule vxlan-port-blocked", text="ZeroDivisionError: division by zero (model.py:3)"),),
        timeline=(
            Moment(time="2026-08-12T09:58:42Z", entity="Node/worker-2", text=CONNTRACK.title, finding="3b1c0f2e"),
            Moment(
                time="2026-08-12T09:59:10Z",
                entity="Pod/kube-system/coredns-5d-1",
                text=SYMPTOM.title,
                finding="77aa0001",
            ),
            Moment(time="2026-08-12T10:00:00Z", entity=f"Pod/{HOSTILE}", text=HOSTILE, finding="deadbeef"),
            Moment(
                time="2026-08-12T10:20:44Z",
                entity="Pod/kube-system/coredns-5d-1",
                text=SYMPTOM.title,
                finding="77aa0001",
            ),
            Moment(time="2026-08-12T10:21:03Z", entity="Node/worker-2", text=CONNTRACK.title, finding="3b1c0f2e"),
        ),
        paths=tuple(
            PathCell(row=row, node=node, verdict=verdict, reason=reason)
            for row, bad in (
                ("service default/kubernetes", ""),
                ("service shop/web", "worker-3"),
                ("pod to dns", "worker-2"),
            )
            for node in NODES[:12]
            for verdict, reason in [
                ("dropped", f"worker drops it {HOSTILE[:90]}")
                if node == bad
                else ("unknown", "ipset not collected")
                if node == "worker-9"
                else ("ok", "")
            ]
        ),
    )


def quiet_report() -> Report:
    """A report in which nothing was found and nothing is missing."""
    checks = (check("ip-forward-off", "node", "clear", {}),)
    return Report(
        tool=Tool(name="hairpin", version="0.1.0", rules=1),
        bundle=BundleInfo(name="ok.zip", sha256="00" * 32, layout="", files=1, recognised=1, logs=Span()),
        cluster=ClusterInfo(),
        verdict=verdict_of((), checks),
        checks=checks,
    )
