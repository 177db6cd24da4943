"""Recordings of people who speak, out of Debian packages, with their texts: for the tests and `make speech`.

Nothing of them is installed: the packages are unpacked into the user's cache folder. Their licences allow it (BSD-2 and
CC-BY-SA-3.0), but the recordings do not belong into this repository.
"""

import gzip
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

PACKAGES = ("pocketsphinx-testdata", "asterisk-core-sounds-en-wav", "asterisk-core-sounds-en")
READERS = "usr/share/pocketsphinx/test/data/librivox"
PROMPTS = "usr/share/asterisk/sounds/en_US_f_Allison"
PROMPT_TEXTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
MIN_WORDS = 9


@dataclass(frozen=True)
class Recording:
    """A recording, and the text that was read: without punctuation, or as it was printed."""

    file: Path
    text: str


def folder() -> Path:
    return user_cache_path("nlp2filters") / "recordings"


def locate() -> list[Recording]:
    """Return the recordings, and fetch them if necessary; none where there is no Debian."""
    target = folder()
    if not target.exists() and not _fetch(target):
        return []
    return [*_readers(target), *_prompts(target)]


def _fetch(target: Path) -> bool:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        work = Path(name)
        if not _download(work) and (_run(["apt-get", "update", "-qq"], work) or not _download(work)):
            return False
        (work / "unpacked").mkdir()
        for package in sorted(work.glob("*.deb")):
            if _run(["dpkg-deb", "-x", str(package), "unpacked"], work):
                return False
        try:
            (work / "unpacked").rename(target)
        except OSError:  # Another process was faster.
            return target.exists()
    return True


def _download(work: Path) -> bool:
    return not _run(["apt-get", "download", "-qq", *PACKAGES], work) and len(list(work.glob("*.deb"))) == len(PACKAGES)


def _run(command: list[str], work: Path) -> int:
    return subprocess.run(command, cwd=work, capture_output=True, check=False).returncode


def _readers(root: Path) -> Iterator[Recording]:
    """Volunteers who read a novel, at 16 kHz."""
    for line in (root / READERS / "transcription").read_text().splitlines():
        text, name = re.fullmatch(r"<s> (.+) </s> \((.+)\)", line.strip()).groups()  # type: ignore[union-attr]
        yield Recording(root / READERS / f"{name}.wav", text.replace("a more a amiable", "a more amiable"))


def _prompts(root: Path) -> Iterator[Recording]:
    """The longer announcements of a telephone system, at 8 kHz."""
    with gzip.open(root / PROMPT_TEXTS, "rt") as lines:
        for line in lines:
            name, _, text = line.strip().partition(": ")
            file = root / PROMPTS / f"{name}.wav"
            if len(text.split()) >= MIN_WORDS and not re.search(r"[\[(*#;]", name + text) and file.exists():
                yield Recording(file, text)


if __name__ == "__main__":
    if count := len(locate()):
        print(f"{count} recordings in {folder()}")
    else:
        print("No recordings of speech: their tests will be skipped. They need Debian's apt-get.", file=sys.stderr)
