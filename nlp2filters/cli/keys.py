"""`nlp2filters keys`: create, list and revoke API keys of the service whose Redis is at REDIS_URL."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from nlp2filters.clock import now_ms
from nlp2filters.core.jobs import timestamp
from nlp2filters.errors import UnknownKey
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import SCOPES, ApiKey, ApiKeys
from nlp2filters.storage.connection import connect
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.webhooks.client import derive_secret

# Redis may take longer than for a web request, since a person waits longer than a browser.
PATIENCE_S = 20.0
DEFAULT_SCOPES = ("jobs:read", "jobs:write", "catalogs:write")

Action = Callable[[ApiKeys, argparse.Namespace, Settings], Awaitable[int]]


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's actions."""
    actions = command.add_subparsers(required=True, metavar="ACTION")

    create = actions.add_parser("create", help="make a key, and show it this once")
    create.add_argument("name", help="what you call the key")
    create.add_argument("--owner", help="whose jobs it sees; the name unless said otherwise")
    create.add_argument(
        "--scope", action="append", choices=list(SCOPES), help="may be repeated; all but admin unless said otherwise"
    )
    listing = actions.add_parser("list", help="list the keys, never the secrets")
    revoke = actions.add_parser("revoke", help="make a key invalid at once")
    revoke.add_argument("id", help="as `list` shows it")
    for parser, action in ((create, _create), (listing, _list), (revoke, _revoke)):
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=_runner(action))


def _runner(action: Action) -> Callable[[argparse.Namespace], int]:
    return lambda args: asyncio.run(_run(action, args))


async def _run(action: Action, args: argparse.Namespace) -> int:
    settings = Settings.read(os.environ)
    redis = connect(settings, patience_s=PATIENCE_S)
    try:
        return await action(ApiKeys(redis, Keys(settings.key_prefix)), args, settings)
    except StorageError as exc:
        Console(stderr=True).print(f"Redis does not answer ({exc}). REDIS_URL says where it is.", highlight=False)
        return 1
    finally:
        await redis.aclose()


async def _create(keys: ApiKeys, args: argparse.Namespace, settings: Settings) -> int:
    api_key, key = await keys.create(args.name, args.owner or args.name, args.scope or DEFAULT_SCOPES, now_ms())
    secrets = [derive_secret(secret, api_key.owner) for secret in settings.webhook_secrets]
    details = {**_to_json(api_key), "key": key, "webhook_secrets": secrets}
    if args.json:
        print(orjson.dumps(details).decode())
        return 0
    console = Console(highlight=False)
    console.print(f"API key {api_key.id} of {api_key.owner} ({', '.join(api_key.scopes)}). It is shown only now:")
    console.print(f"\n    {key}\n", soft_wrap=True)
    for secret in secrets:
        console.print(f"Webhooks of {api_key.owner} are signed with {secret}", soft_wrap=True)
    return 0


async def _list(keys: ApiKeys, args: argparse.Namespace, settings: Settings) -> int:
    rows = [_to_json(api_key) for api_key in await keys.listing()]
    if args.json:
        print(orjson.dumps(rows).decode())
        return 0
    columns = ("id", "name", "owner", "scopes", "created_at", "revoked_at")
    table = Table(*columns)
    for row in rows:
        table.add_row(
            *(", ".join(cell) if isinstance(cell, list) else str(cell or "") for cell in map(row.get, columns))
        )
    Console().print(table)
    return 0


async def _revoke(keys: ApiKeys, args: argparse.Namespace, settings: Settings) -> int:
    revoked = await keys.revoke(args.id, now_ms())
    if revoked is None:
        raise UnknownKey(args.id)
    details = orjson.dumps(_to_json(revoked)).decode()
    print(details if args.json else f"{revoked.id} ({revoked.name}) is invalid from now on.")
    return 0


def _to_json(api_key: ApiKey) -> dict[str, Any]:
    return {
        "id": api_key.id,
        "name": api_key.name,
        "owner": api_key.owner,
        "scopes": list(api_key.scopes),
        "created_at": timestamp(api_key.created_at),
        "revoked_at": timestamp(api_key.revoked_at),
    }
