"""Encodings: recognized by byte order marks, then UTF-8, else the Windows code page."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from nlp2filters.errors import SourceError

_BLOCK = 2**16
_SAMPLE = 4_096
# The longer marks come first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)
# Latin text in UTF-16 has a zero in every second byte.
_MIN_ZEROS = 0.3
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding: Python's name of it, the one for people, and the number of characters that do not fit it."""

    codec: str
    label: str
    broken: int = 0


def detect(file: BinaryIO, name: str | None = None) -> Encoding:
    """Return the encoding of the text, all of which is read unless the beginning decides; or the one with that name.

    Raises:
        SourceError: there is no encoding with that name.
    """
    start = file.read(_SAMPLE)
    file.seek(0)
    if marked := next((Encoding(codec, label) for mark, codec, label in _MARKS if start.startswith(mark)), None):
        return marked
    if name is not None:
        try:
            return Encoding(codecs.lookup(name).name, name.lower())
        except LookupError as exc:
            raise SourceError(f"There is no encoding {name!r}. Try utf-8, windows-1252 or iso-8859-2.") from exc
    return _by_zeros(start) or _utf8_or_code_page(file)


def _by_zeros(start: bytes) -> Encoding | None:
    """Recognize UTF-16 without a mark."""
    pairs = len(start) // 2
    for codec, zeros, others in (("utf-16-le", start[1::2], start[0::2]), ("utf-16-be", start[0::2], start[1::2])):
        if pairs and zeros.count(0) > _MIN_ZEROS * pairs and not others.count(0):
            return Encoding(codec, "utf-16")
    return None


def _utf8_or_code_page(file: BinaryIO) -> Encoding:
    """Decode the whole file: a name in the last line may show that it is no UTF-8.

    A few broken characters among more sound ones are damage, not another encoding.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    sound = broken = 0
    while block := file.read(_BLOCK):
        if block.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(block)
        replaced = text.count(_REPLACEMENT)
        broken += replaced
        sound += sum(not character.isascii() for character in text) - replaced
    broken += len(decoder.decode(b"", final=True))
    file.seek(0)
    return Encoding("utf-8", "utf-8", broken) if sound >= broken else Encoding("cp1252", "windows-1252")
