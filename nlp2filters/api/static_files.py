"""Static files, compressed, and cached by browsers for good under an address that changes with their content."""

import gzip
import hashlib
import mimetypes
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from nlp2filters.api.headers import etag_matches

_PREFIX = "v-"
_TEXT = ("text/", "application/json", "image/svg+xml")
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"  # ETags make that cheap.
_INCLUDE = re.compile(rb" *<!-- include ([a-z]+\.html) -->\n")


class VersionedFiles(StaticFiles):
    """The files of a folder, mounted at `/static`: at `/static/v-…/` they are cached for good, else asked for again.

    The version is one for all files, so that the relative addresses in scripts and style sheets stay in it. Contents
    are read into memory once: an open file per response would double a connection's memory.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)
        self._folder = directory

    def page(self, html: str) -> str:
        """Return a page with what all pages share, and links to the current version of each file."""
        return _completed(html.encode(), self._folder, self._version()).decode()

    def get_path(self, scope: Scope) -> str:
        """Return the path of the file, without the version."""
        path = super().get_path(scope)
        first, _, rest = path.partition(os.sep)
        scope["static_version"] = first if first.startswith(_PREFIX) else None
        return rest if first.startswith(_PREFIX) else path

    def file_response(
        self, full_path: Any, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the complete content; unlike Starlette's, this response supports no ranges."""
        is_page = Path(full_path).suffix == ".html"
        version = self._version()
        file = _load(str(full_path), stat_result.st_mtime_ns, version if is_page else None)
        headers = Headers(scope=scope)
        is_gzip = file.gzipped is not None and "gzip" in headers.get("accept-encoding", "")
        etag = f'"{file.digest}-gzip"' if is_gzip else f'"{file.digest}"'
        answer = {"etag": etag, "vary": "Accept-Encoding"}
        if not is_page:
            answer["cache-control"] = _FOR_GOOD if scope.get("static_version") == version else _ASK_AGAIN
        if etag_matches(headers, etag):
            return Response(status_code=304, headers=answer)
        if not is_gzip:
            return Response(file.content, status_code, answer, file.media_type)
        return Response(file.gzipped, status_code, answer | {"content-encoding": "gzip"}, file.media_type)

    def _version(self) -> str:
        entries = sorted((str(path), path.stat().st_mtime_ns) for path in self._folder.rglob("*") if path.is_file())
        return _version_of(tuple(entries))


@dataclass(frozen=True, slots=True)
class _File:
    """The content of a file; `gzipped` is None where that saves nothing."""

    content: bytes
    gzipped: bytes | None
    digest: str
    media_type: str


@lru_cache(maxsize=200)
def _load(path: str, modified_ns: int, version: str | None) -> _File:
    """Read a file. If it is a page, its links lead to the `version` of the files."""
    content = Path(path).read_bytes()
    if version:
        content = _completed(content, Path(path).parent, version)
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    # Without a time inside, each process sends the same bytes.
    gzipped = gzip.compress(content, mtime=0) if media_type.startswith(_TEXT) else None
    is_smaller = gzipped is not None and len(gzipped) < len(content)
    return _File(content, gzipped if is_smaller else None, hashlib.sha256(content).hexdigest()[:20], media_type)


def _completed(page: bytes, folder: Path, version: str) -> bytes:
    """Insert the files that a page includes, such as the head that all pages share, and lead its links to a version."""
    page = _INCLUDE.sub(lambda include: (folder / include[1].decode()).read_bytes(), page)
    return page.replace(b'"/static/', f'"/static/{version}/'.encode())


@lru_cache(maxsize=1)
def _version_of(entries: tuple[tuple[str, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _ in entries:
        digest.update(Path(path).name.encode() + b"\0" + Path(path).read_bytes() + b"\0")
    return f"{_PREFIX}{digest.hexdigest()[:12]}"
