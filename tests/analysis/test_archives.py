"""Archives of strangers: what is in them is read, and what is wrong with them does no harm."""

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.analysis.archives import MIB, ArchiveLimits, read_archive
from nlp2filters.analysis.report import Codebase
from nlp2filters.analysis.selection import Selection
from nlp2filters.errors import ArchiveRefused
from tests.analysis.packing import choose, read, tar, zipped

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


def test_a_hundred_thousand_empty_files_are_refused() -> None:
    header = zipped({"a.py": b""}).getvalue()
    start, end = header.index(b"PK\x01\x02"), header.index(b"PK\x05\x06")
    count, directory = 100_000, header[start:end] * 100_000
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count % 65_536, count % 65_536, len(directory), start, 0)
    for stream in (
        io.BytesIO(gzip.compress(tarfile.TarInfo("a.py").tobuf() * count, 1)),
        io.BytesIO(header[:start] + directory + last),
    ):
        with pytest.raises(ArchiveRefused, match="more than 20,000 files"):
            read(stream)


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


def test_a_sparse_file_is_skipped_whatever_it_claims_to_have() -> None:
    info = tarfile.TarInfo("disk.img")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386 : 386 + 24] = b"00000000000\0" * 2  # The only piece of data is empty, at the beginning.
    header[483:495] = b"77777777777\0"  # The size with all holes is 8 GiB.
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    following = tar({"good.py": b"y"}, "w").getvalue()
    assert read(io.BytesIO(bytes(header[:512]) + following)) == (
        {"good.py": b"y"},
        {"disk.img": "It is no regular file."},
    )


def test_a_zip_file_with_wrong_sizes_sums_or_methods_does_no_harm() -> None:
    good = zipped({"a.py": b"x = 1\n", "b.py": b"y = 2\n"}).getvalue()
    entry = good.index(b"PK\x01\x02")
    for offset, value in ((16, b"\1\2\3\4"), (20, b"\xff\xff\xff\0"), (24, b"\xff\xff\xff\0"), (42, b"\xff\0\0\0")):
        packed = bytearray(good)
        packed[entry + offset : entry + offset + 4] = value
        try:
            contents, _ = read(io.BytesIO(packed))
            assert contents["b.py"] == b"y = 2\n"
        except ArchiveRefused as exc:
            assert "cannot be read" in str(exc)
    packed = bytearray(good)
    packed[entry + 10] = packed[8] = 93
    contents, reasons = read(io.BytesIO(packed))
    assert (list(contents), list(reasons)) == (["b.py"], ["a.py"])
    assert "compression" in reasons["a.py"]


def test_a_path_that_is_too_long_is_skipped() -> None:
    contents, reasons = read(tar({"x" * 501: b"x", "y" * 500: b"y"}))
    assert list(contents) == ["y" * 500]
    assert list(reasons.values()) == ["Its path is longer than 500 characters."]


def test_of_files_with_one_path_the_last_counts_and_the_others_are_listed() -> None:
    packed = tar({"a.py": b"x = 1\n", "./a.py": b"x = 2\n", "A.py": b"x = 3\n"})
    codebase = Codebase.of(Selection().choose(read_archive(packed, ArchiveLimits())))
    assert {path: file.text for path, file in codebase.files.items()} == {"a.py": "x = 2\n", "A.py": "x = 3\n"}
    assert [(file.path, file.reason) for file in codebase.skipped] == [
        ("a.py", "A later file of the same path takes its place.")
    ]


def test_an_archive_in_an_archive_is_not_opened() -> None:
    inner = tar({"inner.py": b"x"}).getvalue()
    chosen, reasons = choose({"inner.tar.gz": inner, "inner.whl": zipped({"inner.py": b"x"}).getvalue()})
    assert (chosen, set(reasons.values())) == ({}, {"It is binary."})


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
