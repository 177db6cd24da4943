"""Archives of strangers: what is in them is read, and what is wrong with them does no harm."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.analysis.archives import MIB, ArchiveLimits
from nlp2filters.errors import ArchiveRefused
from tests.analysis.packing import read, tar, zipped

FILES = {"package/a.py": b"a = 1\n", "package/b/c.txt": "größer\n".encode(), "empty.py": b""}
SMALL = ArchiveLimits(unpacked_bytes=MIB, files=100, file_bytes=MIB // 2)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_files_are_read_however_they_are_packed(mode: str) -> None:
    assert read(tar(FILES, mode)) == (FILES, {})


def test_zip_files_and_wheels_are_read() -> None:
    assert read(zipped(FILES)) == (FILES, {})


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "/etc/passwd", "C:\\windows", "..\\outside"])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_paths_that_lead_out_are_skipped(pack: object, path: str) -> None:
    contents, reasons = read((tar if pack is tar else zipped)({path: b"x", "good.py": b"y"}))
    assert contents == {"good.py": b"y"}
    assert list(reasons.values()) == ["Its path leads out of the archive."]


def test_links_and_devices_are_skipped() -> None:
    links = [tarfile.TarInfo(name) for name in ("soft", "hard", "device", "pipe")]
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    for info, kind in zip(links, kinds, strict=True):
        info.type, info.linkname = kind, "/etc/passwd"
    contents, reasons = read(tar({"good.py": b"y"}, extra=links))
    assert contents == {"good.py": b"y"}
    assert reasons["soft"] == reasons["hard"] == "It is a link."
    assert reasons["device"] == reasons["pipe"] == "It is no regular file."


def test_links_in_a_zip_file_are_skipped() -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.create_system, info.external_attr = 3, 0o120777 << 16

    assert read(zipped({"soft": b"/etc/passwd"}, link)) == ({}, {"soft": "It is a link."})


def test_encrypted_files_are_skipped() -> None:
    packed = bytearray(zipped({"secret.py": b"x = 1\n"}).getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1
    assert read(io.BytesIO(packed)) == ({}, {"secret.py": "It is encrypted."})


@pytest.mark.parametrize("pack", [tar, zipped])
def test_a_hundred_thousand_empty_files_are_refused(pack: object) -> None:
    files = {f"{number}.py": b"" for number in range(100_000)}
    with pytest.raises(ArchiveRefused, match="more than 20,000 files"):
        read((tar if pack is tar else zipped)(files))


def test_a_bomb_of_one_file_is_refused_while_it_unpacks() -> None:
    zeros = bytes(64 * MIB)
    for stream in (tar({"zeros": zeros}), zipped({"zeros": zeros})):
        assert len(stream.getvalue()) < MIB
        tracemalloc.start()
        with pytest.raises(ArchiveRefused, match="unpacks to more than 1 MiB"):
            read(stream, SMALL)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * MIB


def test_a_bomb_of_many_files_is_refused() -> None:
    files = {f"{number}": bytes(100_000) for number in range(50)}
    for stream in (tar(files), zipped(files)):
        with pytest.raises(ArchiveRefused, match="unpacks to more than 1 MiB"):
            read(stream, SMALL)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_a_bomb_in_a_header_or_in_a_file_to_be_skipped_is_refused(kind: bytes) -> None:
    """Headers have a size as well, and a reader of tar files takes it at its word."""
    info = tarfile.TarInfo("../bomb")
    info.type, info.size = kind, 64 * MIB
    stream = io.BytesIO(gzip.compress(info.tobuf() + bytes(64 * MIB)))
    tracemalloc.start()
    with pytest.raises(ArchiveRefused):
        read(stream, SMALL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MIB


def test_a_file_that_is_too_large_is_skipped_and_the_next_one_read() -> None:
    files = {"large.json": b"x" * (2 * MIB + 1), "good.py": b"y"}
    for stream in (tar(files), zipped(files)):
        assert read(stream) == ({"good.py": b"y"}, {"large.json": "It is larger than 2 MiB."})


def test_a_tar_file_that_is_cut_off_is_refused() -> None:
    packed = tar({"a.py": b"a" * 10_000}, "w").getvalue()
    with pytest.raises(ArchiveRefused, match="cannot be read"):
        read(io.BytesIO(packed[:5_000]))
    with pytest.raises(ArchiveRefused, match="cannot be read"):
        read(io.BytesIO(tar({"a.py": bytes(range(256)) * 100}).getvalue()[:200]))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8b\x08", b"%PDF-1.7", bytes(2_000)])
def test_what_is_no_archive_is_refused_or_empty(content: bytes) -> None:
    try:
        assert read(io.BytesIO(content)) == ({}, {})
    except ArchiveRefused as exc:
        assert "Pack it anew" in str(exc)


def test_a_name_that_is_no_unicode_can_be_shown() -> None:
    info = tarfile.TarInfo("caf\udce9.py")
    contents, _ = read(tar({}, extra=[info]))
    assert [path.encode() for path in contents] == [b"caf?.py"]


@given(st.data())
def test_no_damage_to_an_archive_raises_anything_else(data: st.DataObject) -> None:
    packed = bytearray(data.draw(st.sampled_from([tar(FILES), tar(FILES, "w"), zipped(FILES)])).getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        contents, reasons = read(io.BytesIO(packed), SMALL)
    except ArchiveRefused:
        return
    for path in (*contents, *reasons):
        assert path.encode()
        assert not path.startswith("/") or path in reasons
