"""Searching analysed code: a worker answers, and the web process waits no longer than its caller."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest
from redis import Redis

from nlp2filters.cli.main import main
from nlp2filters.client import Client
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.searches import SEARCH_INDEX
from tests.analysis.packing import tar
from tests.service import Service

KEYS = Keys()
FILES = {
    "shop/store/redis.py": b"def save_result(key, value):\n    redis.set(key, value, ex=86400)\n",
    "shop/web/cors.py": b"def preflight(request):\n    headers = {'Access-Control-Allow-Origin': origin}\n",
    "shop/mail/send.py": b"def send_mail(to, body):\n    smtp.sendmail(SENDER, to, body)\n",
}
QUESTION = "How are cross-origin requests of browsers allowed?"


def analyse(service: Service, files: dict[str, bytes]) -> str:
    with Client(service.url, trust_env=False) as client:
        job = client.analyses.submit(tar(files).getvalue())
        client.analyses.wait(job, timeout_s=90)
        return job.id


@pytest.fixture(scope="module")
def analysis(service: Service) -> str:
    return analyse(service, FILES)


@pytest.fixture
def redis(service: Service) -> Iterator[Redis]:
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        yield redis


@pytest.fixture
def frozen(service: Service) -> Iterator[None]:
    """No embedding worker does anything, but all count as alive."""
    process = service.processes["embedding"]
    os.kill(process.pid, signal.SIGSTOP)
    yield
    os.kill(process.pid, signal.SIGCONT)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting(redis: Redis) -> int:
    """The number of searches that wait for a worker."""
    return sum(1 for _ in redis.scan_iter("arq:job:search_*"))


def test_a_question_finds_the_lines_that_answer_it(client: httpx.Client, analysis: str, redis: Redis) -> None:
    response = client.get(f"/v1/jobs/{analysis}/search", params={"q": QUESTION, "k": 2})
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    assert len(results) == 2
    assert (results[0]["path"], results[0]["start_line"]) == ("shop/web/cors.py", 1)
    lines = FILES["shop/web/cors.py"].decode().split("\n")
    assert results[0]["quote"].split("\n") == lines[: results[0]["end_line"]]
    assert results[0]["score"] > results[1]["score"]
    by_name = client.get(f"/v1/jobs/{analysis}/search", params={"q": "smtp"}).json()["results"]
    assert (len(by_name), by_name[0]["path"]) == (3, "shop/mail/send.py")
    eventually(lambda: not waiting(redis) and not redis.zcard(f"{KEYS.queue('embedding')}:all"))


def test_the_client_and_the_command_line_search(
    service: Service, analysis: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(service.url, trust_env=False) as client:
        assert client.analyses.search(analysis, QUESTION, count=1)[0].path == "shop/web/cors.py"
    assert main(["search", analysis, QUESTION, "--count", "1", "--server", service.url]) == 0
    printed = capsys.readouterr().out
    assert "shop/web/cors.py:1-" in printed
    assert "def preflight(request):" in printed
    assert "send_mail" not in printed


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "/query/q"),
        ({"q": " "}, "/query/q"),
        ({"q": "a" * 1_001}, "/query/q"),
        ({"q": "a", "k": "0"}, "/query/k"),
        ({"q": "a", "k": "some"}, "/query/k"),
    ],
)
def test_wrong_searches_are_refused(client: httpx.Client, analysis: str, query: dict[str, str], pointer: str) -> None:
    response = client.get(f"/v1/jobs/{analysis}/search", params=query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


def test_the_longest_question_and_the_most_results(client: httpx.Client, analysis: str) -> None:
    response = client.get(f"/v1/jobs/{analysis}/search", params={"q": "a " * 498 + "mail", "k": 50})
    assert len(response.json()["results"]) == len(FILES)


def test_only_analyses_that_have_succeeded_can_be_searched(client: httpx.Client, idle: httpx.Client) -> None:
    filters = client.post("/v1/jobs", json={"text": "cars", "catalog": "cars"}, headers={"Prefer": "wait=25"}).json()
    running = idle.post("/v1/analyses", content=tar(FILES).getvalue(), headers={"Content-Type": "application/gzip"})
    broken = client.post("/v1/analyses", content=b"no archive", headers={"Content-Type": "application/gzip"}).json()
    eventually(lambda: client.get(f"/v1/jobs/{broken['id']}").json()["status"] == "failed")
    for asked, job_id, status, kind in (
        (client, "job_unknown", 404, "job-not-found"),
        (client, filters["id"], 404, "not-found"),
        (idle, running.json()["id"], 409, "job-not-finished"),
        (client, broken["id"], 409, "job-failed"),
    ):
        response = asked.get(f"/v1/jobs/{job_id}/search", params={"q": "mail"})
        assert (response.status_code, response.json()["type"]) == (status, f"/problems/{kind}")


def test_code_without_an_index_of_this_version_says_so(client: httpx.Client, service: Service, redis: Redis) -> None:
    job_id = analyse(service, {"a.py": b"def only_here():\n    return 'unlike any other'\n"})
    digest: Any = redis.hget(KEYS.job(job_id), SEARCH_INDEX)
    redis.delete(KEYS.blob("anonymous", orjson.loads(digest)))
    gone = client.get(f"/v1/jobs/{job_id}/search", params={"q": "anything"})
    other = analyse(service, {"b.py": b"def in_another_format():\n    return 'unlike any other'\n"})
    index: Any = redis.hget(KEYS.job(other), SEARCH_INDEX)
    redis.hset(KEYS.blob("anonymous", orjson.loads(index)), "0", "of a later version")
    foreign = client.get(f"/v1/jobs/{other}/search", params={"q": "anything"})
    redis.hdel(KEYS.job(job_id), SEARCH_INDEX)  # As an earlier version left it.
    never = client.get(f"/v1/jobs/{job_id}/search", params={"q": "anything"})
    for response in (gone, foreign, never):
        assert (response.status_code, response.json()["type"]) == (410, "/problems/result-expired")
        assert "Analyse the code again" in response.json()["detail"]


def test_without_a_worker_it_is_refused_at_once(
    idle: httpx.Client, idle_service: Service, analysis: str, redis: Redis
) -> None:
    record = redis.dump(KEYS.job(analysis))
    with Redis.from_url(idle_service.environment["REDIS_URL"]) as other:
        other.restore(KEYS.job(analysis), 60_000, record)
    response = idle.get(f"/v1/jobs/{analysis}/search", params={"q": "mail"})
    assert (response.status_code, response.json()["type"]) == (503, "/problems/no-worker")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("frozen")
def test_busy_workers_and_callers_that_leave_keep_nothing(
    client: httpx.Client, service: Service, analysis: str, redis: Redis
) -> None:
    url = f"/v1/jobs/{analysis}/search"
    response = client.get(url, params={"q": "mail"}, headers={"Prefer": "wait=1"})
    assert (response.status_code, response.json()["type"]) == (503, "/problems/no-answer")
    assert int(response.headers["Retry-After"]) > 0
    assert not waiting(redis)
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=service.url, timeout=0.5, trust_env=False) as hasty:
        hasty.get(url, params={"q": "mail"})
    eventually(lambda: not waiting(redis))
