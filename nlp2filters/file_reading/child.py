"""The child process that reads one uploaded file. It is forked from a server that has loaded the libraries.

The order comes through a socket, reports and the outcome go back through it, as frames. It is a stranger's file, so the
process has limits of CPU time and memory. When its caller ends, the socket does too, and the process deletes the file
and exits.
"""

import os
import resource
import shutil
import socket
import threading
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from nlp2filters.core.problems import problem
from nlp2filters.errors import ArchiveRefused, InvalidCatalog, InvalidRequest, MalformedJSON, RecordingRefused
from nlp2filters.file_reading.frames import read, write
from nlp2filters.file_reading.orders import Crash, Order, Refusal, Report

# Caller and child share their cores with the processes that read texts, for which somebody waits.
NICENESS = 10
REPORT_INTERVAL_S = 0.25


def main(connection: socket.socket) -> None:
    """Read the file, and answer with the outcome."""
    os.setsid()  # Ctrl-C must reach only the caller, which lets its jobs end first.
    os.nice(NICENESS)
    orders, answers = connection.makefile("rb"), connection.makefile("wb")
    order: Order | None = read(orders)
    if order is None:  # The caller has changed its mind.
        return
    watcher = threading.Thread(target=_end_with_caller, args=(orders, order.path.parent), daemon=True)
    watcher.start()
    resource.setrlimit(resource.RLIMIT_CPU, (order.cpu_limit_s, order.cpu_limit_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (order.memory_limit, order.memory_limit))
    try:
        write(answers, _outcome(order, answers))
    finally:
        watcher.join()  # A caller that is alive kills this process now. If it is dead, the file must still be deleted.


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


def _end_with_caller(orders: BinaryIO, folder: Path) -> None:
    orders.read()
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # It may be sealed, but has to list the folder.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
