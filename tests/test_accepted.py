"""A submission that is accepted does not fail for what it says, however odd, nor for what an LLM makes of it."""

import asyncio
import datetime as dt
import json
import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

import orjson
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, interpretation, languages
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS
from nlp2filters.core.query import Query
from nlp2filters.core.requests import Submission, validate
from nlp2filters.errors import InvalidInput
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.llm import Answer
from nlp2filters.translator import Translator

FIELDS: list[dict[str, Any]] = [
    {"name": "price", "type": "money", "currency": "USD"},
    {"name": "count", "type": "integer"},
    {"name": "counts", "type": "integer", "many": True},
    {"name": "size", "type": "number"},
    {"name": "day", "type": "date"},
    {"name": "seen", "type": "datetime"},
    {"name": "visits", "type": "datetime", "many": True},
    {"name": "opens", "type": "time"},
    {"name": "length", "type": "duration", "unit": "min"},
    {"name": "new", "type": "boolean"},
    {"name": "color", "type": "keyword", "values": ["red", "blue"]},
    {"name": "title", "type": "text"},
]
NAMES = [field["name"] for field in FIELDS]
CATALOG = catalogs.parse({"name": "own", "fields": FIELDS})
LEXICONS = {locale: Lexicon.of(CATALOG, languages.of(locale)) for locale in ("en", "es-MX")}
WORDS = re.findall(
    r"\S+",
    """
    0 1 5 7 99 1000 3000 99999 900000 12345678901234567890 1e400 0.0000001 ½ ² ٣ 31.12.0001 12/31/9999 9999-12-31
    0001-01-01 2999 -5 10k days weeks months quarters years decades hours usd $ % am pm last next past ago since before
    after between and or not over under today tomorrow friday q3 80s 90s march weekend missing cheapest newest hace
    pasada año from to until ' " \\ \u200f \u202e \ufeff \x01 İ ﬁ e\u0301 🙂
    """,
)
PHRASES = [
    "in the last",
    "in the next",
    "end of the year",
    "third quarter of",
    "first week of",
    "feb 29",
    " ",
    "\n",
    "\u2028",
]
EDGES = ["0001-01-01", "9999-12-31", "1000-01-01", "2024-02-29"]

texts = st.lists(st.sampled_from([*WORDS, *PHRASES, *NAMES, "red"]) | st.text(max_size=4), min_size=1, max_size=12)
moments = st.builds(
    "{:04}-{}".format,
    st.sampled_from([1000, 1001, 1582, 1970, 2026, 2999, 8999]),
    st.sampled_from(["01-01", "12-31T23:59:59.999999-12:00", "01-01T00:00:00+14:00", "12-31T23:59:59+23:59"]),
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
relatives = st.fixed_dictionaries(
    {
        "offset": st.integers(-(10**18), 10**18) | st.integers(-1000, 1000),
        "unit": st.sampled_from(["day", "week", "year"]),
    },
    optional={"floor": st.sampled_from(["day", "month", "year"]), "edge": st.sampled_from(["first", "last"])},
)
temporals = st.one_of(
    st.sampled_from([{"date": day} for day in EDGES]),
    st.sampled_from([{"timestamp": f"{day}T00:00:00{zone}"} for day in EDGES for zone in ("", "+14:00", "-12:00")]),
    st.builds(lambda time: {"time": time.isoformat()}, st.times()),
    st.builds(lambda relative: {"relative": relative}, relatives),
)
plain = numbers | st.booleans() | st.text(max_size=8) | st.sampled_from([*EDGES, "1e400", "9" * 400, "red", "18:30"])
scalars = plain | temporals
fields = st.sampled_from([{"property": name} for name in NAMES])
MILLENNIUM_AGO = {"op": ">", "args": [{"property": "seen"}, {"relative": {"offset": -1000, "unit": "year"}}]}
leaves = st.one_of(
    st.builds(
        lambda op, *args: {"op": op, "args": args}, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), fields, scalars
    ),
    st.builds(lambda *args: {"op": "between", "args": args}, fields, scalars, scalars),
    st.builds(lambda *args: {"op": "in", "args": args}, fields, st.lists(scalars, min_size=1, max_size=3)),
    st.builds(lambda arg: {"op": "isNull", "args": [arg]}, fields),
)
scopes = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda op, *args: {"op": op, "args": args}, st.sampled_from(["and", "or"]), inner, inner)
        | st.builds(lambda arg: {"op": "not", "args": [arg]}, inner)
    ),
    max_leaves=3,
)
submissions = st.fixed_dictionaries(
    {
        "text": texts.map(" ".join),
        "dialects": st.sampled_from([["sql", "elasticsearch"], []]),
    },
    optional={
        "timezone": st.sampled_from(sorted(available_timezones())),
        "now": moments,
        "scope": scopes,
        "locale": st.sampled_from(sorted(LEXICONS)),
        "metadata": st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
    },
)
answers = st.none() | st.lists(
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(NAMES),
            "op": st.sampled_from(["=", "<>", "<", ">=", "between", "not between", "in", "contains", "isNull"]),
            "value": plain | st.lists(plain, min_size=2, max_size=2),
            "confidence": st.sampled_from([0, 0.5, 1]),
        }
    ),
    max_size=3,
)


class Scripted:
    """An LLM of whose answers one is known."""

    name, model = "scripted", "m"
    schema_limits = OPENAI_LIMITS

    async def complete(self, *_: Any) -> Answer:
        raise AssertionError


@given(submissions, answers)
@example({"text": "day since 999 years ago", "now": "1000-01-01", "timezone": "Etc/GMT+12"}, None)
@example({"text": "seen before the next 999 years", "now": "8999-12-31", "timezone": "Etc/GMT-14"}, None)
@example({"text": "red", "now": "1000-01-01", "scope": MILLENNIUM_AGO}, None)
def test_what_is_accepted_comes_to_a_result(data: dict[str, Any], answer: list[dict[str, Any]] | None) -> None:
    try:
        sent = orjson.loads(json.dumps({"catalog": "own", **data}))
        asked = validate(Submission, sent)
        if asked.scope is not None:
            checks.check(from_cql2(asked.scope), CATALOG, trusted=True)
    except (InvalidInput, orjson.JSONDecodeError):
        assume(False)
    asyncio.run(_run(orjson.loads(orjson.dumps(asked.model_dump(mode="json"))), answer))


async def _run(request: dict[str, Any], answer: list[dict[str, Any]] | None) -> None:
    """Both stages, with what they leave in between written and read as in a job's record."""
    query = Query.from_request(request, int(dt.datetime.now().timestamp() * 1000))
    draft = await Translator().draft(query, LexiconParser(LEXICONS[query.locale]))
    draft = interpretation.from_json(orjson.loads(orjson.dumps(interpretation.to_json(draft))))

    async def complete(name: str, messages: Sequence[Message], schema: Any) -> Answer:
        conditions = [{**one, "quote": request["text"][:5]} for one in answer or ()]
        return Answer(json.dumps({"conditions": conditions}), "m", {})

    translator = Translator(llm=None if answer is None else Scripted())
    translation = await translator.translate(query, CATALOG, draft, complete)
    orjson.dumps([translation.result, interpretation.to_json(translation.reading)])
