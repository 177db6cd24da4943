"""Calls that jobs and batches have in common."""

import uuid
from typing import ClassVar, Generic, TypeVar
from urllib.parse import quote

from nlp2filters.client.requests import Call, Requester
from nlp2filters.core import schemas
from nlp2filters.core.schemas import Batch, Delivery, Job, StreamToken

S = TypeVar("S", Job, Batch)


class Resource(Generic[S]):
    """The calls of one kind of resource, jobs or batches. Wherever a method takes one, it also takes its id."""

    _collection: ClassVar[str]
    # The member of a request for a stream token that has the id.
    _id_member: ClassVar[str]

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def deliveries(self, subject: S | str) -> list[Delivery]:
        """List the attempts to call the webhook."""
        call = Call("GET", f"{self._path(subject)}/deliveries")
        return (await self._requester.read(schemas.Deliveries, call)).deliveries

    async def redeliver(self, subject: S | str) -> list[Delivery]:
        """Request that the webhook be called again."""
        call = Call("POST", f"{self._path(subject)}/redeliver", repeatable=False)
        return (await self._requester.read(schemas.Deliveries, call)).deliveries

    async def stream_token(self, subject: S | str) -> StreamToken:
        """Create a token with which a browser can follow this job or batch, and do nothing else."""
        call = Call("POST", "/v1/stream-tokens", {self._id_member: id_of(subject)})
        return await self._requester.read(StreamToken, call)

    def _path(self, subject: S | str) -> str:
        return f"{self._collection}/{quote(id_of(subject), safe='')}"


def id_of(subject: Job | Batch | str) -> str:
    """Return the id of a job or batch, or the id itself."""
    return subject if isinstance(subject, str) else subject.id


def idempotency_headers(key: str | None = None) -> dict[str, str]:
    """Return the header that keeps retries of a request from creating a second job or batch."""
    return {"Idempotency-Key": key or str(uuid.uuid4())}
