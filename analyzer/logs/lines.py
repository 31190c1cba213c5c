"""Log lines: what carried them (CRI, docker, journald, syslog, kubectl --timestamps, dmesg) and what wrote them (klog,
logrus, zap, CoreDNS), to time, level, writer and message. A line of an unknown format is its own message.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from analyzer.logs import clock
from analyzer.logs.clock import Moment
from analyzer.logs.template import plain

LEVELS = {
    "e": "error", "err": "error", "error": "error", "crit": "error", "critical": "error", "alert": "error",
    "emerg": "error",
    "dpanic": "error", "panic": "fatal", "f": "fatal", "fatal": "fatal", "w": "warning", "warn": "warning",
    "warning": "warning", "i": "info", "info": "info", "notice": "info", "d": "debug", "debug": "debug",
    "trace": "debug",
}  # fmt: skip
_PRIORITY = ("error", "error", "error", "error", "warning", "info", "info", "debug")

_CRI = re.compile(r"(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([FP])(?: |$)")
_DOCKER = re.compile(r'\{"(?:log|stream|time)":')
_SHORT = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d(?:\.\d+)?) (\S+) ([^\s:\[]+)(?:\[[^\]]*\])?: ?")
_ISO_SYSLOG = (
    re.compile(  # without a process number only tags that never have one: else CoreDNS and plain texts look like it
        r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)) ([A-Za-z0-9][\w.-]*)"
        r" (?:([^\s:\[=]+)\[[^\]]*\]|(kernel|audit|firewalld|k3s|kubelet|containerd|dockerd)): ?"
    )
)
_RFC5424 = re.compile(r"<\d{1,3}>1 (\S+) (\S+) (\S+) \S+ \S+ (?:-|\[[^\]]*\]) ?")
_STAMPED = re.compile(
    r"(?:\[pod/([^/\s]+)/([^\]\s]+)\] )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (?=\S)"
)
_POD_PREFIX = re.compile(r"\[pod/([^/\s]+)/([^\]\s]+)\] ")
_DMESG = re.compile(r"(?:<(\d{1,3})>)?\[ {0,6}(\d{1,9}\.\d{1,9})\](?:\[ *[TC]\d+\])? ?")
_DMESG_T = re.compile(r"(?:<(\d{1,3})>)?\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})\] ?")
_DMESG_DECODED = re.compile(r"(?:kern|user|daemon|syslog) *:(\w+) *: (?=\[)")
_DMESG_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d+[+-]\d\d:\d\d) ")
_KLOG = re.compile(r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d+) +\d+ ([^\s:\]]+:\d+)\] ?")
_AUDIT = re.compile(r"(?:node=\S+ )?type=[\w\[\]]+ msg=audit\((\d{1,11}\.\d{1,6}):\d+\): ")
_LOGFMT = re.compile(r'(?:time|ts|t)="?([^\s"]+(?: [^\s"=]+)?)"? ')
_LOGFMT_KEY = re.compile(r'\b(level|lvl)="?(\w+)"? ?')
_LOGFMT_MSG = re.compile(r'\b(?:msg|message)=("(?:[^"\\]|\\.)*"?|\S*) ?')
_BRACKETED = re.compile(r"\[(INFO|WARNING|WARN|ERROR|DEBUG|FATAL|NOTICE|PANIC|CRITICAL)\] ?", re.IGNORECASE)
_COLUMNS = re.compile(
    r"(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)[\s|]+(?=\S)"
)
_ZAP = re.compile(r"(INFO|WARN|ERROR|DEBUG|FATAL|DPANIC|PANIC|WARNING)\b(?:\]|\s|:)\s*", re.IGNORECASE)
_CALICO_SOURCE = re.compile(r"\[\d+\] \S+\.go \d+: ")
_KERNEL_TAGS = frozenset({"kernel", "kern"})


class Line(msgspec.Struct):
    """One line, taken apart as far as it says; `writer`: its syslog tag or unit."""

    message: str
    moment: Moment | None = None
    level: str | None = None
    writer: str | None = None
    host: str | None = None
    pod: str | None = None
    container: str | None = None


def read_line(raw: str, reference: float | None = None) -> Line:
    """A line taken apart. `reference`: about when it was written (seconds since 1970), for dates without a year."""
    line = Line(raw.rstrip("\r\n").replace("\0", ""))
    for _ in range(3):  # a carrier inside a carrier: docker's JSON inside the journal, klog inside CRI
        if not any(carrier(line, reference) for carrier in _CARRIERS):
            break
    for program in _PROGRAMS:
        if program(line, reference):
            break
    line.message = plain(line.message).strip()
    return line


def writer(raw: str) -> str | None:
    """The syslog tag or unit of a line, None if it has none; much cheaper than reading the line."""
    found = _SHORT.match(raw)
    if found:
        return found[5]
    found = _ISO_SYSLOG.match(raw)
    if found:
        return found[3] or found[4]
    return read_line(raw).writer if raw.startswith(("{", "<", "[")) else None


def _cut(line: Line, length: int, moment: Moment | None) -> bool:
    """Take `length` characters off the front; the first time that was found stays: it is the carrier's, with a zone."""
    line.message = line.message[length:]
    if moment is not None and (line.moment is None or (moment.dated and not line.moment.dated)):
        line.moment = moment
    return True


