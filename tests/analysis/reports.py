"""Reports of analyses compared with the archives that they are about, which are read here by other means."""

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Lines = Mapping[str, list[str]]


def contents(archive: Path) -> dict[str, bytes]:
    """The regular files of a tar archive by path."""
    with tarfile.open(archive) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar if info.isfile()}  # type: ignore[union-attr]


def untruths(report: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what a report says of the files that is not so."""
    told = {entry["path"]: entry for entry in report["files"]}
    if len(told) != len(report["files"]) or told.keys() != files.keys():
        yield f"files that are not there, or not told: {sorted(told.keys() ^ files.keys())[:5]}"
    lines = {path: _lines(content) for path, content in files.items()}
    for path, entry in told.items():
        if (entry["skipped"] is None) != (entry["sha256"] is not None):
            yield f"{path} is neither analysed nor skipped"
        if entry["skipped"] is None and entry["lines"] != len(lines[path]):
            yield f"{path} has {len(lines[path])} lines, not {entry['lines']}"
    analysed = {path for path, entry in told.items() if entry["skipped"] is None}
    for what, place in _places(report):
        if place["path"] not in analysed:
            yield f"{what} is in {place['path']}, which was not analysed"
        elif not 1 <= place["start_line"] <= place["end_line"] <= len(lines[place["path"]]):
            yield f"{what} has no such lines: {place}"
        else:
            yield from _untrue_words(what, place, lines[place["path"]])
    yield from _untrue_counts(report)


def _places(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for cluster in report["clusters"]:
        yield from (("a chunk", chunk) for chunk in cluster["chunks"])
    yield from (("a definition", definition) for definition in report["map"]["definitions"])
    yield from (("a finding", finding) for finding in report["findings"])
    yield from (("an answer", answer) for answer in report["answers"])
    for pair in report["duplicates"]:
        yield from (("a duplicate", pair[side]) for side in ("first", "second"))


def _untrue_words(what: str, place: Mapping[str, Any], lines: list[str]) -> Iterator[str]:
    """Yield a quote or a name that does not stand in its lines."""
    text = "\n".join(lines[place["start_line"] - 1 : place["end_line"]])
    if what == "an answer" and place["quote"] != text:
        yield f"{what} quotes what is not there: {place}"
    if what == "a finding" and not text.startswith(place["quote"]):
        yield f"{what} quotes what is not there: {place}"
    if "name" in place and place["name"].rpartition(".")[2] not in text:
        yield f"{what} is not in its lines: {place}"


def _untrue_counts(report: Mapping[str, Any]) -> Iterator[str]:
    coverage = report["coverage"]
    if coverage["chunks"] != coverage["analyzed"] + coverage["failed"] + coverage["over_budget"]:
        yield f"the coverage does not add up: {coverage}"
    chunks = [tuple(chunk.values()) for cluster in report["clusters"] for chunk in cluster["chunks"]]
    if len(chunks) != len(set(chunks)) or len(chunks) != coverage["analyzed"] + coverage["failed"]:
        yield f"{len(set(chunks))} chunks in clusters of {coverage}"


def _lines(content: bytes) -> list[str]:
    """The lines of a file, as an editor shows them."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
