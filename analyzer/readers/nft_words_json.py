"""Expressions and statements of `nft -j` in the words of `nft list ruleset`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

VERDICTS = ("accept", "drop", "continue", "return", "notrack")
BARE_META = ("iif", "iifname", "oif", "oifname", "iifgroup", "oifgroup", "skuid", "skgid")
QUOTED = ("iif", "iifname", "oif", "oifname")
OPERATORS = {"&", "|", "^", "<<", ">>"}
Object = dict[str, Any]


class Unsaid(ValueError):
    """Something that has no words here."""


def rule_text(rule: Object) -> str:
    """The statements of a rule; Unsaid names what cannot be said."""
    said = rule.get("expr", [])
    if not isinstance(said, list):
        raise Unsaid("expr")
    words = [statement(item) for item in said]
    comment = rule.get("comment")
    return " ".join([*(word for word in words if word), *([f'comment "{comment}"'] if comment else [])])


def statement(said: Any) -> str:
    """One statement; "" for one that changes nothing, such as a comment of iptables."""
    name, body = _only(said)
    if name in VERDICTS:
        return name
    if name in ("jump", "goto"):
        return f"{name} {_text(body, 'target')}"
    known = STATEMENTS.get(name)
    if known is None:
        raise Unsaid(name)
    return known(body)


def _match(body: Any) -> str:
    operator = _text(body, "op")
    left, right = body["left"], body["right"]
    if isinstance(left, dict) and "&" in left and operator in ("==", "!="):
        field, mask = left["&"]
        if isinstance(field, dict) and field.get("payload", {}).get("field") == "flags":
            negated = "!= " if operator == "!=" else ""
            return f"{expression(field)} {negated}{expression(right)} / {expression(mask)}"
    quoted = isinstance(left, dict) and left.get("meta", {}).get("key") in QUOTED
    middle = "" if operator in ("==", "in") and not _calculated(left) else f"{'==' if operator == 'in' else operator} "
    return f"{expression(left)} {middle}{expression(right, quoted)}"


def _calculated(left: Any) -> bool:
    return isinstance(left, dict) and bool(OPERATORS & {*left})


def _vmap(body: Any) -> str:
    return f"{expression(body['key'])} vmap {expression(body['data'])}"


def _counter(body: Any) -> str:
    return f"counter packets {_number(body, 'packets')} bytes {_number(body, 'bytes')}" if body else "counter"


def _mangle(body: Any) -> str:
    return f"{expression(body['key'])} set {expression(body['value'])}"


def _nat(name: str) -> Callable[[Any], str]:
    def said(body: Any) -> str:
        body = body or {}
        address = expression(body["addr"]) if "addr" in body else ""
        port = f":{expression(body['port'])}" if "port" in body else ""
        if ":" in address and port:
            address = f"[{address}]"
        to = f" to {address}{port}" if address or port else ""
        flags = body.get("flags", [])
        words = [flags] if isinstance(flags, str) else flags
        family = f" {body['family']}" if isinstance(body.get("family"), str) and to else ""
        return " ".join([f"{name}{family}{to}", *([",".join(map(str, words))] if words else [])])

    return said


def _reject(body: Any) -> str:
    if not body or (body.get("type") in ("icmp", "icmpx") and body.get("expr") == "port-unreachable"):
        return "reject"
    if body.get("type") == "tcp reset":
        return "reject with tcp reset"
    return f"reject with {_text(body, 'type')} {expression(body['expr'])}" if "expr" in body else "reject"


def _log(body: Any) -> str:
    prefix = (body or {}).get("prefix")
    return f'log prefix "{prefix}"' if prefix else "log"


def _limit(body: Any) -> str:
    over = "over " if body.get("inv") else ""
    return f"limit rate {over}{_number(body, 'rate')}/{_text(body, 'per')}"


def _set(body: Any) -> str:
    return f"{_text(body, 'op')} {_text(body, 'set')} {{ {expression(body['elem'])} }}"


def _extension(body: Any) -> str:
    """A match or target of iptables: what it does is not told, except that a comment does nothing."""
    return "" if body.get("name") == "comment" else f'xt {_text(body, "type")} "{_text(body, "name")}"'


STATEMENTS: dict[str, Callable[[Any], str]] = {
    "match": _match, "vmap": _vmap, "counter": _counter, "mangle": _mangle, "reject": _reject, "log": _log,
    "limit": _limit, "set": _set, "xt": _extension,
    **{name: _nat(name) for name in ("snat", "dnat", "masquerade", "redirect")},
}  # fmt: skip


def expression(said: Any, quoted: bool = False) -> str:
    """A value, a selector or a set."""
    if isinstance(said, str):
        return f'"{said}"' if quoted and not said.startswith("@") else said
    if isinstance(said, bool) or said is None:
        raise Unsaid(str(said))
    if isinstance(said, int):
        return str(said)
    if isinstance(said, list):
        return ",".join(expression(item) for item in said)
    name, body = _only(said)
    if name in OPERATORS:
        return f" {name} ".join(expression(item) for item in body)
    known = EXPRESSIONS.get(name)
    if known is None:
        raise Unsaid(name)
    return known(body, quoted)


def _meta(body: Any, quoted: bool) -> str:
    key = _text(body, "key")
    return key if key in BARE_META else f"meta {key}"


def _ct(body: Any, quoted: bool) -> str:
    way = f"{_text(body, 'dir')} " if "dir" in body else ""
    return f"ct {way}{_text(body, 'key')}"


def _fib(body: Any, quoted: bool) -> str:
    flags = body["flags"] if isinstance(body.get("flags"), list) else [_text(body, "flags")]
    return f"fib {' . '.join(map(str, flags))} {_text(body, 'result')}"


def _anonymous(body: Any, quoted: bool) -> str:
    """A set, or a map of pairs, in braces."""
    items = body if isinstance(body, list) else [body]
    return f"{{ {', '.join(element(item, quoted) for item in items)} }}"


def element(said: Any, quoted: bool = False) -> str:
    """An element of a set, or a key of a map with its value."""
    if isinstance(said, list) and len(said) == 2:
        key, value = said
        shown = (
            statement(value)
            if isinstance(value, dict) and {*value} & {*VERDICTS, "jump", "goto"}
            else expression(value)
        )
        return f"{expression(key, quoted)} : {shown}"
    return expression(said, quoted)


def _numgen(body: Any, quoted: bool) -> str:
    offset = f" offset {body['offset']}" if body.get("offset") else ""
    return f"numgen {_text(body, 'mode')} mod {_number(body, 'mod')}{offset}"


EXPRESSIONS: dict[str, Callable[[Any, bool], str]] = {
    "payload": lambda body, quoted: f"{_text(body, 'protocol')} {_text(body, 'field')}",
    "meta": _meta,
    "ct": _ct,
    "fib": _fib,
    "prefix": lambda body, quoted: f"{expression(body['addr'])}/{_number(body, 'len')}",
    "range": lambda body, quoted: "-".join(expression(item) for item in body),
    "concat": lambda body, quoted: " . ".join(expression(item) for item in body),
    "set": _anonymous,
    "elem": lambda body, quoted: expression(body["val"], quoted),
    "numgen": _numgen,
    "rt": lambda body, quoted: f"rt {_text(body, 'key')}",
    "tcp option": lambda body, quoted: f"tcp option {_text(body, 'name')} {_text(body, 'field')}",
}


def _only(said: Any) -> tuple[str, Any]:
    if not isinstance(said, dict) or len(said) != 1:
        raise Unsaid("an object with one key")
    return next(iter(said.items()))


def _text(said: Any, name: str) -> str:
    if not isinstance(said, dict) or not isinstance(said.get(name), str):
        raise Unsaid(name)
    return str(said[name])


def _number(said: Any, name: str) -> int:
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, int):
        raise Unsaid(name)
    return value
