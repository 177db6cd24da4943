"""`make chaos`: break the service in every way that it promises to survive, and print what held.

`--small` is the edition for the test suite: the same trials, fewer of each, on one fleet; times are told but break
nothing.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from chaos import analysis, attacks, parts, rescues, trials
from chaos.machine import machine
from chaos.trials import Finding, Stand
from nlp2filters.fault_injection import POINTS
from tests.service import ROOT

Trial = Callable[[Stand], Awaitable[list[Finding]]]

FULL: dict[str, Trial] = {
    "kills": lambda it: trials.kills(it, jobs=2000, count=100),
    **{f"die-{point}": lambda it, point=point: trials.deaths(it, {point: 0.2}, 25) for point in POINTS},  # type: ignore[misc]
    "die-llm-answered-alone": lambda it: trials.deaths(it, {"llm-answered": 0.2}, 25, alone=True),
    "tables": lambda it: trials.tables(it, jobs=20, count=10),
    "parts": lambda it: parts.parts(it, jobs=8, lines=200, count=20),
    "freezes": lambda it: trials.freezes(it, 4),
    "redis": lambda it: trials.redis_kills(it, 20),
    "redis-everysec": lambda it: trials.redis_kills(it, 20),
    "redis-emptied": trials.redis_emptied,
    "silences": lambda it: trials.silences(it, 5),
    "network": lambda it: trials.bad_network(it, 5),
    "llm-network": lambda it: trials.bad_llm_network(it, 5),
    "streams": lambda it: trials.streams(it, 200),
    "restarts": lambda it: trials.rolling_restarts(it, 10),
    "upgrade": trials.upgrade,
    "memory": trials.full_memory,
    "thaws": lambda it: rescues.thaws(it, 4),
    "outages": lambda it: rescues.outages(it, 3),
    "orphans": rescues.orphans,
    "owners": lambda it: rescues.owners(it, 1000),
    "hanging-receiver": lambda it: rescues.hanging_receiver(it, 200),
    "bytes": attacks.many_bytes,
    "computing": lambda it: attacks.much_computing(it, 8),
    "storm": lambda it: attacks.storm(it, 1000),
    "silent-connections": lambda it: attacks.silent_connections(it, 1100),
    "endless-header": attacks.endless_header,
    "mixed": lambda it: rescues.mixed(it, jobs=3000, faults=500),
    "machine": lambda it: machine(it, 2000),
    "soak": lambda it: trials.soak(it, 15),
}
# On packages that others have written, which tools/sources.py fetches.
ANALYSIS: dict[str, Trial] = {
    "analysis-truth": analysis.truth,
    "analysis-kills": lambda it: analysis.kills(it, 20),
    "analysis-room": analysis.room,
}
STANDS: dict[str, dict[str, Any]] = {  # that are not as usual
    "redis-everysec": {"appendfsync": "everysec"},
    "die-llm-answered-alone": {"LLM_CONCURRENCY": "1"},
    "parts": {"EXTRA_KINDS": parts.KINDS},
    **{name: {"EXTRA_KINDS": analysis.KINDS} for name in ANALYSIS},
    "outages": {"MAX_ATTEMPTS": "1"},
    "owners": {"MAX_RATE": "100000", "MAX_PENDING": "5000"},
}
# All points at once, so that the fleet is not dead most of the time: what every job passes is fatal more seldom.
SELDOM = dict.fromkeys(("job-created", "stage-begun", "stage-done"), 0.04)
OFTEN = dict.fromkeys(set(POINTS) - set(SELDOM), 0.2)
SMALL_TIMEOUT_S = 240  # for a trial, so that one that waits for what does not come hides no other
SMALL: dict[str, Trial] = {
    "deaths": lambda it: trials.deaths(it, SELDOM | OFTEN, 1),
    "kills": lambda it: trials.kills(it, jobs=50, count=5),
    "tables": lambda it: trials.tables(it, jobs=3, count=1),
    "parts": lambda it: parts.parts(it, jobs=2, lines=50, count=2),
    "freezes": lambda it: trials.freezes(it, 1),
    "redis": lambda it: trials.redis_kills(it, 2),
    "silences": lambda it: trials.silences(it, 1),
    "network": lambda it: trials.bad_network(it, 1),
    "llm-network": lambda it: trials.bad_llm_network(it, 1),
    "streams": lambda it: trials.streams(it, 40),
    "memory": trials.full_memory,
    "redis-emptied": trials.redis_emptied,
    "thaws": lambda it: rescues.thaws(it, 1),
    "orphans": rescues.orphans,
    "hanging-receiver": lambda it: rescues.hanging_receiver(it, 60),
    "bytes": attacks.many_bytes,
    "storm": lambda it: attacks.storm(it, 200),
    "endless-header": attacks.endless_header,
    "mixed": lambda it: rescues.mixed(it, jobs=60, faults=20),
    "upgrade": trials.upgrade,
}


def main() -> int:
    """Run the named trials, or all; returns 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--small", action="store_true", help="fewer of each, on one fleet")
    parser.add_argument("--analysis", action="store_true", help="only analyses of large packages")
    parser.add_argument("--from", dest="revision", help="run only a rolling upgrade from this git revision")
    parser.add_argument("trial", nargs="*", help=f"of {', '.join(FULL)}")
    args = parser.parse_args()
    chosen = SMALL if args.small else ANALYSIS if args.analysis else FULL
    print("| promise | trials | worst | held |\n|---|---|---|---|", flush=True)
    broken = 0
    with ExitStack() as shared:
        it = shared.enter_context(trials.stand(EXTRA_KINDS=parts.KINDS)) if args.small else None
        if args.revision:
            root = shared.enter_context(_checked_out(args.revision))
            it = shared.enter_context(trials.stand(root=root))
            chosen = {"upgrade": trials.upgrade_from_older}
        for name in args.trial or chosen:
            began = time.monotonic()
            for finding in _findings(name, chosen[name], it):
                held = "yes" if finding.held else "**no**"
                print(f"| {finding.promise} | {finding.trials} | {finding.worst} | {held} |", flush=True)
                broken += not finding.held and not (args.small and finding.timed)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return 1 if broken else 0


@contextmanager
def _checked_out(revision: str) -> Iterator[Path]:
    """The files of a revision of this repository, in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


def _findings(name: str, trial: Trial, shared: Stand | None) -> list[Finding]:
    async def run(it: Stand) -> list[Finding]:
        it.fleet.wait_until_ready()
        try:
            async with asyncio.timeout(SMALL_TIMEOUT_S if shared else None):
                return await trial(it)
        except TimeoutError:
            return [Finding(f"{name} comes to an end", 1, f"not within {SMALL_TIMEOUT_S} s", False)]

    if shared:
        return asyncio.run(run(shared))
    with trials.stand(**STANDS.get(name, {})) as it:
        return asyncio.run(run(it))


if __name__ == "__main__":
    sys.exit(main())
