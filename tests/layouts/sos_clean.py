"""sos clean: host names, addresses and hardware addresses replaced, so that no network contains what it did before."""

from __future__ import annotations

import re

from tests.layouts import sos_report
from tests.layouts.dump import Dump, Files

NAME = sos_report.NAME
_ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(/\d{1,2})?(?![\d.])")
_LEFT = re.compile(r"0\.0\.0\.0|127\.|255\.|\d+\.\d+\.\d+\.\d{4}")
_HARDWARE = re.compile(
    r"\b(?!ff:|00:00:00:)[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}(:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2})\b"
)


def render(dump: Dump) -> Files:
    files: Files = {}
    for path, data in mapped(sos_report.render(dump)).items():
        content = data.decode()
        for number, node in enumerate(dump.nodes):
            name = f"host{number}.obfuscateddomain0.com"
            content, path = content.replace(node, name), path.replace(node, f"host{number}")
        top, _, rest = path.partition("/")
        files[f"{top}-obfuscated/{rest}"] = content.encode()
    return files


def mapped(files: Files) -> Files:
    """The files with networks replaced one by one, and single addresses by others that lie in none of them."""
    networks: dict[str, str] = {}
    hosts: dict[str, str] = {}

    def one(found: re.Match[str]) -> str:
        address, length = found[1], found[2] or ""
        if _LEFT.match(address):
            return found[0]
        if length and length != "/32":
            return networks.setdefault(address + length, f"{100 + len(networks) % 100}.0.0.0{length}")
        return hosts.setdefault(address, f"172.17.{len(hosts) // 250}.{len(hosts) % 250 + 1}") + length

    texts = {path: _ADDRESS.sub(one, data.decode()) for path, data in files.items()}
    return {path: _HARDWARE.sub(r"53:4f:53\1", content).encode() for path, content in texts.items()}
