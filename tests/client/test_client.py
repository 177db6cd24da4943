"""Both clients against the real service: everything that can be asked."""

import datetime as dt
import json
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import get_type_hints

import pytest

from nlp2filters.client import Catalog, Client, Field, verify_webhook
from nlp2filters.client.errors import BadRequest, Conflict, ConnectionFailed, JobFailed, NotFoundError, WaitTimeout
from nlp2filters.client.options import BatchRequest, Options
from nlp2filters.core import signatures
from nlp2filters.core.requests import BatchRequest as BatchRequestBody
from nlp2filters.core.requests import Submission
from nlp2filters.core.schemas import JobEnded
from tests.client.conftest import Connect
from tests.service import Service

SHOP = {"name": "shop", "fields": [{"name": "price", "type": "money", "currency": "USD"}]}


def test_every_option_of_a_submission_can_be_given() -> None:
    assert set(get_type_hints(Options)) == set(Submission.model_fields) - {"kind", "text", "catalog"}
    assert set(get_type_hints(BatchRequest)) == set(BatchRequestBody.model_fields) - {"kind"}


def test_a_text_is_asked(client: Client) -> None:
    result = client.ask("at least 30 mpg, not japanese, lightest first", catalog="cars", dialects=["sql"])
    conditions = {(one.field, one.op, one.value, one.quote) for one in result.conditions}
    assert ("Miles_per_Gallon", ">=", 30, "at least 30 mpg") in conditions
    assert [(sort.field, sort.direction) for sort in result.sort] == [("Weight_in_lbs", "asc")]
    assert "Origin" in result.dialects["sql"]["where"]


def test_a_text_goes_on_from_another(client: Client) -> None:
    first = client.ask("japanese cars over 30 mpg", catalog="cars")
    assert first.job_id and first.refines is None
    second = client.ask("also european, lightest first", refines=first.job_id)
    assert second.refines and [said.text for said in second.refines.texts] == ["japanese cars over 30 mpg"]
    assert second.refines.difference.sort
    assert {one.value for one in second.conditions} == {"Japan", "Europe", 30}
    assert client.jobs.submit("any origin", refines=str(second.job_id)).refines == second.job_id


def test_every_option_arrives(client: Client) -> None:
    result = client.ask(
        "cheaper than 20, added since yesterday",
        Catalog("shop", (Field("price", "money", currency="USD"), Field("added", "date"))),
        dialects=["sql", "elasticsearch"],
        strategy="builtin",
        locale="en",
        timezone="Asia/Tokyo",
        now=dt.datetime(2026, 3, 1, 20, tzinfo=dt.UTC),  # in Tokyo it is the 2nd
        scope={"op": ">", "args": [{"property": "price"}, 1]},
        metadata={"a": "b"},
        deadline_seconds=60,
    )
    assert set(result.dialects) == {"sql", "elasticsearch"}
    assert {"date": "2026-03-01"} in [one.value for one in result.conditions]
    assert "price" in json.dumps(result.filter)


