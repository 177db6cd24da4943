"""The trees of errors in the docstrings are those of the classes."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from nlp2filters import errors
from nlp2filters.client import errors as client_errors


def tree(root: type[Exception], module: ModuleType, indent: str = "") -> Iterator[str]:
    """The lines below a class: its subclasses in the order of their definition."""
    children = [child for child in root.__subclasses__() if child.__module__ == module.__name__]
    for child in children:
        last = child is children[-1]
        yield f"{indent}{'└──' if last else '├──'} {child.__name__}"
        yield from tree(child, module, indent + ("    " if last else "│   "))


@pytest.mark.parametrize(
    ("module", "root"), [(errors, errors.NLP2FiltersError), (client_errors, client_errors.ClientError)]
)
def test_the_docstring_shows_every_error(module: ModuleType, root: type[Exception]) -> None:
    _, _, shown = (module.__doc__ or "").partition("\n\n")
    assert shown.strip().splitlines() == [root.__name__, *tree(root, module)]


@pytest.mark.parametrize("module", [errors, client_errors])
def test_every_error_has_a_sentence(module: ModuleType) -> None:
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    assert all(kind.__doc__ and kind.__doc__.endswith((".", "\n    ")) for kind in classes)
