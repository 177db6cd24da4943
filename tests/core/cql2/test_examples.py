"""The examples of the standard: what the tree can mean is read, and all else is refused with a form that works."""

import json
from pathlib import Path

import pytest

from nlp2filters.core.cql2 import text
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.filters import leaves
from nlp2filters.errors import InvalidFilter

EXAMPLES = Path(__file__).parent / "ogc" / "examples"
JSON = sorted((EXAMPLES / "json").glob("*.json"))
TEXT = sorted((EXAMPLES / "text").glob("*.txt"))

# The words of the refusal that name another form, for what is outside of the tree.
SPATIAL, ARITHMETIC, FUNCTION = "Leave this test to your query", "Compute the value", "Compare a property"
REFUSED = {
    **dict.fromkeys(("clause6_01", "clause6_02b", "example68", "example69"), FUNCTION),
    **dict.fromkeys(
        ("clause6_02c", "clause7_19", *(f"example{number}" for number in (*range(72, 79), 85))), ARITHMETIC
    ),
    **dict.fromkeys(("clause7_05", "example27", "example70"), "list the spellings"),
    **dict.fromkeys((f"clause7_{number}" for number in ("07", "10", "16", "18")), SPATIAL),
    **dict.fromkeys(
        (f"example{number:02}" for number in (7, 8, *range(23, 26), *range(45, 53), 83, 84)),
        SPATIAL,
    ),
    "clause7_17": "Compare a property",  # Two fixed intervals.
    **dict.fromkeys(("example79", "example81"), "a_overlaps"),
    "example86": "both sides",
}


def test_all_are_here() -> None:
    assert len(JSON) == 109
    assert REFUSED.keys() < {path.stem for path in JSON}


@pytest.mark.parametrize("path", JSON, ids=lambda path: path.stem)
def test_json(path: Path) -> None:
    data = json.loads(path.read_text("utf-8"))
    if path.stem not in REFUSED:
        assert list(leaves(from_cql2(data)))
        return
    with pytest.raises(InvalidFilter, match=REFUSED[path.stem]):
        from_cql2(data)


@pytest.mark.parametrize("path", TEXT, ids=lambda path: path.stem)
def test_text_means_the_same(path: Path) -> None:
    name = path.stem.removesuffix("-alt01")
    data = json.loads((EXAMPLES / "json" / f"{name}.json").read_text("utf-8"))
    source = path.read_text("utf-8")
    if REFUSED.get(name) == SPATIAL:
        with pytest.raises(InvalidFilter):
            from_cql2(source)
    elif name in REFUSED:
        # It is refused by the reader, which gets what the standard says that the text is.
        assert text.parse(source) == data
    else:
        assert from_cql2(source) == from_cql2(data)
