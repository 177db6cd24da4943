"""Request headers `Prefer`, `Idempotency-Key` and `If-None-Match`."""

import hashlib
import re
from dataclasses import dataclass

import orjson
from pydantic import BaseModel
from starlette.datastructures import Headers

from nlp2filters.errors import InvalidRequest, Violation
from nlp2filters.storage.idempotency import IdempotencyKey

# Heroku's router gives up after 30 s.
MAX_WAIT_S = 25
MAX_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences in `Prefer` (RFC 7240): seconds to wait for the end, an answer without a body, and a job."""

    wait_s: int = 0
    minimal: bool = False
    respond_async: bool = False

    @property
    def applied(self) -> dict[str, str]:
        """The response headers that name the preferences that were honoured."""
        honoured = [f"wait={self.wait_s}"] if self.wait_s else []
        honoured += ["return=minimal"] if self.minimal else []
        honoured += ["respond-async"] if self.respond_async else []
        return {"Vary": "Prefer"} | ({"Preference-Applied": ", ".join(honoured)} if honoured else {})


def preferences(headers: Headers) -> Preferences:
    """Read `Prefer`; anything but `wait`, `return=minimal` and `respond-async` is ignored, as the RFC requires."""
    text = ",".join(headers.getlist("prefer")).lower()
    wait = re.search(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?(?=$|[,;\s])', text, re.ASCII)
    minimal = re.search(r'(?:^|[,;\s])return\s*=\s*"?minimal"?(?=$|[,;\s])', text)
    respond_async = re.search(r"(?:^|[,;\s])respond-async(?=$|[,;\s])", text)
    return Preferences(min(int(wait[1]), MAX_WAIT_S) if wait else 0, bool(minimal), bool(respond_async))


def idempotency_key(headers: Headers, path: str, body: BaseModel | None) -> IdempotencyKey | None:
    """Read the idempotency key, with the fingerprint of the request's path and body; None if there is no key.

    Raises:
        InvalidRequest: the key is empty, longer than 255 characters, or not printable ASCII.
    """
    header = headers.get("idempotency-key")
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
        detail = f"Expected 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters, such as a UUID."
        raise InvalidRequest([Violation("/headers/Idempotency-Key", detail)])
    data = body.model_dump(mode="json") if body else None
    content = path.encode() + b"\n" + orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    return IdempotencyKey(key, hashlib.sha256(content).hexdigest())


def etag_matches(headers: Headers, etag: str) -> bool:
    """Return True if the client already has this version (`If-None-Match`)."""
    tags = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return etag in tags or "*" in tags
