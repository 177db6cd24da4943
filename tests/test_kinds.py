"""A kind of job that one file defines goes the same way through the whole service as the others."""

import base64
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from nlp2filters.core import kinds
from nlp2filters.worker import stages
from tests.kinds.shout import ENDLESS
from tests.peers import webhook as peer
from tests.peers.webhook import Receiver
from tests.service import ROOT, Service, commands, started

EXTRA_KINDS = "tests.kinds.shout"
WORKER = f"{sys.executable} -m nlp2filters worker shouting"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The Procfile's processes, and a worker for the kind's own stage."""
    environment = {
        "EXTRA_KINDS": EXTRA_KINDS,
        "WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"k" * 32).decode(),
        "WEBHOOK_ALLOW_PRIVATE": "true",
        "LEASE_S": "2",
        "HEARTBEAT_TIMEOUT_S": "3",
    }
    with started(tmp_path_factory.mktemp("kinds"), *commands(), **environment) as service:
        assert readiness(service) == (503, 0)
        service.start_command("shouting", WORKER)
        service.wait_until_ready()
        yield service


def readiness(service: Service) -> tuple[int, int]:
    """The status, and the number of the kind's own workers."""
    response = service.client.get("/readyz?workers=true")
    return response.status_code, response.json()["workers"]["shouting"]


def submit(service: Service, text: str, **options: Any) -> dict[str, Any]:
    response = service.client.post("/v1/jobs", json={"kind": "shout", "text": text, **options})
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def follow(service: Service, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The data of the job's events."""
    with (
        httpx.Client(base_url=service.url, timeout=60) as client,
        connect_sse(client, "GET", job["urls"]["events"]) as source,
    ):
        for event in source.iter_sse():
            if event.data:
                yield {"event": event.event, **event.json()}


def command(service: Service, *words: str) -> str:
    """What `nlp2filters` prints."""
    words = (sys.executable, "-m", "nlp2filters", *words, "--server", service.url)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_service_is_ready_when_its_stage_has_a_worker(service: Service) -> None:
    assert readiness(service) == (200, 1)


def test_a_job_passes_through_its_stages(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    job = submit(service, "hello", webhook={"url": receiver.url}, metadata={"for": "test"})
    assert (job["kind"], list(job["stages"])) == ("shout", ["shouting", "embedding"])
    events = list(follow(service, job))
    last = events[-1]
    assert (last["type"], last["result"]["text"]) == ("job.succeeded", "HELLO")
    assert {event["job"]["stage"] for event in events if "job" in event} >= {"embedding"}
    assert [run["label"] for run in last["job"]["stages"].values()] == ["Write in capitals", "Embed"]
    assert service.client.get(job["urls"]["result"]).json() == last["result"]
    body = json.loads(receiver.next().body)
    assert (body["type"], body["data"]["job_id"]) == ("job.succeeded", job["id"])


def test_a_finished_job_is_in_the_answer_to_its_submission(service: Service) -> None:
    body = {"kind": "shout", "text": "now"}
    response = service.client.post("/v1/jobs", json=body, headers={"Prefer": "wait=20"}, timeout=30)
    assert (response.status_code, response.json()["result"]["text"]) == (200, "NOW")


def test_another_worker_takes_over_when_its_worker_dies(service: Service) -> None:
    job = submit(service, f"{ENDLESS} noise")
    for event in follow(service, job):
        if event["event"] == "progress":
            assert (event["stage"], event["detail"]) == ("shouting", "Shouting 13 characters")
            service.processes["shouting"].send_signal(signal.SIGKILL)
            service.processes["shouting"].wait()
            service.start_command("shouting", WORKER)
    assert event["result"]["text"] == "ENDLESS NOISE"
    assert event["job"]["stages"]["shouting"]["attempt"] == 2


def test_a_canceled_job_can_be_asked_for_again(service: Service) -> None:
    job = submit(service, f"{ENDLESS} again")
    service.client.post(job["urls"]["cancel"])
    assert list(follow(service, job))[-1]["type"] == "job.canceled"
    retried = service.client.post(job["urls"]["retry"]).json()
    assert (retried["kind"], retried["retry_of"]) == ("shout", job["id"])
    service.client.post(retried["urls"]["cancel"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "shout"}, "/text"),
        ({"kind": "shout", "text": "a", "catalog": "cars"}, "/catalog"),
        ({"kind": "echo", "text": "a", "catalog": "cars"}, "/kind"),
        ({"kind": "whisper", "text": "a", "catalog": "cars"}, "/kind"),
        ({"kind": ["shout"], "text": "a", "catalog": "cars"}, "/kind"),
        ({"kind": "shout", "text": "a", "webhook": {"url": "gopher://a"}}, "/webhook/url"),
    ],
)
def test_a_bad_request_is_refused(service: Service, body: dict[str, Any], pointer: str) -> None:
    response = service.client.post("/v1/jobs", json=body)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_other_kinds_work_beside_it(service: Service) -> None:
    result = service.result(service.submit("8 cylinders"))
    assert result["conditions"][0]["value"] == 8


def test_metrics_show_its_queue(service: Service) -> None:
    text = service.client.get("/metrics").text
    # A worker that another test has just killed counts until its heartbeat expires.
    assert re.search(r'nlp2filters_workers{queue="shouting"} [12]\.0', text)
    assert 'nlp2filters_queue_jobs{queue="shouting"}' in text


def test_it_is_in_the_description_of_the_api(service: Service) -> None:
    paths = service.client.get("/openapi.json", timeout=30).json()["paths"]
    bodies = paths["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    answers = paths["/v1/jobs/{job_id}/result"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert {"$ref": "#/components/schemas/ShoutRequest"} in bodies
    assert {"$ref": "#/components/schemas/Shouted"} in answers["anyOf"]


def test_the_command_line_shows_it(service: Service) -> None:
    job = submit(service, "to the command line")
    assert json.loads(command(service, "jobs", "watch", job["id"], "--json"))["text"] == "TO THE COMMAND LINE"
    assert "TO THE COMMAND LINE" in command(service, "jobs", "show", job["id"])
    assert job["id"] in command(service, "jobs", "list")


def test_every_stage_has_a_function_and_a_process() -> None:
    """The two tables agree, and the Procfile runs what they name."""
    assert set(stages.STAGES) == {(kind.name, stage) for kind in kinds.KINDS.values() for stage in kind.stages}
    assert tuple(stages.workers()) == kinds.queues()
    assert tuple(commands(audio=True)) == ("web", *kinds.queues())
    formation = json.loads((ROOT / "app.json").read_text())["formation"]
    assert set(formation) == set(commands(audio=True))


def test_a_stage_runs_in_the_worker_of_its_queue() -> None:
    assert all(stage.worker.queue == name for (_, name), stage in stages.STAGES.items())


def test_every_result_fits_its_model(service: Service) -> None:
    job_id = service.client.post("/embedding/echo", json={"text": "hello"}).json()["job_id"]
    kinds.KINDS["echo"].result.model_validate(service.result(job_id))
    kinds.KINDS["filters"].result.model_validate(service.result(service.submit("8 cylinders")))
