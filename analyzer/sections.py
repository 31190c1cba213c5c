"""Files that hold the output of several commands: pasted sessions, typescripts, headed sections, Markdown fences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from analyzer.command import PROGRAMS
from analyzer.kinds import LOG
from analyzer.layout import Entry

MAX_SECTIONS = 20_000


class Section(msgspec.Struct, frozen=True):
    """Lines `first` to `last` (1-based) of a file: what one command printed; `host` and `command` may be "".

    `kind` is that of the part where its marks tell it.
    """

    first: int
    last: int
    command: str = ""
    host: str = ""
    file: str = ""
    cut: str = ""
    kind: str = ""


class Mark(NamedTuple):
    """A line that ends one section; the next begins at line `after`. The rest is as in Section."""

    line: int
    after: int
    command: str = ""
    host: str = ""
    file: str = ""
    kind: str = ""


# `kubectl cluster-info dump` to one file: JSON documents, and between them what containers wrote
CONTAINER_LOGS = "==== START logs for container "
_END_OF_LOGS = "==== END logs for container "
_HOST = r"[A-Za-z0-9](?:[\w.-]*\w)?"
_PROMPTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^\[[\w.-]+@(?P<host>{_HOST})[ :][^\]]*\]\s?[$#%>](?:\s+(?P<cmd>.*))?$",
        rf"^(?:\([\w.-]+\) )?[a-z_][\w.-]*@(?P<host>{_HOST})(?::| )(?:~|/)[^$#%❯]*[$#%❯](?:\s+(?P<cmd>.*))?$",
        rf"^(?P<host>{_HOST}):(?:~|/\S*) ?[#>$](?:\s+(?P<cmd>.*))?$",
        r"^(?:sh|bash|ash|zsh|dash)(?:-\d[\w.]*)?[$#%](?:\s+(?P<cmd>.*))?$",
        r"^➜ +\S+ +(?:git:\S+ )?(?P<cmd>.*)$",
        r"^PS [A-Z]:\\[^>]*>\s*(?P<cmd>.*)$",
        r"^(?:~|/[\w./-]*) [#$](?:\s+(?P<cmd>.*))?$",
    )
)
_WEAK_PROMPT = re.compile(
    r"^(?:[$%#] ?|\+ |>{1,3} |## )(?P<cmd>(?:[A-Z_]+=\S+ )*(?:\S*/)?(?P<program>[a-z][\w.-]*)(?: .*)?)$"
)
# "$ ip route" is no comment, wherever it stands
_DOLLAR = re.compile(r"^\$ +(?P<cmd>(?:[A-Z_]+=\S+ )*(?:\S*/)?(?P<program>[a-z][\w.-]*)(?: .*)?)$")
_HEADINGS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^#==\[ (?P<supportconfig>.+?) \]=+#$",
        r"^(?:\* )?==> (?P<title>.+?) <==$",
        r"^={2,}\s*(?P<title>[^=\s].*?)\s*={2,}$",
        r"^-{3,}\s*(?P<title>[^-\s].*?)\s*-{3,}$",
        r"^\*{3,}\s*(?P<title>[^*\s].*?)\s*\*{3,}$",
        r"^#{3,}\s*(?P<title>[^#\s].*?)\s*#{3,}$",
        r"^#{1,6} `(?P<title>[^`]+)`$",
    )
)
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)\s*(?P<lang>[\w+-]*)\s*$")
_SCRIPT = re.compile(r"^Script (?:started|done) on ")
_SUPPORTCONFIG_COMMANDS = ("Command", "Verification", "Network namespace")


def looks_sectioned(head: str) -> bool:
    """Whether the first lines of a file are those of a pasted session or of headed sections."""
    lines = [line for line in head.split("\n")[:200] if line.strip()]
    if not lines:
        return False
    strong = sum(1 for line in lines if len(line) < 500 and _strong(line))
    first = next((line for line in lines if not _SCRIPT.match(line)), lines[0])
    dollars = any(_dollar(line) for line in lines)
    return (
        bool(strong)
        or dollars
        or bool(_weak(first))
        or bool(_SCRIPT.match(lines[0]))
        or _fenced(lines)
        or _headed(lines)
    )


def _headed(lines: list[str]) -> bool:
    """A heading first, or several of them, in one style."""
    counts = [sum(1 for line in lines if len(line) < 300 and heading.match(line)) for heading in _HEADINGS]
    first = any(heading.match(lines[0]) for heading in _HEADINGS)
    return first or max(counts) > 1 or counts[0] > 0 or counts[1] > 0


def _fenced(lines: list[str]) -> bool:
    return sum(1 for line in lines if _FENCE.match(line)) > 1


def _strong(line: str) -> re.Match[str] | None:
    return next((match for prompt in _PROMPTS if (match := prompt.match(line))), None)


def _weak(line: str) -> re.Match[str] | None:
    match = _WEAK_PROMPT.match(line) if len(line) < 2000 else None
    # "# ip" may be a comment; "# ip route" or "# iptables-save" hardly
    return match if match and match["program"] in PROGRAMS and not line.endswith((".", ":")) else None


def _dollar(line: str) -> re.Match[str] | None:
    match = _DOLLAR.match(line) if len(line) < 2000 else None
    return match if match and match["program"] in PROGRAMS else None


def split(text: str) -> list[Section]:
    """The sections of a text that `looks_sectioned`, in order, without empty ones."""
    lines = text.split("\n")
    found: list[Section] = []
    marks = list(_marks(lines))
    if not marks or marks[0].line > 1:
        marks.insert(0, Mark(0, 1))
    for mark, following in zip(marks, [*marks[1:], Mark(len(lines) + 1, 0)], strict=True):
        first, last = _trimmed(lines, mark.after, following.line - 1)
        if last >= first or mark.command:
            found.append(Section(first, last, mark.command, mark.host, mark.file, kind=mark.kind))
    return found[:MAX_SECTIONS]


def by_heading(
    lines: list[str], headings: list[tuple[Entry, dict[str, str]]]
) -> Iterator[tuple[Section, Entry | None, dict[str, str]]]:
    """The parts of a file, with the entry whose heading begins each and what was caught; None for the first lines."""
    patterns = [(re.compile(entry.heading or ""), entry, caught) for entry, caught in headings]
    open_: tuple[int, Entry | None, dict[str, str]] = (1, None, {})
    for number, line in enumerate([*lines, None], 1):
        found = None
        if line is not None and len(line) < 1000:
            found = next(((match, one) for one in patterns if (match := one[0].match(line))), None)
        if line is not None and found is None:
            continue
        first, last = _trimmed(lines, open_[0], number - 1)
        if last >= first:
            yield Section(first, last), open_[1], open_[2]
        if found is not None:
            match, (_, entry, caught) = found
            groups = {name: value or "" for name, value in match.groupdict().items()}
            open_ = (number + 1, entry, {**caught, **groups})


def _trimmed(lines: list[str], first: int, last: int) -> tuple[int, int]:
    """The range of lines without blank ones, or script(1)'s own, at its ends."""
    while first <= last and not lines[first - 1].strip():
        first += 1
    while last >= first and (not lines[last - 1].strip() or _SCRIPT.match(lines[last - 1])):
        last -= 1
    return first, last


