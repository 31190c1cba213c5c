"""The page on layouts says what the layouts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layouts.page import page

PAGE = Path(__file__).parents[1] / "docs" / "layouts.md"


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    text = page()
    if request.config.getoption("--accept"):
        PAGE.write_text(text)
    assert text == PAGE.read_text(), "run `pytest --accept tests/test_layouts_page.py`"
