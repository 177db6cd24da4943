"""Errors of Redis, and what they say about the server and the command."""

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as NoAnswer

# These words may also appear inside a script's error.
_WRITE_REFUSALS = ("OOM ", "MISCONF ", "READONLY ", "NOREPLICAS ", "MASTERDOWN ", "BUSY ")

# Everything outside this package catches this; `OutcomeUnknown` is one of them.
StorageError = RedisError


class OutcomeUnknown(NoAnswer):
    """A write command was sent but never answered: Redis may or may not have carried it out."""


def is_answer(exc: RedisError) -> bool:
    """Return True if the error is an answer of the server."""
    return isinstance(exc, ResponseError | AuthenticationError | AuthorizationError | BusyLoadingError)


def is_unreachable(exc: BaseException) -> bool:
    """Return True if the server cannot be reached or does not answer."""
    denied = isinstance(exc, AuthenticationError | AuthorizationError)
    return isinstance(exc, ConnectionError | NoAnswer) and not denied


def is_unavailable(exc: BaseException) -> bool:
    """Return True if Redis is unreachable, denies access or refuses writes, so that the command is not at fault."""
    return isinstance(exc, ConnectionError | NoAnswer) or (isinstance(exc, RedisError) and is_write_refused(exc))


def is_write_refused(exc: RedisError) -> bool:
    """Return True if Redis currently refuses writes: it has no memory or disk space left, or is a replica."""
    if isinstance(exc, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(exc, ResponseError) and any(word in str(exc) for word in _WRITE_REFUSALS)
