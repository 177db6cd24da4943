"""The table of LLM providers. A new one is a module with its `ChatAPI`, and a row here.

Settings, choices on the command line and the README's table of settings follow from the rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nlp2filters.llm import MAX_TOKENS
from nlp2filters.llm.anthropic import AnthropicMessages
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.http import PATIENCE_S, LLMHTTPClient
from nlp2filters.llm.openai import OpenAIChat
from nlp2filters.llm.provider import ChatAPI, LLMProvider


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider's API, created for a model and a limit of tokens, and its settings' defaults and descriptions."""

    api: Callable[[str, int], ChatAPI]
    default_base_url: str
    key_doc: str
    base_url_doc: str


PROVIDERS: Mapping[str, ProviderSpec] = {
    "openai": ProviderSpec(
        OpenAIChat,
        "https://api.openai.com/v1",
        "API key for OpenAI or a compatible server.",
        "Any server that speaks the OpenAI chat API.",
    ),
    "anthropic": ProviderSpec(
        AnthropicMessages,
        "https://api.anthropic.com/v1",
        "API key for Anthropic.",
        "Any server that speaks the Anthropic messages API.",
    ),
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
    patience_s: float = PATIENCE_S


def create(config: LLMConfig) -> LLMProvider:
    """Create the provider for a configuration."""
    api = PROVIDERS[config.provider].api(config.model, config.max_tokens)
    http = LLMHTTPClient(
        config.base_url,
        config.api_key,
        api.headers(config.api_key),
        config.timeout_s,
        gate=Gate(f"{config.provider}:{config.model}"),
        patience_s=config.patience_s,
    )
    return LLMProvider(config.provider, config.model, api, http)
