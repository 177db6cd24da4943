"""Going on from a clarification."""

from typing import Any

import httpx
import pytest

from nlp2filters.core.schemas import Result

WAIT = {"Prefer": "wait=25"}
CLASH = "japanese, over 200 hp, under 100 hp"


def ask(client: httpx.Client, text: str = CLASH, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/jobs", json={"catalog": "cars", "text": text, **body}, headers=WAIT)
    job: dict[str, Any] = response.json()
    assert job["status"] == "succeeded", job
    return job


def answer(client: httpx.Client, job: dict[str, Any], **body: Any) -> dict[str, Any]:
    response = client.post(f"{job['urls']['self']}/answer", json=body, headers=WAIT)
    assert response.status_code == 200, response.text
    job = response.json()
    assert job["status"] == "succeeded", job
    return job


def conditions_of(job: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [(part["field"], part["op"], part["value"]) for part in job["result"]["conditions"]]


def test_a_choice(client: httpx.Client) -> None:
    first = ask(client)
    choices = first["result"]["clarification"]["choices"]
    assert choices == ["Horsepower is more than 200 hp", "Horsepower is less than 100 hp"]
    second = answer(client, first, choice=1)
    assert second["refines"] == first["id"]
    assert conditions_of(second) == [("Origin", "=", "Japan"), ("Horsepower", "<", 100)]
    result = Result.model_validate(second["result"])
    assert result.clarification is None
    assert {part.said_in for part in result.conditions} == {first["id"]}
    assert result.refines
    assert result.refines.difference.summary == "Removed: Horsepower is more than 200 hp."


def test_an_answer_in_other_words(client: httpx.Client) -> None:
    first = ask(client)
    assert conditions_of(answer(client, first, text="under 90 hp"))[-1] == ("Horsepower", "<", 90)
    assert conditions_of(answer(client, first, text="any horsepower")) == [("Origin", "=", "Japan")]


def test_what_is_not_given_is_as_before(client: httpx.Client) -> None:
    scope = {"op": "<", "args": [{"property": "Year"}, 1980]}
    first = ask(client, dialects=["elasticsearch"], scope=scope)
    second = answer(client, first, choice=0, metadata={"a": "b"})
    assert list(second["result"]["dialects"]) == ["elasticsearch"]
    assert scope in second["result"]["filter"]["args"]
    assert second["metadata"] == {"a": "b"}


def test_an_idempotency_key_makes_one_job_of_two_answers(client: httpx.Client) -> None:
    first = ask(client)
    headers = {"Idempotency-Key": "once"}
    one, two = (
        client.post(f"{first['urls']['self']}/answer", json={"choice": 0}, headers=headers).json() for _ in range(2)
    )
    assert one["id"] == two["id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"choice": 0, "text": "x"}, ""),
        ({"choice": 2}, "/choice"),
        ({"choice": -1}, "/choice"),
        ({"choice": "0"}, "/choice"),
        ({"text": ""}, "/text"),
        ({"text": "x", "catalog": "movies"}, "/catalog"),
    ],
)
def test_an_answer_that_is_none(client: httpx.Client, body: dict[str, Any], pointer: str) -> None:
    first = ask(client)
    response = client.post(f"{first['urls']['self']}/answer", json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_job_that_asks_nothing(client: httpx.Client, idle: httpx.Client) -> None:
    def refused(client: httpx.Client, job_id: str) -> tuple[int, str]:
        response = client.post(f"/v1/jobs/{job_id}/answer", json={"choice": 0})
        return response.status_code, response.json()["type"]

    assert refused(client, ask(client, "japanese")["id"]) == (409, "/problems/no-question")
    assert refused(client, "job_none") == (404, "/problems/job-not-found")
    waiting = idle.post("/v1/jobs", json={"catalog": "cars", "text": CLASH}).json()
    assert refused(idle, waiting["id"]) == (409, "/problems/job-not-finished")
