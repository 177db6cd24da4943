"""Webhook signatures by Standard Webhooks 1.0: made by the service, verified by the receiver."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from nlp2filters.errors import InvalidSignature

TOLERANCE_S = 300


def sign(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` header, with a signature for each secret (`whsec_` and base64).

    Raises:
        ValueError: a secret is not of that form.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key(secret), content, hashlib.sha256)).decode() for secret in secrets
    )


def verify(
    secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: float, *, tolerance_s: float = TOLERANCE_S
) -> None:
    """Check that a message was signed with one of the secrets, is unchanged, and is recent.

    `body` is the bytes as received; `now` is the time in seconds since 1970. The message may be older or newer than
    that by the tolerance.

    Raises:
        InvalidSignature: with the reason.
        ValueError: a secret is not `whsec_` and base64.
    """
    values = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp, signature = (values[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        timestamp = int(stamp)
    except KeyError as exc:
        raise InvalidSignature(f"The header {exc.args[0]} is missing.") from exc
    except ValueError as exc:
        raise InvalidSignature("The header webhook-timestamp is no number.") from exc
    if abs(now - timestamp) > tolerance_s:
        raise InvalidSignature(f"The message was signed {abs(now - timestamp):.0f} s away from now.")
    expected = [one.encode() for one in sign(secrets, message_id, timestamp, body).split()]
    signatures = [one.encode() for one in signature.split()]
    # There is no early exit: the time that the check takes must not reveal which signature was close.
    if not sum(hmac.compare_digest(one, other) for one in signatures for other in expected):
        raise InvalidSignature("No signature of the message was made with a secret of yours.")


def key(secret: str) -> bytes:
    """Decode the key in a secret.

    Raises:
        ValueError: it is not of the form `whsec_` and base64.
    """
    try:
        decoded = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        decoded = b""
    if not secret.startswith("whsec_") or not 24 <= len(decoded) <= 64:
        raise ValueError("A webhook secret is whsec_ and the base64 of 24 to 64 bytes.")
    return decoded
