"""The settings: read once from the environment, and passed down as one object."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.config import Config
from starlette.datastructures import CommaSeparatedStrings, Secret

from nlp2filters.core import signatures
from nlp2filters.fault_injection import Faults
from nlp2filters.fault_injection import parse as parse_faults

PROVIDERS = ("openai", "anthropic")
LEASE_S = 10.0


def _setting(env: str, default: Any, doc: str, cast: Any = None) -> Any:
    metadata = {"env": env, "doc": doc, "cast": cast or type(default)}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _origins(text: str) -> tuple[str, ...]:
    return tuple(CommaSeparatedStrings(text))


def _url(text: str) -> str:
    if text and not (text.startswith(("https://", "http://")) and urlsplit(text).hostname):
        raise ValueError(f"{text!r} is no address")
    return text


def _provider(text: str) -> str:
    if text not in PROVIDERS:
        raise ValueError(f"{text!r} is none of {', '.join(PROVIDERS)}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Call `Settings.read(os.environ)` in each process's entry point, and nowhere else."""

    redis_url: str = _setting(
        "REDIS_URL",
        "redis://127.0.0.1:6379/0",
        "The Redis or Valkey server. Without it `nlp2filters up` starts one of its own.",
    )
    redis_tls_verify: bool = _setting(
        "REDIS_TLS_VERIFY", True, "Whether a `rediss://` server needs a certificate that can be verified."
    )
    key_prefix: str = _setting("KEY_PREFIX", "n2f", "What every Redis key begins with.")
    redis_connections: int = _setting("REDIS_CONNECTIONS", 10, "Redis connections per process, at the most.")
    retention_s: int = _setting("RETENTION_S", 86_400, "Seconds that a finished job is kept.")
    deadline_s: int = _setting(
        "DEADLINE_S", 3_600, "Seconds in which a job must have begun, unless its submitter says otherwise."
    )
    max_backlog: int = _setting("MAX_BACKLOG", 10_000, "Jobs that may wait in a queue before new ones get 503.")
    max_pending: int = _setting(
        "MAX_PENDING", 1_000, "Jobs of one API key's owner that may wait or run before new ones get 429."
    )
    max_rate: int = _setting("MAX_RATE", 600, "Texts per minute of one API key's owner before they get 429.")
    max_owner_bytes: int = _setting(
        "MAX_OWNER_BYTES",
        268_435_456,
        "Bytes that one API key's owner may add to Redis in `RETENTION_S` before new jobs and catalogs get 429; never "
        "more than half of Redis's maxmemory. 0: any number.",
    )
    max_streams: int = _setting("MAX_STREAMS", 100, "Streams of one API key's owner, per web process.")
    max_connections: int = _setting(
        "MAX_CONNECTIONS",
        0,
        "Connections per web process at most. 0: 10,000, or fewer if fewer files may be open.",
    )
    header_timeout_s: float = _setting(
        "HEADER_TIMEOUT_S", 10.0, "Seconds in which a connection must send the headers of a request."
    )
    body_timeout_s: float = _setting(
        "BODY_TIMEOUT_S",
        30.0,
        "Seconds for which a client may send next to nothing of a body (500 bytes/s), or read nothing of an answer.",
    )
    require_api_key: bool = _setting(
        "REQUIRE_API_KEY", False, "Whether callers on the same machine need an API key, too. Set it in production."
    )
    max_memory_share: float = _setting(
        "MAX_MEMORY_SHARE", 0.9, "Share of Redis's maxmemory in use from which new jobs get 503."
    )
    default_catalog: str = _setting("DEFAULT_CATALOG", "cars", "Catalog of `POST /send` when the form names none.")
    max_attempts: int = _setting("MAX_ATTEMPTS", 3, "Times a stage is begun before its job fails for good.")
    lease_s: float = _setting(
        "LEASE_S", LEASE_S, "Seconds after which another worker takes up what a worker has left, dead or out of touch."
    )
    heartbeat_timeout_s: float = _setting(
        "HEARTBEAT_TIMEOUT_S", 15.0, "Seconds without a heartbeat after which a worker counts as dead."
    )
    rescue_interval_s: float = _setting(
        "RESCUE_INTERVAL_S", 15.0, "Seconds between two searches for jobs that have lost their queue entry."
    )
    llm_provider: str = _setting(
        "LLM_PROVIDER", "openai", "The API that the LLM speaks: openai or anthropic.", _provider
    )
    openai_api_key: Secret = _setting("OPENAI_API_KEY", lambda: Secret(""), "Key of an OpenAI-like API.", Secret)
    openai_base_url: str = _setting(
        "OPENAI_BASE_URL", "https://api.openai.com/v1", "Any server that speaks the OpenAI chat API."
    )
    anthropic_api_key: Secret = _setting("ANTHROPIC_API_KEY", lambda: Secret(""), "Key of the Anthropic API.", Secret)
    anthropic_base_url: str = _setting(
        "ANTHROPIC_BASE_URL", "https://api.anthropic.com/v1", "Any server that speaks the Anthropic messages API."
    )
    llm_model: str = _setting("LLM_MODEL", "", "Model to ask. Empty: no LLM, the built-in parser answers.")
    llm_timeout_s: float = _setting("LLM_TIMEOUT_S", 30.0, "Seconds for one LLM answer, retries included.")
    llm_max_tokens: int = _setting(
        "LLM_MAX_TOKENS", 4_096, "Tokens of one LLM answer, at the most; models that think need more."
    )
    llm_concurrency: int = _setting("LLM_CONCURRENCY", 50, "LLM calls in flight per llm worker.")
    model_path: Path | None = _setting(
        "MODEL_PATH", lambda: None, "Folder of the embedding model. Empty: found or fetched, then cached.", _path
    )
    model_cache: Path | None = _setting(
        "MODEL_CACHE", lambda: None, "Folder for the fetched model. Empty: the user's cache folder.", _path
    )
    embedding_threads: int = _setting("EMBEDDING_THREADS", 1, "Texts embedded at once per embedding worker.")
    parser_processes: int = _setting(
        "PARSER_PROCESSES",
        2,
        "Child processes of an embedding worker that read texts. With two, one owner's texts leave one to the others.",
    )
    webhook_secret: Secret = _setting(
        "WEBHOOK_SECRET",
        lambda: Secret(""),
        "`whsec_…`: signs callbacks. Two with a space between while one replaces the other. Empty: none are sent.",
        Secret,
    )
    public_url: str = _setting(
        "PUBLIC_URL",
        "",
        "Where this service is reached, such as `https://filters.example`: no webhook may lead there.",
        _url,
    )
    webhook_allow_private: bool = _setting(
        "WEBHOOK_ALLOW_PRIVATE",
        False,
        "Allow callbacks to private addresses, any port and plain http. For development only.",
    )
    cors_origins: tuple[str, ...] = _setting(
        "CORS_ORIGINS", tuple, "Origins whose pages may call the API, separated by commas.", _origins
    )
    server: str = _setting(
        "NLP2FILTERS_SERVER",
        "",
        "The service that the command line asks. Empty: `ask` needs none, `jobs` and `catalog` ask this machine's.",
    )
    api_key: Secret = _setting(
        "NLP2FILTERS_API_KEY", lambda: Secret(""), "API key that the command line sends to that service.", Secret
    )
    faults: Faults = _setting(
        "FAULTS",
        dict,
        "For the chaos suite only: `point:probability, …`, where processes kill themselves.",
        parse_faults,
    )
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from a mapping such as `os.environ`.

        Raises:
            ValueError: a value is not of its variable's type; the message names the variable.
        """
        config = Config(environ=environ)
        read = cls(**{f.name: config(f.metadata["env"], f.metadata["cast"], _default(f)) for f in fields(cls)})
        for secret in read.webhook_secrets:  # The error of a cast would show the secret.
            try:
                signatures.key(secret)
            except ValueError as exc:
                raise ValueError(f"Config 'WEBHOOK_SECRET': {exc}") from exc
        return read

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that sign callbacks, each `whsec_…`."""
        return tuple(str(self.webhook_secret).split())

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The hosts, with their ports, that lead to this service."""
        return (urlsplit(self.public_url).netloc,) if self.public_url else ()


def _default(f: Any) -> Any:
    if f.default is not MISSING:
        return f.default
    default = f.default_factory()
    return str(default) if isinstance(default, Secret) else default or ""


def table() -> list[tuple[str, str, str]]:
    """Return rows of variable, default and meaning, for `docs` and the README's table."""
    return [(f.metadata["env"], str(_default(f)), f.metadata["doc"]) for f in fields(Settings)]
