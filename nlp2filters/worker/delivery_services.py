"""The services of a delivery worker, which it opens at its start, and which all its attempts share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nlp2filters.settings import Settings
from nlp2filters.storage.store import Store
from nlp2filters.webhooks.client import WebhookClient


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """The client that calls webhooks, and the secrets that sign its messages."""

    client: WebhookClient
    secrets: Sequence[str]


@asynccontextmanager
async def open_delivery(settings: Settings, store: Store) -> AsyncIterator[DeliveryServices]:
    """Open the client that calls webhooks."""
    async with WebhookClient(allow_private=settings.webhook_allow_private, own_hosts=settings.own_hosts) as client:
        yield DeliveryServices(client, settings.webhook_secrets)
