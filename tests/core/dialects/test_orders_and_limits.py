"""Orders and limits that an engine cannot take as they are."""

import dataclasses
import re
from typing import Any

import pytest

from nlp2filters.core import dialects
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import DIALECTS, mapping_faults
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, StoredField


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> str:
    """A dialect with at most ten rows, its own place for NULL, and plain names."""
    row = DIALECTS["elasticsearch"]
    able = dataclasses.replace(
        row.capabilities, max_limit=10, max_sort_keys=2, nulls_last=False, names=re.compile("[a-z]+")
    )
    monkeypatch.setattr(dialects, "DIALECTS", {"limited": dataclasses.replace(row, capabilities=able)})
    return "limited"


def compiled(name: str, shop: Catalog, **asked: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    query = dialects.compile(name, Interpretation(**asked), shop)
    return query, [(loss["pointer"], loss["effect"]) for loss in query["lossy"]]


def test_a_limit_beyond_what_the_engine_returns(limited: str, shop: Catalog) -> None:
    query, losses = compiled(limited, shop, limit=11)
    assert (query["size"], losses) == (10, [("/limit", "narrower")])
    query, losses = compiled(limited, shop, limit=10)
    assert (query["size"], losses) == (10, [])


def test_the_place_of_rows_without_a_value_matters_where_there_are_some(limited: str, shop: Catalog) -> None:
    assert compiled(limited, shop, sort=(Sort("price", "asc"),))[1] == [("/sort", "order")]
    assert compiled(limited, shop, sort=(Sort("doors", "asc"),))[1] == []


def test_more_fields_to_sort_by_than_the_engine_takes(limited: str, shop: Catalog) -> None:
    query, losses = compiled(limited, shop, sort=(Sort("doors", "asc"),) * 3)
    assert len(query["sort"]) == 2
    assert losses == [("/sort", "order")]


def test_a_field_without_a_name_in_the_engine_sorts_nothing(limited: str, shop: Catalog) -> None:
    query, losses = compiled(limited, shop, sort=(Sort("order by", "asc"),))
    assert "sort" not in query
    assert losses == [("/sort", "order")] * 2


def test_a_mapping_that_the_engine_has_no_use_for(shop: Catalog) -> None:
    nested = EngineMapping(fields={"price": StoredField(nested="offers")})
    (fault,) = mapping_faults({"sql": nested}, shop)
    assert fault.pointer == "/sql/fields/price/nested"
