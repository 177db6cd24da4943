"""Traces by OpenTelemetry, if the environment asks for them or the caller has set up an SDK; else nothing is imported.

One trace leads from a request through the attempts at its job's stages to its webhook. Jobs carry the context of the
request that created them, in the form of the W3C's headers: https://www.w3.org/TR/trace-context/
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from nlp2filters import __version__

Kind = Literal["SERVER", "CLIENT", "CONSUMER"]
Attributes = Mapping[str, str | int | float]
# The headers of a trace's context, by name.
Context = Mapping[str, str]

TRACEPARENT, TRACESTATE = HEADERS = ("traceparent", "tracestate")
# The standard asks for at least so much room; a stranger's longer one is not kept with the job.
MAX_TRACESTATE = 512
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
# At the end of a process, spans that have not been sent yet get this long.
FLUSH_TIMEOUT_S = 2.0
MISSING = "traces are asked for, but not recorded: install what they need by pip install 'nlp2filters[otel]'"
JOB_ID, OUTCOME = "nlp2filters.job.id", "nlp2filters.outcome"

_log = logging.getLogger(__name__)


class Span:
    """A span that is being recorded, or nothing."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Name it anew."""
        if self._span:
            self._span.update_name(name)

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        if self._span:
            self._span.set_attributes(attributes)

    def fail(self, kind: str) -> None:
        """Note the kind of error that ended it. The error's text may quote a user, so it is not part of the span."""
        if self._span and (trace := _api()):
            self._span.set_attribute("error.type", kind)
            self._span.set_status(trace.StatusCode.ERROR)


NO_SPAN = Span()


@contextmanager
def span(name: str, kind: Kind, attributes: Attributes, *, parent: Context | None = None) -> Iterator[Span]:
    """Open a span below the current one, or as a part of the trace of `parent`; a parent without headers begins one.

    Whatever is raised inside fails it, unless it is a cancellation.
    """
    if not (trace := _api()):
        yield NO_SPAN
        return
    with trace.get_tracer("nlp2filters", __version__).start_as_current_span(
        name,
        None if parent is None else _propagator().extract(parent, trace.set_span_in_context(trace.INVALID_SPAN)),
        kind=trace.SpanKind[kind],
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as recorded:
        opened = Span(recorded)
        try:
            yield opened
        except Exception as exc:
            opened.fail(type(exc).__name__)
            raise


def processing(queue: str, job_id: str, attempt: int) -> dict[str, str | int]:
    """Return the attributes of the span of an attempt at a job, or at the delivery of a job's or batch's webhook."""
    return {
        "messaging.system": "arq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        JOB_ID: job_id,
        "nlp2filters.attempt": attempt,
    }


def current() -> Span:
    """Return the innermost open span."""
    return Span(trace.get_current_span()) if (trace := _api()) else NO_SPAN


def context() -> dict[str, str]:
    """Return the headers that continue the current trace elsewhere; none outside of one."""
    if not _api():
        return {}
    headers: dict[str, str] = {}
    _propagator().inject(headers)
    if len(headers.get(TRACESTATE, "")) > MAX_TRACESTATE:
        del headers[TRACESTATE]
    return headers


def log_fields() -> dict[str, str]:
    """Return `trace_id` and `span_id` of the current span, for log lines; nothing outside of one."""
    if not (trace := _api()):
        return {}
    position = trace.get_current_span().get_span_context()
    if not position.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(position.trace_id),
        "span_id": trace.format_span_id(position.span_id),
    }


def is_on() -> bool:
    """Return True if an SDK has been set up, by `recording` or by the caller."""
    return _api() is not None


@contextmanager
def recording(process: str, environ: Mapping[str, str]) -> Iterator[None]:
    """Record and send the spans of this process while inside, if the environment asks for it by standard variables.

    Nothing about traces keeps the service from running: what is wrong with them is logged.
    """
    shutdown = _set_up(process) if requested(environ) and not is_on() else None
    try:
        yield
    finally:
        if shutdown:
            flushing = threading.Thread(target=shutdown, name="flush-traces", daemon=True)
            flushing.start()
            flushing.join(FLUSH_TIMEOUT_S)


def requested(environ: Mapping[str, str]) -> bool:
    """Return True if the environment names an exporter, or a place to send spans to, and does not switch them off."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return exporter != "none" and bool(exporter or any(environ.get(name) for name in ENDPOINTS))


def _set_up(process: str) -> Callable[[], None] | None:
    """Set up the SDK. Returns the function that sends what is left and closes it; None if that failed."""
    try:
        from nlp2filters import tracing_sdk  # The extra `otel` may not be installed, and takes a third of a second.
    except ModuleNotFoundError:
        _log.warning(MISSING)
        return None
    try:
        return tracing_sdk.set_up(process)
    except Exception as exc:
        _log.error("traces are not recorded, correct the OTEL_ variables: %s", exc)
        return None


def _api() -> Any:
    """Return the module `opentelemetry.trace` if an SDK has been set up; libraries import it without one, too."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    return trace


def _propagator() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # only if an SDK is there

    return TraceContextTextMapPropagator()
