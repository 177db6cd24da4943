"""A service with two web processes, an LLM, and a receiver of webhooks, for everything that an operator does."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.peers import llm as llms
from tests.peers import webhook as webhooks
from tests.peers.llm import LLM
from tests.peers.webhook import Receiver
from tests.ports import free_port
from tests.service import Service, started

ANSWER = {
    "conditions": [{"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "confidence": 1}],
}


@dataclass(frozen=True)
class Operated:
    """The service; `other_url` is that of its second web process."""

    service: Service
    other_url: str
    llm: LLM
    receiver: Receiver

    def metrics(self, *, other: bool = False) -> str:
        """The metrics that one of the web processes reports."""
        return httpx.get(f"{self.other_url if other else self.service.url}/metrics", trust_env=False).text


@pytest.fixture(scope="package")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with llms.running() as llm, webhooks.running() as receiver:
        llm.script(llms.good(ANSWER))
        environment = {
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "gpt-test",
            "OPENAI_BASE_URL": llm.url,
            "OPENAI_API_KEY": "k",
            "LLM_PRICES": "gpt-*=1000/4000",
            "LLM_TIMEOUT_S": "8",  # the page reads the state every 2 s
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "WEBHOOK_SECRET": "whsec_c2VjcmV0IGZvciB0ZXN0cyBvZiBvcGVyYXRvcnM=",
            "HEARTBEAT_TIMEOUT_S": "1.5",
        }
        with started(tmp_path_factory.mktemp("operated"), **environment) as service:
            port = free_port()
            service.start_command("web2", f"python -m nlp2filters web --port {port}")
            other = Service(service.logs, port=port, environment={})
            other.wait_until_answering()
            yield Operated(service, other.url, llm, receiver)
