"""The query languages that a filter can be compiled to.

All of them select the same rows, as far as an engine can: what it cannot express is reported with the compiled query.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nlp2filters.core import filters
from nlp2filters.core.catalog import TEMPORAL, Catalog, Field
from nlp2filters.core.dialects import documents, libraries, ogc, sql, strings
from nlp2filters.core.dialects.capabilities import PLACES
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.fitting import Loss, fit
from nlp2filters.core.dialects.lowering import Unknown, lower
from nlp2filters.core.dialects.writer import Search, SortKey, Target
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.mapping import NO_MAPPING, EngineMapping, Form
from nlp2filters.errors import InvalidFilter, Violation, pointer

FAMILIES = (sql.DIALECTS, documents.DIALECTS, ogc.DIALECTS, strings.DIALECTS, libraries.DIALECTS)
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for family in FAMILIES for dialect in family}


@dataclass(frozen=True, slots=True)
class Options:
    """The time zone in which days begin, the meaning of unknown values, and the caller's mappings by dialect."""

    zone: dt.tzinfo = dt.UTC
    unknown: Unknown = "exclude"
    mappings: Mapping[str, EngineMapping] = field(default_factory=dict)

    def target(self, dialect: str, catalog: Catalog) -> Target:
        """Return the place of a catalog's records: the caller's mapping comes before the catalog's."""
        return Target(catalog, self.mappings.get(dialect) or catalog.mappings.get(dialect, NO_MAPPING))


DEFAULTS = Options()


def compile(  # noqa: A001
    name: str, interpretation: Interpretation, catalog: Catalog, options: Options = DEFAULTS
) -> dict[str, Any]:
    """Write a checked and resolved interpretation in the dialect of that name, as JSON data.

    The member `lossy` lists what the query does not say, as `{"pointer", "reason", "effect"}`: see `fitting.Loss`.

    Raises:
        KeyError: there is no dialect of that name.
    """
    dialect, target = DIALECTS[name], options.target(name, catalog)
    where, losses = None, list(_losses(dialect, interpretation, target))
    if interpretation.filter:
        lowered = lower(interpretation.filter, catalog, options.zone, options.unknown)
        where, of_filter = fit(lowered, dialect.capabilities, dialect.title, target.stored)
        losses = of_filter + losses
    able = dialect.capabilities
    fields = [(catalog.by_name[key.field], key.direction) for key in interpretation.sort if able.sort]
    keys = tuple(SortKey(of, direction) for of, direction in fields if able.can_name(target.name(of)))
    limit = interpretation.limit
    if limit is not None and able.max_limit is not None:
        limit = min(limit, able.max_limit)
    search = Search(
        target,
        where,
        sort=keys[: able.max_sort_keys],
        limit=limit if able.limit else None,
        text=interpretation.text if able.text else "",
    )
    return {**dialect.render(search), "lossy": [loss.to_json() for loss in losses]}


def check_scope(scope: Filter, catalog: Catalog, dialects: tuple[str, ...], options: Options = DEFAULTS) -> None:
    """Check that a scope, a filter for security, selects no more rows than it should in any of the dialects.

    Raises:
        InvalidFilter: with the parts that a dialect cannot express, pointing into the scope.
    """
    # Which day it is changes no form.
    lowered = lower(filters.resolve(scope, dt.date(2000, 1, 1)), catalog, options.zone, options.unknown)
    violations = []
    for name in dialects:
        dialect, target = DIALECTS[name], options.target(name, catalog)
        _, losses = fit(lowered, dialect.capabilities, dialect.title, target.stored)
        violations += [
            Violation(loss.pointer.removeprefix("/filter"), f"{loss.reason} A scope must be compiled as it is.")
            for loss in losses
            if loss.effect == "wider"
        ]
    if violations:
        raise InvalidFilter(violations)


def mapping_faults(mappings: Mapping[str, EngineMapping], catalog: Catalog) -> list[Violation]:
    """Return what is wrong with mappings, pointing into them."""
    faults = []
    for name, mapping in mappings.items():
        if name not in DIALECTS:
            faults.append(Violation(pointer(name), f"There is no dialect {name!r}. Choose from {', '.join(DIALECTS)}."))
            continue
        dialect = DIALECTS[name]
        native: frozenset[Form] = frozenset({"native"})
        forms = native | dialect.capabilities.forms
        if mapping.paramstyle not in {None, *dialect.capabilities.paramstyles}:
            allowed = ", ".join(dialect.capabilities.paramstyles) or "none: values stand in the query"
            faults.append(Violation(f"/{name}/paramstyle", f"{dialect.title} does not take it. It takes {allowed}."))
        for field_name, stored in mapping.fields.items():
            at = pointer(name, "fields", field_name)
            faults += [
                Violation(f"{at}/{place}", f"{dialect.title} has no use for {place!r}; leave it out.")
                for place in PLACES
                if getattr(stored, place) is not None and place not in dialect.capabilities.places
            ]
            if field_name not in catalog.by_name:
                faults.append(Violation(at, f"The catalog has no field {field_name!r}."))
                continue
            able = {form for form in forms if suits(form, catalog.by_name[field_name])}
            if stored.form not in {None, *able}:
                allowed = ", ".join(sorted(able))
                faults.append(
                    Violation(f"{at}/form", f"{dialect.title} has no form {stored.form!r} for it. Use {allowed}.")
                )
    return faults


def suits(form: Form, of: Field) -> bool:
    """Return whether the values of a field may be stored in a form."""
    match form:
        case "native":
            return True
        case "array" | "json":
            return of.many
        case "timestamptz":
            return of.type == "datetime"
        case _:
            return of.type in TEMPORAL


def _losses(dialect: Dialect, interpretation: Interpretation, target: Target) -> Iterator[Loss]:
    """Yield what the query does not say beside the filter."""
    able, title = dialect.capabilities, dialect.title
    keys = [target.catalog.by_name[key.field] for key in interpretation.sort]
    if interpretation.text and not able.text:
        yield Loss("/text", f"{title} has no search for these words here: {interpretation.text}", "wider")
    if keys and not able.sort:
        yield Loss("/sort", f"{title} has no order in such a query; sort what it returns.", "order")
    elif any(key.nullable for key in keys) and not able.nulls_last:
        yield Loss("/sort", f"{title} has its own place for rows without a value.", "order")
    for key in keys if able.sort else ():
        if not able.can_name(target.name(key)):
            yield Loss("/sort", f"{title} has no fields with a name such as {target.name(key)!r}.", "order")
    if able.sort and able.max_sort_keys is not None and len(keys) > able.max_sort_keys:
        yield Loss("/sort", f"{title} sorts by {able.max_sort_keys} fields at most.", "order")
    if interpretation.limit is not None and not able.limit:
        yield Loss("/limit", f"{title} has no limit in such a query; cut what it returns.", "wider")
    elif interpretation.limit is not None and able.max_limit is not None and interpretation.limit > able.max_limit:
        yield Loss(
            "/limit", f"{title} returns {able.max_limit:,} rows at most; ask for the rest page by page.", "narrower"
        )
