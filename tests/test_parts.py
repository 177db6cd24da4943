"""Jobs that are split into parts, through the whole service: a kind in one file, with two workers of each stage."""

import json
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse
from redis import Redis

from nlp2filters.core.parts import Part
from nlp2filters.storage.redis_keys import Keys
from tests.kinds.wordcount import DEADLY, HELD, HELD_LATER, UNEMBEDDABLE, WRONG, WRONG_ONCE, gate_key, runs_key
from tests.service import Service, commands, started

KEYS = Keys()
WORKER = f"{sys.executable} -m nlp2filters worker counting"
WORKERS = {"counting-1": WORKER, "counting-2": WORKER, "embedding-2": commands()["embedding"]}
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The Procfile's processes, a second embedding worker, and two for the kind's own stage."""
    environment = {
        "EXTRA_KINDS": "tests.kinds.wordcount",
        "LEASE_S": "2",
        "HEARTBEAT_TIMEOUT_S": "3",
        "RESCUE_INTERVAL_S": "2",
    }
    with started(tmp_path_factory.mktemp("parts"), *commands(), **environment) as service:
        for name, command in WORKERS.items():
            service.start_command(name, command)
        service.wait_until_ready()
        yield service


@pytest.fixture
def redis(service: Service) -> Iterator[Redis]:
    """The service's Redis. The gate is closed, and in the end no part may be left."""
    with Redis.from_url(service.environment["REDIS_URL"], decode_responses=True) as redis:
        redis.delete(gate_key(KEYS))
        yield redis
        redis.set(gate_key(KEYS), 1)
        until(lambda: not redis.hkeys(KEYS.open), "an entry is left")
        assert list(redis.scan_iter(f"{KEYS.prefix}:parts:*")) == []


