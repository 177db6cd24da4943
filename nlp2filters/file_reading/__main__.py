"""A child process that reads one uploaded file: `python -m nlp2filters.file_reading`.

The request comes on standard input, reports and the outcome go to standard output, as frames. It is a stranger's
file, so the process has limits of CPU time and memory. When its parent ends, standard input does too, and the process
deletes the file and exits.
"""

import os
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from nlp2filters.core.problems import problem
from nlp2filters.errors import ArchiveRefused, InvalidCatalog, InvalidRequest, MalformedJSON, RecordingRefused
from nlp2filters.file_reading.frames import read, write
from nlp2filters.file_reading.process import Crash, Order, Refusal, Report

# Parent and child share their cores with the processes that read texts, for which somebody waits.
NICENESS = 10
REPORT_INTERVAL_S = 0.25


def main() -> None:
    """Read the file, and answer with the outcome."""
    for signum in (signal.SIGINT, signal.SIGTERM):  # They reach all processes, but the parent decides when to stop.
        signal.signal(signum, signal.SIG_IGN)
    os.nice(NICENESS)
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Printed output must not get between the answers.
    order: Order = read(orders)
    watcher = threading.Thread(target=_end_with_parent, args=(orders, order.path.parent), daemon=True)
    watcher.start()
    resource.setrlimit(resource.RLIMIT_CPU, (order.cpu_limit_s, order.cpu_limit_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (order.memory_limit, order.memory_limit))
    try:
        write(answers, _outcome(order, answers))
    finally:
        watcher.join()  # A parent that is alive kills this process now. If it is dead, the file must still be deleted.


def _outcome(order: Order, answers: BinaryIO) -> object:
    last_report = time.monotonic()

    def report(rows: int, share: float) -> None:
        nonlocal last_report
        if time.monotonic() - last_report > REPORT_INTERVAL_S:
            last_report = time.monotonic()
            write(answers, Report(rows, min(1.0, share)))

    try:
        return order.read(order.path, report=report)
    except (InvalidRequest, InvalidCatalog) as exc:
        slug = "invalid-catalog" if isinstance(exc, InvalidCatalog) else "invalid-request"
        members = [{"pointer": violation.pointer, "detail": violation.detail} for violation in exc.violations]
        return Refusal(problem(slug, str(exc), errors=members))
    except MalformedJSON as exc:
        return Refusal(problem("malformed-json", str(exc)))
    except ArchiveRefused as exc:
        return Refusal(problem("archive-refused", str(exc)))
    except RecordingRefused as exc:
        return Refusal(problem("recording-refused", str(exc)))
    except MemoryError:
        return Refusal(problem(order.too_complex, "Reading this file takes too much memory."))
    except Exception:
        return Crash(traceback.format_exc())


def _end_with_parent(orders: BinaryIO, folder: Path) -> None:
    orders.read()
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # It may be sealed, but has to list the folder.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
