"""Building a query from a request."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nlp2filters.core.conversation import Conversation
from nlp2filters.core.cql2.records import to_cql2
from nlp2filters.core.filters import Comparison
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.query import Query, resolve_now
from nlp2filters.errors import InvalidFilter

REQUEST: dict[str, Any] = {
    "text": "red",
    "catalog": "shop",
    "dialects": ["sql"],
    "strategy": "auto",
    "timezone": "UTC",
    "now": "2026-11-24",
    "scope": None,
}
TODAY = dt.date(2026, 11, 24)
SUBMITTED_MS = int(dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC).timestamp() * 1000)


def test_a_request_of_the_first_version_has_no_locale_and_refines_nothing() -> None:
    assert Query.from_request(REQUEST, 0) == Query("red", TODAY, dialects=("sql",))


def test_every_member_is_read() -> None:
    scope = Comparison(">", "price", 5)
    conversation = Conversation("job_1", {"job_1": "blue"}, Interpretation())
    options = {"locale": "es-MX", "strategy": "llm", "timezone": "Europe/Berlin", "dialects": ["sql", "elasticsearch"]}
    request = {**REQUEST, **options, "scope": to_cql2(scope), "earlier": conversation.to_json()}
    berlin = ZoneInfo("Europe/Berlin")
    assert Query.from_request(request, 0) == Query(
        "red", TODAY, berlin, "es-MX", "llm", ("sql", "elasticsearch"), scope, conversation
    )


def test_a_scope_that_is_no_filter_is_refused() -> None:
    with pytest.raises(InvalidFilter):
        Query.from_request({**REQUEST, "scope": {"op": "?"}}, 0)


@pytest.mark.parametrize(
    ("now", "zone", "moment"),
    [
        (None, "UTC", "2026-11-24T23:30:00+00:00"),
        (None, "Europe/Berlin", "2026-11-25T00:30:00+01:00"),
        ("2026-01-01", "Europe/Berlin", "2026-01-01T00:00:00+01:00"),
        ("2026-01-01T23:30:00Z", "Europe/Berlin", "2026-01-02T00:30:00+01:00"),
    ],
)
def test_now_is_in_the_zone_of_the_request(now: str | None, zone: str, moment: str) -> None:
    assert resolve_now(now, ZoneInfo(zone), SUBMITTED_MS).isoformat() == moment
