"""docs/dialects.md says what the rows say."""

import pytest

from nlp2filters.core.dialects import DIALECTS
from tools.dialects_table import PAGE, table, with_section


def test_the_table_is_current() -> None:
    page = PAGE.read_text("utf-8")
    assert page == with_section(page, "dialects", table()), "run `python -m tools.dialects_table`"


def test_the_table_has_every_dialect() -> None:
    assert [line.split(" | ")[0] for line in table().splitlines()[2:]] == [f"| `{name}`" for name in DIALECTS]


def test_a_section_must_be_there_once() -> None:
    assert with_section("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new") == "a\n<!-- x -->\nnew\n<!-- /x -->\nb"
    with pytest.raises(ValueError, match="0 sections"):
        with_section("", "x", "new")
