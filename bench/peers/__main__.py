"""`python -m bench.peers PROGRAM URL JOBS PICKUPS IDLE_S …` measures a peer's worker, in the peer's environment."""

import asyncio
import sys
from importlib import import_module

from bench.peers.measuring import measure


async def main(program: str, url: str, jobs: str, pickups: str, idle_s: str, *_: str) -> None:
    async with import_module(f"bench.peers.{program}").peer(url) as peer:
        await measure(peer, url, jobs=int(jobs), pickups=int(pickups), idle_s=float(idle_s))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
