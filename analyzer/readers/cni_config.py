"""CNI configuration files: *.conf and *.conflist, one or several in a text."""

from __future__ import annotations

import re

import msgspec

from analyzer.facts.address import CIDR, cidr
from analyzer.facts.configuration import CniPlugin
from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.kubectl_documents import JsonDocument, documents
from analyzer.text import decode

ARTIFACT = "cni-config"
COMMAND = "cat /etc/cni/net.d/*"
PER = "node"
FILES = ("**/cni/net.d/*.conf", "**/cni/net.d/*.conflist", "**/*.conflist", "**/cniconf-*", "**/cni/*.conflist")
BEGINS = (r'"cniVersion"\s*:', r'"plugins"\s*:\s*\[\s*\{', r'"delegate"\s*:\s*\{')
RANK = 50

# Plugins that set hairpin mode on the ports of a bridge, and do not unless told so.
_BRIDGED = ("bridge", "flannel")
_TITLE = re.compile(r"==> (\S+) <==|#+ *(/\S+)|.*[#$] *cat +(\S+)")


class _Range(msgspec.Struct, frozen=True):
    """One range of host-local."""

    subnet: str | None = None


class _Ipam(msgspec.Struct, frozen=True):
    """ipam of a plugin."""

    type: str | None = None
    subnet: str | None = None
    ranges: list[list[_Range]] | None = None


class _Options(msgspec.Struct, frozen=True):
    """What a plugin, or the plugin it delegates to, is told."""

    hairpin: bool | None = msgspec.field(default=None, name="hairpinMode")
    promiscuous: bool | None = msgspec.field(default=None, name="promiscMode")
    bridge: str | None = None
    mtu: int | None = None
    ipam: _Ipam | None = None


class _Plugin(_Options, frozen=True):
    """A plugin."""

    type: str | None = None
    name: str | None = None
    delegate: _Options | None = None


class _List(_Plugin, frozen=True):
    """A configuration: a list of plugins, or one plugin."""

    plugins: list[_Plugin] | None = None
    delegates: list[_Plugin] | None = None


_DECODER = msgspec.json.Decoder(_List, strict=False)


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """CniPlugin facts; a file that is no JSON gives a gap, because the runtime cannot read it either."""
    text = decode(data)
    content = text.encode("utf-8", "replace")
    facts: list[Fact] = []
    gaps: list[Gap] = []
    lines = text.split("\n")
    understood = {number for number, line in enumerate(lines) if line.strip()}
    file = path.rsplit("/", 1)[-1]
    for document in documents(content):
        first = content.count(b"\n", 0, document.start)
        last = content.count(b"\n", 0, document.end)
        titled = next((match for line in reversed(lines[:first]) if (match := _TITLE.match(line))), None)
        name = next(filter(None, titled.groups())).rsplit("/", 1)[-1] if titled else file
        source = Source(path, first_line + first, first_line + last)
        try:
            if document.broken:
                raise msgspec.DecodeError(document.broken)
            conf = _DECODER.decode(content[document.start : document.end])
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            gaps.append(Gap(source, f"a CNI configuration: {error}", lines[first][:400]))
            understood -= set(range(first, last + 1))
            continue
        facts.extend(_facts(conf, document, content, place, path, name, first_line))
    if not facts and not gaps and text.strip():
        gaps.append(Gap(Source(path, first_line, first_line), "a CNI configuration", text.strip()[:400]))
        understood = set()
    why = "a file is not valid" if gaps else ""
    covered = Coverage(fact="CniPlugin", node=place.node, complete=not why, note=why, path=path)
    written = sum(1 for line in lines if line.strip())
    return Parsed(
        facts=tuple(facts),
        gaps=tuple(gaps),
        coverage=(covered,),
        lines=written,
        understood=min(written, len(understood)),
    )


def _facts(
    conf: _List, document: JsonDocument, data: bytes, place: Place, path: str, file: str, first_line: int
) -> list[CniPlugin]:
    found = []
    position = document.start
    plugins = conf.plugins or conf.delegates or [conf]
    for number, plugin in enumerate(plugins, 1):
        if not plugin.type:
            continue
        match = re.compile(rb'"type"\s*:\s*"' + re.escape(plugin.type.encode()) + b'"').search(data, position)
        position = match.end() if match else position
        line = first_line + data.count(b"\n", 0, position)
        inner = plugin.delegate or _Options()
        ipam = plugin.ipam or inner.ipam or _Ipam()
        hairpin = plugin.hairpin if plugin.hairpin is not None else inner.hairpin
        found.append(
            CniPlugin(
                node=NodeName(place.node or "unknown"),
                file=file,
                network=conf.name,
                type=plugin.type,
                position=number,
                hairpin=False if hairpin is None and plugin.type in _BRIDGED else hairpin,
                promiscuous=plugin.promiscuous if plugin.promiscuous is not None else inner.promiscuous,
                bridge=plugin.bridge or inner.bridge,
                mtu=plugin.mtu or inner.mtu or None,
                ipam=ipam.type,
                subnet=_subnet(ipam),
                origin=Source(path, line, line),
            )
        )
    return found


def _subnet(ipam: _Ipam) -> CIDR | None:
    texts = [ipam.subnet, *(one.subnet for several in ipam.ranges or () for one in several)]
    return next((net for text in texts if text and (net := cidr(text)) is not None), None)
