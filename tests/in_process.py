"""The app in a thread of the test's own process, whose settings and constants a test may choose."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from nlp2filters.api.http_protocol import LimitedProtocol


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The app on a free port of loopback, while inside; gives the address."""
    config = uvicorn.Config(app, port=0, http=LimitedProtocol, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
