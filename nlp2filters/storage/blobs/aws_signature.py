"""Signatures of requests to S3 and its like: AWS Signature Version 4, with the hash of the body in the signature."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


def encoded_path(path: str) -> str:
    """Percent-encode a path as S3 expects it: everything but letters, digits, `-_.~` and the slashes."""
    return quote(path, safe=_UNRESERVED + "/")


def encoded_query(params: Mapping[str, str]) -> str:
    """Percent-encode query parameters, sorted as the signature needs them."""
    pairs = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in params.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body_sha256: str,
    *,
    region: str,
    key_id: str,
    secret: str,
    at: dt.datetime,
) -> dict[str, str]:
    """Return the request's headers, which include `host`, with those that sign it.

    `path` and `query` are encoded as by the functions above. `at` is the present time in UTC.
    """
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    signed = {**lowered, "x-amz-content-sha256": body_sha256, "x-amz-date": stamp}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join((method, path, query, lines, names, body_sha256))
    to_sign = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, to_sign).hex()
    authorization = f"{_ALGORITHM} Credential={key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return {**signed, "authorization": authorization}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
