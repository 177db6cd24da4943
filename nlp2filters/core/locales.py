"""Locales: the languages of texts by their names, for what checks a request without reading a word of it."""

from pathlib import Path
from typing import Literal, TypeAlias

# The folder of the language files.
FOLDER = Path(__file__).parent / "languages"
# The languages that have a file, by their ISO 639-1 code.
CODES = sorted(path.stem for path in FOLDER.glob("*.toml"))
LOCALES = rf"({'|'.join(CODES)})(-[A-Z]{{2}})?"

# What comes first in dates such as 03/04/2024.
DateOrder: TypeAlias = Literal["day", "month"]
