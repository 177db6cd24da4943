"""Options that come as texts: in a query, or in the fields of a form."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
from starlette.datastructures import ImmutableMultiDict

from nlp2filters.core.requests import RequestBody, validate
from nlp2filters.errors import InvalidRequest, Violation

Options = TypeVar("Options", bound=RequestBody)


def read_options(texts: ImmutableMultiDict[str, Any], model: type[Options]) -> Options:
    """Read options, of which lists may be repeated.

    Raises:
        InvalidRequest: an option is unknown, or has another form.
    """
    members: dict[str, Any] = {}
    for name in texts:
        if name in _REPEATED:
            members[name] = texts.getlist(name)
        else:
            text = texts[name]
            members[name] = _READERS[name](name, text) if name in _READERS and isinstance(text, str) else text
    return validate(model, members)


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidRequest([Violation(f"/{name}", f"Expected JSON: {exc}.")]) from exc


def _words(name: str, text: str) -> Any:
    """Read a list of names, as JSON or separated by commas, or the JSON object with the name of a catalog."""
    if text.lstrip().startswith(("[", "{")):
        return _json(name, text)
    return [word.strip() for word in text.split(",") if word.strip()]


def _webhook(name: str, text: str) -> Any:
    """Read a webhook, as JSON or as its URL."""
    return _json(name, text) if text.lstrip().startswith("{") else {"url": text}


_JSON = ("metadata", "deadline_seconds", "word_times", "then", "gitignore", "budget")
_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "words": _words,
    "webhook": _webhook,
    **dict.fromkeys(_JSON, _json),
}
_REPEATED = frozenset({"include", "exclude", "tasks"})
