"""Which LLM the settings name."""

from nlp2filters.providers.anthropic import AnthropicProvider
from nlp2filters.providers.openai import OpenAIProvider
from nlp2filters.settings import Settings

LLM = OpenAIProvider | AnthropicProvider


def configured(settings: Settings) -> LLM | None:
    """The provider that the settings name, or None where they name no model."""
    if not settings.llm_model:
        return None
    if settings.llm_provider == "anthropic":
        return AnthropicProvider(
            base_url=settings.anthropic_base_url,
            api_key=str(settings.anthropic_api_key),
            model=settings.llm_model,
            timeout_s=settings.llm_timeout_s,
            max_tokens=settings.llm_max_tokens,
        )
    return OpenAIProvider(
        base_url=settings.openai_base_url,
        api_key=str(settings.openai_api_key),
        model=settings.llm_model,
        timeout_s=settings.llm_timeout_s,
        max_tokens=settings.llm_max_tokens,
    )
