"""The table of LLM providers. A new one is a row here; one with an API of its own is also a module with its `ChatAPI`.

Settings, choices on the command line and the README's table of settings follow from the rows. What a provider's models
cannot do is in `capabilities.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from nlp2filters.llm import MAX_TOKENS
from nlp2filters.llm.anthropic import VERSION, AnthropicMessages
from nlp2filters.llm.api import ChatAPI, ModelOptions
from nlp2filters.llm.capabilities import LearntFeatures, capabilities
from nlp2filters.llm.chain import ProviderChain
from nlp2filters.llm.embeddings import EmbeddingAPI, EmbeddingCalls, OllamaEmbeddings, OpenAIEmbeddings
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.http import PATIENCE_S, LLMHTTPClient
from nlp2filters.llm.ollama import OllamaChat
from nlp2filters.llm.openai import OpenAIChat
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.responses import OpenAIResponses
from nlp2filters.llm.transcriptions import TranscriptionCalls

# Called with the names of a provider, its model, and a feature that the model turned out to lack.
OnLearnt = Callable[[str, str, str], None]


def _ignore(provider: str, model: str, feature: str) -> None:
    """Do nothing."""


def _bearer(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def _azure(api_key: str) -> dict[str, str]:
    return {"api-key": api_key}


def _anthropic(api_key: str) -> dict[str, str]:
    return {"x-api-key": api_key, "anthropic-version": VERSION}


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider: its title, its API, its address by default (empty: there is none), and the headers of its requests.

    `account` is the provider whose key and address it shares, if it has none of its own. `embeddings` is its embedding
    API, if it has one, which takes up to `max_texts` at once. One that `transcribes` has OpenAI's speech API.
    """

    title: str
    api: Callable[[ModelOptions], ChatAPI]
    default_base_url: str
    headers: Callable[[str], Mapping[str, str]] = _bearer
    account: str | None = None
    embeddings: Callable[[str, int], EmbeddingAPI] | None = None
    max_texts: int = 256
    transcribes: bool = False

    @property
    def key_doc(self) -> str:
        """The description of its key."""
        return f"API key for {self.title}."

    @property
    def base_url_doc(self) -> str:
        """The description of its address."""
        return f"Address of {self.title}." if self.default_base_url else f"Address of {self.title}, with its version."


def _openai(
    title: str,
    url: str,
    *,
    headers: Callable[[str], Mapping[str, str]] = _bearer,
    max_texts: int = 256,
    transcribes: bool = False,
) -> ProviderSpec:
    """Return the row of a server with OpenAI's chat and embedding APIs."""
    return ProviderSpec(
        title, OpenAIChat, url, headers, embeddings=OpenAIEmbeddings, max_texts=max_texts, transcribes=transcribes
    )


PROVIDERS: Mapping[str, ProviderSpec] = {
    "openai": _openai("OpenAI or any server with its API", "https://api.openai.com/v1", transcribes=True),
    "responses": ProviderSpec("OpenAI's Responses API", OpenAIResponses, "", account="openai"),
    "anthropic": ProviderSpec("Anthropic", AnthropicMessages, "https://api.anthropic.com/v1", _anthropic),
    "ollama": ProviderSpec("Ollama", OllamaChat, "http://127.0.0.1:11434", embeddings=OllamaEmbeddings),
    "azure": _openai("Azure OpenAI (`https://NAME.openai.azure.com/openai/v1`)", "", headers=_azure, transcribes=True),
    "gemini": _openai("Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", max_texts=100),
    "groq": ProviderSpec("Groq", OpenAIChat, "https://api.groq.com/openai/v1", transcribes=True),
    "mistral": _openai("Mistral", "https://api.mistral.ai/v1", max_texts=64, transcribes=True),
    "openrouter": _openai("OpenRouter", "https://openrouter.ai/api/v1"),
    "together": _openai("Together", "https://api.together.xyz/v1", max_texts=64, transcribes=True),
    "llamacpp": _openai("a llama.cpp server", "http://127.0.0.1:8080/v1", max_texts=64),
    "lmstudio": _openai("LM Studio", "http://127.0.0.1:1234/v1", max_texts=64),
    "vllm": _openai("a vLLM server", "http://127.0.0.1:8000/v1", transcribes=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMConfig:
    """The LLM to call. `provider` is one of `PROVIDERS`; `timeout_s` is the deadline for an answer with all retries.

    While the provider limits the rate of calls, a call waits for `patience_s`, apart from that deadline.
    """

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    timeout_s: float
    max_tokens: int = MAX_TOKENS
    effort: str = ""
    thinking_tokens: int = 0
    patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingConfig:
    """The embedding API to call. `dimensions` of 0 are as many as the model has."""

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    dimensions: int
    timeout_s: float
    patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionConfig:
    """The speech API to call."""

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    timeout_s: float
    patience_s: float = PATIENCE_S


def create(config: LLMConfig, on_learnt: OnLearnt = _ignore) -> LLMProvider:
    """Create the provider for a configuration."""
    spec, name, model = PROVIDERS[config.provider], config.provider, config.model
    options = ModelOptions(
        model=model, max_tokens=config.max_tokens, effort=config.effort, thinking_tokens=config.thinking_tokens
    )
    http = _http(config)
    features = LearntFeatures(capabilities(name, model), partial(on_learnt, name, model))
    return LLMProvider(name, model, spec.api(options), http, features)


def create_chain(configs: Sequence[LLMConfig], on_learnt: OnLearnt = _ignore) -> ProviderChain:
    """Create the chain of the providers for at least one configuration."""
    return ProviderChain([create(config, on_learnt) for config in configs])


def create_embeddings(config: EmbeddingConfig) -> EmbeddingCalls:
    """Create the calls of the embedding API for a configuration."""
    spec = PROVIDERS[config.provider]
    assert spec.embeddings
    http = _http(config)
    api = spec.embeddings(config.model, config.dimensions)
    return EmbeddingCalls(config.provider, config.model, api, http, spec.max_texts)


def create_transcriptions(config: TranscriptionConfig) -> TranscriptionCalls:
    """Create the calls of the speech API for a configuration."""
    return TranscriptionCalls(config.provider, config.model, _http(config))


def _http(config: LLMConfig | EmbeddingConfig | TranscriptionConfig) -> LLMHTTPClient:
    return LLMHTTPClient(
        config.base_url,
        config.api_key,
        PROVIDERS[config.provider].headers(config.api_key),
        config.timeout_s,
        gate=Gate(f"{config.provider}:{config.model}"),
        patience_s=config.patience_s,
    )
