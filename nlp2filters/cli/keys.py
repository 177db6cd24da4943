"""`nlp2filters keys`: create, list and revoke API keys of the service whose Redis is at REDIS_URL; their usage."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from nlp2filters.clock import now_ms
from nlp2filters.core.jobs import timestamp
from nlp2filters.core.usage import MICRO
from nlp2filters.errors import UnknownKey
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import SCOPES, ApiKey, ApiKeys
from nlp2filters.storage.connection import connect
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.spending import COST, Spending
from nlp2filters.webhooks.client import derive_secret

# Redis may take longer than for a web request, since a person waits longer than a browser.
PATIENCE_S = 20.0
DEFAULT_SCOPES = ("jobs:read", "jobs:write", "catalogs:write")

# The usage of this many days is shown.
DAYS = 14
USAGE_COLUMNS = ("calls", "failed_calls", "input_tokens", "cached_tokens", "output_tokens", "embedding_tokens", "cost")


@dataclass(frozen=True, slots=True)
class _Service:
    """The API keys and their usage in the service's Redis, and its settings."""

    keys: ApiKeys
    spending: Spending
    settings: Settings


Action = Callable[[_Service, argparse.Namespace], Awaitable[int]]


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
    usage = actions.add_parser("usage", help="show what the LLM calls for a key took, by day")
    usage.add_argument("id", help="as `list` shows it")
    for parser, action in ((create, _create), (listing, _list), (revoke, _revoke), (usage, _usage)):
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=_runner(action))


def _runner(action: Action) -> Callable[[argparse.Namespace], int]:
    return lambda args: asyncio.run(_run(action, args))


async def _run(action: Action, args: argparse.Namespace) -> int:
    settings = Settings.read(os.environ)
    redis = connect(settings, patience_s=PATIENCE_S)
    try:
        keys = Keys(settings.key_prefix)
        return await action(_Service(ApiKeys(redis, keys), Spending(redis, keys, 0), settings), args)
    except StorageError as exc:
        Console(stderr=True).print(f"Redis does not answer ({exc}). REDIS_URL says where it is.", highlight=False)
        return 1
    finally:
        await redis.aclose()


async def _create(service: _Service, args: argparse.Namespace) -> int:
    api_key, key = await service.keys.create(args.name, args.owner or args.name, args.scope or DEFAULT_SCOPES, now_ms())
    secrets = [derive_secret(secret, api_key.owner) for secret in service.settings.webhook_secrets]
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


async def _list(service: _Service, args: argparse.Namespace) -> int:
    rows = [_to_json(api_key) for api_key in await service.keys.listing()]
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


async def _revoke(service: _Service, args: argparse.Namespace) -> int:
    revoked = await service.keys.revoke(args.id, now_ms())
    if revoked is None:
        raise UnknownKey(args.id)
    details = orjson.dumps(_to_json(revoked)).decode()
    print(details if args.json else f"{revoked.id} ({revoked.name}) is invalid from now on.")
    return 0


async def _usage(service: _Service, args: argparse.Namespace) -> int:
    if args.id not in {api_key.id for api_key in await service.keys.listing()}:
        raise UnknownKey(args.id)
    days = await service.spending.of_key(args.id, now_ms(), DAYS)
    rows = [{"day": day, **usage, "cost": usage.get(COST, 0) / MICRO} for day, usage in days.items()]
    if args.json:
        print(orjson.dumps([{name: cell for name, cell in row.items() if name != COST} for row in rows]).decode())
        return 0
    table = Table("day", *USAGE_COLUMNS)
    for row in rows:
        table.add_row(str(row["day"]), *(f"{row.get(name, 0):,}" for name in USAGE_COLUMNS))
    Console().print(table)
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
