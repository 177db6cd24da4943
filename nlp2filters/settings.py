"""The settings: read once from the environment, and passed down as one object."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from nlp2filters import environment
from nlp2filters.client_settings import ClientSettings
from nlp2filters.core import signatures
from nlp2filters.core.embedding_model import WEIGHTS
from nlp2filters.core.usage import MICRO, PriceTable
from nlp2filters.environment import Secret, Variable, words
from nlp2filters.environment import setting as _setting
from nlp2filters.errors import InvalidSetting
from nlp2filters.fault_injection import Faults
from nlp2filters.fault_injection import parse as parse_faults
from nlp2filters.llm.registry import PROVIDERS, EmbeddingConfig, LLMConfig, TranscriptionConfig

LEASE_S = 10.0
MIN_REDIS_CONNECTIONS = 2
# A request may set a deadline of up to a day.
MAX_DEADLINE_S = 86_400
# The time limit of a stage depends on it, and a worker may hold a job for that long.
MAX_LLM_TIMEOUT_S = 3_600


class ProviderChoice(NamedTuple):
    """A provider to call, and its model; empty: that of `LLM_MODEL`."""

    provider: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class LLMAccount:
    """The key for a provider's API, and the API's address."""

    api_key: Secret
    base_url: str


def _account_variables(provider: str) -> tuple[Variable, Variable]:
    spec = PROVIDERS[provider]
    return (
        Variable(f"{provider.upper()}_API_KEY", "", spec.key_doc, Secret),
        Variable(f"{provider.upper()}_BASE_URL", spec.default_base_url, spec.base_url_doc, str),
    )


def _accounts(environ: Mapping[str, str]) -> Mapping[str, LLMAccount]:
    """Read the account of every provider."""
    accounts = {
        provider: LLMAccount(*(variable.read(environ) for variable in _account_variables(provider)))
        for provider, spec in PROVIDERS.items()
        if not spec.account
    }
    return accounts | {provider: accounts[spec.account] for provider, spec in PROVIDERS.items() if spec.account}


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _url(text: str) -> str:
    if text and not (text.startswith(("https://", "http://")) and urlsplit(text).hostname):
        raise ValueError(f"{text!r} is not an address")
    return text


def _blob_store(text: str) -> str:
    parts = urlsplit(text)
    valid = {"file": not parts.netloc and len(parts.path) > 1, "s3": bool(parts.netloc)}
    if text != "redis" and not valid.get(parts.scheme):
        raise ValueError(f"{text!r} is none of redis, file:///path and s3://bucket/prefix")
    return text


def _llm_timeout(value: str | float) -> float:
    if not 0 < (seconds := float(value)) <= MAX_LLM_TIMEOUT_S:
        raise ValueError(f"{value!r} is not between 0 and {MAX_LLM_TIMEOUT_S} seconds")
    return seconds


def _not_negative(value: str | float) -> float:
    if not 0 <= (number := float(value)) < math.inf:
        raise ValueError(f"{value!r} is not a number of at least 0")
    return number


def _connections(value: str | int) -> int:
    if (number := int(value)) < MIN_REDIS_CONNECTIONS:
        raise ValueError(f"{value!r} is too few: one connection waits for news, and another is needed for the rest")
    return number


def _providers(text: str) -> tuple[ProviderChoice, ...]:
    choices = tuple(ProviderChoice(*name.split(":", 1)) for name in words(text))
    for choice in choices:
        if choice.provider not in PROVIDERS:
            raise ValueError(f"{choice.provider!r} is none of {', '.join(PROVIDERS)}")
    if not choices or len({choice.provider for choice in choices}) < len(choices):
        raise ValueError("name at least one provider, and each only once")
    return choices


def _embedding_provider(text: str) -> str:
    return _one_of(text, [name for name, spec in PROVIDERS.items() if spec.embeddings])


def _embedding_weights(text: str) -> str:
    return _one_of(text, list(WEIGHTS)) or WEIGHTS[0]


def _audio_provider(text: str) -> str:
    return _one_of(text, [name for name, spec in PROVIDERS.items() if spec.transcribes])


def _log_format(text: str) -> str:
    return _one_of(text, ["auto", "json", "text"]) or "auto"


def _one_of(text: str, names: list[str]) -> str:
    if text and text not in names:
        raise ValueError(f"{text!r} is none of {', '.join(names)}")
    return text


def _prices(text: str | PriceTable) -> PriceTable:
    return text if isinstance(text, PriceTable) else PriceTable.parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Call `Settings.read(os.environ)` in each process's entry point, and nowhere else."""

    redis_url: str = _setting(
        "REDIS_URL",
        "redis://127.0.0.1:6379/0",
        "The Redis or Valkey server. If unset, `nlp2filters up` starts its own.",
    )
    redis_tls_verify: bool = _setting("REDIS_TLS_VERIFY", True, "Verify the certificate of a `rediss://` server.")
    key_prefix: str = _setting("KEY_PREFIX", "n2f", "Prefix of all Redis keys.")
    redis_connections: int = _setting(
        "REDIS_CONNECTIONS", 10, "Maximum Redis connections per process, at least 2.", cast=_connections
    )
    retention_s: int = _setting("RETENTION_S", 86_400, "Seconds for which a finished job is kept.")
    deadline_s: int = _setting(
        "DEADLINE_S", 3_600, "Seconds within which a job must start, unless its request sets `deadline_seconds`."
    )
    max_backlog: int = _setting(
        "MAX_BACKLOG", 10_000, "Maximum number of jobs waiting in a queue; further ones get 503."
    )
    max_pending: int = _setting(
        "MAX_PENDING", 1_000, "Maximum number of unfinished jobs per owner; further ones get 429."
    )
    max_rate: int = _setting("MAX_RATE", 600, "Maximum number of texts per minute and owner; further ones get 429.")
    max_owner_bytes: int = _setting(
        "MAX_OWNER_BYTES",
        268_435_456,
        "Maximum number of bytes that an owner may add to Redis within `RETENTION_S`; further jobs and catalogs get "
        "429. Never more than half of Redis's maxmemory. 0: no limit.",
    )
    max_owner_blob_bytes: int = _setting(
        "MAX_OWNER_BLOB_BYTES",
        0,
        "Maximum number of bytes of files that an owner may upload in `RETENTION_S`; further ones get 429. In Redis, "
        "never more than a quarter of its maxmemory. 0: they count toward `MAX_OWNER_BYTES`.",
    )
    derived_retention_s: int = _setting(
        "DERIVED_RETENTION_S",
        2_592_000,
        "Seconds for which what was computed from an owner's content, such as its vectors, is kept after its last use.",
    )
    max_owner_derived_bytes: int = _setting(
        "MAX_OWNER_DERIVED_BYTES",
        268_435_456,
        "Maximum number of bytes of such results that an owner may add within `DERIVED_RETENTION_S`; further parts of "
        "jobs fail. Never more than a quarter of Redis's maxmemory. 0: no limit.",
    )
    blob_store: str = _setting(
        "BLOB_STORE",
        "redis",
        "Where uploaded files are kept: `redis`, `file:///path` of a folder that all processes share, or "
        "`s3://bucket/prefix`.",
        _blob_store,
    )
    s3_endpoint_url: str = _setting(
        "AWS_ENDPOINT_URL_S3", "", "Address of a store that is compatible with S3. Empty: Amazon's.", _url
    )
    s3_region: str = _setting("AWS_REGION", "us-east-1", "Region of the bucket.")
    s3_key_id: str = _setting("AWS_ACCESS_KEY_ID", "", "Id of the access key to the bucket.")
    s3_secret: Secret = _setting("AWS_SECRET_ACCESS_KEY", lambda: Secret(""), "Secret of that access key.", Secret)
    s3_token: Secret = _setting("AWS_SESSION_TOKEN", lambda: Secret(""), "Session token of that access key.", Secret)
    max_streams: int = _setting("MAX_STREAMS", 100, "Maximum number of open streams per owner and web process.")
    max_connections: int = _setting(
        "MAX_CONNECTIONS",
        0,
        "Maximum number of connections per web process. 0: 10,000, or fewer if the limit of open files is lower.",
    )
    header_timeout_s: float = _setting(
        "HEADER_TIMEOUT_S", 10.0, "Seconds within which a connection must send the headers of a request."
    )
    body_timeout_s: float = _setting(
        "BODY_TIMEOUT_S",
        30.0,
        "Seconds for which a client may send its body slower than 500 bytes/s, or stop reading an answer.",
    )
    require_api_key: bool = _setting(
        "REQUIRE_API_KEY", False, "Require an API key from callers on the same machine, too. Set it in production."
    )
    max_memory_share: float = _setting(
        "MAX_MEMORY_SHARE", 0.9, "Share of Redis's maxmemory; once it is in use, new jobs get 503."
    )
    default_catalog: str = _setting("DEFAULT_CATALOG", "cars", "Catalog of `POST /send` if the form names none.")
    max_attempts: int = _setting("MAX_ATTEMPTS", 3, "Number of attempts at a stage before its job fails.")
    lease_s: float = _setting(
        "LEASE_S", LEASE_S, "Seconds after which a job is taken over from a worker that is dead or unreachable."
    )
    heartbeat_timeout_s: float = _setting(
        "HEARTBEAT_TIMEOUT_S", 15.0, "Seconds without a heartbeat after which a worker counts as dead."
    )
    rescue_interval_s: float = _setting(
        "RESCUE_INTERVAL_S", 15.0, "Seconds between searches for jobs that have lost their queue entry."
    )
    llm_providers: tuple[ProviderChoice, ...] = _setting(
        "LLM_PROVIDER",
        "openai",
        "Provider of the LLM, or several, separated by commas: the next one is called when one fails. Each may have a "
        "model of its own: `openai, anthropic:claude-haiku-4-5`.",
        _providers,
    )
    llm_accounts: Mapping[str, LLMAccount] = field(
        default_factory=lambda: _accounts({}),
        metadata={
            "read": _accounts,
            "variables": [
                variable
                for provider, spec in PROVIDERS.items()
                if not spec.account
                for variable in _account_variables(provider)
            ],
        },
    )
    llm_model: str = _setting("LLM_MODEL", "", "Name of the model. Empty: no LLM; the built-in parser answers.")
    llm_timeout_s: float = _setting(
        "LLM_TIMEOUT_S", 30.0, "Seconds for one LLM answer, including retries; at most 3,600.", _llm_timeout
    )
    max_put_off_s: float = _setting(
        "MAX_PUT_OFF_S",
        60.0,
        "Seconds for which a job is put off in all while a provider, for its limit of the rate, takes no calls. Then "
        "`auto` ends with the built-in parser's filter, and `llm` fails. 0: never put off.",
        _not_negative,
    )
    llm_max_tokens: int = _setting(
        "LLM_MAX_TOKENS", 4_096, "Maximum tokens per LLM answer; reasoning models need more."
    )
    llm_effort: str = _setting(
        "LLM_EFFORT",
        "",
        "Effort of reasoning models, in their provider's words: `none`, `minimal`, `low`, `medium`, `high` … Empty: "
        "the provider's default.",
    )
    llm_thinking_tokens: int = _setting(
        "LLM_THINKING_TOKENS",
        0,
        "Tokens that a reasoning model may spend before it answers, besides `LLM_MAX_TOKENS`. 0: the provider's "
        "default.",
    )
    llm_skip_certain: bool = _setting(
        "LLM_SKIP_CERTAIN",
        True,
        "With the strategy `auto`, do not call the LLM for a text of which the built-in parser is certain.",
    )
    llm_cache_s: int = _setting(
        "LLM_CACHE_S",
        3_600,
        "Seconds for which an owner's same question gets the LLM's same answer, without a call. 0: no cache.",
    )
    llm_concurrency: int = _setting("LLM_CONCURRENCY", 50, "Maximum number of concurrent LLM calls per llm worker.")
    llm_prices: PriceTable = _setting(
        "LLM_PRICES",
        PriceTable,
        "Prices per million tokens, as `model=input/output/cached/cache-write`, separated by commas; `*` in a name "
        "stands for anything. The last prices may be left out.",
        _prices,
    )
    max_daily_cost: float = _setting(
        "MAX_DAILY_COST",
        0.0,
        "Maximum cost of an API key per day (UTC), in the currency of `LLM_PRICES`; further jobs for the LLM get 429. "
        "0: no limit.",
    )
    log_llm_answers: bool = _setting(
        "LOG_LLM_ANSWERS", False, "Write the LLM's answers to the logs as they came. They may quote users."
    )
    embedding_provider: str = _setting(
        "EMBEDDING_PROVIDER",
        "",
        "Provider of the embeddings by which words are linked to names. Empty: the model on this machine, which always "
        "tags the text, and stands in for a provider that fails.",
        _embedding_provider,
    )
    embedding_model: str = _setting("EMBEDDING_MODEL", "", "Name of that provider's embedding model.")
    embedding_dimensions: int = _setting(
        "EMBEDDING_DIMENSIONS", 0, "Dimensions of its vectors, if the model has a choice. 0: as many as it has."
    )
    embedding_timeout_s: float = _setting(
        "EMBEDDING_TIMEOUT_S", 10.0, "Seconds for one call of that provider, including retries."
    )
    model_path: Path | None = _setting(
        "MODEL_PATH",
        lambda: None,
        "Folder of the embedding model. Empty: the model is looked for, or downloaded, and cached.",
        _path,
    )
    model_cache: Path | None = _setting(
        "MODEL_CACHE", lambda: None, "Folder for the downloaded models. Empty: the user's cache folder.", _path
    )
    embedding_weights: str = _setting(
        "EMBEDDING_WEIGHTS",
        "float32",
        "Weights of the embedding model on this machine: `float32`, or `int8`, which are made of these, take less than "
        "half of the time, and give nearly the same vectors.",
        _embedding_weights,
    )
    embedding_threads: int = _setting(
        "EMBEDDING_THREADS", 1, "Number of texts that an embedding worker embeds at the same time."
    )
    audio: bool = _setting(
        "AUDIO", False, "Let `nlp2filters up` start an audio worker, too, which needs the extra `audio`."
    )
    audio_model_path: Path | None = _setting(
        "AUDIO_MODEL_PATH",
        lambda: None,
        "Folder of the speech model. Empty: the model is looked for, or downloaded, and cached.",
        _path,
    )
    audio_provider: str = _setting(
        "AUDIO_PROVIDER",
        "",
        "Provider that transcribes recordings. Empty: the speech model on this machine.",
        _audio_provider,
    )
    audio_model: str = _setting("AUDIO_MODEL", "", "Name of that provider's speech model.")
    audio_timeout_s: float = _setting(
        "AUDIO_TIMEOUT_S", 60.0, "Seconds for one call of that provider, of up to 30 s of sound, including retries."
    )
    audio_threads: int = _setting("AUDIO_THREADS", 1, "Cores on which an audio worker transcribes.")
    max_recording_s: int = _setting("MAX_RECORDING_S", 7_200, "Maximum length of a recording, in seconds.")
    parser_processes: int = _setting(
        "PARSER_PROCESSES",
        2,
        "Parser processes per embedding worker. If there are two or more, one owner's texts never occupy all.",
    )
    webhook_secret: Secret = _setting(
        "WEBHOOK_SECRET",
        lambda: Secret(""),
        "Signs webhooks (`whsec_…`); two secrets, separated by a space, during a rotation. Empty: no webhooks.",
        Secret,
    )
    public_url: str = _setting(
        "PUBLIC_URL",
        "",
        "This service's public address, such as `https://filters.example`; webhooks to it are refused.",
        _url,
    )
    webhook_allow_private: bool = _setting(
        "WEBHOOK_ALLOW_PRIVATE",
        False,
        "Allow webhooks to private addresses, to any port and over plain http. For development only.",
    )
    cors_origins: tuple[str, ...] = _setting(
        "CORS_ORIGINS", tuple, "Origins whose pages may call the API, separated by commas.", words
    )
    extra_kinds: tuple[str, ...] = _setting(
        "EXTRA_KINDS",
        tuple,
        "For tests only: modules with a `KIND` of job and its `STAGES`, separated by commas.",
        words,
    )
    faults: Faults = _setting(
        "FAULTS",
        dict,
        "For the chaos suite only: points at which processes kill themselves, as `point:probability, …`.",
        parse_faults,
    )
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_format: str = _setting(
        "LOG_FORMAT",
        "auto",
        "`json`, `text` for people, or `auto`: text on a terminal, elsewhere JSON. `NO_COLOR` and `FORCE_COLOR` count.",
        _log_format,
    )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from a mapping such as `os.environ`.

        Raises:
            InvalidSetting: a value is not of its variable's type, or does not fit the others.
        """
        settings = environment.read(cls, environ)
        for secret in settings.webhook_secrets:  # The error of a cast would show the secret.
            try:
                signatures.key(secret)
            except ValueError as exc:
                raise InvalidSetting("WEBHOOK_SECRET", str(exc)) from exc
        settings.check()
        return settings

    def check(self) -> None:
        """Check settings that depend on each other.

        Raises:
            InvalidSetting: some do not fit together; it names a variable to change.
        """
        for provider in (*(llm.provider for llm in self.llms), self.embedding_provider, self.audio_provider):
            if provider and not self.llm_accounts[provider].base_url:
                raise InvalidSetting(f"{provider.upper()}_BASE_URL", f"set it, as {provider} has no common address")
        if bool(self.embedding_provider) != bool(self.embedding_model):
            raise InvalidSetting("EMBEDDING_MODEL", "set both it and EMBEDDING_PROVIDER, or neither")
        if bool(self.audio_provider) != bool(self.audio_model):
            raise InvalidSetting("AUDIO_MODEL", "set both it and AUDIO_PROVIDER, or neither")
        if self.max_daily_cost and not self.llm_prices:
            raise InvalidSetting("LLM_PRICES", "MAX_DAILY_COST has no effect without prices")

    @property
    def llms(self) -> tuple[LLMConfig, ...]:
        """The LLMs to call, each if the one before fails; none without a model."""
        return tuple(
            LLMConfig(
                provider=provider,
                base_url=self.llm_accounts[provider].base_url,
                api_key=str(self.llm_accounts[provider].api_key),
                model=model or self.llm_model,
                timeout_s=self.llm_timeout_s,
                max_tokens=self.llm_max_tokens,
                effort=self.llm_effort,
                thinking_tokens=self.llm_thinking_tokens,
            )
            for provider, model in self.llm_providers
            if model or self.llm_model
        )

    @property
    def embedding(self) -> EmbeddingConfig | None:
        """The embedding API to call; None for the model on this machine."""
        if not self.embedding_provider:
            return None
        account = self.llm_accounts[self.embedding_provider]
        return EmbeddingConfig(
            provider=self.embedding_provider,
            base_url=account.base_url,
            api_key=str(account.api_key),
            model=self.embedding_model,
            dimensions=self.embedding_dimensions,
            timeout_s=self.embedding_timeout_s,
        )

    @property
    def transcription(self) -> TranscriptionConfig | None:
        """The speech API to call; None for the model on this machine."""
        if not self.audio_provider:
            return None
        account = self.llm_accounts[self.audio_provider]
        return TranscriptionConfig(
            provider=self.audio_provider,
            base_url=account.base_url,
            api_key=str(account.api_key),
            model=self.audio_model,
            timeout_s=self.audio_timeout_s,
        )

    @property
    def max_daily_micros(self) -> int:
        """The maximum cost of an API key per day, in millionths; 0 for no limit."""
        return round(MICRO * self.max_daily_cost)

    @property
    def lacks_llm_model(self) -> bool:
        """True if there is the key of an LLM's API but no model, which is probably a mistake."""
        keys = (account.api_key for account in self.llm_accounts.values())
        return not (self.llms or self.embedding_provider or self.audio_provider) and any(keys)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that sign callbacks, each `whsec_…`."""
        return tuple(str(self.webhook_secret).split())

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The hosts, with their ports, that lead to this service."""
        return (urlsplit(self.public_url).netloc,) if self.public_url else ()


def table() -> list[tuple[str, str, str]]:
    """Return rows of variable, default and description, for the README's table."""
    variables = (variable for settings in (Settings, ClientSettings) for variable in environment.variables(settings))
    return [(variable.name, str(variable.default), variable.doc) for variable in variables]
