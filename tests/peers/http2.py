"""A server that speaks HTTP/2 over TLS: an OpenAI-like API by hypercorn, with a certificate of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.ports import free_port


@dataclass
class Server:
    """The server: `authority` is the file of the certificate authority to trust. Each stream has these `events`.

    `versions` are the HTTP versions of the requests, `connections` the ports that they came from.
    """

    url: str
    authority: Path
    events: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    connections: set[int] = field(default_factory=set)

    async def answer(self, request: Request) -> Response:
        """A chat completion as a stream, in several pieces."""
        await request.json()
        self.versions.add(request.scope["http_version"])
        self.connections.add(request.scope["client"][1])
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        for event in self.events:
            yield f"data: {event}\n\n"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(folder: Path, protocols: list[str]) -> AsyncIterator[Server]:
    """The server on a free port of loopback, offering these protocols in the TLS handshake, while inside."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    paths = {name: folder / f"{name}.pem" for name in ("authority", "chain", "key")}
    authority.cert_pem.write_to_path(str(paths["authority"]))
    certificate.private_key_pem.write_to_path(str(paths["key"]))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(paths["chain"]), append=True)
    port, config, ending = free_port(), Config(), asyncio.Event()
    config.bind, config.alpn_protocols, config.errorlog = [f"localhost:{port}"], protocols, None
    config.certfile, config.keyfile = str(paths["chain"]), str(paths["key"])
    server = Server(f"https://localhost:{port}/v1", paths["authority"])
    app = Starlette(routes=[Route("/v1/chat/completions", server.answer, methods=["POST"])])
    task = asyncio.create_task(serve(app, config, shutdown_trigger=ending.wait))  # type: ignore[arg-type]
    try:
        await _listening(port)
        yield server
    finally:
        ending.set()
        await task


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("localhost", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
