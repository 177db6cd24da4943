"""Canaries: secrets planted in the whole service, which works, fails and is cut off; none is seen again anywhere."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import websockets.sync.client
from redis import Redis

from nlp2filters.storage.embedded_server import running
from tests.peers import llm as llm_peer
from tests.peers import webhook as webhook_peer
from tests.ports import free_port
from tests.service import ROOT, Service

REDIS_PASSWORD = "canary-redis-password"
LLM_KEY, OTHER_LLM_KEY = "canary-llm-key", "canary-anthropic-key"
S3_SECRET = "canary-s3-secret"
WEBHOOK_KEY = b"canary-webhook-secret-0123456789"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(WEBHOOK_KEY).decode()
CALLBACK_TOKEN = "canary-callback-token"
QUOTING = llm_peer.Reply(401, body=f'{{"error": {{"message": "Incorrect API key: {LLM_KEY}."}}}}'.encode())
TEXT = "canary wish for heavy cars"


@dataclass(frozen=True)
class Seen:
    """All that the service has written, by where: `redis` is every command that changed anything."""

    secrets: dict[str, str]
    logs: str
    redis: str
    events: str
    answers: str
    webhooks: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A service that has run jobs well and badly, with debugging on."""
    folder, port = tmp_path_factory.mktemp("secrets"), free_port()
    with (
        running(folder / "redis", port) as server,
        llm_peer.running() as llm,
        webhook_peer.running() as hook,
        Redis.from_url(server.url, password=REDIS_PASSWORD) as redis,
    ):
        with Redis.from_url(server.url) as opened:
            opened.config_set("requirepass", REDIS_PASSWORD)
        environment = {
            "REDIS_URL": f"redis://:{REDIS_PASSWORD}@127.0.0.1:{port}/0",
            "LLM_MODEL": "m",
            "OPENAI_API_KEY": LLM_KEY,
            "OPENAI_BASE_URL": llm.url,
            "ANTHROPIC_API_KEY": OTHER_LLM_KEY,
            "AWS_SECRET_ACCESS_KEY": S3_SECRET,
            "WEBHOOK_SECRET": WEBHOOK_SECRET,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "LOG_LEVEL": "DEBUG",
            "LLM_TIMEOUT_S": "2",
        }
        service = Service(folder, port=free_port(), environment=environment)
        key = _made_key(service)
        service.start()
        try:
            service.wait_until_ready()
            answers, events, token = _used(service, key, llm, hook, redis)
        finally:
            service.stop()
        received = []
        while not hook.received.empty():
            received.append(hook.received.get())
        yield Seen(
            secrets={
                "redis password": REDIS_PASSWORD,
                "llm key": LLM_KEY,
                "other llm key": OTHER_LLM_KEY,
                "s3 secret": S3_SECRET,
                "webhook secret": WEBHOOK_SECRET,
                "webhook key": WEBHOOK_KEY.decode(),
                "api key": key.split("_", 2)[2],
                "stream token": token,
            },
            logs="\n".join(path.read_text() for path in folder.glob("*.log")),
            redis="".join(_text(path) for path in (folder / "redis").rglob("*") if path.is_file()),
            events=events,
            answers=answers,
            webhooks="".join(f"{one.headers}{one.body!r}" for one in received),
        )


def _made_key(service: Service) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "nlp2filters", "keys", "create", "anna", "--json"],
        cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    key: str = json.loads(run.stdout)["key"]
    return key


def _used(
    service: Service, key: str, llm: llm_peer.LLM, hook: webhook_peer.Receiver, redis: "Redis"
) -> tuple[str, str, str]:
    """Jobs that end well, and with each kind of failure; returns all answers, all events, and a stream token."""
    answers: list[str] = []

    def note(response: httpx.Response) -> None:
        response.read()
        answers.append(f"{response.headers}{response.text}")

    with httpx.Client(
        base_url=service.url,
        timeout=30,
        trust_env=False,
        headers={"Authorization": f"Bearer {key}"},
        event_hooks={"response": [note]},
    ) as client:

        def run(url: str) -> str:
            webhook = {"url": f"{url}?token={CALLBACK_TOKEN}"}
            body = {"catalog": "cars", "text": TEXT, "webhook": webhook, "strategy": "llm"}
            job_id: str = client.post("/v1/jobs", json=body).json()["id"]
            client.get(f"/v1/jobs/{job_id}/events")
            client.get(f"/v1/jobs/{job_id}/result")
            return job_id

        llm.script(llm_peer.good({"conditions": []}))
        hook.script(webhook_peer.server_error, webhook_peer.ok)
        last = run(hook.url)
        for failure in (QUOTING, llm_peer.server_error, llm_peer.malformed, llm_peer.slow):
            llm.script(failure)
            run(f"http://127.0.0.1:{free_port()}/hook")  # nobody listens there
        token: str = client.post("/v1/stream-tokens", json={"job_id": last}).json()["token"]
        service.client.get(f"/v1/jobs/{last}/events", params={"token": token})
        address = f"{service.url.replace('http', 'ws')}/v1/jobs/{last}/ws?token={token}"
        with websockets.sync.client.connect(address, proxy=None) as socket:
            list(socket)
        redis.client_kill_filter(_type="normal", skipme=True)
        redis.client_kill_filter(_type="pubsub", skipme=True)
        hook.next()
        hook.received.put(hook.next())  # the second attempt
        for path in ("/v1/jobs", f"/v1/jobs/{last}/deliveries", "/metrics", "/readyz", "/v1/nowhere"):
            client.get(path)
        client.get("/v1/jobs", headers={"Authorization": f"Bearer {key}x"})
        events = "".join(str(redis.xrange(name)) for name in redis.scan_iter("n2f:events:*"))
    return "".join(answers), events, token


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


@pytest.mark.parametrize("where", ["logs", "redis", "events", "answers", "webhooks"])
def test_no_secret_is_seen(seen: Seen, where: str) -> None:
    text = getattr(seen, where)
    if where == "answers":  # the token is made there, for whoever asked
        text = text.replace(json.dumps(seen.secrets["stream token"]), "")
    assert [name for name, secret in seen.secrets.items() if secret in text] == []


@pytest.mark.parametrize("where", ["logs", "events", "webhooks"])
def test_no_callback_address_is_told(seen: Seen, where: str) -> None:
    """Redis has it, since it is to be called; see docs/security.md."""
    assert CALLBACK_TOKEN not in getattr(seen, where)
    assert CALLBACK_TOKEN in seen.redis


def test_no_text_is_logged(seen: Seen) -> None:
    assert TEXT not in seen.logs


def test_the_canaries_would_have_been_found(seen: Seen) -> None:
    """The places where we look are those where the service writes."""
    assert "the LLM gave no usable answer" in seen.logs or "the stage failed" in seen.logs
    assert "delivery attempted" in seen.logs
    assert TEXT in seen.redis
    assert '"status":"succeeded"' in seen.events
    assert '"type":"job.progress"' in seen.events
    assert '"type":"job.delta"' in seen.events
    assert "webhook-id" in seen.webhooks
