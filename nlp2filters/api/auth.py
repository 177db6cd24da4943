"""Authenticate the caller by an API key, by a stream token, or as a process on this machine.

The last works only until the first key is created, and again if Redis loses its data. REQUIRE_API_KEY rules it out.
"""

import ipaddress
import re

from starlette.requests import HTTPConnection

from nlp2filters.api.state import state
from nlp2filters.errors import Forbidden, Unauthenticated
from nlp2filters.storage.api_keys import LOCAL_CALLER, Caller

_LOCAL_HOST = r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
_LOCAL_HOSTS = re.compile(_LOCAL_HOST, re.IGNORECASE)
_LOCAL_ORIGINS = re.compile(f"https?://{_LOCAL_HOST}", re.IGNORECASE)


async def authenticate(connection: HTTPConnection, scope: str) -> Caller:
    """Authenticate the caller, whom `caller` returns from then on.

    Raises:
        Unauthenticated: a key is needed, and there is no valid one.
        Forbidden: the key does not have the scope.
    """
    found = await _identify(connection)
    if not found.may(scope):
        raise Forbidden(scope)
    connection.scope["caller"] = found
    return found


def caller(connection: HTTPConnection) -> Caller:
    """Return the authenticated caller."""
    found = connection.scope["caller"]
    assert isinstance(found, Caller)
    return found


async def _identify(connection: HTTPConnection) -> Caller:
    app = state(connection)
    if header := connection.headers.get("authorization"):
        scheme, _, key = header.partition(" ")
        found = await app.api_keys.caller(key.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Unauthenticated("The API key is not valid: send `Authorization: Bearer <key>`.")
        return found
    if (token := connection.query_params.get("token")) and (subject := _subject(connection)):
        found = await app.tokens.caller(token, subject)
        if found and not (found.key_id and await app.api_keys.revoked([found.key_id])):
            return found
        raise Unauthenticated("The stream token is not valid here, or not any more.")
    if app.settings.require_api_key or await app.api_keys.any():
        raise Unauthenticated(
            "Send an API key: `Authorization: Bearer <key>`. On the server `nlp2filters keys create NAME` makes one."
        )
    if not _is_local(connection):
        raise Unauthenticated(
            "Without API keys this service answers only on its own machine. Make one: `nlp2filters keys create NAME`."
        )
    return LOCAL_CALLER


def _subject(connection: HTTPConnection) -> str | None:
    """Return the job or batch to follow; a stream token is valid for nothing else."""
    if not connection.url.path.endswith(("/events", "/ws")):
        return None
    params = connection.path_params
    subject: str | None = params.get("job_id") or params.get("batch_id")
    return subject


def _is_local(connection: HTTPConnection) -> bool:
    """Return True if the caller is on this machine, and is not the page of another site in a browser here.

    Such a page sends its own name as `Host` if that name was pointed at 127.0.0.1 (DNS rebinding), and otherwise its
    own `Origin`.
    """
    server, client = connection.scope.get("server"), connection.scope.get("client")
    origin = connection.headers.get("origin")
    if origin and origin not in state(connection).settings.cors_origins and not _LOCAL_ORIGINS.fullmatch(origin):
        return False
    host = _LOCAL_HOSTS.fullmatch(connection.headers.get("host", ""))
    return host is not None and all(end and _is_loopback(end[0]) for end in (server, client))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
