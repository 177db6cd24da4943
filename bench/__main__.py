"""`make bench`: measure everything, print tables, and write them into docs/performance.md with their charts.

`python -m bench NAME …` does so for single tables. Machines are shared and noisy: compare rows, not runs.
"""

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping

from bench import (
    ceiling,
    dialects,
    embedding,
    flames,
    growth,
    inferring,
    limits,
    pages,
    parsing,
    pipeline,
    report,
    speech,
    starting,
    streams,
    submitting,
    waiting,
    weights,
    workers,
)
from bench.report import Report

# One that returns no report prints its tables by itself, and is not on the page.
BENCHES: Mapping[str, Callable[[], Awaitable[Report | None]]] = {
    "workers": workers.main,
    "pipeline": pipeline.main,
    "submitting": submitting.main,
    "streams": streams.main,
    "embedding": embedding.main,
    "weights": weights.main,
    "waiting": waiting.main,
    "growth": growth.main,
    "ceiling": ceiling.main,
    "flames": flames.main,
    "parsing": parsing.main,
    "dialects": dialects.main,
    "starting": starting.main,
    "limits": limits.main,
    "inferring": inferring.main,
    "pages": pages.main,
    "speech": speech.main,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHES)
    if unknown := set(names) - set(BENCHES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(BENCHES)}.")
    failed = [name for name in names if not _write(name)]
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}. The page keeps what it had of these.")


def _write(name: str) -> bool:
    """Measure, print and write one benchmark. False if it failed, which keeps no other from being measured."""
    began = time.monotonic()
    print(f"## {name}\n", flush=True)
    try:
        measured = asyncio.run(_measured(BENCHES[name]))
    except Exception:
        traceback.print_exc()
        return False
    if measured:
        for table in measured.tables.values():
            print(f"{table}\n")
        report.write(name, measured)
    print(f"({time.monotonic() - began:.0f} s)\n", flush=True)
    return True


async def _measured(bench: Callable[[], Awaitable[Report | None]]) -> Report | None:
    return await bench()


if __name__ == "__main__":
    main()
