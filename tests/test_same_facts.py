"""The same machine told in several formats: the same typed facts, and what a format cannot say is unknown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from analyzer.facts.fact import Fact
from analyzer.facts.firewall import Chain, NftObject, Option, Rule
from analyzer.facts.routing import Interface, Neighbour, Route
from analyzer.packet.nft import HEAD
from analyzer.packet.nft_words import elements, priority
from tests.artifact_samples import Sample, samples
from tests.goldens import value_of

SAMPLES = {f"{sample.kind}/{sample.file.stem}": sample for sample in samples()}


def told(sample: Sample) -> list[dict[str, Any]]:
    """Facts without their lines."""
    return sorted(
        ({name: value for name, value in value_of(fact).items() if name != "at"} for fact in sample.parse().facts),
        key=str,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ip-json/addr", "ip-addr/lab"),
        ("ip-json/addr-details", "ip-addr/details"),
        ("ip-json/link-details", "ip-link/details"),
        ("ip-json/route-pretty", "ip-route/all-tables"),
        ("ip-json/rule", "ip-rule/lab"),
        ("ip-json/neigh", "ip-neigh/lab"),
        ("ip-json/bridge-link", "bridge-link/details"),
        ("ip-json/bridge-fdb", "bridge-fdb/lab"),
        ("ip-link/oneline", "ip-link/details"),
        ("ip-link/counters", "ip-link/details"),
        ("bridge-fdb/statistics", "bridge-fdb/lab"),
        ("conntrack/extended", "conntrack/lab"),
        ("conntrack/proc", "conntrack/lab"),
        ("nft-ruleset/handles", "nft-ruleset/lab"),
    ],
)
def test_equal(one: str, other: str) -> None:
    assert told(SAMPLES[one]) == told(SAMPLES[other])


def _rules(name: str, table: str) -> list[Rule]:
    facts = SAMPLES[name].parse().facts
    return [fact for fact in facts if isinstance(fact, Rule) and fact.table == table]


# What -L leaves out (a default) or says in another way that means the same.
LEFT_OUT = {("NOTRACK", "--notrack"), ("REJECT", "--reject-with"), ("MASQUERADE", "--random-fully")}


def _essence(rule: Rule) -> tuple[Any, ...]:
    matches = tuple((match.module, match.options) for match in rule.matches if match.module != "limit")
    options = tuple(option for option in rule.target_options if (rule.target, option.name) not in LEFT_OUT)
    target = "CT" if rule.target == "NOTRACK" else rule.target
    negated = (rule.not_protocol, rule.not_source, rule.not_destination, rule.not_in_interface, rule.not_out_interface)
    ends = (rule.protocol, rule.source, rule.destination, rule.in_interface, rule.out_interface, rule.fragment)
    if target == "CT":
        options = tuple(option for option in options if option != Option("--notrack"))
    return rule.chain, rule.position, *ends, *negated, matches, target, options, rule.goto, rule.comment


@pytest.mark.parametrize(
    ("listed", "table"),
    [
        ("filter", "filter"),
        ("exact-line-numbers", "filter"),
        ("two-tables", "filter"),
        ("two-tables", "nat"),
        ("nat-line-numbers", "nat"),
        ("mangle-exact", "mangle"),
        ("raw", "raw"),
    ],
)
def test_listed_rules_are_saved_rules(listed: str, table: str) -> None:
    saved = {(rule.chain, rule.position): rule for rule in _rules("iptables-save/counters", table)}
    found = _rules(f"iptables-list/{listed}", table)
    assert len(found) == len(saved) > 0
    for rule in found:
        if rule.complete:
            assert _essence(rule) == _essence(saved[rule.chain, rule.position])
    assert [rule.target for rule in found if not rule.complete] in ([], ["LOG"])


def test_rules_without_interfaces_are_not_complete() -> None:
    rules = _rules("iptables-list/names", "filter")
    assert rules
    assert not any(rule.complete for rule in rules)


@pytest.mark.parametrize(("printed", "table"), [("filter", "filter"), ("nat-with-counters", "nat")])
def test_printed_rules_are_saved_rules(printed: str, table: str) -> None:
    saved = [_essence(rule) for rule in _rules("iptables-save/counters", table)]
    assert sorted(map(str, map(_essence, _rules(f"iptables-rules/{printed}", table)))) == sorted(map(str, saved))


def _one(name: str, kind: type[Fact]) -> list[Any]:
    return [fact for fact in SAMPLES[name].parse().facts if isinstance(fact, kind)]


def test_policies_agree() -> None:
    saved = {(chain.table, chain.name): chain.policy for chain in _one("iptables-save/counters", Chain)}
    for name in ("iptables-list/two-tables", "iptables-rules/filter", "iptables-rules/nat-with-counters"):
        for chain in _one(name, Chain):
            assert saved[chain.table, chain.name] == chain.policy


def test_poorer_formats_agree_in_what_they_say() -> None:
    """route -n, /proc/net/route, arp and ifconfig tell less, and nothing else."""
    routes = {(route.destination, route.via, route.dev, route.type) for route in _one("ip-route/main", Route)}
    for name in ("route-n/lab", "proc-net-route/lab"):
        assert {(route.destination, route.via, route.dev, route.type) for route in _one(name, Route)} == routes
    neighbours = {(one.ip, one.dev, one.mac) for one in _one("ip-neigh/lab", Neighbour)}
    for name in ("arp-n/lab", "arp-n/bsd", "arp-n/proc"):
        assert {(one.ip, one.dev, one.mac) for one in _one(name, Neighbour)} == neighbours
    links = {(one.name, one.mtu, one.up, one.lower_up) for one in _one("ip-link/plain", Interface)}
    assert {(one.name, one.mtu, one.up, one.lower_up) for one in _one("ifconfig/lab", Interface)} == links


def _native(name: str) -> dict[tuple[Any, ...], Any]:
    """Objects by their place: rules as words with numbers in decimal, chains and sets as the packet path reads them."""
    found: dict[tuple[Any, ...], Any] = {}
    for one in _one(name, NftObject):
        said: Any = re.sub(r"0x[0-9a-f]+", lambda number: str(int(number[0], 16)), " ".join(one.text.split()))
        if one.kind == "chain" and (head := HEAD.search(one.text)):
            said = (head[1], head[2], priority(head[3]), head[4])
        elif one.kind in ("set", "map"):
            kind = re.split(r" (?:comment|flags|size|elements)\b", one.text)[0]
            said = (kind, elements(one.text) if "elements" in one.text else ())
        found[one.family, one.table, one.kind, one.name, one.position] = said
    return found


def test_nft_json_says_what_the_text_says() -> None:
    assert _native("nft-json/native") == _native("nft-ruleset/native")
