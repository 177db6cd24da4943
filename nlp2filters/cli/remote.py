"""The service that a command calls."""

import argparse
import os
from typing import TYPE_CHECKING, Any

from nlp2filters.client_settings import ClientSettings
from nlp2filters.core.service_url import URL

if TYPE_CHECKING:
    from nlp2filters.client import Client

# A person is waiting.
PATIENCE_S = 10.0


def add_to(parser: Any, *, otherwise: str = URL) -> None:
    """Add the options for choosing the service."""
    parser.add_argument(
        "--server", metavar="URL", help=f"the service to ask; else NLP2FILTERS_SERVER, else {otherwise}"
    )
    parser.add_argument("--key", help="its API key; better in NLP2FILTERS_API_KEY, where nobody sees it")


def address(args: argparse.Namespace) -> str:
    """Return the service's URL; empty if none is given."""
    url: str = args.server or ClientSettings.read(os.environ).server
    return url


def account(args: argparse.Namespace) -> tuple[str, str | None]:
    """Return the service's URL, by default that of this machine's, and the API key."""
    key = args.key or str(ClientSettings.read(os.environ).api_key)
    return address(args) or URL, key.strip() or None


def client(args: argparse.Namespace, *, patience_s: float = PATIENCE_S) -> "Client":
    """Create a client of the service."""
    from nlp2filters.client import Client  # `ask` may do without a service.

    return Client(*account(args), patience_s=patience_s)
