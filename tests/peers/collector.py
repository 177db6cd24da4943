"""A collector of traces that takes spans by OTLP over HTTP and keeps them."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.peers.llm import serving


@dataclass(frozen=True)
class Span:
    """A span as it came: `kind` and `status` in the words of the protocol, ids in hexadecimal digits, `parent` "" for
    none. `text` is all of it.
    """

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    status: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    text: str


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes by name."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


class Collector:
    """All spans that came, in the order in which they did."""

    def __init__(self) -> None:
        self.url = ""
        self._spans: list[Span] = []
        self._arrival = threading.Condition(threading.RLock())

    def spans(self, trace: str) -> list[Span]:
        """Those of a trace that came so far."""
        with self._arrival:
            return [span for span in self._spans if span.trace == trace]

    def wait(self, trace: str, enough: Callable[[Sequence[Span]], bool], timeout_s: float = 30) -> list[Span]:
        """Wait until there are enough spans of a trace; returns them."""
        with self._arrival:
            there = self._arrival.wait_for(lambda: enough(self.spans(trace)), timeout_s)
        names = [span.name for span in self.spans(trace)]
        assert there, f"after {timeout_s} s there is only {names}"
        return self.spans(trace)

    async def receive(self, request: Request) -> Response:
        """One export."""
        message = ExportTraceServiceRequest.FromString(await request.body())
        spans = [
            Span(
                span.name,
                span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                span.status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
                attributes(span.attributes),
                attributes(one.resource.attributes),
                str(span),
            )
            for one in message.resource_spans
            for scope in one.scope_spans
            for span in scope.spans
        ]
        with self._arrival:
            self._spans += spans
            self._arrival.notify_all()
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")


@contextmanager
def running() -> Iterator[Collector]:
    """The collector on a free port of loopback, while inside."""
    collector = Collector()
    with serving([Route("/v1/traces", collector.receive, methods=["POST"])]) as url:
        collector.url = url
        yield collector
