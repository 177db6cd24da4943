"""Both clients when the service, or something on the way to it, fails in named ways."""

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters.client import Client, responses, streams
from nlp2filters.client.errors import (
    APIError,
    ConnectionFailed,
    InvalidResponse,
    NotFoundError,
    ServiceBusy,
    WaitTimeout,
)
from nlp2filters.client.options import BatchRequest
from nlp2filters.core.jobs import create, to_public
from nlp2filters.retry import Backoff
from tests.client.conftest import Connect
from tests.peers import gateway as peer
from tests.peers.gateway import Gateway, answered, cut_after, held_back, lost
from tests.peers.llm import serving
from tests.service import Service
from tests.streams import job_with_events

BUSY = answered(503, '{"title": "Too many jobs", "detail": "wait"}', Retry_After="1")
UNKNOWN = answered(504, '{"type": "/problems/outcome-unknown", "title": "Unknown"}', Retry_After="0")
STREAMS = answered(429, '{"type": "/problems/too-many-streams", "title": "Streams"}', Retry_After="30")


@pytest.fixture
def impatient(connect: Connect, gateway: Gateway) -> Client:
    return connect(gateway.url, patience_s=0.2)


def test_a_stream_that_is_cut_a_hundred_times_brings_every_event_once(
    connect: Connect, idle_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BACKOFF", Backoff(first_s=0, max_s=0))
    job_id, ids = asyncio.run(job_with_events(idle_service.environment["REDIS_URL"], 300))
    with peer.before(idle_service.url) as gateway:
        gateway.rule = peer.random_cuts(seed=5, least=500, most=5000)
        got = list(connect(gateway.url).jobs.follow(job_id, last_event_id=ids[0]))
        cuts = len(gateway.streams()) - 1
    assert [event.id for event in got] == ids[1:]
    assert got[-1].last
    assert cuts >= 100


def test_an_answer_that_is_lost_makes_no_second_job(behind: Client, gateway: Gateway) -> None:
    gateway.script(lost, lost)
    job = behind.jobs.submit("8 cylinders", "cars")
    tries = [asked for asked in gateway.asked if asked.path == "/v1/jobs"]
    assert len(tries) == 3
    assert len({asked.headers["idempotency-key"] for asked in tries}) == 1
    assert [one.id for one in behind.jobs.list()].count(job.id) == 1
    assert behind.jobs.submit("8 cylinders", "cars").id != job.id


def test_a_batch_whose_answer_is_lost(behind: Client, gateway: Gateway) -> None:
    gateway.script(lost)
    batch = behind.batches.submit([{"custom_id": "a", "text": "8 cylinders", "catalog": "cars"}])
    assert [job.batch_id for job in behind.jobs.list()].count(batch.id) == 1


@pytest.mark.parametrize("fault", [UNKNOWN, answered(502), lost], ids=["outcome-unknown", "502", "lost"])
@pytest.mark.parametrize("own", [None, "my-own-key"])
def test_whatever_makes_jobs_is_carried_out_once(
    connect: Connect, idle_service: Service, fault: peer.Fault, own: str | None
) -> None:
    """The service has done it each time, but its answer does not come through."""
    request: BatchRequest = {"custom_id": "a", "text": "8 cylinders", "catalog": "cars"}
    with peer.before(idle_service.url) as gateway:
        client = connect(gateway.url)
        old = client.jobs.submit("8 cylinders", "cars")
        client.jobs.cancel(old)
        known = {job.id for job in client.jobs.list()}
        for call in (
            lambda key: client.jobs.submit("8 cylinders", "cars", idempotency_key=key),
            lambda key: client.jobs.retry(old, idempotency_key=key),
            lambda key: client.batches.submit([request], idempotency_key=key),
        ):
            gateway.script(fault, fault)
            key = own and f"{own} {uuid.uuid4()}"
            call(key)
            tries = gateway.asked
            assert len(tries) == 3
            assert len({asked.headers["idempotency-key"] for asked in tries}) == 1
            assert tries[0].headers["idempotency-key"] == (key or tries[0].headers["idempotency-key"])
            made = {job.id for job in client.jobs.list()} - known
            assert len(made) == 1
            known |= made


def test_what_was_made_and_is_gone_is_named(behind: Client) -> None:
    key = str(uuid.uuid4())
    job = behind.jobs.submit("8 cylinders", "cars", idempotency_key=key)
    behind.jobs.wait(job)
    behind.jobs.delete(job)
    with pytest.raises(NotFoundError) as gone:
        behind.jobs.submit("8 cylinders", "cars", idempotency_key=key)
    assert (gone.value.status, gone.value.slug, gone.value.subject) == (410, "replay-gone", job.id)


def test_what_must_not_be_repeated_is_not(behind: Client, gateway: Gateway) -> None:
    job = behind.jobs.submit("8 cylinders", "cars")
    behind.jobs.wait(job)
    gateway.script(lost)
    with pytest.raises(ConnectionFailed):
        behind.jobs.delete(job)
    with pytest.raises(NotFoundError):
        behind.jobs.get(job)


@pytest.mark.parametrize("fault", [BUSY, answered(429, Retry_After="1"), answered(502), answered(504)])
def test_what_passes_is_waited_for(behind: Client, gateway: Gateway, fault: peer.Fault) -> None:
    gateway.script(fault, fault)
    assert behind.ask("8 cylinders", "cars").conditions[0].value == 8
    assert len(gateway.asked) >= 3


def test_what_does_not_pass_is_told(impatient: Client, gateway: Gateway) -> None:
    gateway.script(BUSY)
    with pytest.raises(ServiceBusy, match="wait") as caught:
        impatient.jobs.submit("8 cylinders", "cars")
    assert (caught.value.status, caught.value.retry_after_s, caught.value.title) == (503, 1, "Too many jobs")
    assert len(gateway.asked) == 1  # the service wants more time than there is
    gateway.script(answered(500, "<h1>Oops</h1>"))
    with pytest.raises(APIError, match="500") as plain:
        impatient.jobs.get("x")
    assert (plain.value.type, plain.value.violations) == ("about:blank", ())
    gateway.script(answered(200, "<h1>Log in</h1>"))
    with pytest.raises(InvalidResponse):
        impatient.jobs.get("x")


def test_a_service_that_goes_away_and_returns(behind: Client, gateway: Gateway) -> None:
    job = behind.jobs.submit("8 cylinders", "cars")
    gateway.leave()
    back = threading.Timer(0.5, gateway.come_back)
    back.start()
    events = list(behind.jobs.follow(job))
    assert events[-1].last
    assert events[-1].result
    gateway.leave()
    back = threading.Timer(0.5, gateway.come_back)
    back.start()
    assert behind.ask("8 cylinders", "cars").conditions
    back.join()


def test_streams_that_break_before_any_event_give_way_to_polling(behind: Client, gateway: Gateway) -> None:
    gateway.rule = lambda asked: cut_after(10) if asked.path.endswith("/events") else peer.through
    events = list(behind.jobs.follow(behind.jobs.submit("8 cylinders", "cars")))
    assert events[-1].name == "done"
    assert events[-1].id is None
    assert events[-1].result
    assert len(gateway.streams()) == 1 + streams.MAX_EMPTY_CONNECTIONS


@pytest.mark.parametrize("fault", [STREAMS, answered(200, "<h1>Log in</h1>", Content_Type="text/html")])
def test_streams_that_are_refused_give_way_to_polling(behind: Client, gateway: Gateway, fault: peer.Fault) -> None:
    job = behind.jobs.submit("8 cylinders", "cars")
    gateway.script(fault, of="/events")
    assert behind.jobs.wait(job).conditions[0].value == 8
    assert len(gateway.streams()) == 1


def test_streams_that_are_held_back_give_way_to_polling(
    connect: Connect, idle_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FIRST_EVENT_S", 0.3)
    with peer.before(idle_service.url) as gateway:
        client = connect(gateway.url)
        job = client.jobs.submit("8 cylinders", "cars")
        gateway.rule = lambda asked: held_back if asked.path.endswith("/events") else peer.through
        following = client.jobs.follow(job)
        assert (first := next(following)).id is None
        assert first.job.status == "queued"
        client.jobs.cancel(job)
        assert [event.job.status for event in following] == ["canceled"]


def test_a_stream_for_which_there_is_no_room_now_comes_later(behind: Client, gateway: Gateway) -> None:
    job = behind.jobs.submit("8 cylinders", "cars")
    gateway.script(BUSY, of="/events")
    assert list(behind.jobs.follow(job))[-1].id is not None
    assert len(gateway.streams()) == 2


def test_a_batch_is_polled(behind: Client, gateway: Gateway) -> None:
    batch = behind.batches.submit([{"custom_id": "a", "text": "8 cylinders", "catalog": "cars"}])
    gateway.rule = lambda asked: STREAMS if asked.path.endswith("/events") else peer.through
    events = list(behind.batches.follow(batch))
    assert events[-1].batch
    assert events[-1].batch.request_counts.succeeded == 1
    assert behind.batches.wait(batch)[0].status == "succeeded"


def test_a_job_that_is_not_there_is_not_waited_for(behind: Client, gateway: Gateway) -> None:
    with pytest.raises(NotFoundError):
        list(behind.jobs.follow("job_none"))
    assert len(gateway.asked) == 1


@pytest.fixture
def quiet() -> Iterator[str]:
    """A service whose jobs never end, and that pings often."""
    job = to_public(create("job_1", "filters", "anonymous", 0, deadline_s=60))

    async def events(request: Request) -> Response:
        async def never() -> AsyncIterator[dict[str, str]]:
            yield {"event": "snapshot", "id": "1-0", "data": json.dumps({"job": job})}
            await asyncio.Event().wait()

        return EventSourceResponse(never(), ping=1)

    with serving([Route("/v1/jobs/job_1/events", events)]) as url:
        yield url


def test_pings_do_not_hide_that_the_time_is_up(connect: Connect, quiet: str) -> None:
    with pytest.raises(WaitTimeout):
        connect(quiet).jobs.wait("job_1", timeout_s=2.5)


def test_retry_after_may_be_a_date() -> None:
    response = httpx.Response(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert responses.retry_after_s(response) == 0
    assert responses.retry_after_s(httpx.Response(503, headers={"Retry-After": "soon"})) is None
