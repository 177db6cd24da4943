"""`make chaos`: break the service in every way that it promises to survive, and print what held.

`--small` is the edition for the test suite: the same trials, fewer of each, and times are told but break nothing.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from chaos import trials
from chaos.trials import Finding
from nlp2filters.faults import POINTS

Trial = Callable[[], Awaitable[list[Finding]]]

FULL: dict[str, Trial] = {
    "kills": lambda: trials.kills(jobs=2000, count=100),
    **{f"die-{point}": partial(trials.deaths, point, 25) for point in POINTS},
    "freezes": lambda: trials.freezes(4),
    "redis": lambda: trials.redis_kills(20, "always"),
    "redis-everysec": lambda: trials.redis_kills(20, "everysec"),
    "redis-emptied": trials.redis_emptied,
    "streams": lambda: trials.streams(200),
    "restarts": lambda: trials.rolling_restarts(10),
    "memory": trials.full_memory,
    "soak": lambda: trials.soak(15),
}
SMALL: dict[str, Trial] = {
    "kills": lambda: trials.kills(jobs=150, count=12),
    **{f"die-{point}": partial(trials.deaths, point, 2) for point in POINTS},
    "freezes": lambda: trials.freezes(1),
    "redis": lambda: trials.redis_kills(3, "always"),
    "redis-emptied": trials.redis_emptied,
    "streams": lambda: trials.streams(40),
    "restarts": lambda: trials.rolling_restarts(1),
    "memory": trials.full_memory,
}


def main() -> int:
    """Run the named trials, or all; returns 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--small", action="store_true", help="fewer of each")
    parser.add_argument("trial", nargs="*", help=f"of {', '.join(FULL)}")
    args = parser.parse_args()
    chosen = SMALL if args.small else FULL
    print("| promise | trials | worst | held |\n|---|---|---|---|", flush=True)
    broken = 0
    for name in args.trial or chosen:
        for finding in asyncio.run(_run(chosen[name])):
            held = "yes" if finding.held else "**no**"
            print(f"| {finding.promise} | {finding.trials} | {finding.worst} | {held} |", flush=True)
            broken += not finding.held and not (args.small and finding.timed)
    return 1 if broken else 0


async def _run(trial: Trial) -> list[Finding]:
    return await trial()


if __name__ == "__main__":
    sys.exit(main())
