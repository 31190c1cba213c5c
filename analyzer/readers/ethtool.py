"""`ethtool`: features (-k), statistics (-S), driver (-i) and the link of an interface."""

from __future__ import annotations

import re
from typing import Literal

from analyzer.facts.configuration import Version
from analyzer.facts.fact import Fact, Parsed
from analyzer.facts.host import Offload
from analyzer.facts.nodes import Counter
from analyzer.facts.routing import Interface
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "ethtool"
COMMAND = "ethtool INTERFACE; ethtool -k INTERFACE; ethtool -S INTERFACE; ethtool -i INTERFACE"
PER: Literal["cluster", "namespace", "node"] = "node"
# What else ethtool prints (rings, pauses, time stamps) is known and not needed.
FILES = (
    *(f"**/{before}ethtool_-[kSi]_*" for before in ("", "ip_netns_exec_*_")),
    "**/ethtool-[kSi]*",
    "**/ethtool_[a-z0-9]*",
)
BEGINS = (
    r"^(Features|Settings|Ring parameters|Channel parameters|Coalesce parameters|Pause parameters) for \S+:$",
    r"^NIC statistics:$",
    r"^driver: \S+\nversion: ",
)
RANK = 50

TITLE = re.compile(r"([A-Z][\w -]+?) (?:for|of) (\S+?):$")
FEATURE = re.compile(r"\t?\s*([\w-]+): (on|off)(?: \[(fixed|requested (?:on|off)|not requested)\])?\s*$")
STATISTIC = re.compile(r"\s+(.+?): (-?\d{1,20})$")
VALUE = re.compile(r"\s*[\w(][^:]*:\s*.*$")
UNREADABLE = re.compile(r"netlink error|Cannot get|Operation not |No data|no stats available|Cannot .*: ")
OF_FORM: dict[str, type[Fact]] = {"Features": Offload, "statistics": Counter, "Settings": Interface}
# The interface of -S and -i is told by the command or the file's name alone.
OF = re.compile(r"ethtool(?:[ _.-]+-?[A-Za-z](?:[ _.-]|$))?[ _]?([\w.@-]+?)(?:\.txt)?$")


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Offload, Counter, Version (of the driver) and Interface facts; rings, channels and the like are known."""
    text = NodeText(data, path, place, first_line)
    named = OF.search(command) or OF.search(path.rsplit("/", 1)[-1])
    dev = named[1] if named else ""
    form = ""
    for number, line in text.lines:
        if not line.strip():
            continue
        if found := TITLE.match(line):
            form, dev = found[1], found[2]
        elif line.startswith("NIC statistics:"):
            form = "statistics"
        elif line.startswith("driver: "):
            form = "driver"
            text.add(Version, number, component=f"driver of {dev or 'an interface'}", version=line[8:].strip())
        elif UNREADABLE.match(line):
            form = ""
        elif form == "Features" and (found := FEATURE.match(line)):
            text.add(Offload, number, dev=dev, name=found[1], enabled=found[2] == "on", fixed=found[3] == "fixed")
        elif form == "statistics" and (found := STATISTIC.match(line)):
            if dev:
                text.add(Counter, number, table="ethtool", name=f"ethtool.{dev}.{found[1]}", value=int(found[2]))
        elif form == "Settings" and (found := re.match(r"\s+Link detected: (yes|no)", line)):
            text.add(Interface, number, name=dev, lower_up=found[1] == "yes")
        elif form in ("", "Features") or not (VALUE.match(line) or line[0].isspace()):
            text.gap(number, "what ethtool shows", line)
    covered = OF_FORM.get(form)
    if covered:
        table = "ethtool" if covered is Counter else None
        text.cover(covered, table=table, complete=False, note=f"only {dev or 'one interface'}")
    return text.done()
