"""The data folder of a Redis or Valkey server: which server wrote it, and which can read it.

Since Redis 7.4 and Valkey 9, their file formats differ. A server refuses a base file that it cannot read, but Redis
before 7 does not even look at the folder `appendonlydir` of later versions: it would start empty, next to the jobs.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Redis before 7 writes this file.
SINGLE_FILE = "appendonly.aof"
# Redis 7 and later and Valkey write into this folder.
FOLDER = "appendonlydir"
MANIFEST = f"{SINGLE_FILE}.manifest"
HEADER_BYTES = 512
# A server of at least the given version reads all RDB formats up to the given one, from before Valkey split from Redis.
COMMON_FORMATS = (((7, 2), 11), ((7, 0), 10), ((0, 0), 9))


@dataclass(frozen=True, slots=True)
class Program:
    """A server program: its product, `Redis` or `Valkey`, and its version."""

    product: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.version))}"


@dataclass(frozen=True, slots=True)
class Data:
    """The append-only files in a folder: the RDB format of their base (0 without a base), and the writer, if known."""

    many_files: bool
    rdb_format: int = 0
    writer: Program | None = None

    def __str__(self) -> str:
        if self.writer:
            return str(self.writer)
        if self.rdb_format:
            return f"a server whose files have the RDB format {self.rdb_format}"
        return "Redis 7 or later, or Valkey" if self.many_files else "Redis before 7"

    def readable_by(self, program: Program) -> bool:
        """Return True if `program` reads these: its own product's files up to its version, and any common format."""
        if self.many_files and program.version < (7, 0):
            return False
        writer = self.writer
        if writer and writer.product == program.product and writer.version[:2] <= program.version[:2]:
            return True
        return self.rdb_format <= next(rdb for version, rdb in COMMON_FORMATS if program.version >= version)


def program_of(executable: Path) -> Program | None:
    """Return the program of `executable`; None if it is unknown."""
    try:
        process = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", process.stdout)
    return Program(match[1], (int(match[2]), int(match[3]), int(match[4]))) if match else None


def data_in(folder: Path) -> Data | None:
    """Read the header of the append-only files in `folder`; None if there are none."""
    manifest = folder / FOLDER / MANIFEST
    if manifest.is_file():
        base = re.search(r"^file (\S+) .*\btype b\b", manifest.read_text(errors="replace"), re.MULTILINE)
        return _read(folder / FOLDER / base[1], many_files=True) if base else Data(many_files=True)
    if (folder / SINGLE_FILE).is_file():
        return _read(folder / SINGLE_FILE, many_files=False)
    return None


def _read(file: Path, *, many_files: bool) -> Data:
    """Read the start of an RDB file: its format, then fields, the first of which is `redis-ver` or `valkey-ver`.

    An append-only file without an RDB base begins with a command.
    """
    if not file.is_file():
        return Data(many_files)
    with file.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
    magic = re.match(rb"REDIS(\d{4})|VALKEY(\d{3})", header)
    if not magic:
        return Data(many_files)
    field = re.search(rb"\xfa.(redis|valkey)-ver.(\d+)\.(\d+)\.(\d+)", header, re.DOTALL)
    writer = Program(field[1].decode().title(), (int(field[2]), int(field[3]), int(field[4]))) if field else None
    return Data(many_files, int(magic[1] or magic[2]), writer)
