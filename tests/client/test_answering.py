"""Answering a question with either client."""

import uuid

import pytest

from nlp2filters.client import Client
from nlp2filters.client.errors import Conflict

CLASH = "over 200 hp, under 100 hp"


def test_a_choice_and_a_text(client: Client) -> None:
    job = client.jobs.submit(CLASH, "cars")
    question = client.jobs.wait(job).clarification
    assert question
    assert len(question.choices) == 2
    chosen = client.jobs.answer(job, 1, metadata={"a": "b"})
    assert (chosen.refines, chosen.metadata) == (job.id, {"a": "b"})
    assert [part.value for part in client.jobs.wait(chosen).conditions] == [100]
    key = str(uuid.uuid4())
    told = client.jobs.answer(job, text="under 90 hp", idempotency_key=key)
    assert [part.value for part in client.jobs.wait(told).conditions] == [90]
    assert client.jobs.answer(job, text="under 90 hp", idempotency_key=key).id == told.id


def test_a_job_that_asks_nothing(client: Client) -> None:
    job = client.jobs.submit("8 cylinders", "cars")
    client.jobs.wait(job)
    with pytest.raises(Conflict) as caught:
        client.jobs.answer(job, 0)
    assert caught.value.slug == "no-question"
