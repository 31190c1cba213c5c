"""Addresses that know their hash: the same values as the standard library's, in every respect but speed."""

from __future__ import annotations

import ipaddress
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.facts.address import cidr, contains, ip

ADDRESSES = ["10.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "fd00::10", "::ffff:10.0.0.1"]
NETWORKS = ["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "10.1.2.3", "fd00::/64", "::/0", "fd00::1"]


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_equals_the_plain_one(text: str) -> None:
    ours, plain = ip(text), ipaddress.ip_address(text)
    assert ours is not None
    assert ours == plain and hash(ours) == hash(plain) and {plain: 1}[ours] == 1 and {ours: 1}[plain] == 1
    assert (str(ours), repr(ours), int(ours), ours.version) == (str(plain), repr(plain), int(plain), plain.version)
    assert isinstance(ours, type(plain))


@pytest.mark.parametrize("text", NETWORKS)
def test_a_network_equals_the_plain_one(text: str) -> None:
    ours, plain = cidr(text), ipaddress.ip_network(text)
    assert ours is not None
    assert ours == plain and hash(ours) == hash(plain) and {plain: 1}[ours] == 1 and {ours: 1}[plain] == 1
    assert (str(ours), repr(ours), ours.prefixlen) == (str(plain), repr(plain), plain.prefixlen)
    assert ours.network_address == plain.network_address and ours.broadcast_address == plain.broadcast_address
    assert hash(ours.network_address) == hash(plain.network_address)
    assert plain.network_address in ours and contains(ours, plain) and contains(plain, ours)


@pytest.mark.parametrize("text", ADDRESSES)
def test_a_process_that_is_sent_an_address_has_one_of_it(text: str) -> None:
    for value in (ip(text), cidr(text)):
        sent = pickle.dumps(value)
        assert pickle.loads(sent) == value and pickle.loads(sent) is pickle.loads(sent)
        assert type(pickle.loads(sent)) is type(value)


def test_addresses_can_be_counted_on() -> None:
    address = ip("10.0.0.1")
    assert address is not None
    assert address + 1 == ip("10.0.0.2") and hash(address + 1) == hash(ip("10.0.0.2"))
    assert address != ip("::a00:1"), "the same number, another family"


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.1/8", "xx.xx.xx.xx", "fe80::1::2", "1:2"])
def test_no_address(text: str) -> None:
    assert ip(text) is None


def test_a_zone_is_dropped_and_host_bits_are() -> None:
    assert ip("fe80::1%eth0") == ip("fe80::1")
    assert str(cidr("10.1.2.3/8")) == "10.0.0.0/8"
    assert cidr("10.0.0.0/33") is None and cidr("node-1") is None


@given(
    st.from_regex(r"\A[0-9]{0,4}(\.[0-9٣ ]{0,4}){2,4}/?\Z")
    | st.lists(st.integers(0, 300), min_size=3, max_size=5).map(lambda octets: ".".join(map(str, octets)))
)
def test_no_other_spelling_is_an_address(text: str) -> None:
    """IPv4 texts are read without the standard library, and it alone says which are addresses."""
    try:
        plain = ipaddress.IPv4Address(text)
    except ValueError:
        plain = None
    assert ip(text) == plain
