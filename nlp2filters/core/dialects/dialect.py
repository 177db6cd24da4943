"""A dialect: one row of the table of query languages."""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from nlp2filters.core.dialects.capabilities import Capabilities
from nlp2filters.core.dialects.writer import Render


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The query language of an engine or of a family of engines.

    `title` is its name for people, `documentation` the page of the engine's own that it follows. `module` has the
    function `render`, and is loaded when it is needed first.
    """

    name: str
    title: str
    module: str
    documentation: str
    capabilities: Capabilities

    @property
    def render(self) -> Render:
        """The function that writes a search."""
        return cast(Render, import_module(f"nlp2filters.core.dialects.{self.module}").render)
