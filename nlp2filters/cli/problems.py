"""Errors as the command line reports them."""

from nlp2filters.client.errors import AuthError, BadRequest, ConnectionFailed, JobFailed, ServiceBusy
from nlp2filters.errors import InvalidFilter, InvalidRequest, LLMNotConfigured, NLP2FiltersError, NotConfirmed


def is_usage(error: NLP2FiltersError) -> bool:
    """Return True if the command itself was wrong."""
    return isinstance(error, InvalidRequest | InvalidFilter | BadRequest | LLMNotConfigured | NotConfirmed)


def describe(error: NLP2FiltersError) -> str:
    """Describe the error and its remedy in one line."""
    match error:
        case ConnectionFailed():
            return f"{error}. Is it running? `nlp2filters up` starts one; --server or NLP2FILTERS_SERVER names another."
        case AuthError(status=401):
            return f"{error} Here: --key or NLP2FILTERS_API_KEY."
        case JobFailed(status="failed" | "canceled" | "expired"):
            return f"{error} `nlp2filters jobs retry {error.job_id}` asks again."
        case ServiceBusy(retry_after_s=float()):
            return f"{error} Try again in {error.retry_after_s:g} s."
    return str(error)
