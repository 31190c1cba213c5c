"""docs/layouts.md: what is read of each collector, from the layouts, the kinds, and a sample written in each layout."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

from analyzer.bundle import open_bundle
from analyzer.command import parse_command
from analyzer.kinds import LOG, kinds
from analyzer.layout import Entry, Layout, layouts
from analyzer.match import Matcher
from analyzer.recognise import KNOWN_KIND, SECTIONS, recognise
from tests.layouts.dump import load

SAMPLE = Path(__file__).parents[2] / "samples" / "bundles" / "coredns-loop"
COLUMNS = {
    "firewall": r"iptables|nft|ipset|ipvs|firewall|ufw",
    "routes": r"^ip-route|route-n|ip-rule|net-route|ip-json",
    "links, addresses": r"^ip-(addr|link|json)|ifconfig|interface-|ethtool",
    "bridge": r"bridge|brctl|hairpin",
    "neighbours": r"neigh|arp",
    "sysctl": r"sysctl|proc-sys",
    "conntrack": r"conntrack",
    "sockets": r"^ss$|netstat$",
    "API objects": r"^kubectl-(json|yaml)",
    "API tables": r"^kubectl-(table|describe|columns)",
    "logs": r"^log$",
    "CNI, resolver": r"cni-config|resolv|flannel",
    "agents' settings": r"component-|docker-info|runtime",
}
INTRO = """# Layouts

What `hairpin` reads of what each collector writes. Generated from `analyzer/layouts/*.yaml`, the grammars and
the readers (`pytest --accept tests/test_layouts_page.py`).

A folder is a collector's if its markers are in it, wherever it lies: below other folders, in an archive inside an
archive, twice in one bundle. Files that no row names are recognised by name and content all the same, and what is
recognised by nothing is listed as such. *known* means that the file is understood to hold nothing that a rule asks for.

In this table ● means that the layout says so, ○ that files of the collector are recognised by themselves.
"""
RENDERERS = {
    "must_gather", "troubleshoot", "troubleshoot_old", "eks", "rancher", "cluster_info_dump", "cluster_info_dump_yaml",
    "supportconfig", "microk8s", "cilium_sysdump", "calico_cluster", "calico_node", "kind_export", "minikube", "antrea",
    "aks_periscope", "sos_report", "sos_old", "sos_collect",
}  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = [INTRO, _matrix()]
    parts += [_section(layout) for layout in sorted(layouts(), key=lambda one: one.name.lower())]
    return "\n".join(parts)


def _matrix() -> str:
    seen = _seen()
    rows = ["| | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for layout in sorted(layouts(), key=lambda one: one.name.lower()):
        told = {kind for entry in layout.files for kind in _kinds(layout, entry)}
        cells = [
            "●" if _any(pattern, told) else "○" if _any(pattern, seen.get(layout.name, set())) else " "
            for pattern in COLUMNS.values()
        ]
        rows.append(f"| {layout.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _any(pattern: str, names: set[str]) -> bool:
    return any(re.search(pattern, name) for name in names)


def _section(layout: Layout) -> str:
    lines = [f"## {layout.name}", "", f"{layout.about[0].upper()}{layout.about[1:]}.", ""]
    if layout.markers:
        lines.append("Recognised by " + " and ".join(f"`{marker}`" for marker in layout.markers) + ".")
    else:
        lines.append(f"Recognised by the start of the file: `{layout.begins}`.")
    if layout.host.files or layout.host.name:
        sources = [f"`{name}`" for name in layout.host.files] + (
            ["the folder's or archive's name"] if layout.host.name else []
        )
        lines.append("The host's name is in " + ", else ".join(sources) + ".")
    if layout.records:
        lines.append("What was run is noted in " + ", ".join(f"`{one.path}`" for one in layout.records) + ".")
    lines += ["", "| path | part | read as |", "|---|---|---|"]
    for entry in layout.files:
        paths = "<br>".join(f"`{path}`" for path in entry.path)
        part = f"`{_cell(entry.heading)}`" if entry.heading else ""
        lines.append(f"| {_cell(paths)} | {part} | {_cell(_read_as(layout, entry))} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _read_as(layout: Layout, entry: Entry) -> str:
    if entry.kind in (KNOWN_KIND, SECTIONS, LOG):
        return {KNOWN_KIND: "known", SECTIONS: "sections, each by its command or file", LOG: "log"}[entry.kind]
    found = ", ".join(sorted(_kinds(layout, entry)))
    return f"`{entry.command}`: {found or 'known'}" if entry.command else found or "by name and content"


def _kinds(layout: Layout, entry: Entry) -> set[str]:
    """The kinds that an entry's files are of, as far as its command or its path tells."""
    if entry.kind in kinds() or entry.kind == LOG:
        return {str(entry.kind)}
    if entry.kind:
        return set()
    if format := re.search(r"-o (json|yaml)\b", entry.command or ""):
        return {f"kubectl-{format[1]}"}
    if entry.command:
        options = [entry.command]
        if "{table}" in entry.command:
            options = [entry.command.replace("{table}", "nat")]
        names = tuple(name for one in options for name in parse_command(re.sub(r"\{(\w+)\}", r"\1", one)).names())
    else:
        names = tuple(re.sub(r"\*\*?|\{(\w+)\}", "x", path) for path in entry.path)
    first = [kind for kind in _matcher().by_path(names) if kind != LOG]
    return set(first[:1])


@cache
def _matcher() -> Matcher:
    return Matcher()


@cache
def _seen() -> dict[str, set[str]]:
    """Kinds of artifacts that are recognised in a sample written in each layout, by the layout's name."""
    found: dict[str, set[str]] = {}
    for name in sorted(RENDERERS):
        module = import_module(f"tests.layouts.{name}")
        with tempfile.TemporaryDirectory() as folder:
            for path, data in module.render(load(SAMPLE)).items():
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            with open_bundle([Path(folder)]) as bundle:
                found.setdefault(module.NAME, set()).update(one.kind for one in recognise(bundle).artifacts)
    return found
