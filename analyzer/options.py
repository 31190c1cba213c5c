"""What commands take: words to choose from, sizes, one flag for each limit, and messages that name the way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any

import click

from analyzer.deadline import bound_memory, run_deadline
from analyzer.errors import UsageError
from analyzer.limits import FLAGS, GIB, KIB, MIB, Limits, readable

_UNITS = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": GIB << 10}
_HELP = {
    "members": "Most files, links and folders",
    "member_size": "Most bytes of one file, as 512M or 4G",
    "total_size": "Most bytes when all is unpacked",
    "ratio": "Most times that an archive may grow",
    "depth": "Most archives inside archives",
    "line_length": "Most bytes of one line that are read",
    "file_time": "Most seconds of computing for one file",
    "time_limit": "Seconds after which reading stops; the report is of what was read and names the rest",
    "memory": "Most memory, with one process; files that need more are not read",
    "time": "Most seconds for everything",
}
_SIZES = ("member_size", "total_size", "line_length", "memory")


def size(text: str | int) -> int:
    """Bytes of a size as people write it: 4096, 64K, 512MiB, 4G."""
    found = re.fullmatch(r"(\d{1,15})\s*([KMGT]?)(?:i?B)?", str(text).strip(), re.IGNORECASE)
    if found is None or not int(found[1]):
        raise click.BadParameter(f"{text!r} is not a size; write it as 512M or 4G")
    return int(found[1]) * _UNITS[found[2].upper()]


def count(text: str | int) -> int:
    """A whole number from 1 up."""
    if not re.fullmatch(r"\d{1,15}", str(text)) or not int(text):
        raise click.BadParameter(f"{text!r} is not a whole number from 1 up")
    return int(text)


def processes(text: str | int) -> int:
    """A number of processes; 0 stands for one a core."""
    return 0 if str(text) == "0" else count(text)


def one_of(option: str, word: str, known: Iterable[str]) -> str:
    """The word, if it is known; else UsageError with all that are, and the nearest."""
    listed = list(known)
    if word in listed:
        return word
    close = get_close_matches(word.lower(), listed, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UsageError(f"{option} takes {', '.join(listed[:-1])} or {listed[-1]}, not {word!r}{hint}")


_WHAT = "A folder, an archive, a single file, or - for standard input"
several_bundles = click.argument(
    "paths", nargs=-1, required=True, type=Path, metavar="BUNDLE...", help=f"{_WHAT}; several: one cluster."
)
one_bundle = click.argument("bundle", type=Path, metavar="BUNDLE", help=f"{_WHAT}.")
rule_folders = click.option(
    "--rules",
    multiple=True,
    type=Path,
    metavar="FOLDER",
    help="A folder of further rules, which replace those of the same id.",
)
rule_id = click.argument("id", metavar="ID", help="The id of a rule, as `hairpin rules list` prints it.")
text_or_json = click.option("--format", "-f", default="text", metavar="FORMAT", help="text or json.")
processes_used = click.option(
    "--jobs", "-j", default=0, type=processes, metavar="N", help="Processes; 0 takes one a core."
)
TEXT_OR_JSON = ("text", "json")


class InOrder(click.Group):
    """Lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self.commands)


def bounded(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that takes `limits` one flag for each of them instead; they stand last in its help."""

    @wraps(command)
    def run(**given: Any) -> None:
        stated = {name: given.pop(name) for name in FLAGS}
        limits = Limits(**{name: value for name, value in stated.items() if value is not None})
        if limits.memory is not None:
            bound_memory(limits.memory)
        with run_deadline(limits.time):
            command(**given, limits=limits)

    for name, flag in reversed(FLAGS.items()):
        value = getattr(Limits(), name)
        told = "no limit" if value is None else readable(value) if name in _SIZES else f"{value:,}"
        parser, shown = (size, "SIZE") if name in _SIZES else (count, "N")
        click.option(flag, name, type=parser, metavar=shown, help=f"{_HELP.get(name, name)} ({told}).")(run)
    return run


def complaint(error: click.UsageError) -> str:
    """One line for what the argument parser did not accept, with the command that tells what it does."""
    text = " ".join(str(error.format_message()).split()).rstrip(".")
    path = error.ctx.command_path if error.ctx else "hairpin"
    wrong = re.match(r"No such command '(.*?)'", text)
    if wrong and path == "hairpin" and Path(wrong[1]).exists():
        return f"{wrong[1]!r} is not a command; to analyse it: `hairpin report {wrong[1]}`"
    return f"{text[:1].lower()}{text[1:]} (`{path} --help` tells what there is)"
