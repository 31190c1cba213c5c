"""Every field of every fact has the type it declares, whatever types the values of a document have."""

from __future__ import annotations

import random
import re
import types
import typing
import zlib
from functools import cache
from typing import Any

import msgspec
import pytest

from analyzer.facts.source import Source
from analyzer.facts.workloads import Pod
from tests.artifact_samples import Sample, samples

SAMPLES = samples()
JSON = [sample for sample in SAMPLES if sample.file.read_bytes().lstrip()[:1] in (b"{", b"[")]
VALUE = re.compile(rb'[:\[,]\s*("(?:[^"\\]|\\.)*"|-?\d+|true|false|null)')
OTHER = (b"5", b'"x"', b"null", b"[]", b"{}", b"true", b"1.5", b'[1, "a"]', b'{"a": [null]}', b"-1", b"9" * 20)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        several = len(arguments) == 2 and arguments[1] is Ellipsis
        wanted = [arguments[0]] * len(value) if several and isinstance(value, tuple) else list(arguments)
        return isinstance(value, tuple) and len(value) == len(wanted) and all(map(_fits, value, wanted))
    if origin is dict:
        key, item = arguments
        return isinstance(value, dict) and all(_fits(one, key) and _fits(two, item) for one, two in value.items())
    if hint in (int, float):
        return isinstance(value, int if hint is int else (int, float)) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return isinstance(value, hint) and not _misfits(value)
    return hint is Any or isinstance(value, hint)


def _misfits(fact: Any) -> list[str]:
    kind: Any = type(fact)
    return [
        f"{kind.__name__}.{name}: {getattr(fact, name)!r:.80}"
        for name in fact.__struct_fields__
        if not _fits(getattr(fact, name), _hints(kind)[name])
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}/{sample.file.stem}")
def test_fields_have_their_types(sample: Sample) -> None:
    assert not [misfit for fact in sample.parse().facts for misfit in _misfits(fact)]


@pytest.mark.parametrize("sample", JSON, ids=lambda sample: f"{sample.kind}/{sample.file.stem}")
def test_values_of_other_types_do_not_get_into_facts(sample: Sample) -> None:
    source = random.Random(zlib.crc32(sample.file.stem.encode()))
    for _ in range(40):
        data = sample.file.read_bytes()[:20000]
        for _ in range(source.randint(1, 4)):
            found = source.choice(list(VALUE.finditer(data)) or [None])
            if found:
                data = data[: found.start(1)] + source.choice(OTHER) + data[found.end(1) :]
        assert not [misfit for fact in sample.parse(data).facts for misfit in _misfits(fact)]


def test_a_wrong_type_is_noticed() -> None:
    pod = Pod(namespace="shop", name="web", restarts=True, labels={"a": 1}, ips=["10.0.0.1"])  # type: ignore[arg-type,dict-item]
    assert len(_misfits(pod)) == 3
    assert _fits(Source("a", 1, 2), Source)
