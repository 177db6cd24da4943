"""The LLM provider that the settings name."""

from nlp2filters.llm.anthropic import AnthropicProvider
from nlp2filters.llm.openai import OpenAIProvider
from nlp2filters.settings import Settings

LLM = OpenAIProvider | AnthropicProvider


def configured(settings: Settings) -> LLM | None:
    """Create the provider that the settings name; None if they name no model."""
    if not settings.llm_model:
        return None
    kind: type[LLM] = OpenAIProvider
    base_url, key = settings.openai_base_url, settings.openai_api_key
    if settings.llm_provider == "anthropic":
        kind, base_url, key = AnthropicProvider, settings.anthropic_base_url, settings.anthropic_api_key
    return kind(
        base_url=base_url,
        api_key=str(key),
        model=settings.llm_model,
        timeout_s=settings.llm_timeout_s,
        max_tokens=settings.llm_max_tokens,
    )
