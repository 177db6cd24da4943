"""Opening what the table of providers describes. The module of an API is loaded when one of its providers is opened."""

from collections.abc import Callable, Sequence
from functools import partial
from pkgutil import resolve_name
from typing import cast

from nlp2filters.llm.api import ChatAPI, ModelOptions
from nlp2filters.llm.capabilities import LearntFeatures, capabilities
from nlp2filters.llm.chain import ProviderChain
from nlp2filters.llm.embeddings import EmbeddingAPI, EmbeddingCalls
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.http import LLMHTTPClient
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import PROVIDERS, EmbeddingConfig, LLMConfig, TranscriptionConfig
from nlp2filters.llm.transcriptions import TranscriptionCalls

# Called with the names of a provider, its model, and a feature that the model turned out to lack.
OnLearnt = Callable[[str, str, str], None]


def _ignore(provider: str, model: str, feature: str) -> None:
    """Do nothing."""


def create(config: LLMConfig, on_learnt: OnLearnt = _ignore) -> LLMProvider:
    """Create the provider for a configuration."""
    spec, name, model = PROVIDERS[config.provider], config.provider, config.model
    options = ModelOptions(
        model=model, max_tokens=config.max_tokens, effort=config.effort, thinking_tokens=config.thinking_tokens
    )
    http = _http(config)
    features = LearntFeatures(capabilities(name, model), partial(on_learnt, name, model))
    return LLMProvider(name, model, _chat(spec.api)(options), http, features)


def create_chain(configs: Sequence[LLMConfig], on_learnt: OnLearnt = _ignore) -> ProviderChain:
    """Create the chain of the providers for at least one configuration."""
    return ProviderChain([create(config, on_learnt) for config in configs])


def create_embeddings(config: EmbeddingConfig) -> EmbeddingCalls:
    """Create the calls of the embedding API for a configuration."""
    spec = PROVIDERS[config.provider]
    assert spec.embeddings
    http = _http(config)
    api = _embeddings(spec.embeddings)(config.model, config.dimensions)
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


def _chat(name: str) -> Callable[[ModelOptions], ChatAPI]:
    return cast(Callable[[ModelOptions], ChatAPI], resolve_name(f"nlp2filters.llm.{name}"))


def _embeddings(name: str) -> Callable[[str, int], EmbeddingAPI]:
    return cast(Callable[[str, int], EmbeddingAPI], resolve_name(f"nlp2filters.llm.{name}"))
