"""A dialect: one row of the table of query languages."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal, cast

from nlp2filters.core.dialects.capabilities import Capabilities
from nlp2filters.core.dialects.writer import Render

Proof = Literal[
    "engine",  # the engine itself selects the same records as the reference
    "emulator",  # something that runs the engine's language does
    "grammar",  # a parser or schema of the engine's language accepts every query
    "golden",  # queries are compared with what the engine's documentation says
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The query language of an engine or of a family of engines.

    `title` is its name for people, `documentation` the page of the engine's own that it follows. `module` has the
    function `render`, and is loaded when it is needed first. `proof` is the strongest of our tests.
    """

    name: str
    title: str
    module: str
    documentation: str
    capabilities: Capabilities
    proof: Proof = "golden"

    @property
    def render(self) -> Render:
        """The function that writes a search."""
        return _render(self.module)


@cache
def _render(module: str) -> Render:
    return cast(Render, import_module(f"nlp2filters.core.dialects.{module}").render)
