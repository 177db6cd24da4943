"""Blobs in Amazon S3 or a store that speaks its language (MinIO, R2, Ceph, …): an object each.

An upload is first written to a temporary file of this process, as the object's name and signature need its SHA-256.
The store checks that hash, so an object is complete or absent. An object's age is that of its last write or renewal.
"""

import asyncio
import datetime as dt
import hashlib
import logging
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import IO, Self
from xml.etree import ElementTree

import httpx

from nlp2filters.errors import BlobGone, BlobStoreUnavailable
from nlp2filters.retry import Backoff
from nlp2filters.storage.blobs import aws_signature
from nlp2filters.storage.blobs.aws_signature import EMPTY_SHA256
from nlp2filters.storage.blobs.backend import CHUNK_BYTES, StoredBlob

MAX_TRIES = 3
BACKOFF = Backoff(first_s=0.2, max_s=2.0)
# For connecting, and for each piece that is sent or received.
TIMEOUT_S = 10.0
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_NAMESPACE = "{*}"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class S3Config:
    """A bucket, the prefix of all names in it, and the account. An empty endpoint is that of Amazon in the region."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def url(self) -> httpx.URL:
        """The address of the store."""
        return httpx.URL(self.endpoint or f"https://s3.{self.region}.amazonaws.com")


class S3Upload:
    """An upload to a temporary file without a name, which disappears with this process."""

    def __init__(self, backend: "S3Backend", owner: str) -> None:
        self._backend, self._owner = backend, owner
        self._file: IO[bytes] | None = None
        self._size = 0

    async def write(self, chunk: bytes) -> None:
        """See `Upload`."""
        try:
            await asyncio.to_thread(self._write, chunk)
        except OSError as exc:
            raise BlobStoreUnavailable(f"The temporary file of an upload: {exc.strerror or exc}.") from exc
        self._size += len(chunk)

    def _write(self, chunk: bytes) -> None:
        self._opened().write(chunk)

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # commit and abort close it
        return self._file

    async def commit(self, digest: str) -> bool:
        """See `Upload`."""
        with self._opened() as file:
            try:
                await self._backend.renew(self._owner, digest)
            except BlobGone:
                await self._backend.put(self._owner, digest, file, self._size)
                return True
        return False

    async def abort(self) -> None:
        """See `Upload`."""
        if self._file:
            self._file.close()


class S3Backend:
    """The blobs in a bucket."""

    def __init__(self, http: httpx.AsyncClient, config: S3Config, kept_s: int) -> None:
        self._http, self._config, self._kept_s = http, config, kept_s

    @classmethod
    @asynccontextmanager
    async def open(cls, config: S3Config, kept_s: int) -> AsyncIterator[Self]:
        """Open the connections."""
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as http:
            yield cls(http, config, kept_s)

    def upload(self, owner: str) -> S3Upload:
        """See `Backend`."""
        return S3Upload(self, owner)

    async def put(self, owner: str, digest: str, file: IO[bytes], size: int) -> None:
        """Write an object; the store compares the content with the digest."""
        headers = {"content-length": str(size)}
        await self._send("PUT", self._name(owner, digest), headers=headers, body=file, body_sha256=digest)

    async def read(self, owner: str, digest: str) -> AsyncIterator[bytes]:
        """See `Backend`."""
        request = self._request("GET", self._name(owner, digest))
        try:
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code == 404 or (response.is_success and self._is_expired(_modified(response))):
                    raise BlobGone(digest)
                if not response.is_success:
                    await response.aread()
                    raise _unavailable(response)
                async for chunk in response.aiter_bytes(CHUNK_BYTES):
                    yield chunk
            finally:
                await response.aclose()
        except httpx.TransportError as exc:
            raise BlobStoreUnavailable(f"S3 does not answer: {exc or type(exc).__name__}.") from exc

    async def renew(self, owner: str, digest: str) -> None:
        """See `Backend`: copying an object onto itself makes it young again."""
        name = self._name(owner, digest)
        head = await self._send("HEAD", name, allow_missing=True)
        if head.status_code == 404 or self._is_expired(_modified(head)):
            raise BlobGone(digest)
        source = aws_signature.encoded_path(f"/{self._config.bucket}/{name}")
        headers = {"x-amz-copy-source": source, "x-amz-metadata-directive": "REPLACE"}
        response = await self._send("PUT", name, headers=headers, allow_missing=True)
        if response.status_code == 404:
            raise BlobGone(digest)
        if b"<Error>" in response.content:  # S3 may send this after it has begun the answer.
            raise _unavailable(response)

    async def listing(self, owner: str | None) -> AsyncIterator[StoredBlob]:
        """See `Backend`."""
        async for name, size, modified in self._objects(f"{self.holder(owner)}/" if owner else ""):
            if not self._is_expired(modified):
                holder, _, digest = name.removeprefix(self._prefix).partition("/")
                age_s = (dt.datetime.now(dt.UTC) - modified).total_seconds()
                yield StoredBlob(holder, digest, size, self._kept_s - age_s)

    def holder(self, owner: str) -> str:
        """See `Backend`."""
        return hashlib.sha256(owner.encode()).hexdigest()[:32]

    async def delete(self, owner: str, digest: str) -> bool:
        """See `Backend`. S3 does not tell an object that was deleted from one that never was."""
        name = self._name(owner, digest)
        existed = (await self._send("HEAD", name, allow_missing=True)).status_code != 404
        await self._send("DELETE", name, allow_missing=True)
        return existed

    async def remove_expired(self) -> None:
        """See `Backend`. A lifecycle rule of the bucket may do it instead."""
        async for name, _, modified in self._objects():
            if self._is_expired(modified):
                await self._send("DELETE", name, allow_missing=True)

    async def _objects(self, start: str = "") -> AsyncIterator[tuple[str, int, dt.datetime]]:
        """Yield name, size and time of the last change of the objects whose names begin with our prefix and `start`."""
        params = {"list-type": "2", "prefix": self._prefix + start}
        while True:
            root = ElementTree.fromstring((await self._send("GET", "", params=params)).content)  # noqa: S314  # the operator chose the store
            for item in root.iterfind(f"{_NAMESPACE}Contents"):
                modified = dt.datetime.fromisoformat(item.findtext(f"{_NAMESPACE}LastModified", ""))
                yield item.findtext(f"{_NAMESPACE}Key", ""), int(item.findtext(f"{_NAMESPACE}Size", "0")), modified
            token = root.findtext(f"{_NAMESPACE}NextContinuationToken")
            if not token:
                return
            params["continuation-token"] = token

    @property
    def _prefix(self) -> str:
        return f"{self._config.prefix}/" if self._config.prefix else ""

    def _name(self, owner: str, digest: str) -> str:
        return f"{self._prefix}{self.holder(owner)}/{digest}"

    def _is_expired(self, modified: dt.datetime) -> bool:
        return dt.datetime.now(dt.UTC) - modified > dt.timedelta(seconds=self._kept_s)

    async def _send(
        self,
        method: str,
        name: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
        body_sha256: str = EMPTY_SHA256,
        allow_missing: bool = False,
    ) -> httpx.Response:
        """Send a request, and repeat it while that may help.

        Raises:
            BlobStoreUnavailable: there was no good answer. With `allow_missing`, 404 is one.
        """
        for number in range(MAX_TRIES):
            if number:
                await asyncio.sleep(BACKOFF.wait_s(number - 1))
            request = self._request(method, name, params, headers, body, body_sha256)
            try:
                response = await self._http.send(request)
            except httpx.TransportError as exc:
                failure = BlobStoreUnavailable(f"S3 does not answer: {exc or type(exc).__name__}.")
                continue
            if response.is_success or (allow_missing and response.status_code == 404):
                return response
            failure = _unavailable(response)
            if response.status_code not in _TRANSIENT:
                break
        _log.error("S3: %s %s: %s", method, name, failure)
        raise failure

    def _request(
        self,
        method: str,
        name: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
        body_sha256: str = EMPTY_SHA256,
    ) -> httpx.Request:
        """Build a signed request. It has to be built again for another try: a signature is valid for some minutes."""
        config, base = self._config, self._config.url
        path = aws_signature.encoded_path(f"{base.path.rstrip('/')}/{config.bucket}/{name}".rstrip("/"))
        query = aws_signature.encoded_query(params or {})
        unsigned = {"host": base.netloc.decode(), **(headers or {})}
        if config.token:
            unsigned["x-amz-security-token"] = config.token
        signed = aws_signature.signed_headers(
            method,
            path,
            query,
            unsigned,
            body_sha256,
            region=config.region,
            key_id=config.key_id,
            secret=config.secret,
            at=dt.datetime.now(dt.UTC),
        )
        target = base.copy_with(raw_path=f"{path}?{query}".encode() if query else path.encode())
        content = _chunks(body) if body else None
        return self._http.build_request(method, target, headers=signed, content=content)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Yield the content of a file from its beginning."""
    await asyncio.to_thread(file.seek, 0)
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk


def _modified(response: httpx.Response) -> dt.datetime:
    return parsedate_to_datetime(response.headers["last-modified"])


def _unavailable(response: httpx.Response) -> BlobStoreUnavailable:
    """Return the error for an answer of S3. Its code is in the body, which may also quote the request."""
    code = ElementTree.fromstring(response.content).findtext("Code") if b"<Code>" in response.content else None  # noqa: S314
    return BlobStoreUnavailable(f"S3 answered {response.status_code}{f' ({code})' if code else ''}.")
