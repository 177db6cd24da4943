"""Request headers `Prefer`, `Idempotency-Key` and `If-None-Match`, and page tokens."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from starlette.requests import Request

from nlp2filters.errors import Fault, InvalidRequest
from nlp2filters.storage.idempotency import IdempotencyKey

# Heroku's router gives up after 30 s.
MAX_WAIT_S = 25
MAX_IDEMPOTENCY_KEY = 255
PAGE_SIZE, MAX_PAGE_SIZE = 50, 200

Place: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences in `Prefer` (RFC 7240): seconds to wait for the end, and an answer without a body."""

    wait_s: int = 0
    minimal: bool = False

    @property
    def applied(self) -> dict[str, str]:
        """The headers that tell which preferences were honoured."""
        granted = [f"wait={self.wait_s}"] if self.wait_s else []
        granted += ["return=minimal"] if self.minimal else []
        return {"Vary": "Prefer"} | ({"Preference-Applied": ", ".join(granted)} if granted else {})


def preferences(request: Request) -> Preferences:
    """Read `Prefer`; anything but `wait` and `return=minimal` is ignored, as the RFC requires."""
    text = ",".join(request.headers.getlist("prefer")).lower()
    wait = re.search(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?(?=$|[,;\s])', text, re.ASCII)
    minimal = re.search(r'(?:^|[,;\s])return\s*=\s*"?minimal"?(?=$|[,;\s])', text)
    return Preferences(min(int(wait[1]), MAX_WAIT_S) if wait else 0, bool(minimal))


def once(request: Request, asked: Any) -> IdempotencyKey | None:
    """Read the request's idempotency key; None if it has none.

    Raises:
        InvalidRequest: the key is empty, longer than 255 characters, or not printable ASCII.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
        detail = f"Expected 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters, such as a UUID."
        raise InvalidRequest([Fault("/headers/Idempotency-Key", detail)])
    content = request.url.path.encode() + b"\n" + orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    return IdempotencyKey(key, hashlib.sha256(content).hexdigest())


def matches(request: Request, etag: str) -> bool:
    """Return True if the client already has this version (`If-None-Match`)."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in tags or "*" in tags


def whole_number(request: Request, name: str, *, default: int, most: int, least: int = 0) -> int:
    """Read a whole number from a query parameter; a number above `most` counts as `most`.

    Raises:
        InvalidRequest: it is not a whole number, or is less than `least`.
    """
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise InvalidRequest([Fault(f"/query/{name}", f"Expected a whole number from {least} to {most}.")])
    return min(int(text), most)


def page_token(place: Place | None) -> str | None:
    """Encode the start of the next page as an opaque token."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def page_place(request: Request) -> Place | None:
    """Decode a page token.

    Raises:
        InvalidRequest: the token is not one of ours.
    """
    token = request.query_params.get("page_token")
    if not token:
        return None
    try:
        time, id_ = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        if isinstance(time, int) and 0 <= time < 1 << 53 and isinstance(id_, str):
            return time, id_
    except (ValueError, TypeError, binascii.Error):
        pass
    raise InvalidRequest([Fault("/query/page_token", "Give back the `next_page_token` of the page before, unchanged.")])