def by_host(text: str, pattern: re.Pattern[str]) -> list[tuple[str, int, int]]:
    """Runs of lines of one host as (host, first line, last line); the group `node` of the pattern tells the host.

    A line that does not tell belongs to the run before it; lines before the first that does have the host "".
    """
    runs: list[tuple[str, int, int]] = []
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1] if not lines[-1] else lines, 1):
        match = pattern.match(line[:1000])
        host = match["node"] if match else ""
        if runs and host in ("", runs[-1][0]):
            runs[-1] = (runs[-1][0], runs[-1][1], number)
        else:
            runs.append((host, number, number))
    return runs


def _marks(lines: list[str]) -> Iterator[Mark]:
    """Where sections end and begin."""
    if any(line.startswith(CONTAINER_LOGS) for line in lines):
        yield from _container_logs(lines)
        return
    strong = any(len(line) < 500 and _strong(line) for line in lines)
    styles = [heading for heading in _HEADINGS if _used(heading, lines)]
    fenced = not strong and not styles and sum(1 for line in lines if _FENCE.match(line)) > 1
    host, inside, pending = "", False, ""
    skip_to = 0
    for number, line in enumerate(lines, 1):
        if number <= skip_to or len(line) > 2000:
            continue
        if _SCRIPT.match(line):
            yield Mark(number, number + 1, host=host)
        elif _FENCE.match(line) and (fenced or inside or strong):
            inside = not inside
            yield Mark(number, number + 1, pending if inside else "", host)
            pending = ""
        elif match := _strong(line):
            host = match.groupdict().get("host") or host
            yield Mark(number, number + 1, (match["cmd"] or "").strip(), host)
        elif found := next((match for heading in styles if (match := heading.match(line))), None):
            after, command, file = _headed_by(found, lines, number)
            skip_to = after - 1
            yield Mark(number, after, command, host, file)
        elif weak := (_weak(line) if not strong and not styles else _dollar(line)):
            if fenced and not inside:
                pending = weak["cmd"]
                yield Mark(number, number + 1, host=host)
            else:
                yield Mark(number, number + 1, weak["cmd"].strip(), host)


