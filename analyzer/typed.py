"""Words to values of a field's type: the annotation of a fact's field is the only authority on what its text means."""

from __future__ import annotations

import ipaddress
import types
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from analyzer.facts.address import cidr, ip

LIMIT = 16384
FALSE = frozenset({"", "off", "0", "false", "no", "n", "disabled", "inactive"})
ADDRESSES = {ipaddress.IPv4Address, ipaddress.IPv6Address}
NETWORKS = {ipaddress.IPv4Network, ipaddress.IPv6Network}


class Memo(dict[Any, Any]):
    """Values made once per distinct key and kept; emptied at LIMIT of them, so hostile text cannot fill memory."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, key: Any) -> Any:
        value = self.make(key)
        if len(self) >= LIMIT:
            self.clear()
        self[key] = value
        return value


class Field(msgspec.Struct, frozen=True):
    """How one field of a fact or struct is filled.

    `convert` takes one word, or all words joined by spaces; ValueError if a field that must be known cannot be read
    from it. `many`: the field is a tuple. `struct`: the type of its items, if they have fields of their own.
    `required`: it has no default.
    """

    convert: Callable[[str], Any]
    many: bool
    struct: type[Any] | None
    required: bool


_FIELDS: dict[type[Any], dict[str, Field]] = {}


def fields(owner: type[Any]) -> dict[str, Field]:
    """The fields of a fact type or of a struct inside one, by name; `origin` is not among them."""
    if owner in _FIELDS:
        return _FIELDS[owner]
    hints = typing.get_type_hints(owner)
    known = {info.name: info for info in msgspec.structs.fields(owner)}
    made = {name: _field(hints[name], bool(info.required)) for name, info in known.items() if name != "origin"}
    return _FIELDS.setdefault(owner, made)


def _field(annotation: Any, required: bool) -> Field:
    options = _members(annotation)
    optional = type(None) in options
    options.discard(type(None))
    many = len(options) == 1 and typing.get_origin(next(iter(options))) is tuple
    if many:
        options = _members(typing.get_args(next(iter(options)))[0])
    kind = next(iter(options)) if len(options) == 1 else None
    if kind is not None and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return Field(str, many, kind, required)
    return Field(_converter(options, optional), many, None, required)


def _members(annotation: Any) -> set[Any]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return set(typing.get_args(annotation))
    return {annotation}


def _converter(options: set[Any], optional: bool) -> Callable[[str], Any]:
    if options == ADDRESSES:
        return ip if optional else _demanded(ip, "an address")
    if options == NETWORKS:
        return cidr if optional else _demanded(cidr, "a network")
    if options == {bool}:
        return _truth
    if options == {int}:
        return _number
    if options == {float}:
        return float
    kind = next(iter(options))
    return typing.cast(Callable[[str], Any], kind) if isinstance(kind, type) and issubclass(kind, str) else str


def _demanded(convert: Callable[[str], Any], what: str) -> Callable[[str], Any]:
    def demanded(text: str) -> Any:
        value = convert(text)
        if value is None:
            raise ValueError(what)
        return value

    return demanded


def _truth(text: str) -> bool:
    return text.lower() not in FALSE


def _number(text: str) -> int:
    try:
        return int(text, 16 if text[:2].lower() == "0x" else 10)
    except ValueError:
        raise ValueError("a number") from None


def unquote(text: str) -> str:
    """The text inside double quotes, backslashes resolved as iptables-save writes them; other text is left alone."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    parts, escaped = [], False
    for letter in inner:
        if escaped or letter != "\\":
            parts.append(letter)
            escaped = False
        else:
            escaped = True
    return "".join(parts)
