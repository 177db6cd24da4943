"""Cancel a job while a worker is at it: the worker lets go, whatever it was about to do, or a dead one's successor."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.peers import llm as peer
from tests.peers.llm import LLM
from tests.service import ANSWERING, Service, started


@pytest.fixture(scope="module")
def service(llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("cancel")
    with started(folder, *ANSWERING, OPENAI_BASE_URL=llm.url, LLM_MODEL="test", LLM_TIMEOUT_S="60") as service:
        yield service


def asking(service: Service, llm: LLM) -> str:
    """A job whose worker waits for the LLM."""
    llm.script(peer.slow)
    job_id = service.submit("8 cylinders")
    deadline = time.monotonic() + 20
    while not llm.requests:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return job_id


def followed(service: Service, job_id: str) -> dict[str, Any]:
    """The job, once it has ended."""
    stream = service.client.get(f"/v1/jobs/{job_id}/events", timeout=60).text
    assert stream.count("event: done") == 1
    job: dict[str, Any] = service.client.get(f"/v1/jobs/{job_id}").json()
    return job


def test_the_worker_lets_go(service: Service, llm: LLM) -> None:
    job_id = asking(service, llm)
    response = service.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json()["status"]) == (202, "canceling")
    again = service.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "canceling")
    began = time.monotonic()
    job = followed(service, job_id)
    assert (job["status"], job["stages"]["llm"]["attempt"]) == ("canceled", 1)
    assert time.monotonic() - began < 10, "it waited for the LLM"


def test_a_dead_workers_job_is_canceled_by_its_successor(service: Service, llm: LLM) -> None:
    job_id = asking(service, llm)
    service.processes["llm"].kill()
    service.processes["llm"].wait()
    assert service.client.post(f"/v1/jobs/{job_id}/cancel").json()["status"] == "canceling"
    service.start("llm")
    assert followed(service, job_id)["status"] == "canceled"


def test_a_demand_for_the_llm_fails_with_it(service: Service, llm: LLM) -> None:
    llm.script(peer.unauthorized)
    body = {"catalog": "cars", "text": "8 cylinders", "strategy": "llm"}
    job = service.client.post("/v1/jobs", json=body, headers={"Prefer": "wait=20"}, timeout=30).json()
    assert (job["status"], job["error"]["type"], job["result"]) == ("failed", "/problems/llm-unavailable", None)
    llm.script(peer.unauthorized)
    again = httpx.post(f"{service.url}{job['urls']['retry']}", headers={"Prefer": "wait=20"}, timeout=30).json()
    assert (again["retry_of"], again["status"]) == (job["id"], "failed")
