"""The settings of the command line as a client of a service."""

from collections.abc import Mapping
from dataclasses import dataclass

from nlp2filters import environment
from nlp2filters.environment import Secret, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """The service to call, and the API key for it."""

    server: str = setting(
        "NLP2FILTERS_SERVER",
        "",
        "The service that the command line calls. Empty: `ask` works without one; `jobs` and `catalog` call this "
        "machine's.",
    )
    api_key: Secret = setting(
        "NLP2FILTERS_API_KEY", lambda: Secret(""), "API key that the command line sends to that service.", Secret
    )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "ClientSettings":
        """Read the settings from a mapping such as `os.environ`."""
        return environment.read(cls, environ)