def until(holds: Callable[[], Any], otherwise: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def submit(service: Service, *lines: str) -> dict[str, Any]:
    response = service.client.post("/v1/jobs", json={"kind": "wordcount", "text": "\n".join(lines)})
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def follow(service: Service, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of the job's events until its end."""
    with (
        httpx.Client(base_url=service.url, timeout=TIMEOUT_S) as client,
        connect_sse(client, "GET", job["urls"]["events"]) as source,
    ):
        return [{"event": event.event, **event.json()} for event in source.iter_sse() if event.data]


def published(redis: Redis, job: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The data of the job's events of this name, also of those before anybody followed it."""
    entries: Any = redis.xrange(KEYS.events(job["id"]))
    return [json.loads(fields["data"]) for _, fields in entries if fields["event"] == name]


def runs(redis: Redis, job: dict[str, Any], stage: str) -> Counter[str]:
    """How often each part of a stage was run, by its digest."""
    entries: Any = redis.xrange(runs_key(KEYS, job["id"]))
    return Counter(run["digest"] for _, run in entries if run["stage"] == stage)


def running(redis: Redis, job: dict[str, Any]) -> int:
    return len(redis.xrange(runs_key(KEYS, job["id"])))  # type: ignore[arg-type]


def measured(service: Service, name: str, **labels: str) -> float:
    """The value of a metric."""
    wanted = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    text = service.client.get("/metrics").text
    return float(re.search(rf"^{name}{{{wanted}}} (\S+)$", text, re.MULTILINE)[1])  # type: ignore[index]


def numbered(count: int, name: str) -> list[str]:
    """So many lines that no other test has."""
    return [f"{name} line {number}" + " x" * (number % 5) for number in range(count)]


def cancel(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    canceled: dict[str, Any] = service.client.post(job["urls"]["cancel"]).json()
    return canceled


def test_a_job_is_split_and_joined_in_order(service: Service, redis: Redis) -> None:
    lines = [*numbered(150, "order"), "twice the same", "twice the same"]
    job = submit(service, *lines)
    events = follow(service, job)
    result = events[-1]["result"]
    assert result["words"] == [len(line.split()) for line in lines]
    assert (result["failed"], result["dimensions"]) == ([], [384] * len(lines))
    for stage in ("counting", "embedding"):
        assert Counter(runs(redis, job, stage).values()) == {1: 151}
        lines_told = Counter(event["line"] for event in published(redis, job, "line") if event["stage"] == stage)
        assert lines_told == Counter(set(lines)), "each part is told once"
        progress = [event for event in published(redis, job, "progress") if event["stage"] == stage]
        counts = [event["parts_done"] for event in progress if event["step"] == "parts"]
        assert counts == sorted(counts)
        assert (counts[-1], progress[-1]["detail"]) == (151, "151 of 151 parts done")
    assert {run["attempt"] for run in events[-1]["job"]["stages"].values()} == {2}


def test_a_job_without_parts_is_joined_at_once(service: Service, redis: Redis) -> None:
    result = follow(service, submit(service))[-1]["result"]
    assert result == {"words": [], "failed": [], "dimensions": []}


def test_the_same_content_is_not_computed_twice(service: Service, redis: Redis) -> None:
    lines = numbered(10, "cache")
    first, again, changed = (
        follow(service, submit(service, *its)) for its in (lines, lines, [*lines[:-1], "cache line changed"])
    )
    assert again[-1]["result"] == first[-1]["result"]
    assert not running(redis, again[-1]["job"])
    for stage in ("counting", "embedding"):
        assert Counter(runs(redis, changed[-1]["job"], stage).values()) == {1: 1}


def test_a_killed_worker_loses_only_the_parts_it_was_at(service: Service, redis: Redis) -> None:
    lines = [*numbered(20, "kill"), f"{HELD} kill 1", f"{HELD} kill 2", f"{HELD} kill 3"]
    job = submit(service, *lines)
    until(lambda: running(redis, job) == len(lines), "not all began")
    service.processes["counting-1"].kill()
    service.processes["counting-1"].wait()
    service.start_command("counting-1", WORKER)
    redis.set(gate_key(KEYS), 1)
    result = follow(service, job)[-1]["result"]
    assert result["words"] == [len(line.split()) for line in lines]
    again = {digest for digest, count in runs(redis, job, "counting").items() if count > 1}
    assert len(again) <= 2, "a worker has two slots for parts"


def test_a_stopped_worker_hands_its_parts_back(service: Service, redis: Redis) -> None:
    lines = [f"{HELD} stop {number}" for number in range(4)]
    job = submit(service, *lines)
    until(lambda: running(redis, job) == 4, "not all began")
    service.processes["counting-1"].send_signal(signal.SIGTERM)
    service.processes["counting-1"].wait()
    service.start_command("counting-1", WORKER)
    until(lambda: running(redis, job) == 6, "nobody took over what was handed back")
    redis.set(gate_key(KEYS), 1)
    assert follow(service, job)[-1]["result"]["failed"] == []


def test_a_part_that_kills_its_workers_is_set_aside(service: Service, redis: Redis) -> None:
    lines = [*numbered(5, "beside"), DEADLY]
    job = submit(service, *lines)

    def ended() -> bool:
        for name in ("counting-1", "counting-2"):
            if service.processes[name].poll() is not None:
                service.start_command(name, WORKER)
        return bool(service.client.get(job["urls"]["self"]).json()["finished_at"])

    until(ended, "the job goes round and round")
    result = follow(service, job)[-1]["result"]
    assert (result["failed"], result["words"]) == ([DEADLY], [len(line.split()) for line in lines[:-1]] + [None])
    assert runs(redis, job, "counting")[Part.of(DEADLY).digest] == 3


def test_a_part_that_fails_is_tried_again(service: Service, redis: Redis) -> None:
    outcomes = ("succeeded", "failed")
    before = [measured(service, "nlp2filters_parts_ended_total", queue="counting", outcome=one) for one in outcomes]
    job = submit(service, f"{WRONG_ONCE} at first", f"{WRONG} each time", "right")
    result = follow(service, job)[-1]["result"]
    assert result["words"] == [3, None, 1]
    assert sorted(runs(redis, job, "counting").values()) == [1, 2, 3]
    after = [measured(service, "nlp2filters_parts_ended_total", queue="counting", outcome=one) for one in outcomes]
    assert after == [before[0] + 2, before[1] + 1]


def test_a_failed_part_ends_the_job_of_a_stage_that_needs_all(service: Service, redis: Redis) -> None:
    lines = [*numbered(6, "fails"), UNEMBEDDABLE, f"{HELD_LATER} fails"]
    job = follow(service, submit(service, *lines))[-1]["job"]
    assert (job["status"], job["dead_lettered"], job["error"]["type"]) == ("failed", True, "/problems/internal-error")
    until(lambda: not redis.hkeys(KEYS.open), "the parts that still ran were not stopped")
    again = service.client.post(job["urls"]["retry"]).json()
    assert follow(service, again)[-1]["job"]["status"] == "failed"
    assert not runs(redis, again, "counting"), "a retry runs only what is missing"
    assert len(runs(redis, again, "embedding")) <= 2


def test_cancel_stops_all_parts(service: Service, redis: Redis) -> None:
    job = submit(service, *(f"{HELD} cancel {number}" for number in range(150)))
    until(lambda: running(redis, job) == 4, "the slots are not taken")
    assert measured(service, "nlp2filters_parts", queue="counting", state="running") == 4
    assert measured(service, "nlp2filters_parts", queue="counting", state="waiting") == 146
    began = time.monotonic()
    assert cancel(service, job)["status"] == "canceled"
    assert redis.hkeys(KEYS.open) == []
    # The gate is closed: the slots are free only if the workers have let go of what they were at.
    other = follow(service, submit(service, "there is room again"))[-1]
    assert other["result"]["words"] == [4]
    assert time.monotonic() - began < 20
    assert running(redis, job) == 4
    assert follow(service, job)[-1]["type"] == "job.canceled"
    assert [measured(service, "nlp2filters_parts", queue="counting", state=one) for one in ("running", "waiting")] == [
        0,
        0,
    ]


def test_parts_leave_room_for_small_jobs_of_the_same_owner(service: Service, redis: Redis) -> None:
    job = submit(service, *(f"{HELD_LATER} room {number}" for number in range(100)))
    until(lambda: sum(runs(redis, job, "embedding").values()) == 4, "the slots are not taken")
    assert service.result(service.submit("8 cylinders"))["conditions"][0]["value"] == 8
    assert sum(runs(redis, job, "embedding").values()) == 4
    cancel(service, job)


def test_entries_that_got_lost_are_found(service: Service, redis: Redis) -> None:
    job = submit(service, *(f"{HELD} lost {number}" for number in range(30)))
    until(lambda: running(redis, job) == 4, "the slots are not taken")
    queue = KEYS.queue("counting")
    for key in redis.scan_iter(f"{queue}*"):
        redis.delete(key)
    redis.set(gate_key(KEYS), 1)
    assert follow(service, job)[-1]["result"]["words"] == [3] * 30
    text = service.client.get("/metrics").text
    assert re.search(r"nlp2filters_rescued_total [1-9]", text)


def test_a_bad_request_names_the_member(service: Service, redis: Redis) -> None:
    response = service.client.post("/v1/jobs", json={"kind": "wordcount"})
    assert [error["pointer"] for error in response.json()["errors"]] == ["/text"]
