"""Speech: CPU seconds and peak memory of a process that loads the model and transcribes recordings of people."""

import asyncio
import subprocess
import sys

import orjson

from bench.report import Report, Table
from bench.sizes import size
from bench.text import number
from nlp2filters.audio.weights import WHISPER
from tools import recordings

MINUTES = size((0.1, 1, 5), (0.1,))

SCRIPT = """
import asyncio, json, sys, tempfile, time
from itertools import cycle
from pathlib import Path

import numpy as np

from nlp2filters.audio.cutting import find_parts
from nlp2filters.audio.decoding import SAMPLE_RATE, decode
from nlp2filters.audio.transcriber import Transcriber


async def main(model, seconds, files):
    used = [time.process_time()]
    with tempfile.TemporaryDirectory() as name:
        folder, pieces = Path(name), []
        for number, file in enumerate(cycle(files)):
            with open(file, "rb") as source, (folder / f"{number}").open("wb") as target:
                pieces.append(decode(source, target, max_seconds=600))
            if sum(piece.seconds for piece in pieces) > seconds:
                break
        (folder / "all.raw").write_bytes(b"".join(piece.read(0, piece.seconds).tobytes() for piece in pieces))
        recording = pieces[0].__class__(folder / "all.raw", sum(piece.samples for piece in pieces))
        used.append(time.process_time())
        async with await Transcriber.load(Path(model)) as transcriber:
            used.append(time.process_time())
            parts = list(find_parts(recording))
            used.append(time.process_time())
            for part in parts:
                await transcriber.transcribe(recording.read(part.start_s, part.end_s), language="en")
            used.append(time.process_time())
    status = Path("/proc/self/status").read_text().splitlines()
    peak_mb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    print(json.dumps([recording.seconds, *(after - before for before, after in zip(used, used[1:])), peak_mb]))


asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
"""


async def main() -> Report:
    files = [str(person.file) for person in recordings.locate()]
    if not files:
        print("There are no recordings here: see tools/recordings.py.")
        return Report()
    model, rows = str(WHISPER.locate(progress=False)), []
    for minutes in MINUTES:
        command = [sys.executable, "-c", SCRIPT, model, str(60 * minutes), *files]
        run = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        seconds, *spent, peak_mb = orjson.loads(run.stdout)
        figures = [*spent, 60 * spent[-1] / seconds, peak_mb]
        rows.append([f"{seconds:.0f} s", *(number(figure) for figure in figures)])
    header = ["sound", "decode", "load", "find speech", "transcribe", "… a minute of sound", "peak MB"]
    return Report({"speech": Table(header, rows)}, rounds=None)
