"""Setting up OpenTelemetry's SDK from its standard environment variables. Import it only where traces are asked for.

The SDK reads its variables itself; this adds which exporters to create, and what this process is called.
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import os
import socket
from collections.abc import Callable
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from nlp2filters import __version__

PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
DEFAULT_PROTOCOL = "http/protobuf"


def set_up(process: str) -> Callable[[], None]:
    """Set up the SDK for this process. Returns the function that sends what is left and closes it.

    Raises:
        ValueError: a variable names an exporter or protocol that is not there.
    """
    provider = TracerProvider(resource=_resource(process), shutdown_on_exit=False)
    for exporter in _exporters():
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _resource(process: str) -> Resource:
    """Return the names of this process, of which the variables' come first."""
    names = {
        "service.name": f"nlp2filters-{process}",
        "service.namespace": "nlp2filters",
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    return Resource.create(names).merge(OTELResourceDetector().detect())


def _exporters() -> list[SpanExporter]:
    names = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    return [_exporter(name.strip()) for name in names.split(",")]


def _exporter(name: str) -> SpanExporter:
    if name == "otlp":
        variables = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
        protocol = next(filter(None, map(os.environ.get, variables)), DEFAULT_PROTOCOL).strip()
        if protocol not in PROTOCOLS:
            raise ValueError(f"the protocol {protocol!r} is none of {', '.join(PROTOCOLS)}")
        name = PROTOCOLS[protocol]
    candidates = entry_points(group="opentelemetry_traces_exporter", name=name)
    if not candidates:
        raise ValueError(f"no package that is installed has the exporter {name!r}")
    exporter: SpanExporter = next(iter(candidates)).load()()
    return exporter
