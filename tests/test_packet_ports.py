"""Ports that NAT picks at random: a rule on a few of them is no open question, one on many is."""

from __future__ import annotations

import pytest

from analyzer.packet.sight import in_ranges
from tests.test_packet_semantics import network, send

RANDOM = "*nat\n-A POSTROUTING -o e2 -j MASQUERADE --random-fully"


@pytest.mark.parametrize(
    ("ports", "reply"),
    [
        pytest.param("5432", "ok", id="one"),
        pytest.param("30000:30100", "ok", id="a hundred and one"),
        pytest.param("30000:32767", "unknown", id="node ports"),
        pytest.param("1:1023", "ok", id="none"),
        pytest.param("1024:65535", "dropped", id="all"),
    ],
)
def test_a_reply_to_a_random_port(ports: str, reply: str) -> None:
    result = send(network(RANDOM, f"*mangle\n-A PREROUTING -i e2 -p tcp -m tcp --dport {ports} -j DROP"))
    assert (result.verdict, result.reply) == ("delivered", reply)


def test_a_rule_that_spares_one_port_takes_all() -> None:
    result = send(network(RANDOM, "*mangle\n-A PREROUTING -i e2 -p tcp -m tcp ! --dport 22 -j DROP"))
    assert result.reply == "dropped"


def test_ports_of_a_named_range_are_picked_from_it() -> None:
    nat = "*nat\n-A POSTROUTING -o e2 -p tcp -j MASQUERADE --to-ports 40000-40009 --random"
    result = send(network(nat, "*mangle\n-A PREROUTING -i e2 -p tcp -m tcp --dport 40000 -j DROP"))
    assert result.reply == "unknown"


def test_a_port_of_which_nothing_is_known_stays_open() -> None:
    assert in_ranges(None, ["80"]) is None
    assert in_ranges(None, ["80"], range(1024, 65536)) is False


@pytest.mark.parametrize(
    ("ranges", "answer"),
    [
        pytest.param(["1024:32767", "30000:65535"], True, id="all, and some twice"),
        pytest.param(["2000:2100", "2050:2150"], False, id="few, and some twice"),
        pytest.param(["60000:65535", "1024:9000"], None, id="not in order"),
        pytest.param(["1:80"], False, id="none"),
    ],
)
def test_ports_in_several_ranges_count_once(ranges: list[str], answer: bool | None) -> None:
    assert in_ranges(None, ranges, range(1024, 65536)) is answer
