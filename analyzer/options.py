"""What commands take: words to choose from, sizes, one flag for each limit, and messages that name the way out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from analyzer.deadline import bound_memory, run_deadline
from analyzer.errors import UsageError
from analyzer.limits import FLAGS, GIB, KIB, MIB, Limits, readable

# The class behind every complaint of the argument parser, whichever package it comes from in this version of typer.
ParserError: Any = typer.BadParameter.__base__

_UNITS = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": GIB << 10}
_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
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
    found = _SIZE.fullmatch(str(text).strip())
    if found is None or not int(found[1]):
        raise typer.BadParameter(f"{text!r} is not a size; write it as 512M or 4G")
    return int(found[1]) * _UNITS[found[2].upper()]


def count(text: str | int) -> int:
    """A whole number from 1 up."""
    if not re.fullmatch(r"\d{1,15}", str(text)) or not int(text):
        raise typer.BadParameter(f"{text!r} is not a whole number from 1 up")
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


_WHAT = "a folder, an archive, a single file, or - for standard input"
Paths = Annotated[list[Path], typer.Argument(metavar="BUNDLE", help=f"{_WHAT.capitalize()}; several: one cluster.")]
Bundles = Annotated[Path, typer.Argument(metavar="BUNDLE", help=f"{_WHAT.capitalize()}.")]
RuleDirs = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="FOLDER", help="A folder of further rules, which replace those of the same id."),
]
RuleId = Annotated[str, typer.Argument(metavar="ID", help="The id of a rule, as `hairpin rules list` prints it.")]
Format = Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text or json.")]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", parser=processes, metavar="N", help="Processes; 0 takes one a core.")
]
TEXT_OR_JSON = ("text", "json")


def bounded(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that takes `limits` one flag for each of them instead."""

    def run(**given: Any) -> None:
        stated = {name: given.pop(name) for name in FLAGS}
        limits = Limits(**{name: value for name, value in stated.items() if value is not None})
        if limits.memory is not None:
            bound_memory(limits.memory)
        with run_deadline(limits.time):
            command(**given, limits=limits)

    kept = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "limits"]
    flags = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_limit(name, flag))
        for name, flag in FLAGS.items()
    ]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in kept] + flags
    described: Any = run
    described.__name__, described.__doc__ = command.__name__, command.__doc__
    described.__signature__ = inspect.Signature(parameters)
    described.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _limit(name: str, flag: str) -> Any:
    value = getattr(Limits(), name)
    told = "no limit" if value is None else readable(value) if name in _SIZES else f"{value:,}"
    parser, shown = (size, "SIZE") if name in _SIZES else (count, "N")
    return Annotated[
        int | None, typer.Option(flag, parser=parser, metavar=shown, help=f"{_HELP.get(name, name)} ({told}).")
    ]


def complaint(error: Any) -> str:
    """One line for what the argument parser did not accept, with the command that tells what it does."""
    text = " ".join(str(error.format_message()).split()).rstrip(".")
    path = getattr(error.ctx, "command_path", "") or "hairpin"
    wrong = re.match(r"No such command '(.*?)'", text)
    if wrong and path == "hairpin" and Path(wrong[1]).exists():
        return f"{wrong[1]!r} is not a command; to analyse it: `hairpin report {wrong[1]}`"
    return f"{text[:1].lower()}{text[1:]} (`{path} --help` tells what there is)"
