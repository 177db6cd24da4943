"""`make bench`: measure side by side in one run. Machines are shared and noisy: compare rows, not runs."""

import asyncio
import sys

from bench import dialects, inferring, limits, pages, parsing, queues, speech, starting, streams, waiting

BENCHES = {
    "queues": queues.main,
    "inferring": inferring.main,
    "parsing": parsing.main,
    "dialects": dialects.main,
    "streams": streams.main,
    "speech": speech.main,
    "waiting": waiting.main,
    "starting": starting.main,
    "limits": limits.main,
    "pages": pages.main,
}


def main() -> None:
    for name in sys.argv[1:] or BENCHES:
        print(f"## {name}\n")
        asyncio.run(BENCHES[name]())
        print()


if __name__ == "__main__":
    main()
