"""Verification of webhooks, for their receivers."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, RootModel

from nlp2filters.client import responses
from nlp2filters.core import signatures
from nlp2filters.core.schemas import BatchEnded, JobEnded


class _Message(RootModel[Annotated[JobEnded | BatchEnded, Field(discriminator="type")]]):
    pass


def verify_webhook(
    body: bytes, headers: Mapping[str, str], secrets: str | Sequence[str], *, tolerance_s: float = 300
) -> JobEnded | BatchEnded:
    """Verify a webhook's signature, and return its message.

    `body` are the raw bytes; `secrets` is your `whsec_…`, or several of them during a rotation. Messages signed longer
    ago than `tolerance_s` are refused. The same message may come twice: deduplicate by its `webhook-id`.

    Raises:
        InvalidSignature: the message is not from the service, was changed, or is too old.
        InvalidResponse: the message is of a kind that this version does not know.
    """
    secrets = [secrets] if isinstance(secrets, str) else secrets
    signatures.verify(secrets, headers, body, time.time(), tolerance_s=tolerance_s)
    return responses.read(_Message, body).root
