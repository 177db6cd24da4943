"""The resources that all endpoints share, opened in the app's lifespan."""

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from nlp2filters.api.metrics import Metrics
from nlp2filters.api.open_streams import Streams
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import ApiKeys, StreamTokens
from nlp2filters.storage.blobs.store import Blobs
from nlp2filters.storage.catalogs import Catalogs
from nlp2filters.storage.index_requests import IndexRequests
from nlp2filters.storage.rate_limits import Backpressure
from nlp2filters.storage.store import Store
from nlp2filters.storage.streams import Events


@dataclass(frozen=True, slots=True)
class Services:
    """The resources that a web process opens once. Bodies of many MiB are decoded by `large_bodies`, a thread.

    `key_scans` lets one request at a time look at all keys in Redis.
    """

    settings: Settings
    store: Store
    events: Events
    api_keys: ApiKeys
    tokens: StreamTokens
    catalogs: Catalogs
    indexes: IndexRequests
    blobs: Blobs
    backpressure: Backpressure
    metrics: Metrics
    streams: Streams
    max_connections: int
    key_scans: asyncio.Lock = field(default_factory=asyncio.Lock)
    large_bodies: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "large-bodies"))


def services(connection: HTTPConnection) -> Services:
    """Return the services of the process that this connection has reached."""
    opened = connection.state.services
    assert isinstance(opened, Services)
    return opened
