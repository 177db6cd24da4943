"""Write docs/reference/ from the code: the settings, routes, commands and problems.

`python -m tools.reference` brings the pages up to date; a test fails while they are not.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from nlp2filters import settings
from nlp2filters.api.openapi import document
from nlp2filters.app import OPERATIONS
from nlp2filters.cli.main import COMMANDS
from nlp2filters.core.problems import PROBLEMS
from nlp2filters.storage.api_keys import SCOPES
from tools.dialects_table import markdown

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `python -m tools.reference`: change the code, not this page. -->"


def main() -> None:
    """Bring all pages up to date."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


def settings_page() -> str:
    """Return the page of environment variables."""
    rows = [[f"`{name}`", f"`{default}`" if default else "", doc] for name, default, doc in settings.table()]
    return _page(
        "Settings",
        "The service and the command line read these environment variables, once, when they start. All are optional. A "
        "value that makes no sense ends the process with a message that names its variable.",
        _table(["variable", "default", "meaning"], rows),
    )


def routes_page() -> str:
    """Return the page of routes, from the OpenAPI document."""
    paths: Mapping[str, Mapping[str, Any]] = document(OPERATIONS)["paths"]
    scopes = {(operation.path, operation.method): operation.scope for operation in OPERATIONS}
    return _page(
        "Routes",
        "Each route with the scope that a key needs for it, its parameters, and its answers. [The HTTP API](../api.md) "
        "explains them; `/docs` of a running service has the schemas, and `/openapi.json` is the same for programs.",
        "Scopes: " + "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items()) + ".",
        *(
            _route(path, method.upper(), operation, scopes[path, method.upper()])
            for path, methods in paths.items()
            for method, operation in methods.items()
        ),
    )


def _route(path: str, method: str, operation: Mapping[str, Any], scope: str | None) -> str:
    params = [
        [f"`{param['name']}`", param["in"], param["description"]]
        for param in operation["parameters"]
        if param["in"] != "path"
    ]
    answers = [
        [status, answer["description"].replace("](/problems/", "](problems.md#")]
        for status, answer in operation["responses"].items()
    ]
    parts = [
        f"## `{method} {path}`",
        operation["summary"],
        operation.get("description", ""),
        f"Scope: `{scope}`." if scope else "Needs no key.",
        _body(operation),
        _table(["parameter", "in", "meaning"], params) if params else "",
        _table(["status", "answer"], answers),
    ]
    return "\n\n".join(filter(None, parts))


def _body(operation: Mapping[str, Any]) -> str:
    types = operation.get("requestBody", {}).get("content", {})
    return f"Body: {', '.join(f'`{name}`' for name in types)}." if types else ""


def commands_page() -> str:
    """Return the page of commands: what `--help` of each prints, as tables."""
    return _page(
        "Commands",
        "What `nlp2filters COMMAND --help` says of each command. [Clients](../clients.md#command-line) has examples.",
        _table(["command", "purpose"], [[f"[`{name}`](#{name})", command.about] for name, command in COMMANDS.items()]),
        *(
            section
            for name, command in COMMANDS.items()
            for section in _command(f"nlp2filters {name}", f"## {name}", command.about, _parser(command.module))
        ),
    )


def _parser(module: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    import_module(f"nlp2filters.cli.{module}").add_to(parser)
    return parser


def _command(words: str, heading: str, about: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the section of a command, and those of its actions."""
    arguments = [action for action in parser._actions if action.dest != "help"]
    inner = next((action for action in arguments if isinstance(action, argparse._SubParsersAction)), None)
    rows = [[_argument(action), _meaning(action)] for action in arguments if action is not inner]
    yield "\n\n".join(
        filter(None, [heading, f"`{words}`: {about}.", _table(["argument", "meaning"], rows) if rows else ""])
    )
    for choice in inner._choices_actions if inner else ():
        name = choice.dest
        title = f"### {heading.removeprefix('## ')} {name}"
        yield from _command(f"{words} {name}", title, choice.help or "", inner.choices[name])  # type: ignore[union-attr]


def _argument(action: argparse.Action) -> str:
    metavar = action.metavar or (" or ".join(map(str, action.choices or ())) if _few(action) else action.dest.upper())
    value = metavar if isinstance(metavar, str) else " ".join(metavar)
    if not action.option_strings:
        return f"`{value}`"
    return ", ".join(f"`{option}`" if action.nargs == 0 else f"`{option} {value}`" for option in action.option_strings)


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%") % vars(action) if "%(" in (action.help or "") else action.help or ""
    choices = (
        "" if _few(action) or not action.choices else "one of " + ", ".join(f"`{name}`" for name in action.choices)
    )
    needed = "required" if action.option_strings and action.required else ""
    return "; ".join(filter(None, [text, choices and f"one of {choices}", needed]))


def _few(action: argparse.Action) -> bool:
    return action.choices is not None and len(list(action.choices)) <= 4


def problems_page() -> str:
    """Return the page of problems."""
    return _page(
        "Problems",
        "Every error is a [problem object](../api.md#errors). Its `type` ends in one of these names, and the service "
        "has a page about each at `/problems/NAME`.",
        *(
            f"## {slug}\n\n{kind.title}. HTTP status {kind.status}.\n\n{kind.remedy}"
            for slug, kind in sorted(PROBLEMS.items())
        ),
    )


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", NOTE, *parts]) + "\n"


def _table(header: list[str], rows: list[list[str]]) -> str:
    return markdown(header, [[_cell(text) for text in row] for row in rows])


def _cell(text: str) -> str:
    """Return a text for a table, where a bar would end the cell."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "routes.md": routes_page,
    "commands.md": commands_page,
    "problems.md": problems_page,
}


if __name__ == "__main__":
    main()
