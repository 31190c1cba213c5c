"""How tools say that they could not do what was asked, as collectors leave it in a file instead of output."""

from __future__ import annotations

import re

LOOKED_AT = 8192
MAX_LINES = 12
LINE_LIMIT = 2000

# Each was seen in a real dump, or is printed by the tool's source
_SAID = (
    r"command not found",
    r": not found$",
    r"Command not found or not executable",
    r"^\S+ (?:is )?not installed\.?$",
    r"executable file not found",
    r"failed to run command",
    r"No such file or directory",
    r"File not found$",
    r"[Pp]ermission denied",
    r"Operation not permitted",
    r"[Yy]ou must be root",
    r"cache initialization failed",
    r"Kernel error received",
    r"Operation failed:",
    r"read kernel buffer failed",
    r"Cannot open network namespace",
    r'Device "[^"]*" does not exist',
    r"no device matches name",
    r'Object ".*" is unknown',
    r"Connection refused$",
    r"No journal files were (?:found|opened)",
    r"The connection to the server .* was refused",
    r"Unable to connect to the server",
    r"the server doesn't have a resource type",
    r"memcache\.go:\d+\]",
    r"[Tt]imed out (?:after|waiting)",
    r"command timed out",
    r"did not complete within the timeout",
    r"context deadline exceeded",
    r"a container name must be specified",
    r"does not have a log file",
    r"Table does not exist",
    r"can't initialize ip6?tables",
    r"Could not fetch rule set generation",
    r"modprobe: FATAL",
    r"exit status \d+$",
)
_STARTS = (
    r"-- No entries --",
    r"Error from server",
    r"(?i:error): ",
    r"(?:# )?ERROR: ",
    r"# NOTE: .*not loaded",
    r"(?:> )?Error while running",
    r"couldn't get ",
    r"Cannot connect to the Docker daemon",
    r"[Ff]ailed to (?:dump|list|get|connect)",
    r"[Uu]nable to retrieve container logs",
    r"FATA\[",
    r"[Uu]sage: ",
    r"Perhaps ip6?tables or your kernel needs",
    r"(?:ip6?tables|ebtables|arptables|nft|ipset|ipvsadm)(?: v\S+)?(?: \(\w+\))?: ",
    r"OCI runtime exec failed",
    r"command terminated with exit code",
    r"[Cc]annot (?:open|access|connect)",
    r"Dump terminated",
    r"(?:Flag --|Defaulted container|Warning: )",
)
_ERROR = re.compile("|".join((*_SAID, *(f"^(?:{start})" for start in _STARTS))))

# Failures of kubectl, curl and the like that tell of the network, of certificates or of webhooks; others (no such
# object, not allowed to) say nothing of these
_NETWORK = (
    r"dial tcp|x509: |tls: |TLS handshake|i/o timeout|no such host|server misbehaving|no route to host"
    r"|network is unreachable|connection re(?:fused|set)|deadline exceeded|[Tt]imeout|failed calling webhook"
)
_CLIENT = re.compile(
    r"curl: \(\d+\) \S|The connection to the server \S+ was refused"
    rf"|(?:Unable to connect to the server: |Error from server|(?:E|e)rror: |E\d{{4}} .*memcache\.go).*(?:{_NETWORK})"
)


def is_client_error(text: str) -> bool:
    """Whether every line with text is what a client of the API, or curl, prints when it cannot reach its server."""
    if len(text) > LOOKED_AT:
        return False
    found = [line.strip()[:LINE_LIMIT] for line in text.split("\n") if line.strip()]
    return 0 < len(found) <= MAX_LINES and all(_CLIENT.match(line) for line in found)


def is_error_output(text: str) -> str | None:
    """The error message, if a file holds one instead of output: every line with text says that something failed."""
    if len(text) > LOOKED_AT:
        return None
    found = [line.strip() for line in text.split("\n") if line.strip()]
    if not found or len(found) > MAX_LINES:
        return None
    if all(_ERROR.search(line[:LINE_LIMIT]) for line in found):
        # the last line sums up what the ones before it led to
        return found[-1][:300]
    return None
