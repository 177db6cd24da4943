"""What holds for every dialect."""

import datetime as dt
import json
import re
from typing import get_args

import pytest

from nlp2filters.core import dialects
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.filters import And, Comparison, Contains, IsNull, RelativeDate
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, Form, ParamStyle, StoredField

every = pytest.mark.parametrize("name", list(DIALECTS))


@every
def test_the_table_is_keyed_by_name(name: str) -> None:
    assert DIALECTS[name].name == name
    assert DIALECTS[name].title


@every
def test_the_result_is_json(name: str, shop: Catalog) -> None:
    node = And(
        (
            Comparison(">", "released", dt.date(2026, 1, 1)),
            Comparison("<", "seen", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
            Comparison("<", "opens", dt.time(9)),
            Comparison("=", "wireless", True),
            Contains("title", "é'\"\\"),
            IsNull("place"),
        )
    )
    written = dialects.compile(name, Interpretation(filter=node, sort=(Sort("price", "asc"),), limit=3), shop)
    assert json.loads(json.dumps(written)) == written


@every
def test_relative_dates_must_be_resolved_first(name: str, shop: Catalog) -> None:
    node = Comparison(">", "released", RelativeDate(0, "day"))
    with pytest.raises(ValueError, match="resolve"):
        dialects.compile(name, Interpretation(filter=node), shop)


@every
def test_days_begin_at_midnight_in_the_zone(name: str, shop: Catalog) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    node = Comparison("<=", "seen", dt.date(2026, 1, 31))
    written = json.dumps(dialects.compile(name, Interpretation(filter=node), shop, dialects.Options(zone)))
    # Some engines store seconds or milliseconds.
    seconds = int(dt.datetime(2026, 1, 31, 22, tzinfo=dt.UTC).timestamp())
    literal = "datetime.datetime(2026, 1, 31, 22, 0"
    assert re.search("2026-01-31[T ]22:00:00", written) or str(seconds) in written or literal in written


def test_an_unknown_dialect(shop: Catalog) -> None:
    with pytest.raises(KeyError):
        dialects.compile("cobol", Interpretation(), shop)


@every
def test_a_notation_of_parameters_that_it_does_not_take(name: str, shop: Catalog) -> None:
    able = DIALECTS[name].capabilities.paramstyles
    for style in get_args(ParamStyle):
        faults = dialects.mapping_faults({name: EngineMapping(paramstyle=style)}, shop)
        assert [fault.pointer for fault in faults] == ([] if style in able else [f"/{name}/paramstyle"])


@pytest.mark.parametrize(
    ("name", "field", "form"),
    [
        ("sql", "price", "epoch_seconds"),
        ("sql", "title", "json"),
        ("sql", "released", "timestamptz"),
        ("sqlite", "seen", "timestamptz"),
    ],
)
def test_a_form_that_does_not_suit_the_field_or_the_engine(name: str, field: str, form: Form, shop: Catalog) -> None:
    mapping = EngineMapping(fields={field: StoredField(form=form)})
    assert [fault.pointer for fault in dialects.mapping_faults({name: mapping}, shop)] == [
        f"/{name}/fields/{field}/form"
    ]
