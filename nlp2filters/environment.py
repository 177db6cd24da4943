"""Reading dataclasses of settings from environment variables.

A setting is a field that names its variable, with a default and a description:

    @dataclass(frozen=True)
    class Settings:
        port: int = setting("PORT", 8000, "Port to listen at.")

    settings = read(Settings, os.environ)

It is our own, and not Starlette's or pydantic's, so that the client reads its variables without either.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from nlp2filters.errors import InvalidSetting

T = TypeVar("T")

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Secret:
    """A value that `repr` does not show, so that it gets into no log; `str` returns it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __str__(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable: its default, as it is written there, its description, and how to convert its value."""

    name: str
    default: Any
    doc: str
    cast: Callable[[Any], Any]

    def read(self, environ: Mapping[str, str]) -> Any:
        """Read the value.

        Raises:
            InvalidSetting: it is not of the variable's type.
        """
        value = environ.get(self.name, self.default)
        try:
            return _boolean(value) if self.cast is bool else self.cast(value)
        except (TypeError, ValueError) as exc:
            raise InvalidSetting(self.name, str(exc)) from exc


def setting(env: str, default: Any, doc: str, cast: Callable[[Any], Any] | None = None) -> Any:
    """Define a setting that has one variable. A default that is empty is a function that creates it."""
    variable = Variable(env, "" if callable(default) else default, doc, cast or type(default))
    metadata = {"read": variable.read, "variables": [variable]}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=variable.cast(default), metadata=metadata)


def read(settings: type[T], environ: Mapping[str, str]) -> T:
    """Read a dataclass of settings from a mapping such as `os.environ`.

    Raises:
        InvalidSetting: a value is not of its variable's type.
    """
    return settings(**{one.name: one.metadata["read"](environ) for one in fields(settings)})  # type: ignore[arg-type]


def variables(settings: Any) -> Iterator[Variable]:
    """Yield the variables of a dataclass of settings."""
    for one in fields(settings):
        yield from one.metadata["variables"]


def words(text: str) -> tuple[str, ...]:
    """Read values that are separated by commas."""
    return tuple(word for word in map(str.strip, text.split(",")) if word)


def _boolean(value: str | bool) -> bool:
    if isinstance(value, bool):
        return value
    if value.lower() not in _BOOLEANS:
        raise ValueError(f"{value!r} is neither true nor false")
    return _BOOLEANS[value.lower()]
