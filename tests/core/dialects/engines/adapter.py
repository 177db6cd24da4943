"""What a test of agreement needs of an engine: the records in, and what a compiled filter selects."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, ClassVar, Self

from nlp2filters.core.dialects import Options
from tests import reference
from tests.core.dialects.engines.rows import Row


class UnsupportedError(Exception):
    """The version of the engine that runs here cannot be asked this."""


class Adapter(ABC):
    """An engine, or what runs its query language here.

    `fold` is how it folds upper and lower case. `emulated` is true if something else than the engine itself runs.
    `options` say how the adapter stores the records. `package` is the Python package that runs, if it is one.
    """

    dialect: ClassVar[str]
    package: ClassVar[str] = ""
    emulated: ClassVar[bool] = False
    options: ClassVar[Options] = Options()

    @property
    def version(self) -> str:
        """What runs here, once the records are loaded."""
        return f"{self.package} {version(self.package)}" if self.package else "the tests' own evaluator"

    @staticmethod
    def fold(text: str) -> str:
        """A to Z only, unless an engine says otherwise."""
        return reference.fold(text)

    @staticmethod
    def holds(row: Row) -> bool:
        """True if the engine can store the record at all; `load` gets no others."""
        return True

    @abstractmethod
    def load(self, rows: Sequence[Row]) -> None:
        """Hold these records and no others. A missing value is None."""

    @abstractmethod
    def select(self, compiled: dict[str, Any]) -> list[int]:
        """Run what was compiled, as its engine's client would. Return the ids in any order."""

    def close(self) -> None:  # noqa: B027
        """Stop what `load` started, if anything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def unicode_fold(text: str) -> str:
    return text.lower()


def simple_fold(text: str) -> str:
    """Unicode's simple mapping: a sign becomes one sign, so that "İ" is "i"."""
    return "".join(sign.lower()[0] for sign in text)
