"""The samples of artifacts: `samples/artifacts/<kind>/<case>.txt`, and what is known of each besides its text."""

from __future__ import annotations

from pathlib import Path

import msgspec

from analyzer.facts.fact import Parsed
from analyzer.facts.source import Place
from analyzer.kinds import LOG, kinds

FOLDER = Path(__file__).parent.parent / "samples" / "artifacts"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One sample.

    `path` is where a collector would have put it, `command` what printed it; `content` is false if the text alone does
    not tell its kind; `netns` is set if it was read inside a pod. All four come from `<case>.yaml`, if there is one.
    """

    file: Path
    path: str = ""
    command: str = ""
    content: bool = True
    netns: str | None = None

    @property
    def kind(self) -> str:
        """The kind it is a sample of: the name of its folder."""
        return self.file.parent.name

    @property
    def golden(self) -> Path:
        """Where its golden stands."""
        return self.file.with_name(f"{self.file.stem}.golden.json")

    def parse(self, data: bytes | None = None) -> Parsed:
        """What its kind reads in it, or in other bytes in its place."""
        path = self.path or f"nodes/worker-1/{self.file.stem}.txt"
        text = self.file.read_bytes() if data is None else data
        return kinds()[self.kind].parse(text, path, self.place(), 1, self.command)

    def place(self) -> Place:
        """Where it was collected."""
        return Place(node="worker-1", netns=self.netns)


def samples() -> list[Sample]:
    """Every sample but those of logs, which have goldens of their own."""
    found = []
    for file in sorted(FOLDER.glob("*/*.txt")):
        if file.parent.name != LOG:
            said = file.with_suffix(".yaml")
            known = msgspec.yaml.decode(said.read_bytes(), type=dict[str, str | bool]) if said.exists() else {}
            found.append(msgspec.convert({**known, "file": file}, Sample, dec_hook=lambda _, value: value))
    return found
