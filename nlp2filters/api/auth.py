"""Authenticate the caller by an API key, by a stream token, or as a process on this machine.

The last works only until the first key is created, and again if Redis loses its data. REQUIRE_API_KEY rules it out.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache

from starlette.requests import HTTPConnection

from nlp2filters.api.services import Services
from nlp2filters.core.jobs import ANONYMOUS
from nlp2filters.errors import Forbidden, Unauthenticated
from nlp2filters.storage.api_keys import LOCAL_CALLER, Caller

# The caller of operations that need no scope. It has no rights.
UNIDENTIFIED = Caller(ANONYMOUS, frozenset())

_LOCAL_HOST = r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
_LOCAL_HOSTS = re.compile(_LOCAL_HOST, re.IGNORECASE)
_LOCAL_ORIGINS = re.compile(f"https?://{_LOCAL_HOST}", re.IGNORECASE)


async def authenticate(services: Services, connection: HTTPConnection, scope: str) -> Caller:
    """Identify the caller, who must have the scope.

    Raises:
        Unauthenticated: a key is needed, and there is no valid one.
        Forbidden: the key does not have the scope.
    """
    caller = await _identify(services, connection)
    if not caller.may(scope):
        raise Forbidden(scope)
    return caller


async def _identify(services: Services, connection: HTTPConnection) -> Caller:
    if header := connection.headers.get("authorization"):
        return await _by_api_key(services, header)
    if (token := connection.query_params.get("token")) and (subject := _subject(connection)):
        return await _by_stream_token(services, token, subject)
    if services.settings.require_api_key or await services.api_keys.any():
        raise Unauthenticated(
            "Send an API key: `Authorization: Bearer <key>`. To create one, run `nlp2filters keys create NAME` on the "
            "server."
        )
    if not _is_local(connection, services.settings.cors_origins):
        raise Unauthenticated(
            "Until the first API key is created, only callers on the same machine are served. To create one, run "
            "`nlp2filters keys create NAME` on the server."
        )
    return LOCAL_CALLER


async def _by_api_key(services: Services, header: str) -> Caller:
    scheme, _, key = header.partition(" ")
    caller = await services.api_keys.caller(key.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        raise Unauthenticated("The API key is not valid. Send `Authorization: Bearer <key>`.")
    return caller


async def _by_stream_token(services: Services, token: str, subject: str) -> Caller:
    caller = await services.tokens.caller(token, subject)
    if caller is None or (caller.key_id and await services.api_keys.revoked([caller.key_id])):
        raise Unauthenticated("The stream token has expired, was revoked, or is for another stream.")
    return caller


def _subject(connection: HTTPConnection) -> str | None:
    """Return the job or batch to follow; a stream token is valid for nothing else."""
    if not connection.url.path.endswith(("/events", "/ws")):
        return None
    params = connection.path_params
    subject: str | None = params.get("job_id") or params.get("batch_id")
    return subject


def _is_local(connection: HTTPConnection, cors_origins: Collection[str]) -> bool:
    """Return True if the caller is on this machine, and is not the page of another site in a browser here.

    Such a page sends its own name as `Host` if that name was pointed at 127.0.0.1 (DNS rebinding), and otherwise its
    own `Origin`.
    """
    server, client = connection.scope.get("server"), connection.scope.get("client")
    origin = connection.headers.get("origin")
    if origin and origin not in cors_origins and not _LOCAL_ORIGINS.fullmatch(origin):
        return False
    host = _LOCAL_HOSTS.fullmatch(connection.headers.get("host", ""))
    return host is not None and all(end and _is_loopback(end[0]) for end in (server, client))


@lru_cache(maxsize=64)
def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
