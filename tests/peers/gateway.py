"""A gateway before the real service, which fails in named ways."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Asked:
    """A request that came. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True)
class Exchange:
    """A request, its client, and the service's answer as it comes."""

    asked: Asked
    client: asyncio.StreamWriter
    answer: asyncio.StreamReader

    def abort(self) -> None:
        self.client.transport.abort()


Fault: TypeAlias = Callable[[Exchange], Awaitable[None]]


async def through(exchange: Exchange) -> None:
    """No fault."""
    while data := await exchange.answer.read(1 << 16):
        exchange.client.write(data)
        await exchange.client.drain()


async def lost(exchange: Exchange) -> None:
    """The service has done it, but nobody hears of it."""
    await exchange.answer.read(-1)
    exchange.abort()


async def held_back(exchange: Exchange) -> None:
    """The head comes, the body waits for its end."""
    exchange.client.write(await exchange.answer.readuntil(b"\r\n\r\n"))
    exchange.client.write(await exchange.answer.read(-1))


def cut_after(size: int) -> Fault:
    """The connection breaks after so many bytes of the body."""

    async def fault(exchange: Exchange) -> None:
        exchange.client.write(await exchange.answer.readuntil(b"\r\n\r\n"))
        left = size
        while left and (data := await exchange.answer.read(left)):
            exchange.client.write(data)
            left -= len(data)
        await exchange.client.drain()
        if not left:
            await asyncio.sleep(0.02)  # browsers forget what they have not read when a connection breaks
            exchange.abort()

    return fault


def answered(status: int, content: str = "", **headers: str) -> Fault:
    """Something else answers; the service gets the request nevertheless."""

    async def fault(exchange: Exchange) -> None:
        lines = [f"HTTP/1.1 {status} Said", "Connection: close", f"Content-Length: {len(content)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        exchange.client.write("\r\n".join([*lines, "", content]).encode())

    return fault


class Gateway:
    """Passes requests on to `service`; `rule` chooses what goes wrong with each. `asked` is what came."""

    def __init__(self, service: str) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.rule: Callable[[Asked], Fault] = lambda asked: through
        address = urlsplit(service)
        self._host, self._port = address.hostname, address.port
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()

    def script(self, *faults: Fault, of: str = "") -> None:
        """These faults in order for requests whose path ends with `of`, then no more."""
        left = list(faults)
        self.asked = []
        self.rule = lambda asked: left.pop(0) if left and asked.path.partition("?")[0].endswith(of) else through

    def streams(self) -> list[Asked]:
        """The requests for events."""
        return [asked for asked in self.asked if asked.path.partition("?")[0].endswith("/events")]

    def leave(self) -> None:
        """Be away: nobody listens, and what is open breaks."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result()

    def come_back(self) -> None:
        """Listen again, at the same address."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    async def _leave(self) -> None:
        assert self._server
        self._server.close()
        for client in self._open:
            client.transport.abort()

    async def _listen(self) -> None:
        port = urlsplit(self.url).port or 0
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """One request, then the connection is closed."""
        self._open.add(client)
        service = None
        try:
            head = (await client_reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            content = await client_reader.readexactly(int(headers.get("content-length", 0)))
            asked = Asked(method, path, headers, content)
            self.asked.append(asked)
            kept = {**headers, "connection": "close"}
            lines = [head[0], *(f"{name}: {value}" for name, value in kept.items()), "", ""]
            answer, service = await asyncio.open_connection(self._host, self._port)
            service.write("\r\n".join(lines).encode("latin-1") + content)
            fault = asyncio.ensure_future(self.rule(asked)(Exchange(asked, client, answer)))
            left = asyncio.ensure_future(client_reader.read(1))
            await asyncio.wait({fault, left}, return_when=asyncio.FIRST_COMPLETED)
            for task in (fault, left):
                task.cancel()
            await asyncio.gather(fault, left, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError):
            client.transport.abort()
        finally:
            self._open.discard(client)
            for writer in filter(None, (client, service)):
                writer.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


@contextmanager
def before(service: str) -> Iterator[Gateway]:
    """A gateway on a free port of loopback, in a thread, while inside."""
    gateway = Gateway(service)
    thread = threading.Thread(target=gateway._run)
    thread.start()
    gateway.come_back()
    try:
        yield gateway
    finally:
        gateway.leave()
        asyncio.run_coroutine_threadsafe(_end(), gateway._loop).result()
        gateway._loop.call_soon_threadsafe(gateway._loop.stop)
        thread.join()
        gateway._loop.close()


async def _end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def random_cuts(seed: int, least: int, most: int) -> Callable[[Asked], Fault]:
    """Streams break again and again, other answers never."""
    rng = random.Random(seed)
    return lambda asked: cut_after(rng.randint(least, most)) if "/events" in asked.path else through
