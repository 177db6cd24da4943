"""`nlp2filters web`: run a web process."""

import argparse
import os


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    environ = os.environ
    command.add_argument("--host", default=environ.get("HOST", "127.0.0.1"), help="address to listen at (HOST)")
    command.add_argument("--port", default=environ.get("PORT", "8000"), type=int, help="port to listen at (PORT)")
    command.set_defaults(run=_web)


def _web(args: argparse.Namespace) -> int:
    import uvicorn

    uvicorn.run(
        "nlp2filters.app:create_app",
        factory=True,
        host=args.host,
        port=args.port,
        http="nlp2filters.api.http_protocol:LimitedProtocol",
        ws_max_size=4096,
        timeout_keep_alive=95,  # longer than a load balancer keeps its connections
        timeout_graceful_shutdown=20,
        access_log=False,  # We log requests ourselves.
    )
    return 0
