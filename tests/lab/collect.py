"""Takes the dumps of a lab into a folder, in the layout `nodes/<node>/…`, `cluster/…`."""

from __future__ import annotations

from pathlib import Path

from tests.lab.cluster import NODES, PODS, within
from tests.lab.objects import Object, listed

# The value files are read with cat, since `ip netns exec` mounts the namespace's own /sys.
HAIRPIN = "for f in /sys/devices/virtual/net/*/brif/*/hairpin_mode; do echo $f $(cat $f); done"
NODE_COMMANDS = {
    "iptables-save.txt": ("iptables-save", "-c"),
    "ip-addr.txt": ("ip", "addr"),
    "ip-link.txt": ("ip", "-d", "link"),
    "ip-route-all.txt": ("ip", "route", "show", "table", "all"),
    "ip-rule.txt": ("ip", "rule"),
    "ip-neigh.txt": ("ip", "neigh"),
    "bridge-link.txt": ("bridge", "-d", "link"),
    "bridge-fdb.txt": ("bridge", "fdb"),
    "sysctl-a.txt": (
        "sysctl",
        "-a",
        "-r",
        r"^net\.(bridge|ipv4\.(ip_forward|conf|neigh\.default)|netfilter\.nf_conntrack_(max|count))",
    ),
    "ss-tlnp.txt": ("ss", "-tlnp"),
    "ss-ulnp.txt": ("ss", "-ulnp"),
    "conntrack-stats.txt": ("conntrack", "-S"),
}
POD_COMMANDS = {
    "ip-addr.txt": ("ip", "addr"),
    "ip-route.txt": ("ip", "route"),
    "ip-neigh.txt": ("ip", "neigh"),
    "ss-tlnp.txt": ("ss", "-tlnp"),
    "ss-ulnp.txt": ("ss", "-ulnp"),
}
NODE_RESOLV_CONF = "nameserver 172.31.5.1\nsearch example.internal\n"
LOGS = {
    "kube-proxy.log": 'I1123 09:00:01.100000       1 server_others.go:72] "Using iptables proxy"\n'
    "I1123 09:00:01.900000       1 shared_informer.go:318] Caches are synced for service config\n",
    "kubelet.log": 'I1123 09:00:00.500000     911 kubelet.go:2460] "SyncLoop ADD" source="api"\n'
    'I1123 09:00:09.500000     911 kubelet.go:2460] "SyncLoop (probe)" probe="readiness" status="ready"\n',
}


def collect(folder: Path, api: dict[str, list[Object]], files: dict[str, str]) -> None:
    """Writes every dump; `files` are texts by path that only some faults need (logs, configuration)."""
    for node, number in NODES.items():
        base = folder / "nodes" / node
        for name, command in NODE_COMMANDS.items():
            _write(base / name, within(f"hp-{node}", *command, check=False))
        for line in within(f"hp-{node}", "sh", "-c", HAIRPIN).splitlines():
            path, value = line.split()
            _write(base / path.lstrip("/"), value + "\n")
        _write(base / "hostname.txt", f"{node}\n")
        _write(base / "date.txt", "Mon Nov 23 09:10:00 UTC 2026\n")
        _write(base / "etc/resolv.conf", NODE_RESOLV_CONF)
        _write(
            base / "run/flannel/subnet.env",
            f"FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.{number}.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
        )
        _write(
            base / "etc/cni/net.d/10-flannel.conflist",
            '{"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}\n',
        )
        for name, text in LOGS.items():
            _write(base / "var/log" / name, text)
    for pod in PODS:
        base = folder / "nodes" / pod.node / "pods" / pod.name
        for name, command in POD_COMMANDS.items():
            _write(base / name, within(pod.netns, *command, check=False))
        # The pods of CoreDNS have dnsPolicy Default: they get the file of their node.
        _write(
            base / "resolv.conf",
            NODE_RESOLV_CONF
            if pod.owner == "coredns"
            else "nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
        )
    for name, items in api.items():
        _write(folder / "cluster" / f"{name}.json", listed(items))
    _write(
        folder / "cluster/version.txt", "Client Version: v1.29.4\nKustomize Version: v5.0.4\nServer Version: v1.29.4\n"
    )
    for name, text in files.items():
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
