"""The Python client of the service.

    from nlp2filters.client import Client

    with Client("https://filters.example", key="n2f_…") as client:
        result = client.ask("japanese cars with at least 30 mpg", catalog="cars")

`AsyncClient` has the same methods as coroutines. See docs/clients.md.
"""

from nlp2filters.client.async_client import AsyncClient
from nlp2filters.client.events import BatchEvent, JobEvent
from nlp2filters.client.options import BatchRequest, Options, Webhook
from nlp2filters.client.sync_client import Client
from nlp2filters.client.webhooks import verify_webhook
from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.schemas import (
    Batch,
    BatchResult,
    Compiled,
    Condition,
    Delivery,
    Delta,
    Health,
    Job,
    Progress,
    Readiness,
    Reading,
    Result,
    Rows,
    StreamToken,
    TranscriptPart,
)
from nlp2filters.core.service_url import URL

__all__ = [
    "URL",
    "AsyncClient",
    "Batch",
    "BatchEvent",
    "BatchRequest",
    "BatchResult",
    "Catalog",
    "Client",
    "Compiled",
    "Condition",
    "Delivery",
    "Delta",
    "Field",
    "Health",
    "Job",
    "JobEvent",
    "Options",
    "Progress",
    "Readiness",
    "Reading",
    "Result",
    "Rows",
    "StreamToken",
    "TranscriptPart",
    "Webhook",
    "verify_webhook",
]
