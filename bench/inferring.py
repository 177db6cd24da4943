"""`nlp2filters catalog infer` on a large table in each format: rows per second, and the process's peak memory."""

import asyncio
import csv
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import duckdb
import orjson

from bench.report import Report, Table
from bench.sizes import size

ROWS = size((100_000, 1_000_000), (1_000,))
COLUMNS = ("id", "title", "brand", "city", "price (USD)", "weight_kg", "rating", "released", "updated_at", "wireless")


async def main() -> Report:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in ROWS:
            for write in (_csv, _json_lines, _parquet, _sqlite):
                path = write(Path(folder) / write.__name__.strip("_"), count)
                seconds, peak_mb = await asyncio.to_thread(_infer, path)
                size_mb, rate = path.stat().st_size / 2**20, count / seconds
                rows.append([path.suffix, f"{count:,}", f"{size_mb:.0f}", f"{rate:,.0f}", f"{peak_mb:.0f}"])
                path.unlink()
    return Report({"inferring": Table(["format", "rows", "file MB", "rows/s", "peak MB"], rows)}, rounds=None)


def _infer(path: Path) -> tuple[float, float]:
    """Seconds and peak MB of the whole command, in a process that tells its own peak: no parent's counts for it."""
    script = (
        "from pathlib import Path; from nlp2filters.cli.main import main; "
        f"main(['catalog', 'infer', {str(path)!r}, '--out', '/dev/null']); print(Path('/proc/self/status').read_text())"
    )
    began = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    (peak,) = (line for line in run.stdout.splitlines() if line.startswith("VmHWM"))
    return seconds, int(peak.split()[1]) / 1024


def _rows(count: int) -> Iterator[tuple[str | int | float | bool, ...]]:
    random = Random(7)
    for number in range(count):
        day = f"{1990 + number % 36}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        yield (
            number,
            f"Thing number {number} of many",
            random.choice(("Sony", "Bose", "Beats", "AKG")),
            f"City {random.randrange(20_000)}",
            round(random.uniform(1, 900), 2),
            random.randrange(1, 400) / 10,
            random.randrange(1, 6),
            day,
            f"{day}T{number % 24:02d}:15:00Z",
            number % 3 == 0,
        )


def _csv(path: Path, count: int) -> Path:
    path = path.with_suffix(".csv")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(count))
    return path


def _json_lines(path: Path, count: int) -> Path:
    path = path.with_suffix(".jsonl")
    with path.open("wb") as file:
        for row in _rows(count):
            file.write(orjson.dumps(dict(zip(COLUMNS, row, strict=True))) + b"\n")
    return path


def _parquet(path: Path, count: int) -> Path:
    path = path.with_suffix(".parquet")
    written = _json_lines(path.with_name("rows"), count)
    duckdb.execute(f"COPY (FROM '{written}') TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 50_000)")
    written.unlink()
    return path


def _sqlite(path: Path, count: int) -> Path:
    path = path.with_suffix(".db")
    with closing(sqlite3.connect(path)) as connection, connection:
        named = ", ".join(f'"{column}"' for column in COLUMNS)
        connection.execute(f"CREATE TABLE things ({named})")
        connection.executemany(f"INSERT INTO things VALUES ({', '.join('?' * len(COLUMNS))})", _rows(count))
    return path
