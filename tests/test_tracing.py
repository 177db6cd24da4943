"""One trace from a request to its webhook, over all queues, as a collector gets it from real processes."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from nlp2filters import tracing, tracing_sdk
from tests.peers import collector as collectors
from tests.peers import llm as llms
from tests.peers import webhook as webhooks
from tests.peers.collector import Collector, Span
from tests.peers.llm import LLM
from tests.peers.webhook import Receiver
from tests.ports import free_port
from tests.service import Service, commands, started

TEXT = "japanese cars with at least 30 mpg"
KEY, SECRET = "sk-canary", "whsec_" + base64.b64encode(b"k" * 32).decode()
ANSWER = llms.good(
    {
        "conditions": [{"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "confidence": 0.9}],
        **{"sort": [], "limit": None, "text": "", "ignored": [], "clarification": None},
    }
)
SLOW = llms.Reply(content="{}", delay_s=4)  # longer than the service waits


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collectors.running() as collector:
        yield collector


@pytest.fixture(scope="module")
def service(collector: Collector, llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a kind of job of whose two stages both are split."""
    environment = {
        **{"OPENAI_BASE_URL": llm.url, "OPENAI_API_KEY": KEY, "LLM_MODEL": "test", "LLM_TIMEOUT_S": "3"},
        **{"WEBHOOK_SECRET": SECRET, "WEBHOOK_ALLOW_PRIVATE": "true", "EXTRA_KINDS": "tests.kinds.wordcount"},
        **{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"},
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    with started(tmp_path_factory.mktemp("tracing"), *commands(), **environment) as service:
        service.start_command("counting", f"{sys.executable} -m nlp2filters worker counting")
        service.wait_until_ready()
        yield service


class Caller:
    """Somebody whose own trace a request is a part of."""

    def __init__(self) -> None:
        self.trace, self.span = secrets.token_hex(16), secrets.token_hex(8)
        self.headers = {"traceparent": f"00-{self.trace}-{self.span}-01", "tracestate": "vendor=opaque"}

    def post(self, service: Service, path: str, **body: Any) -> dict[str, Any]:
        response = httpx.post(f"{service.url}{path}", json=body, headers=self.headers, trust_env=False)
        assert response.status_code == 202, response.text
        created: dict[str, Any] = response.json()
        return created


def named(spans: Sequence[Span], name: str) -> list[Span]:
    """The spans of this name in the order of their attempts."""
    return sorted(
        (span for span in spans if span.name == name), key=lambda span: span.attributes.get("nlp2filters.attempt", 0)
    )


def outcomes(spans: Sequence[Span], name: str) -> list[str]:
    return [span.attributes["nlp2filters.outcome"] for span in named(spans, name)]


def complete(numbers: Mapping[str, int]) -> Callable[[Sequence[Span]], bool]:
    """True once there are so many spans of each name: processes send them independently of each other."""
    return lambda spans: all(len(named(spans, name)) == number for name, number in numbers.items())


WHOLE = dict.fromkeys(("POST /v1/jobs", "process embedding", "process llm", "chat test", "process delivery"), 1)


def test_one_trace_from_the_request_to_the_webhook(
    service: Service, collector: Collector, llm: LLM, receiver: Receiver
) -> None:
    llm.script(ANSWER)
    receiver.script(webhooks.ok)
    caller = Caller()
    job = caller.post(service, "/v1/jobs", catalog="cars", text=TEXT, webhook={"url": receiver.url})
    message = receiver.next()
    spans = collector.wait(caller.trace, complete(WHOLE))

    (server,) = named(spans, "POST /v1/jobs")
    assert (server.kind, server.parent, server.status) == ("SERVER", caller.span, "UNSET")
    assert server.attributes["http.route"] == "/v1/jobs"
    assert server.attributes["http.response.status_code"] == 202
    assert server.attributes["nlp2filters.job.id"] == job["id"]

    stages = [span for span in spans if span.kind == "CONSUMER"]
    assert {span.name for span in stages} == {"process embedding", "process llm", "process delivery"}
    assert {span.parent for span in stages} == {server.id}
    assert {span.attributes["nlp2filters.job.id"] for span in stages} == {job["id"]}
    assert {span.attributes["nlp2filters.attempt"] for span in stages} == {1}
    assert outcomes(spans, "process embedding") == outcomes(spans, "process llm") == ["succeeded"]
    assert outcomes(spans, "process delivery") == ["delivered"]

    (llm_stage,), (chat,) = named(spans, "process llm"), named(spans, "chat test")
    assert (chat.parent, chat.kind) == (llm_stage.id, "CLIENT")
    (delivery,), (sending,) = named(spans, "process delivery"), named(spans, "POST")
    assert (sending.parent, sending.kind) == (delivery.id, "CLIENT")
    assert message.headers["traceparent"] == f"00-{caller.trace}-{sending.id}-01"
    assert message.headers["tracestate"] == "vendor=opaque"
    assert len(spans) == 6

    assert {span.resource["service.name"] for span in spans} == {
        f"nlp2filters-{process}" for process in ("web", "embedding", "llm", "delivery")
    }
    assert {span.resource["deployment.environment.name"] for span in spans} == {"test"}


def test_a_later_attempt_is_in_the_same_trace(
    service: Service, collector: Collector, llm: LLM, receiver: Receiver
) -> None:
    llm.script(SLOW, ANSWER)
    receiver.script(webhooks.server_error, webhooks.ok)
    caller = Caller()
    caller.post(service, "/v1/jobs", catalog="cars", text=TEXT, strategy="llm", webhook={"url": receiver.url})
    messages = [receiver.next(), receiver.next()]
    spans = collector.wait(caller.trace, complete(WHOLE | {"process llm": 2, "chat test": 2, "process delivery": 2}))

    assert outcomes(spans, "process llm") == ["retried", "succeeded"]
    failed, _ = named(spans, "process llm")
    assert (failed.status, failed.attributes["error.type"]) == ("ERROR", "ProviderTimeout")
    assert {span.parent for span in named(spans, "chat test")} == {span.id for span in named(spans, "process llm")}

    assert outcomes(spans, "process delivery") == ["retried", "delivered"]
    assert [span.status for span in named(spans, "process delivery")] == ["ERROR", "UNSET"]
    sent = [message.headers["traceparent"].split("-")[1:3] for message in messages]
    assert sorted(sent) == sorted([caller.trace, span.id] for span in named(spans, "POST"))


def test_parts_are_in_the_trace_of_their_job(service: Service, collector: Collector) -> None:
    caller = Caller()
    job = caller.post(service, "/v1/jobs", kind="wordcount", text="one two\nthree\nwrong-once four")
    assert service.ended(job["id"])["status"] == "succeeded"
    spans = collector.wait(caller.trace, complete({"process counting": 6, "process embedding": 5}))

    parts = [span for span in named(spans, "process counting") if "nlp2filters.part" in span.attributes]
    assert len({span.attributes["nlp2filters.part"] for span in parts}) == 3
    assert sorted(span.attributes["nlp2filters.outcome"] for span in parts) == ["retried", *3 * ["succeeded"]]
    whole = [span for span in named(spans, "process counting") if "nlp2filters.part" not in span.attributes]
    assert [span.attributes["nlp2filters.outcome"] for span in whole] == ["split", "succeeded"]


def test_a_batch_and_its_webhook_are_one_trace(
    service: Service, collector: Collector, llm: LLM, receiver: Receiver
) -> None:
    llm.script(ANSWER)
    receiver.script(webhooks.ok)
    caller = Caller()
    requests = [{"custom_id": name, "catalog": "cars", "text": TEXT} for name in "ab"]
    batch = caller.post(service, "/v1/batches", requests=requests, webhook={"url": receiver.url})
    assert receiver.next().headers["traceparent"].split("-")[1] == caller.trace
    numbers = {"POST /v1/batches": 1, "process embedding": 2, "process llm": 2, "chat test": 2, "process delivery": 1}
    (delivery,) = named(collector.wait(caller.trace, complete(numbers)), "process delivery")
    assert delivery.attributes["nlp2filters.job.id"] == batch["id"]


def test_a_tool_of_a_language_model_is_in_its_trace(service: Service, collector: Collector, llm: LLM) -> None:
    llm.script(ANSWER)
    caller = Caller()
    tool = {"name": "text_to_filter", "arguments": {"text": TEXT, "catalog": "cars"}}
    answer = httpx.post(
        f"{service.url}/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool},
        headers={**caller.headers, "accept": "application/json, text/event-stream"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    names = ("POST /mcp", "tools/call text_to_filter", "POST /v1/jobs", "process embedding", "process llm")
    spans = collector.wait(caller.trace, complete(dict.fromkeys(names, 1)))
    ids = {span.name: span.id for span in spans}
    parents = {span.name: span.parent for span in spans}
    assert [parents[name] for name in names] == [caller.span, *(ids[name] for name in names[:3]), ids["POST /v1/jobs"]]


def test_a_request_that_names_no_trace_begins_one(service: Service, collector: Collector, llm: LLM) -> None:
    llm.script(ANSWER)
    job_ids = [service.submit(TEXT), service.submit(TEXT)]
    for job_id in job_ids:
        service.ended(job_id)
    first, second = (trace_of(service, job_id) for job_id in job_ids)
    assert first != second
    spans = collector.wait(first, complete({"POST /v1/jobs": 1, "process llm": 1}))
    assert [span.parent for span in spans if span.name == "POST /v1/jobs"] == [""]


def trace_of(service: Service, job_id: str) -> str:
    """The trace that the lines about a job's attempts name."""
    lines = [json.loads(line) for name in ("embedding", "llm") for line in service.log_lines(name)]
    (trace,) = {line["trace_id"] for line in lines if line.get("job_id") == job_id and line["message"] == "begun"}
    return str(trace)


def test_log_lines_name_the_trace_and_the_span(service: Service, collector: Collector, llm: LLM) -> None:
    llm.script(ANSWER)
    caller = Caller()
    job = caller.post(service, "/v1/jobs", catalog="cars", text=TEXT)
    service.ended(job["id"])
    spans = collector.wait(caller.trace, complete({"POST /v1/jobs": 1, "process llm": 1}))
    for name, process, message in (("POST /v1/jobs", "web", "request"), ("process llm", "llm", "begun")):
        lines = [json.loads(line) for line in service.log_lines(process)]
        (line,) = [line for line in lines if line.get("trace_id") == caller.trace and line["message"] == message]
        assert [line["span_id"]] == [span.id for span in named(spans, name)]


def test_a_call_that_is_not_sampled_is_not_recorded_anywhere(
    service: Service, collector: Collector, llm: LLM, receiver: Receiver
) -> None:
    llm.script(ANSWER)
    receiver.script(webhooks.ok)
    caller = Caller()
    caller.headers["traceparent"] = f"00-{caller.trace}-{caller.span}-00"
    caller.post(service, "/v1/jobs", catalog="cars", text=TEXT, webhook={"url": receiver.url})
    assert receiver.next().headers["traceparent"].startswith(f"00-{caller.trace}-")
    later = Caller()
    later.post(service, "/v1/jobs", catalog="cars", text=TEXT, webhook={"url": receiver.url})
    receiver.next()
    collector.wait(later.trace, complete(WHOLE))
    assert collector.spans(caller.trace) == []


@pytest.mark.parametrize("header", ["nonsense", "00-0-0-01", f"ff-{'a' * 32}-{'b' * 16}-01", "ä"])
def test_a_wrong_header_is_ignored(service: Service, header: str) -> None:
    answer = httpx.post(
        f"{service.url}/v1/jobs",
        json={"catalog": "cars", "text": TEXT},
        headers=[(b"traceparent", header.encode()), (b"tracestate", b"x" * 4_000)],
        trust_env=False,
    )
    assert answer.status_code == 202


def test_an_unknown_path_has_no_name_of_its_own(service: Service, collector: Collector) -> None:
    caller = Caller()
    service.client.get(f"/nothing/{secrets.token_hex(4)}?key=canary", headers=caller.headers)
    (span,) = collector.wait(caller.trace, bool)
    assert (span.name, span.status) == ("GET", "UNSET")
    assert (span.attributes["http.response.status_code"], "canary" in span.text) == (404, False)


def test_spans_have_no_word_of_a_user_and_no_secret(
    service: Service, collector: Collector, llm: LLM, receiver: Receiver
) -> None:
    llm.script(llms.unauthorized)
    receiver.script(webhooks.server_error, webhooks.ok)
    caller = Caller()
    url = f"{receiver.url}?token=tell-nobody"
    caller.post(service, "/v1/jobs", catalog="cars", text=TEXT, strategy="llm", webhook={"url": url})
    receiver.next()
    spans = collector.wait(caller.trace, complete(WHOLE))
    for span in spans:
        for word in ("japanese", KEY, SECRET, "tell-nobody", receiver.url, "wrong key"):
            assert word not in span.text


def test_a_provider_is_not_told_of_the_trace(service: Service, llm: LLM, receiver: Receiver) -> None:
    llm.script(ANSWER)
    caller = Caller()
    job = caller.post(service, "/v1/jobs", catalog="cars", text=TEXT)
    service.ended(job["id"])
    assert llm.headers
    assert not [name for headers in llm.headers for name in headers if name in ("traceparent", "tracestate", "baggage")]


LOADED = """
import json, sys
from nlp2filters import app, tracing
from nlp2filters.worker import parts, webhook_delivery
with tracing.recording("web", {}), tracing.span("a", "SERVER", {}, parent={}) as span:
    span.set({"a": 1}); span.fail("no"); tracing.current().set({})
    print(json.dumps([tracing.is_on(), tracing.context(), tracing.log_fields()]))
print(json.dumps(sorted(name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exp")))))
"""
ASKED = """
import logging, os, sys
if {missing}: sys.modules["opentelemetry.sdk"] = None
from nlp2filters import logs, tracing
logs.configure()
with tracing.recording("web", os.environ), tracing.span("a", "SERVER", {{}}, parent={{}}):
    logging.getLogger("test").info(tracing.is_on())
"""
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def run(script: str, **environment: str) -> list[str]:
    """The lines that a Python process prints."""
    environment = {name: value for name, value in os.environ.items() if "OTEL" not in name} | environment
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_traces_that_nobody_asked_for_load_nothing() -> None:
    assert [json.loads(line) for line in run(LOADED)] == [[False, {}, {}], []]


@pytest.mark.parametrize(
    ("environment", "requested"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_SERVICE_NAME": "filters"}, False),
    ],
)
def test_the_standard_variables_ask_for_traces(environment: dict[str, str], requested: bool) -> None:
    assert tracing.requested(environment) is requested


@pytest.mark.parametrize(
    ("missing", "exporter", "advice"),
    [(True, "otlp", "nlp2filters[otel]"), (False, "carrier-pigeon", "carrier-pigeon")],
)
def test_what_cannot_be_recorded_is_told_and_stops_nobody(missing: bool, exporter: str, advice: str) -> None:
    told, recording = run(ASKED.format(missing=missing), OTEL_TRACES_EXPORTER=exporter)
    assert advice in json.loads(told)["message"]
    assert json.loads(recording)["message"] == "False"


@pytest.mark.parametrize(("protocol", "advice"), [("smoke", "http/protobuf, grpc"), ("grpc", "otlp_proto_grpc")])
def test_a_protocol_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, protocol: str, advice: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    with pytest.raises(ValueError, match=advice):
        tracing_sdk.set_up("web")


def test_a_collector_that_is_not_there_stops_nobody() -> None:
    lines = run(ASKED.format(missing=False), OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    assert json.loads(lines[0])["message"] == "True"
