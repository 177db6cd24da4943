"""A child process: it answers the calls on its standard input until that ends, and then exits.

Run it as `python -m nlp2filters.worker.parsing CPU_LIMIT_S`. The kernel kills it if a call takes more CPU seconds than
that, even if its parent is gone and cannot.
"""

import math
import os
import resource
import signal
import sys
import time
import traceback

from nlp2filters.errors import TextTooComplex
from nlp2filters.file_reading.frames import read, write
from nlp2filters.worker.parsing.operations import Failure, Missing, Parser, TooComplex


def main() -> None:
    """Answer calls until there are no more."""
    cpu_limit_s = int(sys.argv[1])
    for signum in (signal.SIGINT, signal.SIGTERM):  # They reach all processes, but the parent decides when to stop.
        signal.signal(signum, signal.SIG_IGN)
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Printed output must not get between the answers.
    parser = Parser()
    parser.warm_up()
    write(answers, None)
    while (call := read(calls)) is not None:
        _limit_cpu(cpu_limit_s)
        write(answers, _answer(parser, call))


def _answer(parser: Parser, call: object) -> object:
    try:
        return parser.answer(call)  # type: ignore[arg-type]  # the parent sends nothing else
    except Missing as exc:
        return exc.ref
    except TextTooComplex as exc:
        return TooComplex(exc.detail)
    except Exception:
        return Failure(traceback.format_exc())


def _limit_cpu(limit_s: int) -> None:
    """Let the kernel kill this process after `limit_s` more CPU seconds."""
    limit, (_, most) = math.ceil(time.process_time()) + limit_s, resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


if __name__ == "__main__":
    main()