def _container_logs(lines: list[str]) -> Iterator[Mark]:
    """The parts of a cluster dump in one file; the reader of logs tells the containers apart."""
    inside = False
    for number, line in enumerate(lines, 1):
        if not inside and line.startswith(CONTAINER_LOGS):
            inside = True
            yield Mark(number, number, kind=LOG)
        # the END of a log without a line feed at its end stands in its last line
        if inside and _END_OF_LOGS in line:
            inside = False
            yield Mark(number + 1, number + 1)


def _used(heading: re.Pattern[str], lines: list[str]) -> bool:
    first = next((line for line in lines if line.strip()), "")
    hits = sum(1 for line in lines if len(line) < 300 and heading.match(line))
    return bool(heading.match(first)) or hits > 1 or (hits > 0 and heading in _HEADINGS[:2])


def _headed_by(match: re.Match[str], lines: list[str], number: int) -> tuple[int, str, str]:
    """The first line of output below a heading, the command and the file that the heading names."""
    groups = match.groupdict()
    if (title := groups.get("supportconfig")) is not None:
        return _supportconfig(title, lines, number)
    title = str(groups["title"]).strip()
    words = title.split()
    if title.startswith("/") and len(words) == 1:
        return number + 1, f"cat {title}", title.lstrip("/")
    for start in range(min(3, len(words))):
        if words[start].rsplit("/", 1)[-1] in PROGRAMS:
            return number + 1, " ".join(words[start:]), ""
    return number + 1, "", title.replace("/", "_") if len(title) < 200 else ""


def _supportconfig(title: str, lines: list[str], number: int) -> tuple[int, str, str]:
    """A section of SUSE's supportconfig: the line below its heading is "# command" or "# /path - Last N Lines"."""
    below = lines[number] if number < len(lines) else ""
    if not below.startswith("# "):
        return number + 1, "", ""
    told = below[2:].strip()
    if title.startswith(_SUPPORTCONFIG_COMMANDS):
        return number + 2, told, ""
    path, _, rest = told.partition(" - ")
    command = f"cat {path}" if "Last" not in rest else f"tail {path}"
    return number + 2 if "not found" not in rest.lower() else number + 1, command, path.lstrip("/")