def test_submit_follow_and_wait(client: Client) -> None:
    job = client.jobs.submit("8 cylinders", SHOP | {"fields": [{"name": "cylinders", "type": "integer"}]})
    assert (job.status, job.catalog) == ("queued", None)
    assert abs(job.created_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    events = list(client.jobs.follow(job))
    assert (events[0].name, events[-1].name, events[-1].last) == ("snapshot", "done", True)
    assert len({event.id for event in events}) == len(events)
    assert events[-1].result == client.jobs.wait(job) == client.jobs.wait(job.id) == client.jobs.result(job)
    assert client.jobs.get(job).status == "succeeded"


def test_following_from_an_event(client: Client) -> None:
    job = client.jobs.submit("8 cylinders", "cars")
    events = list(client.jobs.follow(job))
    rest = list(client.jobs.follow(job, last_event_id=events[0].id))
    assert [event.id for event in rest] == [event.id for event in events[1:]]
    assert list(client.jobs.follow(job, last_event_id=events[-1].id)) == []


def test_leaving_early_closes_the_stream(connect: Connect, idle_service: Service) -> None:
    client = connect(idle_service.url)
    job = client.jobs.submit("8 cylinders", "cars")
    following = client.jobs.follow(job)
    assert next(following).name == "snapshot"
    following.close()  # type: ignore[attr-defined]
    assert client.jobs.cancel(job).status == "canceled"


def test_cancel_retry_and_delete(connect: Connect, idle_service: Service) -> None:
    client = connect(idle_service.url)
    job = client.jobs.submit("8 cylinders", "cars")
    assert client.jobs.cancel(job).status == "canceled"
    assert client.jobs.cancel(job).status == "canceled"
    with pytest.raises(JobFailed, match="canceled"):
        client.jobs.wait(job)
    again = client.jobs.retry(job)
    assert (again.retry_of, again.status) == (job.id, "queued")
    with pytest.raises(Conflict) as caught:
        client.jobs.retry(again)
    assert caught.value.slug == "job-not-retryable"
    client.jobs.delete(job)
    with pytest.raises(NotFoundError) as missing:
        client.jobs.get(job)
    assert (missing.value.status, missing.value.slug) == (404, "job-not-found")


def test_listing_goes_over_the_pages(connect: Connect, idle_service: Service) -> None:
    client = connect(idle_service.url)
    mine = [client.jobs.submit("8 cylinders", "cars").id for _ in range(5)]
    assert [job.id for job in client.jobs.list(page_size=2)][:5] == mine[::-1]
    client.jobs.cancel(mine[2])
    assert mine[2] in [job.id for job in client.jobs.list(status="canceled", page_size=1)]


@pytest.mark.parametrize("timeout_s", [0.3, 1.2])
def test_waiting_has_an_end(connect: Connect, idle_service: Service, timeout_s: float) -> None:
    client = connect(idle_service.url)
    job = client.jobs.submit("8 cylinders", "cars")
    with pytest.raises(WaitTimeout, match="follow it, or cancel it"):
        client.jobs.wait(job, timeout_s=timeout_s)
    with pytest.raises(WaitTimeout):
        client.ask("8 cylinders", "cars", timeout_s=timeout_s)


def test_faults_are_named(client: Client) -> None:
    with pytest.raises(BadRequest) as caught:
        client.jobs.submit("", {"name": "x", "fields": []}, deadline_seconds=0)
    problem = caught.value
    assert (problem.status, problem.type, problem.slug) == (422, "/problems/invalid-request", "invalid-request")
    assert {violation.pointer for violation in problem.violations} == {"/text", "/deadline_seconds"}
    assert "/text: " in str(problem)


def test_text_that_is_no_unicode_is_refused_by_the_service(client: Client) -> None:
    with pytest.raises(BadRequest) as caught:
        client.jobs.submit("caf\udce9", "cars")
    assert caught.value.slug == "malformed-json"


def test_line_separators_in_a_text_break_no_event(client: Client) -> None:
    job = client.jobs.submit("8 cylinders", "cars", metadata={"a": "x\u2028y\x85z\r\n"})
    assert {event.job.metadata["a"] for event in client.jobs.follow(job)} == {"x\u2028y\x85z\r\n"}


def test_a_batch(client: Client) -> None:
    texts = {"a": "8 cylinders", "b": "japanese cars"}
    batch = client.batches.submit(
        [{"custom_id": name, "text": text, "catalog": "cars"} for name, text in texts.items()], metadata={"for": "test"}
    )
    events = list(client.batches.follow(batch))
    assert (events[0].name, events[-1].name) == ("snapshot", "done")
    assert events[0].batch
    assert {event.job.custom_id for event in events if event.job} <= set(texts)
    results = client.batches.wait(batch)
    assert [(one.custom_id, one.status, one.result is not None) for one in results] == [
        ("a", "succeeded", True),
        ("b", "succeeded", True),
    ]
    assert client.batches.get(batch).request_counts.succeeded == 2
    assert client.batches.cancel(batch.id).status == "ended"


def test_catalogs(client: Client) -> None:
    assert {"cars", "movies"} <= {one.name for one in client.catalogs.list()}
    assert client.catalogs.get("cars").by_name["Cylinders"].type == "integer"
    rows = [{"brand": "Sony", "price": "9.50 €"}, {"brand": "Bose", "price": "12 €"}]
    inferred = client.catalogs.infer(rows, "things")
    assert inferred.by_name["price"].currency == "EUR"
    assert client.catalogs.put("things", inferred) == inferred
    assert client.catalogs.put("shop", SHOP).name == "shop"
    assert client.ask("under 10 euros", "things").conditions[0].field == "price"
    for name in ("things", "shop"):
        client.catalogs.delete(name)
    with pytest.raises(NotFoundError):
        client.catalogs.get("things")
    with pytest.raises(BadRequest) as caught:
        client.catalogs.put("shop", {"fields": [{"name": "a", "type": "nothing"}]})
    assert caught.value.violations[0].pointer == "/fields/0/type"


def test_a_catalog_of_a_file(client: Client, tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("brand,price\nSony,9.50 €\nBose,12 €\n")
    assert client.catalogs.infer(tmp_path / "small.csv", "things").by_name["price"].currency == "EUR"
    lines = "".join(f'{{"id": {number}, "brand": "brand {number % 9}"}}\n' for number in range(40_000))
    (tmp_path / "large.jsonl").write_text(lines)
    with (tmp_path / "large.jsonl").open("rb") as file:
        large = client.catalogs.infer(file, "things", timeout_s=60)
    assert len(large.by_name["brand"].values) == 9
    assert client.catalogs.infer(BytesIO(lines.encode()), media_type="application/x-ndjson").name == "inferred"
    for table in (str(tmp_path / "no.name"), BytesIO(b"")):
        with pytest.raises((ValueError, FileNotFoundError)):
            client.catalogs.infer(table)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(JobFailed):
        client.catalogs.infer(tmp_path / "broken.parquet")
    with pytest.raises(WaitTimeout):
        client.catalogs.infer(tmp_path / "large.jsonl", timeout_s=0.01)


def test_a_job_without_a_webhook_has_no_deliveries(client: Client) -> None:
    job = client.jobs.submit("8 cylinders", "cars")
    client.jobs.wait(job)
    assert client.jobs.deliveries(job) == []
    with pytest.raises(Conflict) as caught:
        client.jobs.redeliver(job)
    assert caught.value.slug == "no-webhook"


def test_nobody_there(connect: Connect) -> None:
    with pytest.raises(ConnectionFailed, match="does not answer"):
        connect("http://127.0.0.1:9", patience_s=0.3).jobs.list().__next__()
    with pytest.raises(ConnectionFailed, match="cannot be asked"):
        connect("127.0.0.1:9").jobs.get("x")


def test_a_blocking_client_may_be_shared_by_threads(service: Service) -> None:
    answers = []
    with Client(service.url, trust_env=False) as client:
        threads = [
            threading.Thread(target=lambda n=n: answers.append((n, client.ask(f"{n} cylinders", "cars"))))
            for n in (4, 6, 8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {(n, result.conditions[0].value) for n, result in answers} == {(4, 4), (6, 6), (8, 8)}


def test_a_webhook_is_read_once_it_is_verified() -> None:
    secret = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
    data: dict[str, object] = {"job_id": "job_1", "status": "succeeded", "metadata": {}, "error": None}
    told = {"type": "job.succeeded", "timestamp": "2026-01-01T00:00:00.000Z", "added later": 1}
    body = json.dumps({**told, "data": {**data, "result_url": "/v1/jobs/job_1/result"}}).encode()
    stamp = int(time.time())
    headers = {
        "Webhook-Id": "msg_job_1",
        "Webhook-Timestamp": str(stamp),
        "Webhook-Signature": signatures.sign([secret], "msg_job_1", stamp, body),
    }
    message = verify_webhook(body, headers, secret)
    assert isinstance(message, JobEnded)
    assert message.data.job_id == "job_1"
