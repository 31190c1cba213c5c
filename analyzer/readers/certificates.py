"""Dates of certificates: `openssl x509` (-dates, -text), `kubeadm certs check-expiration`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

from analyzer.facts.fact import Parsed
from analyzer.facts.host import Certificate
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "certificates"
COMMAND = "kubeadm certs check-expiration"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = (
    "**/kubeadm*certs*", "**/kubeadm*check-expiration*", "**/openssl*x509*", "**/openssl_*", "**/certs.txt", "**/certs",
    "**/certificates*", "**/cert-*.txt", "**/*cert*expir*", "**/*certs*dates*",
)  # fmt: skip
BEGINS = (
    r"^notAfter=[A-Z][a-z]{2} ",
    r"^CERTIFICATE\s+EXPIRES\s+RESIDUAL TIME",
    r"^ +Not After : [A-Z][a-z]{2} ",
)
RANK = 50

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DATE = re.compile(
    r"([A-Z][a-z]{2}) +(\d{1,2}),? +(?:(\d\d):(\d\d)(?::(\d\d))? +)?(\d{4})(?: +(\d\d):(\d\d))? +(?:GMT|UTC)"
)
FIELD = re.compile(r"\s*(notBefore|notAfter|subject|issuer|Not Before|Not After|Subject|Issuer)\s*[=:]\s*(.*)$")
ROW = re.compile(r"(!?[\w./-]+)\s+([A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d UTC)\s+(\S+)")
NAME = re.compile(r"[=>#\-*\s]*((?:/|\./)?[\w.@/+-]+\.(?:crt|pem|conf|cert|cer|kubeconfig))\b:?[\s<=*-]*$")
# The other lines of openssl x509 -text, of kubeadm, and of the shells around them
KNOWN = re.compile(
    r"!MISSING! |CERTIFICATE +(AUTHORITY )?|CERTIFICATE\s+EXPIRES|\[check-expiration\]|\[certs\]|\s|-----|[=#*-]{3,}"
    r"|serial=|MD5|SHA|.*[#$] +(\S*/)?(openssl|kubeadm|for)\b|[A-Za-z0-9+/=]{16,76}$"
)
END = re.compile(r"Certificate:|-----BEGIN ")
FIELDS = {"notBefore": "not_before", "Not Before": "not_before", "notAfter": "not_after", "Not After": "not_after"}


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Certificate facts; of a chain each certificate, numbered after the first."""
    text = NodeText(data, path, place, first_line)
    open_ = _Open(text, _named(command) or path.rsplit("/", 1)[-1])
    for number, line in text.lines:
        if found := FIELD.match(line):
            if not open_.take(number, found[1], found[2].strip()):
                text.gap(number, "a date", line)
        elif (row := ROW.match(line)) and (until := _time(row[2])) is not None:
            text.add(Certificate, number, name=row[1].lstrip("!"), not_after=until)
        elif found := NAME.match(line):
            open_.close(found[1])
        elif END.match(line):
            open_.close()
        elif line.strip() and not KNOWN.match(line):
            text.gap(number, "dates of a certificate", line)
    open_.close()
    text.cover(Certificate, complete=False, note="only the certificates that were asked for")
    return text.done()


class _Open:
    """The certificate whose fields are being read; it ends where another begins."""

    def __init__(self, text: NodeText, name: str) -> None:
        self._text, self._name = text, name
        self._said: dict[str, Any] = {}
        self._lines = (0, 0)
        self._names: dict[str, int] = {}

    def take(self, number: int, field: str, value: str) -> bool:
        """Whether the value of a field is understood."""
        key = FIELDS.get(field, field.lower())
        if key in self._said:
            self.close()
        shown = _time(value) if key.startswith("not_") else value
        if shown is None:
            return False
        self._lines = (self._lines[0] if self._said else number, number)
        self._said[key] = shown
        return True

    def close(self, name: str = "") -> None:
        """The end of a certificate; `name` is that of the next."""
        if "not_after" in self._said:
            count = self._names[self._name] = self._names.get(self._name, 0) + 1
            shown = self._name if count == 1 else f"{self._name} ({count})"
            self._text.add(Certificate, *self._lines, name=shown, **self._said)
        elif self._said:
            self._text.gap(self._lines[0], "until when the certificate is valid")
        self._said = {}
        self._name = name or self._name


def _named(command: str) -> str:
    found = re.search(r"-in[ =](\S+)", command)
    return found[1] if found else ""


def _time(text: str) -> float | None:
    """Seconds of `Nov 23 11:35:53 2026 GMT` and `Nov 23, 2027 11:35 UTC`."""
    found = DATE.search(text)
    if not found or found[1] not in MONTHS:
        return None
    hour, minute, second = found[3] or found[7] or 0, found[4] or found[8] or 0, found[5] or 0
    try:
        day = (int(found[6]), MONTHS.index(found[1]) + 1, int(found[2]))
        return datetime(*day, int(hour), int(minute), int(second), tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
