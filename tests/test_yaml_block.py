"""What is read line by line is what a YAML parser reads: values, and the lines of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.readers import yaml_tree
from analyzer.readers.yaml_block import Unsure, blocks
from analyzer.readers.yaml_values import Document

ROOT = Path(__file__).parents[1]
SAMPLES = sorted(
    path
    for pattern in ("samples/**/*.yaml", "rules/**/*.yaml", "samples/artifacts/kubectl-yaml/*.txt")
    for path in ROOT.glob(pattern)
)


def _told(documents: list[Document]) -> list[object]:
    return [
        (repr(one.value), [(repr(item.value), item.first, item.last) for item in one.items or ()], one.items is None,
         one.first, one.last, one.broken and (str(one.broken), one.broken.line))
        for one in documents
    ]  # fmt: skip


def same(text: str) -> None:
    """Both ways give the same."""
    assert _told(list(yaml_tree.documents(text))) == _told(list(yaml_tree.parsed(text)))


def quick(text: str) -> bool:
    """Whether all of it is read line by line."""

    def refuse(_: str) -> list[Document]:
        raise AssertionError

    try:
        list(blocks(text, refuse))  # type: ignore[arg-type]
    except (Unsure, AssertionError):
        return False
    return True


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_samples(path: Path) -> None:
    """Every YAML file of the tree."""
    same(path.read_bytes().decode("utf-8", "replace"))


_SPACE = st.sampled_from(["", "", "", "\n", "# note\n", "  \n", "      # deep\n"])
_WORD = st.sampled_from(
    ["web", "10.96.0.1", "80", "0777", "1e3", "1.50", "yes", "Null", "~", "2026-11-25T20:00:00Z", "a b", "-c", "--v=2",
     ":53", "?x", "x:", "a: b",
     "a #b", "a#b", "*", "&a", "*a", "!t", "%p", "@p", "`p`", "<<", "=", "ünïcode", "字", "-", "- a",
     "a,b", "[a", "{a: b}", "[a, b]", "{}", "[]", '""', "''", '"a: b"', "'it''s'", '"tab\\t\\u00e9\\x41\\U0001F600"',
     '"\\uD800"', '"\\q"', '"a" # no', "'open", '"open', '"a\\\\"', '"a" b', "|", "|-", ">", "|2",
     "a\u00a0b", "a\u2028b", "a\tb",
     '"\\"', "1_000", "...", "---", "k:{\"a\":1}", "x" * 600]
)  # fmt: skip
_KEY = st.sampled_from(
    ["name", "items", "kind", "metadata", "f:spec", ".", "k:{\"port\":80}", "1", "true", "null", '"q"', "'q: r'",
     "a/b.c", "a b", "<<", "? k", "x" * 501, "a#", "a:b", "*k", "-k", "- k", "[k]", "key with: x"]
)  # fmt: skip
_USUAL = st.sampled_from(["apiVersion", "kind", "metadata", "items", "name", "spec", "data", "f:a"])


@st.composite
def _scalar(draw: st.DrawFn, margin: str) -> str:
    """A value in one or more lines, with its line break."""
    texts = st.lists(
        st.sampled_from(
            ["a", "b: c", " d", "", "", "  ", "# e", "- f", 'g"', "h'", "\\", "\\ i", "k ", "---", "it''s", "\\n", "{"]
        ),
        min_size=1,
        max_size=4,
    )
    kind = draw(st.sampled_from(["word"] * 6 + ["literal", "literal", "folded", "plain", "double", "single"]))
    if kind == "word":
        return f" {draw(_WORD)}\n"
    lines = draw(texts)
    if kind in ("literal", "folded"):
        marks = draw(st.sampled_from(["", "-", "+", "2", "2-", "-2", "+2", "1", " # x", "9"]))
        deeper = draw(st.sampled_from(["  ", "    ", " ", ""]))
        return f" {'|' if kind == 'literal' else '>'}{marks}\n" + "".join(
            draw(st.sampled_from([f"{margin}{deeper}{line}\n", f"{margin}  {line}\n"])) if line else "\n"
            for line in lines
        )
    quote = {"plain": "", "double": '"', "single": "'"}[kind]
    deeper = draw(st.sampled_from(["  ", "    ", "", " "]))
    return (
        f" {quote}w " + "\n".join(["x", *(f"{margin}{deeper}{line}" if line else "" for line in lines)]) + f"{quote}\n"
    )


@st.composite
def _node(draw: st.DrawFn, margin: str = "", depth: int = 3) -> str:
    """A map or list, each line indented by `margin` at least."""
    listed = draw(st.booleans())
    text = ""
    for _ in range(draw(st.integers(1, 4))):
        text += draw(_SPACE)
        own = draw(st.sampled_from([margin] * 12 + [margin + " ", margin[:-1]]))
        nested = depth > 0 and draw(st.booleans())
        if listed:
            inner = draw(_node(margin + "  ", depth - 1)) if nested else ""
            first, _, rest = inner.partition("\n")
            if inner and draw(st.integers(0, 5)) and first.startswith(margin + "  "):
                text += f"{own}- {first[len(margin) + 2 :]}\n{rest}"
            else:
                text += f"{own}-\n{inner}" if inner else f"{own}-{draw(_scalar(margin))}"
        else:
            name = draw(st.one_of(_USUAL, _USUAL, _USUAL, _KEY))
            deeper = draw(st.sampled_from(["  ", "  ", "", "    "]))
            text += (
                f"{own}{name}:\n{draw(_node(margin + deeper, depth - 1))}"
                if nested
                else f"{own}{name}:{draw(_scalar(margin))}"
            )
    return text


@st.composite
def _text(draw: st.DrawFn) -> str:
    """Documents as kubectl, a client or a broken disk would write them."""
    parts = [
        draw(
            st.one_of(
                _node(), _node().map(lambda body: f"apiVersion: v1\nitems:\n- kind: Pod\n  a: b\n- kind: Pod\n  {body}")
            )
        )
    ]
    for _ in range(draw(st.integers(0, 2))):
        parts.append(
            draw(st.sampled_from(["---\n", "---\n", "", "...\n", "--- # x\n", "---\n---\n", "%YAML 1.1\n---\n"]))
            + draw(_node())
        )
    text = draw(st.sampled_from(["", "---\n", "\n# x\n---\n", "--- \n", "\ufeff"])) + "".join(parts)
    if draw(st.integers(0, 8)) == 0:
        text = text.replace("\n", draw(st.sampled_from(["\r\n", "\r"])))
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 3)) == 0 else text


@settings(max_examples=400, deadline=None)
@given(_text())
def test_documents(text: str) -> None:
    """Documents in kubectl's style, with everything that may go wrong in them."""
    same(text)


_TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(["web", "a: b", " #", "\n", "  ", "it's", '"', "é", "back-off", "\\", "- "]), max_size=40
    ).map("".join),
    st.lists(st.sampled_from(["pulled", "image", "10.0.0.1", "on", "node"]), max_size=40).map(" ".join),
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(_TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_USUAL | _TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(_USUAL, _VALUES, min_size=1), max_size=4), st.sampled_from([40, 80, 10000]), st.booleans()
)
def test_written_values(items: list[dict[str, Any]], width: int, readable: bool) -> None:
    """Any values as a YAML writer writes them, its folded and escaped lines too."""
    listed = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
    same(yaml.safe_dump(listed, width=width, allow_unicode=readable, default_flow_style=False))


LISTED = """apiVersion: v1
items:
- apiVersion: v1
  data:
    Corefile: |
      .:53 {
          errors

      }
    empty: ""
    script: |2-
        indented
      less
  kind: ConfigMap
  metadata:
    annotations:
      note: 'it''s a long text that is
        broken over lines'
      plain: back-off 5m0s restarting failed container in
        pod

        twice
      quoted: "tabs\\there
        \\ and on"
    managedFields:
    - fieldsV1:
        f:data:
          .: {}
          k:{"port":80}: {}
    name: coredns
    nothing:
    # comment
- kind: Pod
  spec:
    args:
    - -c
    - --v=2
    -
      a: b
    tolerations: []
kind: List
metadata:
  resourceVersion: ""
"""


@pytest.mark.parametrize("text", [LISTED, f"---\n{LISTED}---\nkind: A\n", LISTED.replace("\n", "\r\n")])
def test_what_kubectl_writes_is_read_line_by_line(text: str) -> None:
    """No parser is asked for what clusters print."""
    assert quick(text)
    same(text)


def test_an_element_that_is_not_understood_costs_only_itself() -> None:
    """The parser gets the one element, and its lines are still those of the file."""
    text = "items:\n" + "".join(f"- kind: Pod\n  n: {n}\n  m: {'{a: b}' if n == 2 else '{}'}\n\n" for n in range(4))
    asked: list[str] = []

    def parse(part: str) -> Any:
        asked.append(part)
        return yaml_tree.parsed(part)

    (document,) = blocks(text, parse)
    assert asked == ["- kind: Pod\n  n: 2\n  m: {a: b}\n\n"]
    assert [(item.first, item.last) for item in document.items or ()] == [(1, 4), (5, 8), (9, 12), (13, 16)]
    same(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("- " * 5000 + "a\n", id="dashes"),
        pytest.param("".join(" " * n + "a:\n" for n in range(1000)), id="deep"),
        pytest.param("a:\n" + "- a:\n" * 500, id="elements"),
        pytest.param("a: \0\nb: c\n", id="nul"),
        pytest.param("a: " + "[" * 3000 + "\n", id="brackets"),
        pytest.param("a: &x {b: c}\nitems:\n- d: *x\n", id="alias"),
        pytest.param("items:\n- a: b\nitems:\n- c: d\n", id="twice"),
        pytest.param("items: []\nitems:\n- c: d\n", id="twice, first empty"),
        pytest.param("items:\n- a: |\n    b\n\n# x\n- c: |+\n    d\n\n", id="literals at the end"),
        pytest.param("a: |\n  b", id="no line break"),
        pytest.param("a: b\n  c: d\n", id="deeper"),
        pytest.param("a: b\n# x\n  c\n", id="comment inside"),
        pytest.param("items:\n- a: {b\n- c: d}\n", id="flow over elements"),
        pytest.param("items:\n  - a: 'b\n  - c'\n  - d: e\n", id="quotes over elements"),
        pytest.param("- a\n- b: c\n", id="bare list"),
    ],
)
def test_hostile(text: str) -> None:
    """What is wild or broken."""
    same(text)
