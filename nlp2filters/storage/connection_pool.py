"""The pool of connections to Redis, or to the master behind sentinels."""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool
from redis.asyncio.sentinel import SentinelConnectionPool


class Pool(ConnectionPool):
    """A pool of `max_connections`, first come, first served. A connection taken from it may not be connected yet."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._free = asyncio.Semaphore(self.max_connections)

    async def take(self) -> Connection:
        """Wait for a free connection. The caller has to call `ensure_connection`, and to give it back."""
        await self._free.acquire()
        connection: Connection = self.get_available_connection()  # type: ignore[no-untyped-call]
        return connection

    async def give_back(self, connection: AbstractConnection, *, clean: bool) -> None:
        """Return a connection to the pool. It is closed unless all its answers were read (`clean`)."""
        if not clean:
            await connection.disconnect(nowait=True)
        await self.release(connection)

    async def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Connection:
        """Wait for a free connection and connect it, for redis-py."""
        connection = await self.take()
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.give_back(connection, clean=False)
            raise
        return connection

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Connect, or reconnect if the connection has been closed or is stale."""
        if _is_stale(connection):
            await connection.disconnect(nowait=True)
        await connection.connect()  # type: ignore[no-untyped-call]
        await connection.check_health()  # type: ignore[no-untyped-call]

    async def release(self, connection: AbstractConnection) -> None:
        """Return a connection to the pool."""
        await super().release(connection)
        self._free.release()

    async def drop_idle(self) -> None:
        """Close the idle connections, without waiting, so that nobody can take one in the meantime."""
        for connection in self._available_connections:
            await connection.disconnect(nowait=True)


class SentinelPool(Pool, SentinelConnectionPool):
    """A pool of connections to the server that the sentinels name as the master."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close all connections, including those to the sentinels, or only the idle ones."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.connection_pool.disconnect()


def _is_stale(connection: AbstractConnection) -> bool:
    """Return True if the peer has closed the connection, or has sent unexpected data."""
    reader, writer = connection._reader, connection._writer
    if reader is None or writer is None:
        return False
    gone = reader.at_eof() or reader.exception() is not None or writer.is_closing()
    return gone or not connection._socket_is_empty()  # type: ignore[no-untyped-call]
