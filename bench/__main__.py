"""`make bench`: measure everything, print tables, and write them into docs/performance.md with their charts.

`python -m bench NAME …` does so for single tables. Machines are shared and noisy: compare rows, not runs.
"""

import asyncio
import sys
import time

from bench import (
    ceiling,
    dialects,
    embedding,
    flames,
    growth,
    inferring,
    parsing,
    pipeline,
    report,
    speech,
    streams,
    submitting,
    waiting,
    workers,
)

BENCHES = {
    "workers": workers.main,
    "pipeline": pipeline.main,
    "submitting": submitting.main,
    "streams": streams.main,
    "embedding": embedding.main,
    "waiting": waiting.main,
    "growth": growth.main,
    "ceiling": ceiling.main,
    "flames": flames.main,
    "parsing": parsing.main,
    "dialects": dialects.main,
    "inferring": inferring.main,
    "speech": speech.main,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHES)
    if unknown := set(names) - set(BENCHES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(BENCHES)}.")
    for name in names:
        began = time.monotonic()
        print(f"## {name}\n", flush=True)
        measured = asyncio.run(BENCHES[name]())
        for table in measured.tables.values():
            print(f"{table}\n")
        report.write(name, measured)
        print(f"({time.monotonic() - began:.0f} s)\n", flush=True)


if __name__ == "__main__":
    main()
