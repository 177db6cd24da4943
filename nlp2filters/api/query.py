"""Query parameters: numbers, and the tokens of pages."""

import base64
import binascii
from typing import TypeAlias

import orjson
from starlette.datastructures import QueryParams

from nlp2filters.errors import InvalidRequest, Violation

PAGE_SIZE, MAX_PAGE_SIZE = 50, 200

# The creation time and id of the last job of a page.
PagePosition: TypeAlias = tuple[int, str]


def int_param(query: QueryParams, name: str, *, default: int, maximum: int, minimum: int = 0) -> int:
    """Read a whole number; one above `maximum` counts as `maximum`.

    Raises:
        InvalidRequest: it is not a whole number, or is less than `minimum`.
    """
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < minimum:
        raise InvalidRequest([Violation(f"/query/{name}", f"Expected a whole number from {minimum} to {maximum}.")])
    return min(int(text), maximum)


def encode_page_token(position: PagePosition | None) -> str | None:
    """Encode the position after which the next page starts as an opaque token."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def decode_page_token(query: QueryParams) -> PagePosition | None:
    """Decode `page_token`; None for the first page.

    Raises:
        InvalidRequest: the token is not one of ours.
    """
    token = query.get("page_token")
    if not token:
        return None
    try:
        time, id_ = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        if isinstance(time, int) and 0 <= time < 1 << 53 and isinstance(id_, str):
            return time, id_
    except (ValueError, TypeError, binascii.Error):
        pass
    detail = "Send the `next_page_token` of the previous page, unchanged."
    raise InvalidRequest([Violation("/query/page_token", detail)])
