"""What a rule may say: places that no fact fills are refused, braces of other languages stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.data import rule_dir
from analyzer.engine import load_rules
from analyzer.errors import DefinitionError

RULE = "node/ip-forward-disabled.yaml"


def with_title(title: str, folder: Path) -> Path:
    """A rule that ships, with another title; its clauses bind `node`."""
    text = (rule_dir() / RULE).read_text(encoding="utf-8").split("\n")
    at = next(number for number, line in enumerate(text) if line.startswith("title:"))
    text[at] = "title: '" + title.replace("'", "''") + "'"
    path = folder / Path(RULE).name
    path.write_text("\n".join(text), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("title", "said"),
    [
        pytest.param(
            'In {node.annotations["zone"]}', r'\{node.annotations\["zone"\]\} cannot be filled', id="subscript"
        ),
        pytest.param("On {node.name.first}", "cannot be filled", id="two-fields"),
        pytest.param("On {node name}", "cannot be filled", id="space"),
        pytest.param("On { node }", "cannot be filled", id="spaces-inside"),
        pytest.param("On {count node.name}", "count takes the name", id="count-of-a-field"),
        pytest.param("On {count node of them}", "cannot be filled", id="count-and-more"),
        pytest.param("On {node.nmae}", "has no field 'nmae'", id="misspelt"),
        pytest.param("On {nod}", "no fact is named 'nod'", id="no-such-fact"),
    ],
)
def test_a_place_that_cannot_be_filled_is_refused(title: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=said):
        load_rules((with_title(title, tmp_path),))


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("On {node}, {count node}", id="places"),
        pytest.param("Run awk '{print $1}' on {node}", id="awk"),
        pytest.param("Run kubectl -o jsonpath='{.items[*].spec.nodeName}'", id="jsonpath"),
        pytest.param("Run docker -f '{{.Name}} {{range .Mounts}}'", id="go-template"),
        pytest.param("Set {{node}} in it", id="doubled"),
        pytest.param('Echo ${node[0]}, {"node": 1}', id="shell-and-json"),
    ],
)
def test_braces_of_other_languages_stay(title: str, tmp_path: Path) -> None:
    assert any(rule.title == title for rule in load_rules((with_title(title, tmp_path),)))
