"""`nlp2filters mcp`: the service's tools for a language model's program, by the Model Context Protocol over stdio."""

import argparse

from nlp2filters.cli import remote
from nlp2filters.client import AsyncClient


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    remote.add_to(command)
    command.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    from nlp2filters.mcp_tools import create_server  # It loads the SDK, which the command's help does not need.

    url, key = remote.account(args)
    create_server(lambda context: AsyncClient(url, key, patience_s=remote.PATIENCE_S)).run("stdio")
    return 0
