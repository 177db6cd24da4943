"""The translator: when the LLM is called, what becomes of its answers, and what is compiled."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nlp2filters import demo
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import Comparison
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS
from nlp2filters.core.query import Query
from nlp2filters.errors import InvalidAnswer, ProviderError
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.llm import Answer, Listener, Permit
from nlp2filters.translator import Translation, Translator

CARS = demo.catalog("cars")
LEXICON = Lexicon.of(CARS)
QUERY = Query("japanese cars", dt.date(2026, 11, 24), dialects=("sql",))
JAPAN = {"op": "=", "args": [{"property": "Origin"}, "Japan"]}
GOOD = json.dumps(
    {"conditions": [{"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "confidence": 1}]}
)
FAULTY = "{}"


class Scripted:
    """An LLM that gives its answers in order, and keeps the messages that it gets."""

    name, model = "scripted", "m"
    schema_limits = OPENAI_LIMITS

    def __init__(self, *contents: str) -> None:
        self.contents = iter(contents)
        self.calls: list[Sequence[Message]] = []

    async def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        listener: Listener | None = None,
        permit: Permit | None = None,
    ) -> Answer:
        self.calls.append(messages)
        return Answer(next(self.contents), self.model, {"total_tokens": 1})


async def translate(query: Query, llm: Scripted | None = None) -> Translation:
    translator = Translator(llm=llm)
    draft = await translator.draft(query, LexiconParser(LEXICON))
    return await translator.translate(query, CARS, draft)


async def test_without_an_llm_the_draft_is_compiled() -> None:
    result = (await translate(QUERY)).result
    assert (result["filter"], result["provider"], result["draft"], result["degraded"]) == (
        JAPAN,
        "builtin",
        None,
        False,
    )
    assert list(result["dialects"]) == ["sql"]
    assert result["refines"] is None


async def test_an_answer_is_compiled_beside_the_draft() -> None:
    llm = Scripted(GOOD)
    result = (await translate(QUERY, llm)).result
    assert (result["provider"], result["model"], result["usage"]) == ("scripted", "m", {"total_tokens": 1})
    assert result["conditions"][0]["source"] == "llm"
    assert result["draft"]["filter"] == JAPAN
    assert [part["quote"] for part in result["ignored"]] == ["cars"]
    assert len(llm.calls) == 1


async def test_a_faulty_answer_is_repaired_once() -> None:
    llm = Scripted(FAULTY, GOOD)
    assert (await translate(QUERY, llm)).result["degraded"] is False
    assert [len(messages) for messages in llm.calls] == [2, 4]


async def test_the_draft_stands_when_both_answers_are_faulty() -> None:
    result = (await translate(QUERY, Scripted(FAULTY, FAULTY))).result
    assert (result["degraded"], result["degraded_reason"]) == (True, "InvalidAnswer")
    assert (result["filter"], result["provider"], result["draft"]) == (JAPAN, "builtin", None)


async def test_the_strategy_llm_fails_without_a_usable_answer() -> None:
    with pytest.raises(InvalidAnswer):
        await translate(replace(QUERY, strategy="llm"), Scripted(FAULTY, FAULTY))


async def test_the_strategy_builtin_calls_no_llm() -> None:
    llm = Scripted()
    assert (await translate(replace(QUERY, strategy="builtin"), llm)).result["provider"] == "builtin"
    assert llm.calls == []


async def test_the_scope_is_added_but_no_llm_sees_it() -> None:
    llm = Scripted(GOOD)
    translation = await translate(replace(QUERY, scope=Comparison(">", "Horsepower", 123)), llm)
    assert "123" not in str(llm.calls)
    assert translation.result["filter"]["args"][0] == {"op": ">", "args": [{"property": "Horsepower"}, 123]}
    assert translation.reading.filter == Comparison("=", "Origin", "Japan")


async def test_a_caller_can_keep_the_answers_and_give_them_back() -> None:
    answers: dict[str, Answer] = {}
    llm = Scripted(FAULTY, GOOD)

    async def complete(name: str, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        if name not in answers:
            answers[name] = await llm.complete(messages, schema)
        return answers[name]

    translator = Translator(llm=llm)
    draft = await translator.draft(QUERY, LexiconParser(LEXICON))
    first, second = [await translator.translate(QUERY, CARS, draft, complete) for _ in range(2)]
    assert first == second
    assert list(answers) == ["answer", "repaired_answer"]
    assert len(llm.calls) == 2


async def test_an_error_of_the_hook_is_one_of_the_llm() -> None:
    async def complete(name: str, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        raise ProviderError("out of order")

    translator = Translator(llm=Scripted())
    draft = await translator.draft(QUERY, LexiconParser(LEXICON))
    translation = await translator.translate(QUERY, CARS, draft, complete)
    assert translation.result["degraded_reason"] == "ProviderError"
    assert translation.reading is draft


async def test_a_followup_changes_the_conversations_filter() -> None:
    first = await translate(QUERY)
    conversation = Conversation.of("job_1", QUERY.text, first.reading)
    result = (await translate(replace(QUERY, text="also european", conversation=conversation))).result
    assert result["refines"]["job_id"] == "job_1"
    assert result["refines"]["texts"] == [{"job_id": "job_1", "text": "japanese cars"}]
    assert [condition["said_in"] for condition in result["conditions"]] == ["job_1", None]
