"""From the text of a condition to a typed tree, or to one clear error with a "did you mean"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from analyzer.engine.expression import Test
from analyzer.engine.fields import fields
from analyzer.engine.reading import Reader
from analyzer.engine.spot import Bound, Spot
from analyzer.errors import DefinitionError, UsageError
from analyzer.facts.fact import Fact

_BARE = re.compile(r'"(?:\\.|[^"\\])*"|(?<![\w.])[A-Za-z_]\w*')


def parse_test(text: str, names: Mapping[str, Bound], spot: Spot) -> Test:
    """The typed tree of one condition; `names` are the facts it may mention."""
    return Reader(text, names, spot).test(_tree(text, spot))


def fact_filter(kind: type[Fact], where: str) -> Callable[[Fact], bool]:
    """Whether a fact of a type fulfils a condition about its fields, which stand alone: `node == "worker-1"`."""
    from analyzer.engine.code import Code, Slot

    names = {"fact": Bound(kind)}
    spelled = _BARE.sub(lambda word: f"fact.{word.group()}" if word.group() in fields(kind) else word.group(), where)
    try:
        test = parse_test(spelled, names, Spot("--where", 0))
    except DefinitionError as error:
        raise UsageError(str(error)) from error
    holds = Code({"fact": Slot("x", kind.__name__)}).predicate([test])
    assert holds is not None
    return lambda fact: bool(holds(None, fact, None))


def _tree(text: str, spot: Spot) -> Any:
    from lark.exceptions import UnexpectedInput

    try:
        return _parsed(text)
    except UnexpectedInput as error:
        where = f"at column {error.column}" if error.column and error.column > 0 else "at its end"
        hint = ""
        for wrong, right in (("&&", "and"), ("||", "or"), ("!", "not"), ("=", "=="), ("not in", "not … in")):
            if wrong in text and right not in text:
                hint = right
                break
        rest = text[error.column - 1 :][:20] if error.column and error.column > 0 else ""
        spot.fail(f"cannot read the condition `{text}` {where}" + (f" (`{rest}`)" if rest else ""), hint)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Any:
    # Half of all conditions are written in several rules. Their trees are read only.
    return _parser().parse(text)


@cache
def _parser() -> Any:
    from lark import Lark

    grammar = Path(__file__).with_name("where.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)
