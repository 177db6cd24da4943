"""A store that speaks the language of S3, on loopback. It checks every signature and every hash, and fails as told."""

import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from nlp2filters.storage.blobs import aws_signature
from tests.peers.llm import serving

KEY_ID, SECRET, REGION = "AKIATEST", "canary-s3-secret", "eu-central-1"
PAGE = 2  # objects in one answer to a listing
PIECE = 50_000


@dataclass
class Stored:
    """An object."""

    content: bytes
    modified: dt.datetime


@dataclass
class S3:
    """The objects of the bucket by key. `failures` are the statuses with which the next requests are answered."""

    url: str = ""
    bucket: str = "bucket"
    objects: dict[str, Stored] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    cut: bool = False  # answers to GET break off in the middle

    def age(self, seconds: float) -> None:
        """Make every object older."""
        for stored in self.objects.values():
            stored.modified -= dt.timedelta(seconds=seconds)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        self.requests.append(f"{request.method} {request.url.path}")
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)
        if self.failures:
            return _error(self.failures.pop(0), "Told")
        if not self._is_signed(request):
            return _error(403, "SignatureDoesNotMatch")
        if request.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return _error(400, "XAmzContentSHA256Mismatch")
        bucket, _, key = request.url.path.lstrip("/").partition("/")
        if bucket != self.bucket:
            return _error(404, "NoSuchBucket")
        return self._carried_out(request, key, body)

    def _carried_out(self, request: Request, key: str, body: bytes) -> Response:
        now = dt.datetime.now(dt.UTC)
        match request.method:
            case "PUT" if source := request.headers.get("x-amz-copy-source"):
                _, _, name = source.lstrip("/").partition("/")
                if name not in self.objects:
                    return _error(404, "NoSuchKey")
                self.objects[key] = Stored(self.objects[name].content, now)
                return Response("<CopyObjectResult></CopyObjectResult>")
            case "PUT":
                self.objects[key] = Stored(body, now)
                return Response()
            case "DELETE":
                self.objects.pop(key, None)
                return Response(status_code=204)
            case "GET" if not key:
                return self._listing(request)
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        stored = self.objects[key]
        headers = {"last-modified": format_datetime(stored.modified, usegmt=True)}
        if request.method == "HEAD":
            return Response(headers={**headers, "content-length": str(len(stored.content))})
        headers["content-length"] = str(len(stored.content))
        return StreamingResponse(self._pieces(stored.content), headers=headers)

    async def _pieces(self, content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), PIECE):
            if self.cut and start:
                raise ConnectionError("cut, as told")
            yield content[start : start + PIECE]

    def _listing(self, request: Request) -> Response:
        prefix, after = request.query_params["prefix"], request.query_params.get("continuation-token", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        more = f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>" if len(keys) > PAGE else ""
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key>"
            f"<LastModified>{self.objects[key].modified.strftime('%Y-%m-%dT%H:%M:%S.000Z')}</LastModified>"
            f"<Size>{len(self.objects[key].content)}</Size></Contents>"
            for key in keys[:PAGE]
        )
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        return Response(f'<ListBucketResult xmlns="{namespace}">{items}{more}</ListBucketResult>')

    def _is_signed(self, request: Request) -> bool:
        """Return True if the secret has signed exactly this request, within the last minutes."""
        given = request.headers.get("authorization", "")
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        if {"host", "x-amz-date", "x-amz-content-sha256"} - set(names):
            return False
        at = dt.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        signed = {name: request.headers[name] for name in names if name not in ("x-amz-date", "x-amz-content-sha256")}
        expected = aws_signature.signed_headers(
            request.method,
            request.scope["raw_path"].decode(),
            request.url.query,
            signed,
            request.headers["x-amz-content-sha256"],
            region=REGION,
            key_id=KEY_ID,
            secret=SECRET,
            at=at,
        )
        return expected["authorization"] == given and abs(dt.datetime.now(dt.UTC) - at) < dt.timedelta(minutes=15)


def _error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    return Response(body, status, media_type="application/xml")


@contextmanager
def running() -> Iterator[S3]:
    """The store on a free port of loopback, while inside."""
    store = S3()
    route = Route("/{path:path}", store.answer, methods=["GET", "HEAD", "PUT", "DELETE"])
    with serving([route]) as url:
        store.url = url
        yield store