def _cri(line: Line, reference: float | None) -> bool:
    found = _CRI.match(line.message)
    if not found:
        return False
    return _cut(line, found.end(), clock.iso(found[1]))


def _docker(line: Line, reference: float | None) -> bool:
    if not _DOCKER.match(line.message):
        return False
    record = _json(line.message)
    if not isinstance(record.get("log"), str):
        return False
    stamp = clock.iso(str(record.get("time", "")))
    line.message = str(record["log"]).rstrip("\n")
    return _cut(line, 0, stamp)


def _journal_json(line: Line, reference: float | None) -> bool:
    if not line.message.startswith("{") or '"MESSAGE"' not in line.message:
        return False
    record = _json(line.message)
    message = record.get("MESSAGE")
    if isinstance(message, list):  # journalctl writes bytes that are not UTF-8 as a list of numbers
        message = bytes(one for one in message if isinstance(one, int) and 0 <= one < 256).decode(errors="replace")
    if not isinstance(message, str):
        return False
    line.writer = (
        str(record.get("SYSLOG_IDENTIFIER") or record.get("_COMM") or record.get("_SYSTEMD_UNIT") or "") or None
    )
    line.host = str(record.get("_HOSTNAME") or "") or None
    priority = str(record.get("PRIORITY", ""))
    if priority.isdigit() and int(priority) < len(_PRIORITY):
        line.level = _PRIORITY[int(priority)]
    stamp = str(record.get("__REALTIME_TIMESTAMP", record.get("_SOURCE_REALTIME_TIMESTAMP", "")))
    line.message = message
    return _cut(line, 0, Moment(int(stamp) / 1e6) if stamp.isascii() and stamp.isdigit() and len(stamp) < 18 else None)


def _short(line: Line, reference: float | None) -> bool:
    found = _SHORT.match(line.message)
    if not found or line.writer:
        return False
    line.host, line.writer = found[4], found[5]
    return _cut(line, found.end(), clock.yearless(found[1], int(found[2]), found[3], reference))


def _iso_syslog(line: Line, reference: float | None) -> bool:
    found = _ISO_SYSLOG.match(line.message)
    if found and not line.writer:
        line.host, line.writer = found[2], found[3] or found[4]
        return _cut(line, found.end(), clock.iso(found[1]))
    found = _RFC5424.match(line.message)
    if not found or line.writer:
        return False
    line.host, line.writer = found[2], found[3]
    return _cut(line, found.end(), clock.iso(found[1]))


def _stamped(line: Line, reference: float | None) -> bool:
    found = _STAMPED.match(line.message)
    if found and line.moment is None:
        line.pod, line.container = found[1] or line.pod, found[2] or line.container
        return _cut(line, found.end(), clock.iso(found[3]))
    found = _POD_PREFIX.match(line.message)
    if found:
        line.pod, line.container = found[1], found[2]
        return _cut(line, found.end(), None)
    return False


_CARRIERS: tuple[Callable[[Line, float | None], bool], ...] = (
    _cri, _docker, _journal_json, _short, _iso_syslog, _stamped,
)  # fmt: skip


