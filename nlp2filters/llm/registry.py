"""The table of LLM providers. A new one is a row here; one with an API of its own is also a module with its `ChatAPI`.

Settings, choices on the command line and the README's table of settings follow from the rows. What a provider's models
cannot do is in `capabilities.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nlp2filters.llm import MAX_TOKENS, PATIENCE_S

ANTHROPIC_VERSION = "2023-06-01"
# The modules of these and their classes, which `opening.py` loads.
OPENAI_CHAT, OPENAI_EMBEDDINGS = "openai:OpenAIChat", "embeddings:OpenAIEmbeddings"
OPENAI_RESPONSES, ANTHROPIC_MESSAGES = "responses:OpenAIResponses", "anthropic:AnthropicMessages"
OLLAMA_CHAT, OLLAMA_EMBEDDINGS = "ollama:OllamaChat", "embeddings:OllamaEmbeddings"


def _bearer(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def _azure(api_key: str) -> dict[str, str]:
    return {"api-key": api_key}


def _anthropic(api_key: str) -> dict[str, str]:
    return {"x-api-key": api_key, "anthropic-version": ANTHROPIC_VERSION}


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider: its title, its API, its address by default (empty: there is none), and the headers of its requests.

    An API is named by its module and its class, `ChatAPI` or `EmbeddingAPI`, as only what is called is loaded.
    `account` is the provider whose key and address it shares, if it has none of its own. `embeddings` is its embedding
    API, if it has one, which takes up to `max_texts` at once. One that `transcribes` has OpenAI's speech API.
    """

    title: str
    api: str
    default_base_url: str
    headers: Callable[[str], Mapping[str, str]] = _bearer
    account: str | None = None
    embeddings: str | None = None
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
        title, OPENAI_CHAT, url, headers, embeddings=OPENAI_EMBEDDINGS, max_texts=max_texts, transcribes=transcribes
    )


PROVIDERS: Mapping[str, ProviderSpec] = {
    "openai": _openai("OpenAI or any server with its API", "https://api.openai.com/v1", transcribes=True),
    "responses": ProviderSpec("OpenAI's Responses API", OPENAI_RESPONSES, "", account="openai"),
    "anthropic": ProviderSpec("Anthropic", ANTHROPIC_MESSAGES, "https://api.anthropic.com/v1", _anthropic),
    "ollama": ProviderSpec("Ollama", OLLAMA_CHAT, "http://127.0.0.1:11434", embeddings=OLLAMA_EMBEDDINGS),
    "azure": _openai("Azure OpenAI (`https://NAME.openai.azure.com/openai/v1`)", "", headers=_azure, transcribes=True),
    "gemini": _openai("Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", max_texts=100),
    "groq": ProviderSpec("Groq", OPENAI_CHAT, "https://api.groq.com/openai/v1", transcribes=True),
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
