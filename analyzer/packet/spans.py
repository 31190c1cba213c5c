"""Which of the networks, ranges and port ranges that a world names hold a value: what is in the same ones is alike."""

from __future__ import annotations

from bisect import bisect_right

from analyzer.facts.address import CIDR, IP, cidr


class Networks:
    """Networks and ranges of addresses; single addresses are left out, they tell themselves apart."""

    def __init__(self) -> None:
        self._by_length: dict[tuple[int, int], dict[int, CIDR]] = {}
        self._edges: set[tuple[int, int]] = set()
        self._sorted: list[tuple[int, int]] | None = None
        self._known: dict[IP, tuple[object, ...]] = {}

    def add(self, network: CIDR) -> None:
        """One more network."""
        length, most = network.prefixlen, network.max_prefixlen
        if length < most:
            self._by_length.setdefault((network.version, length), {})[int(network.network_address)] = network
            self._known.clear()

    def add_range(self, low: IP, high: IP) -> None:
        """One more range of addresses, both ends in it."""
        self._edges |= {(low.version, int(low)), (low.version, int(high) + 1)}
        self._sorted = None
        self._known.clear()

    def of(self, address: IP) -> tuple[object, ...]:
        """What holds an address, as a value to compare."""
        if address not in self._known:
            networks = self.holding(address)
            starts = [(network.prefixlen, int(network.network_address)) for network in networks]
            self._known[address] = (address.version, self.edge(address), *starts)
        return self._known[address]

    def edge(self, address: IP) -> int:
        """The number of the stretch between the ends of ranges that an address is in."""
        if self._sorted is None:
            self._sorted = sorted(self._edges)
        return bisect_right(self._sorted, (address.version, int(address)))

    def holding(self, address: IP) -> list[CIDR]:
        """The networks that hold an address."""
        value, most = int(address), address.max_prefixlen
        found = []
        for (family, length), networks in self._by_length.items():
            if family == address.version:
                network = networks.get(value >> (most - length) << (most - length))
                if network is not None:
                    found.append(network)
        return found


class Ports:
    """Ranges of ports, single ports among them."""

    def __init__(self) -> None:
        self._edges: set[int] = set()
        self._sorted: list[int] | None = None

    def add(self, text: str) -> None:
        """A port or range as rules write it: "80", "30000:32767", "1024-65535"; anything else is no port."""
        low, colon, high = text.replace("-", ":").partition(":")
        if low.isdigit() or (colon and not low):
            self._edges.add(int(low or 0))
        if not colon and low.isdigit():
            self._edges.add(int(low) + 1)
        elif high.isdigit():
            self._edges.add(int(high) + 1)
        self._sorted = None

    def of(self, port: int | None) -> int:
        """The number of the range that a port is in."""
        if self._sorted is None:
            self._sorted = sorted(self._edges)
        return -1 if port is None else bisect_right(self._sorted, port)


# What the kernel itself knows of addresses: loopback, link-local, multicast, unspecified, reserved, broadcast.
SPECIAL = tuple(
    network
    for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "fe80::/10", "ff00::/8",
                 "::/127", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32", "fc00::/7", "fec0::/10")
    if (network := cidr(text)) is not None
)  # fmt: skip
