"""The structured parts of an error response: the error's codes, and the members of the request that it is about.

The text of an error is never read. Its wording changes, and it may quote a user's words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from nlp2filters.errors import AnswerRefused, InvalidAnswer, ProviderError, ProviderRejected

# A server answers with one of these when it does not understand a request.
STATUSES = frozenset({400, 415, 422, 501})

# An error with one of these codes or types says nothing of the request's optional members, and another try fails too.
FINAL: Mapping[str, type[ProviderError]] = {
    "content_filter": AnswerRefused,
    "content_policy_violation": AnswerRefused,
    "invalid_prompt": AnswerRefused,
    "json_validate_failed": InvalidAnswer,
    "context_length_exceeded": ProviderRejected,
    "string_above_max_length": ProviderRejected,
    "exceed_context_size_error": ProviderRejected,
    "insufficient_quota": ProviderRejected,
    "billing_hard_limit_reached": ProviderRejected,
    "billing_not_active": ProviderRejected,
    "account_deactivated": ProviderRejected,
    "invalid_api_key": ProviderRejected,
    "model_not_found": ProviderRejected,
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """An error response. `members` are the request's members that it is about, each as its path."""

    codes: frozenset[str]
    members: tuple[tuple[str, ...], ...]

    @property
    def final(self) -> type[ProviderError] | None:
        """The error that a code stands for, if it is one of `FINAL`."""
        return next((FINAL[code] for code in sorted(self.codes) if code in FINAL), None)

    def names(self, member: Sequence[str]) -> bool:
        """Return True if the error is about the member with this path, a part of it, or the object around it."""
        return any(all(one == other for one, other in zip(path, member, strict=False)) for path in self.members)


def read(body: bytes) -> Rejection:
    """Read the body of an error response. One of another form has no codes, and is about nothing in particular."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    objects = list(_objects(data))
    codes = frozenset(
        value for part in objects for name in ("code", "type", "status") if isinstance(value := part.get(name), str)
    )
    return Rejection(codes, tuple(dict.fromkeys(path for part in objects for path in _paths(part) if path)))


def _objects(data: Any) -> Iterator[Mapping[str, Any]]:
    """Iterate over the object of an error and those in it that describe it.

    OpenAI has `error`, Gemini puts that into a list, FastAPI has `detail`, and Mistral has that in `message`.
    """
    if isinstance(data, list):
        for part in data[:10]:
            yield from _objects(part)
    if isinstance(data, Mapping):
        yield data
        for name in ("error", "detail", "details", "message", "fieldViolations"):
            if isinstance(data.get(name), Mapping | list):
                yield from _objects(data[name])


def _paths(part: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name in ("param", "field"):
        if isinstance(value := part.get(name), str):
            yield tuple(value.replace("[", ".").replace("]", "").split(".")) if value else ()
    if isinstance(location := part.get("loc"), list):
        path = tuple(map(str, location))
        yield path[1:] if path[:1] == ("body",) else path
