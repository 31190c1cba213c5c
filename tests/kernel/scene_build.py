"""Builds a scene in network namespaces, takes its dumps, counts rule hits, removes it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analyzer.analysis import Options, collect
from analyzer.bundle import Limits, open_bundle
from analyzer.facts.store import Facts
from analyzer.logs import Patterns
from tests.kernel.scene_plan import PATIENCE, Plan
from tests.kernel.scene_probe import Agent

MARK = "=#="
DUMPS = {
    "iptables-save.txt": "iptables-save -c",
    "ip6tables-save.txt": "ip6tables-save -c",
    "ip-addr.txt": "ip addr",
    "ip-link.txt": "ip -d link",
    "ip-route-all.txt": "ip route show table all",
    "ip-rule.txt": "ip rule",
    "ip-6-rule.txt": "ip -6 rule",
    "ip-neigh.txt": "ip neigh",
    "bridge-fdb.txt": "bridge fdb",
    "bridge-link.txt": "bridge -d link",
    "sysctl-a.txt": r"sysctl -a -r '^net\.(bridge\.bridge-nf-call|ipv4\.(ip_forward$|conf\.[^.]*\.(forwarding|rp_filter|accept_local|route_localnet|src_valid_mark|proxy_arp)$)|ipv6\.conf\.[^.]*\.(forwarding|disable_ipv6)$)' 2>/dev/null",
    "ss-tlnp.txt": "ss -tlnp",
    "ss-ulnp.txt": "ss -ulnp",
}
NFT = {"nft-ruleset.txt": "nft list ruleset"}
SETS = {"ipset-save.txt": "ipset save"}
COUNTED = re.compile(r"^\[(\d+):\d+\] -A (\S+)")


class Built:
    """A running scene. Namespaces carry a prefix with the number of this process, so that runs do not meet."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.prefix = f"hs{os.getpid()}-"
        self.real = {name: self.prefix + name for name in plan.places}
        self.agent: Agent | None = None

    def build(self) -> None:
        """Namespaces, links, settings, rules, listeners. RuntimeError names the command that failed."""
        remove(self.prefix)
        for number in {found[1] for name in _namespaces() if (found := re.match(r"hs(\d+)-", name))}:
            if not Path("/proc", number).exists():
                remove(f"hs{number}-")  # of a run that was killed
        _batch([f"netns add {real}" for real in self.real.values()])
        _batch(
            [
                f"link add {i} netns {self.real[a]} type veth peer name {j} netns {self.real[b]}"
                for a, i, b, j in self.plan.links
            ]
        )
        for name, place in self.plan.places.items():
            self.shell(name, "\n".join(["set -e", *place.script, PATIENCE]))
        self.forget_neighbours()
        for name, place in self.plan.places.items():
            for family, rules in place.rules.items():
                self._load(name, "iptables-restore" if family == 4 else "ip6tables-restore", rules)
            if place.nft:
                self._load(name, "nft -f -", place.nft)
        self.agent = Agent(self.real)
        for name, place in self.plan.places.items():
            self.agent.listen(name, place.listens)

    def _load(self, name: str, command: str, text: str) -> None:
        done = subprocess.run(
            ["ip", "netns", "exec", self.real[name], *command.split()],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"seed {self.plan.seed} {name} {command}: {done.stderr}\n{text}")

    def shell(self, name: str, script: str) -> str:
        """The output of a script in a namespace."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.real[name], "sh", "-c", script], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"seed {self.plan.seed} {name}: {done.stderr}\n{script}")
        return done.stdout

    def dumps(self) -> dict[str, str]:
        """Every dump by its path in a case directory, where pods and the outside are nodes too."""
        texts = {}
        for name, place in self.plan.places.items():
            commands = DUMPS | (NFT if self.plan.proxy == "nftables" and place.kind == "node" else {})
            commands |= SETS if any("ipset create" in line for line in place.script) else {}
            script = "\n".join(f"echo '{MARK}{file}'; {command}" for file, command in commands.items())
            texts[f"nodes/{name}/hostname.txt"] = name + "\n"
            for part in self.shell(name, script + "\ntrue").split(MARK)[1:]:
                file, _, text = part.partition("\n")
                texts[f"nodes/{name}/{file}"] = text
        return texts

    def counters(self) -> dict[tuple[str, str, str, int], int]:
        """Packets counted by each rule: node, table, chain, number in the chain; both families, kept apart by the chain."""
        found: dict[tuple[str, str, str, int], int] = {}
        for place in self.plan.of_kind("node"):
            for command, suffix in (("iptables-save -c", ""), ("ip6tables-save -c", "6")):
                table, number = "", dict[str, int]()
                for line in self.shell(place.name, command).splitlines():
                    if line.startswith("*"):
                        table, number = line[1:], {}
                    elif counted := COUNTED.match(line):
                        chain = counted[2]
                        number[chain] = number.get(chain, 0) + 1
                        found[place.name, table + suffix, chain, number[chain]] = int(counted[1])
        return found

    def forget_neighbours(self) -> None:
        """Empties the neighbour tables, as the dumps found them: rules may keep them from being filled anew."""
        for name in self.plan.places:
            self.shell(name, "ip neigh flush all; ip route flush cache; ip -6 route flush cache")

    def owners(self, dumps: dict[str, str]) -> dict[str, frozenset[str]]:
        """Who has an address."""
        found: dict[str, frozenset[str]] = {}
        for name in self.plan.places:
            for address in re.findall(r"inet6? ([0-9a-f.:]+)/", dumps[f"nodes/{name}/ip-addr.txt"]):
                found[address] = found.get(address, frozenset()) | {name}
        return found

    def close(self) -> None:
        """Removes everything."""
        if self.agent is not None:
            self.agent.close()
        remove(self.prefix)


def remove(prefix: str) -> None:
    """Deletes the namespaces with a prefix."""
    names = (
        [name for name in os.listdir("/run/netns") if name.startswith(prefix)] if Path("/run/netns").exists() else []
    )
    if names:
        _batch([f"netns del {name}" for name in names])


def _namespaces() -> list[str]:
    return os.listdir("/run/netns") if Path("/run/netns").exists() else []


def _batch(commands: list[str]) -> None:
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{done.stderr}\n" + "\n".join(commands))


@contextlib.contextmanager
def built(plan: Plan) -> Iterator[Built]:
    """A scene, removed afterwards."""
    made = Built(plan)
    try:
        made.build()
        yield made
    finally:
        made.close()


def facts_in(dumps: dict[str, str]) -> Facts:
    """The facts of dumps; unlike facts_of it reads no rules, since no log line matters here."""
    with tempfile.TemporaryDirectory() as name:
        for path, text in dumps.items():
            file = Path(name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        with open_bundle([Path(name)], Limits()) as bundle:
            return collect(bundle, Patterns(()), Options(strict=True)).facts


def export(folder: Path, dumps: dict[str, str], plan: Plan, flow: dict[str, Any], kernel: str) -> None:
    """Writes a case directory for `hairpin trace DIR --flow DIR/flow.json --topology DIR/topology.json`."""
    for path, text in dumps.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "topology.json").write_text(json.dumps(plan.topology, indent=1) + "\n")
    (folder / "flow.json").write_text(json.dumps(flow, indent=1) + "\n")
    (folder / "kernel.txt").write_text(kernel + "\n")
