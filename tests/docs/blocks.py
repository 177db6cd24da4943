"""The code blocks of a page of the documentation."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.service import ROOT

BLOCK = re.compile(r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block: its language, the file that it is the content of, if any, and its text."""

    language: str
    file: str
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    return [Block(language, file, textwrap.dedent(code)) for _, language, file, code in BLOCK.findall(text)]


def write_files(page: str, folder: Path, replacing: dict[str, str]) -> None:
    """Write the blocks that are files."""
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(replaced(block.text, replacing))


def replaced(text: str, replacing: dict[str, str]) -> str:
    """The text with these words replaced."""
    for old, new in replacing.items():
        text = text.replace(old, new)
    return text
