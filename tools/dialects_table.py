"""Write the table of dialects in docs/dialects.md from their rows."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.dialects.capabilities import ALL_TYPES, NO_SUPPORT, Capabilities, Support
from nlp2filters.core.dialects.dialect import Dialect

PAGE = Path(__file__).parent.parent / "docs" / "dialects.md"

NESTING = {"full": "any", "clauses": "AND of ORs", "conjunction": "AND only"}
LETTERS = {"unicode": "all", "ascii": "A–Z", "never": "none", "always": "all, always"}
FULL = Support()

COLUMNS: Mapping[str, Callable[[Dialect], str]] = {
    "dialect": lambda dialect: f"`{dialect.name}`",
    "engine": lambda dialect: f"[{dialect.title}]({dialect.documentation})",
    "AND, OR": lambda dialect: NESTING[dialect.capabilities.nesting],
    "values": lambda dialect: _support(dialect.capabilities.scalars),
    "lists": lambda dialect: _support(dialect.capabilities.lists),
    "folds `=`": lambda dialect: LETTERS[dialect.capabilities.folding],
    "folds `contains`": lambda dialect: _has_folding(dialect.capabilities),
    "null test": lambda dialect: _null_test(dialect.capabilities),
    "order": lambda dialect: _order(dialect.capabilities),
    "limit": lambda dialect: _mark(dialect.capabilities.limit),
    "words": lambda dialect: _mark(dialect.capabilities.text),
    "stored forms": lambda dialect: ", ".join(sorted(dialect.capabilities.forms - {"native"})) or "–",
    "parameters": lambda dialect: ", ".join(dialect.capabilities.paramstyles) or "–",
    "proof": lambda dialect: dialect.proof,
}


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(with_section(PAGE.read_text("utf-8"), "dialects", table()), "utf-8")


def table() -> str:
    """Return the table of dialects in Markdown."""
    rows = [[cell(dialect) for cell in COLUMNS.values()] for dialect in DIALECTS.values()]
    return markdown(list(COLUMNS), rows)


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))


def with_section(page: str, name: str, content: str) -> str:
    """Return a page with new content between `<!-- name -->` and `<!-- /name -->`."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    new, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}{content}{end}", page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"The page has {count} sections {name!r}.")
    return new


def _support(support: Support) -> str:
    if support == NO_SUPPORT:
        return "–"
    parts = [
        _share("=", len(support.eq), len(FULL.eq), _missing(ALL_TYPES - support.eq)),
        _share("<", len(support.range), len(FULL.range), _missing(FULL.range - support.range)),
        _share("contains", len(support.has), len(FULL.has), " " + "/".join(sorted(support.has))),
    ]
    return "all" if support == FULL else " ".join(filter(None, parts)) or "–"


def _share(test: str, part: int, whole: int, note: str) -> str:
    return f"`{test}`{'' if part == whole else note}" if part else ""


def _missing(types: frozenset[str]) -> str:
    return f" not {'/'.join(sorted(types))}"


def _has_folding(able: Capabilities) -> str:
    return LETTERS[able.has_folding] if able.scalars.has or able.lists.has else "–"


def _null_test(able: Capabilities) -> str:
    if able.null_test:
        return "yes" if able.exists_test else "missing"
    return f"has a value{_missing(ALL_TYPES - able.exists_test)}" if able.exists_test else "–"


def _order(able: Capabilities) -> str:
    return "nulls last" if able.sort and able.nulls_last else _mark(able.sort)


def _mark(able: bool) -> str:
    return "yes" if able else "–"


if __name__ == "__main__":
    main()
