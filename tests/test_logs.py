"""The logs of a process: whole, in order, with their context, and never in the way of the event loop."""

import json
import os
import subprocess
import sys
from typing import Any

LOGGED = """
import asyncio, logging, sys
from nlp2filters import logs

logs.configure()
log = logging.getLogger("test")
"""


def lines_of(script: str) -> list[dict[str, Any]]:
    """What a process logs that runs the script."""
    output = subprocess.run([sys.executable, "-c", LOGGED + script], check=True, capture_output=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def test_a_line_has_the_context_in_which_it_was_logged() -> None:
    (inside, outside) = lines_of("""
with logs.about(job_id="job_1"):
    log.info("inside", extra={"attempt": 2})
log.warning("%s of %d", "outside", 7)
""")
    assert (inside["message"], inside["job_id"], inside["attempt"]) == ("inside", "job_1", 2)
    assert (outside["message"], outside["level"], outside["logger"]) == ("outside of 7", "warning", "test")
    assert set(outside) == {"message", "level", "logger", "at"}


def test_what_was_logged_last_is_written_before_the_process_ends() -> None:
    messages = [line["message"] for line in lines_of("for number in range(2_000): log.info('line %d', number)")]
    assert messages == [f"line {number}" for number in range(2_000)]


def test_a_line_tells_what_failed() -> None:
    (line,) = lines_of("""
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed")
""")
    assert (line["message"], line["level"]) == ("it failed", "error")
    assert "ZeroDivisionError: division by zero" in line["exception"]


def test_arguments_are_shown_as_they_were() -> None:
    (line,) = lines_of("""
names = ["a"]
log.info("names: %s", names)
names.append("b")
""")
    assert line["message"] == "names: ['a']"


def test_a_reader_that_reads_nothing_stops_nobody() -> None:
    """The pipe is full long before the last line, and nobody reads it until the process says that it has gone on."""
    script = """
async def main():
    for number in range(12_000):
        log.info("line %d %s", number, 100 * "x")
        if number % 1_000 == 0:
            await asyncio.sleep(0)
    print("went on", file=sys.stderr, flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
log.info("the end")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", LOGGED + script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    with process:
        assert process.stderr.readline() == b"went on\n"
        process.stdin.close()
        messages = [json.loads(line)["message"] for line in process.stdout]
    assert messages[0].startswith("line 0 ")
    written = sum(message.startswith("line ") for message in messages)
    (dropped,) = [int(message.split()[0]) for message in messages if "were dropped" in message]
    assert written >= 10_000
    assert written + dropped + messages.count("the end") in (12_000, 12_001)


def test_a_reader_that_never_reads_does_not_keep_the_process_from_ending() -> None:
    reading, writing = os.pipe()
    script = "for number in range(3_000): log.info('line %d %s', number, 100 * 'x')"
    process = subprocess.Popen([sys.executable, "-c", LOGGED + script], stdout=writing)
    os.close(writing)
    assert process.wait(60) == 0
    os.close(reading)
