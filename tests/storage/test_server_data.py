"""Which server reads what another wrote, by the headers of its files."""

from pathlib import Path

import pytest

from nlp2filters.storage.server_data import Data, Program, data_in, program_of

REDIS_6_2 = Path(__file__).parent / "data" / "redis-6.2"


def program(text: str) -> Program:
    product, version = text.split()
    major, minor, patch = map(int, version.split("."))
    return Program(product, (major, minor, patch))


@pytest.mark.parametrize(
    ("many_files", "rdb_format", "writer", "reader", "readable"),
    [
        (False, 0, None, "Redis 6.2.14", True),
        (False, 9, "Redis 6.2.14", "Redis 6.0.16", True),
        (False, 9, "Redis 6.2.14", "Valkey 9.1.2", True),
        (True, 10, "Redis 7.0.15", "Redis 6.2.14", False),
        (True, 0, None, "Redis 6.2.14", False),
        (True, 0, None, "Redis 7.0.15", True),
        (True, 10, "Redis 7.0.15", "Valkey 9.1.2", True),
        (True, 11, "Redis 7.2.4", "Valkey 9.1.2", True),
        (True, 11, "Redis 7.2.4", "Redis 7.0.15", False),
        (True, 11, "Valkey 8.1.1", "Valkey 7.2.5", True),
        (True, 11, "Valkey 8.1.1", "Redis 8.0.1", True),
        (True, 12, "Redis 7.4.0", "Valkey 9.1.2", False),
        (True, 12, "Redis 7.4.0", "Redis 8.0.1", True),
        (True, 13, "Redis 8.2.0", "Redis 8.2.3", True),
        (True, 13, "Redis 8.2.0", "Redis 8.0.1", False),
        (True, 80, "Valkey 9.0.1", "Valkey 9.1.2", True),
        (True, 80, "Valkey 9.1.2", "Valkey 8.1.1", False),
        (True, 80, "Valkey 9.1.2", "Redis 8.0.1", False),
    ],
)
def test_what_a_server_reads(
    many_files: bool, rdb_format: int, writer: str | None, reader: str, readable: bool
) -> None:
    data = Data(many_files, rdb_format, program(writer) if writer else None)
    assert data.readable_by(program(reader)) is readable


def test_the_files_of_redis_6_2() -> None:
    assert data_in(REDIS_6_2 / "commands") == Data(many_files=False)
    assert data_in(REDIS_6_2 / "rewritten") == Data(many_files=False, rdb_format=9, writer=program("Redis 6.2.14"))


def test_an_empty_folder_has_no_data(tmp_path: Path) -> None:
    assert data_in(tmp_path) is None
    assert data_in(tmp_path / "missing") is None


@pytest.mark.parametrize("manifest", [b"", b"\xff\xfe no manifest", b"file gone.rdb seq 1 type b\n"])
def test_a_manifest_that_leads_nowhere_is_left_to_the_server(manifest: bytes, tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_bytes(manifest)
    assert data_in(tmp_path) == Data(many_files=True)


def test_a_program_that_is_no_server_has_no_version(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho something else\n")
    other.chmod(0o755)
    assert program_of(other) is None
    assert program_of(tmp_path / "missing") is None
