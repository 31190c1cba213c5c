"""`kubectl version` as text, YAML or JSON, and `k3s --version`."""

from __future__ import annotations

import re

from analyzer.facts.configuration import Version
from analyzer.facts.fact import Coverage, Fact, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.text import decode

ARTIFACT = "kubectl-version"
COMMAND = "kubectl version"
PER = "cluster"
FILES = ("**/kubectl-version*", "**/kubectl_version*", "**/cluster/version.*", "**/kubernetes-version*")
BEGINS = (r"^Client Version: ", r"^(client|server)Version:", r'^\s*\{\s*"(client|server)Version"', r"^k3s version v")
RANK = 50

_LINE = re.compile(r'(Client|Server) Version: (?:version\.Info\{.*?GitVersion:"([^"]+)"|(v?\d\S*))')
_OWNER = re.compile(r'\s*"?(client|server)Version"?\s*:')
_GIT = re.compile(r'"?gitVersion"?\s*:\s*"?([^",\s]+)')
_OTHER = re.compile(
    r'\s*"?(buildDate|compiler|gitCommit|gitTreeState|goVersion|major|minor|platform|kustomizeVersion|emulation\w+'
    r"|minCompatibility\w+)\"?\s*:|Kustomize Version|\s*[{}],?$|go version|WARNING|Warning|The connection to the server"
    r"|Unable to connect|error:|Use --output|.*[#$+>] *(kubectl|k3s) "
)
_AWAY = re.compile(r"The connection to the server|Unable to connect|error:", re.IGNORECASE)
_OWN = {"client": "kubectl", "server": "kubernetes"}


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Version facts of kubectl (client) and kubernetes (server)."""
    facts: list[Fact] = []
    gaps: list[Gap] = []
    owner = "server"
    written = 0
    away = ""
    for number, line in enumerate(decode(data).split("\n"), first_line):
        if not line.strip():
            continue
        written += 1
        here = Source(path, number, number)
        component, version = "", ""
        if found := _LINE.match(line):
            component, version = _OWN[found[1].lower()], found[2] or found[3]
        elif found := re.match(r"k3s version (\S+)", line):
            component, version = "k3s", found[1]
        else:
            if found := _OWNER.match(line):
                owner = found[1]
            if git := _GIT.search(line):
                component, version = _OWN[owner], git[1]
            elif _AWAY.match(line):
                away = f"line {number}: the server did not answer"
            elif not found and not _OTHER.match(line):
                gaps.append(Gap(here, "a line of kubectl version", line[:400]))
        if version:
            facts.append(Version(component=component, version=version, origin=here))
    covered = Coverage(fact="Version", complete=not gaps and not away, note=away, path=path)
    return Parsed(
        facts=tuple(facts), gaps=tuple(gaps), coverage=(covered,), lines=written, understood=written - len(gaps)
    )