def _dmesg(line: Line, reference: float | None) -> bool:
    decoded = _DMESG_DECODED.match(line.message)
    if decoded:
        line.level = LEVELS.get(decoded[1], line.level)
        line.message = line.message[decoded.end() :]
    found = _DMESG_T.match(line.message)
    if found:
        line.level = _kernel_level(found[1]) or line.level
        line.writer = line.writer or "kernel"
        return _cut(line, found.end(), clock.dated(found[2], int(found[3]), found[4], int(found[5])))
    found = _DMESG.match(line.message)
    if found and (line.writer is None or line.writer in _KERNEL_TAGS):
        line.level = _kernel_level(found[1]) or line.level
        line.writer = line.writer or "kernel"
        return _cut(line, found.end(), Moment(float(found[2]), dated=False))
    found = _DMESG_ISO.match(line.message)
    if found:
        return _cut(line, found.end(), clock.iso(found[1]))
    return False


def _kernel_level(priority: str | None) -> str | None:
    return _PRIORITY[int(priority) & 7] if priority else None


def _audit(line: Line, reference: float | None) -> bool:
    """A record of the audit log; its text stays whole."""
    found = _AUDIT.match(line.message)
    if not found:
        return False
    line.writer = line.writer or "audit"
    return _cut(line, 0, Moment(float(found[1])))


def _klog(line: Line, reference: float | None) -> bool:
    found = _KLOG.match(line.message)
    if not found:
        return False
    line.level = LEVELS[found[1].lower()]
    return _cut(line, found.end(), clock.yearless(int(found[2]), int(found[3]), found[4], reference))


def _logfmt(line: Line, reference: float | None) -> bool:
    text = line.message
    found = _LOGFMT.match(text)
    start = found.end() if found else 0
    level = _LOGFMT_KEY.search(text, start, start + 400)
    message = _LOGFMT_MSG.search(text, start)
    if not message or not (found or level):
        return False
    if level and level.end() <= message.start():
        line.level = LEVELS.get(level[2].lower(), line.level)
        start = level.end()
    value = message[1]
    if value.startswith('"'):
        value = value[1:-1] if len(value) > 1 and value.endswith('"') else value[1:]
    before, after = text[start : message.start()].strip(), text[message.end() :].strip()
    line.message = " ".join(part for part in (value, before, after) if part)
    return _cut(line, 0, clock.iso(found[1]) if found else None)


def _json_record(line: Line, reference: float | None) -> bool:
    if not line.message.startswith("{"):
        return False
    record = _json(line.message)
    message = next((record.pop(key) for key in ("msg", "message", "MESSAGE") if isinstance(record.get(key), str)), None)
    if message is None:
        return False
    line.level = LEVELS.get(str(record.pop("level", record.pop("severity", ""))).lower(), line.level)
    stamp = next((record.pop(key) for key in ("ts", "time", "timestamp", "@timestamp") if key in record), None)
    moment = Moment(float(stamp)) if isinstance(stamp, int | float) and 0 < stamp < 1e11 else clock.iso(str(stamp))
    for noise in ("caller", "logger", "v"):
        record.pop(noise, None)
    line.message = " ".join([str(message).strip(), *(f"{key}={_shown(value)}" for key, value in record.items())])
    return _cut(line, 0, moment)


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _columns(line: Line, reference: float | None) -> bool:
    """CoreDNS, Calico, zap's console form: a time, a level, sometimes a source file."""
    found = _COLUMNS.match(line.message)
    if found:
        _cut(line, found.end(), clock.iso(found[1].replace("/", "-")))
    level = _BRACKETED.match(line.message) or (_ZAP.match(line.message) if found else None)
    if level:
        line.level = LEVELS.get(level[1].lower(), line.level)
        line.message = line.message[level.end() :]
        source = _CALICO_SOURCE.match(line.message)
        if source:
            line.message = line.message[source.end() :]
    return bool(found or level)


def _json(text: str) -> dict[str, object]:
    try:
        record = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


_PROGRAMS: tuple[Callable[[Line, float | None], bool], ...] = (
    _audit, _dmesg, _klog, _logfmt, _json_record, _columns,
)  # fmt: skip
