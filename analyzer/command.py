"""Shell commands as people paste them: what program ran, where it ran, and whether its output was cut down."""

from __future__ import annotations

import re

import msgspec

from analyzer.facts.source import Place

# Programs whose output is worth reading, or that a support engineer pastes with them: a line "# X …" is a prompt only
# if X is one of these
_NAMES = """
    ip ip6tables iptables iptables-save ip6tables-save iptables-legacy-save ip6tables-legacy-save iptables-nft-save
    ip6tables-nft-save iptables-legacy ip6tables-legacy iptables-nft nft ipset ipvsadm conntrack sysctl kubectl oc k3s
    microk8s crictl ctr docker nerdctl podman ifconfig route netstat ss arp bridge brctl ethtool tc cat head tail
    journalctl dmesg systemctl lsmod modprobe uname hostname hostnamectl cilium calicoctl etcdctl ping traceroute
    tracepath dig nslookup curl wget nc telnet host getent mount df free ps top uptime date timedatectl sestatus
    getenforce ausearch firewall-cmd ufw ls find grep for sudo nsenter ssh ebtables ebtables-save arptables openssl
    kubeadm helm env lsof lsblk nstat ipcs who last rpm dpkg apt yum zypper snap wg resolvectl nmcli networkctl tcpdump
"""
PROGRAMS = frozenset(_NAMES.split())
_HARMLESS = frozenset({"sort", "less", "more", "cat", "tee", "nl", "column", "uniq", "tr", "fold", "expand", "ts"})
_SKIPPED = frozenset({"sudo", "time", "nice", "nohup", "stdbuf", "unbuffer", "command", "exec"})
_OPTIONS_WITH_VALUE = re.compile(
    r"^(-[nclpiuoFJLEbtTSGmrw]|--(namespace|container|context|kubeconfig|cluster|image|target))$"
)
_KUBECTL = frozenset({"kubectl", "oc"})


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command, reduced to the program that wrote the output and its words.

    `place` is where it ran, as far as it says; `cut` says what keeps its output from being all there is, or is empty.
    """

    text: str
    words: tuple[str, ...]
    place: Place
    cut: str = ""

    @property
    def program(self) -> str:
        """The name of the program without its folder."""
        return self.words[0].rsplit("/", 1)[-1] if self.words else ""

    @property
    def plain(self) -> str:
        """Program and words."""
        return " ".join((self.program, *self.words[1:]))

    def names(self) -> tuple[str, ...]:
        """Paths at which collectors would put this output, for the globs of kinds."""
        if self.program in ("cat", "head", "tail", "zcat") and self.words[1:]:
            files = [word for word in self.words[1:] if not word.startswith("-") and not word.isdigit()]
            if files:
                return tuple(file.lstrip("/") for file in files[:1])
        joined = re.sub(r"[^A-Za-z0-9_\-./]+", "_", self.plain).replace("/", ".").strip(" ._-")[:200]
        dashed = re.sub(r"-+", "-", joined.replace("_", "-"))
        loop = [f"sys/{found}" for found in re.findall(r"\b(hairpin_mode|mtu|operstate)\b", self.text)]
        return (f"commands/{joined}", f"commands/{dashed}", f"commands/{dashed}.txt", *loop)


def parse_command(text: str, place: Place | None = None) -> Command:
    """A command line taken apart; never fails."""
    text = text.strip()[:4000]
    place = place or Place()
    first, cut = _pipeline(text)
    words = [word for word in first.split() if not re.match(r"\d?>|&>|<", word)]
    words, place = _scope(words, place)
    plain = [word.strip("'\"") for word in words]
    return Command(text=text, words=tuple(plain), place=_kubernetes(plain, place), cut=cut or _partial(plain))


def _pipeline(text: str) -> tuple[str, str]:
    """The part before the first pipe, and the filter that takes lines away."""
    parts = re.split(r"(?<![|\\])\|(?!\|)", re.sub(r"'[^']*'|\"[^\"]*\"", lambda m: m[0].replace("|", "\0"), text))
    for part in parts[1:]:
        words = part.split()
        if words and words[0].rsplit("/", 1)[-1] not in _HARMLESS:
            return parts[0], f"| {part.strip()}".replace("\0", "|")[:80]
    return parts[0].replace("\0", "|"), ""


def _scope(words: list[str], place: Place) -> tuple[list[str], Place]:
    """Without the wrappers that change who runs the command where."""
    for _ in range(8):
        if not words:
            break
        head = words[0].rsplit("/", 1)[-1]
        rest = words[1:]
        if head in _SKIPPED or re.fullmatch(r"[A-Z_][A-Z0-9_]*=\S*", words[0]):
            words = rest
            while words and words[0].startswith("-"):
                words = words[1:]
        elif head == "timeout" and rest:
            words = _after_options(rest)[1:]
        elif words[:3] == ["ip", "netns", "exec"] and len(words) > 4:
            words, place = words[4:], _elsewhere(place, words[3])
        elif head == "ip" and rest[:1] in (["-n"], ["-netns"]) and len(rest) > 2:
            words, place = ["ip", *rest[2:]], _elsewhere(place, rest[1])
        elif head == "nsenter":
            target = re.search(r"(?:-t|--target)[ =]?(\S+)", " ".join(rest))
            words = _after_options(rest)
            if target and target[1] != "1":
                place = _elsewhere(place, f"pid-{target[1]}")
        elif head == "ssh" and len(rest) > 1:
            rest = _after_options(rest)
            words, place = rest[1:], msgspec.structs.replace(place, node=rest[0].rsplit("@", 1)[-1] if rest else None)
        elif head in ("docker", "crictl", "nerdctl", "podman") and rest[:1] == ["exec"]:
            rest = _after_options(rest[1:])
            words, place = rest[1:], _elsewhere(place, rest[0]) if rest else place
        elif head in _KUBECTL and ("exec" in rest or "debug" in rest) and "--" in rest:
            words, place = rest[rest.index("--") + 1 :], _in_pod(rest[: rest.index("--")], place)
        elif head == "chroot" and len(rest) > 1:
            words = rest[1:]
        elif head in ("sh", "bash") and rest[:1] in (["-c"], ["-lc"]):
            words = [word.strip("'\"") for word in rest[1:]]
        elif head in ("k3s", "microk8s", "rke2") and rest[:1] and rest[0] in ("kubectl", "crictl", "ctr"):
            words = rest
        elif head.startswith("microk8s.") and len(head) > 9:
            words = [head[9:], *rest]
        else:
            break
    return words, place


def _after_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        done = words[0] == "--"
        words = words[2:] if _OPTIONS_WITH_VALUE.match(words[0]) else words[1:]
        if done:
            break
    return words


def _elsewhere(place: Place, name: str) -> Place:
    host = place.node or (place.netns or "").split(":", 1)[0]
    return msgspec.structs.replace(place, node=None, netns=f"{host}:{name}")


def _in_pod(words: list[str], place: Place) -> Place:
    """The place of `kubectl exec POD -n NS` or `oc debug node/N`."""
    namespace = None
    plain: list[str] = []
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word.startswith("-"):
            if word in ("-n", "--namespace") and index + 1 < len(words):
                namespace = words[index + 1]
            elif word.startswith("--namespace="):
                namespace = word.split("=", 1)[1]
            skip = bool(_OPTIONS_WITH_VALUE.match(word)) and word not in ("-i", "-t")
        elif word not in ("exec", "debug"):
            plain.append(word)
    target = plain[0] if plain else ""
    if target.startswith(("node/", "nodes/")):
        return msgspec.structs.replace(place, node=target.split("/", 1)[1])
    pod = target.removeprefix("pod/")
    return msgspec.structs.replace(place, node=None, netns=f":{pod}", pod=pod, namespace=namespace)


def _kubernetes(words: list[str], place: Place) -> Place:
    """The namespaces that a kubectl command asks for."""
    if not words or words[0].rsplit("/", 1)[-1] not in _KUBECTL:
        return place
    line = " ".join(words)
    if re.search(r" (-A|--all-namespaces(=true)?)\b", line):
        return msgspec.structs.replace(place, all_namespaces=True, node=None)
    namespace = re.search(r" (?:-n|--namespace)[ =]?(\S+)", line)
    logs = re.search(
        r" logs (?:(?:-[ncl]|--(?:namespace|container|tail|since|since-time|limit-bytes|selector)) \S+ |-\S+ )*+"
        r"(?:pods?/)?([a-z0-9][\w.-]*)(?![\w./-])",
        line,
    )
    container = re.search(r" (?:-c|--container)[ =]?(\S+)", line)
    return msgspec.structs.replace(
        place,
        node=None,
        namespace=namespace[1] if namespace else place.namespace,
        pod=logs[1] if logs else place.pod,
        container=container[1] if container and logs else place.container,
        previous=place.previous or bool(logs and re.search(r" (-p|--previous)\b", line)),
    )


def _partial(words: list[str]) -> str:
    """What a command leaves out, said with its own words; "" if it shows all it can."""
    line = " ".join((words[0].rsplit("/", 1)[-1], *words[1:])) if words else ""
    for pattern in _PARTIAL:
        if found := pattern.search(line):
            return f"only `{found[0]}`"[:120]
    return ""


_PARTIAL = tuple(
    re.compile(pattern)
    for pattern in (
        r"^sysctl (?!.*(-a\b|--all\b)).+",
        r"^ip(?: -\S+)* (?:r|ro|route|a|ad|addr|address|l|link|n|neigh) .*\bdev \S+",
        r"^ip(?: -\S+)* (?:r|ro|route) get .*",
        r"^ip(?: -\S+)* (?:l|link|a|addr) (?:show|ls|list) (?!up$|dev |master |type )\S+",
        r"^ip(?: -\S+)* .*\b(?:type|master|scope|proto|nud) \S+",
        r"^ip6?tables(?:-\w+)? .*(?:-S|-[nvx]*L[nvx]*|--list|--list-rules) (?!-)[A-Za-z]\S*",
        r"^nft .*list (?:table|chain|set|map) .*",
        r"^(?:kubectl|oc) .*\bget (?:-[onl] \S+ |--(?:output|namespace|selector) \S+ |-\S+ )*+"
        r"(?!all\b)[\w.,-]+ (?!-)(?:\S+ )?(?=-|$|[a-z0-9])[a-z0-9][\w.-]*",
        r"^(?:kubectl|oc) .*\bget [\w.-]+/\S+",
        r"^(?:kubectl|oc) .*(?:-l|--selector|--field-selector)[ =]\S+",
        r"^conntrack .*-L .*-(?:s|d|p|r|q)\b.*",
        r"^ifconfig [a-z]\S*",
    )
)
