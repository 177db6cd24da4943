"""Filters as objects of operators that begin with a dollar, after the model of MongoDB."""

from collections.abc import Sequence
from typing import Any, ClassVar

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import Eq, In, Range, Test, Value, limits
from nlp2filters.core.dialects.writer import Writer
from nlp2filters.core.mapping import Form

Query = dict[str, Any]

_OPERATORS = {">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte"}
_OPPOSITES = {"$eq": "$ne", "$in": "$nin"}


class OperatorWriter(Writer[Query]):
    """A writer of `{field: {operator: value}}`.

    Values always stand behind an operator, so that none is read as one. `temporal_form` is the form of dates and times
    that no mapping gives another form.
    """

    temporal_form: ClassVar[Form] = "epoch_seconds"

    def eq(self, test: Eq) -> Query:
        return self.field(test.field, {"$eq": self.value(test.value, test.field)})

    def one_of(self, test: In) -> Query:
        return self.field(test.field, {"$in": [self.value(value, test.field) for value in test.values]})

    def range(self, test: Range) -> Query:
        return self.every([self.field(test.field, {sign: limit}) for sign, limit in self.within(test).items()])

    def negated(self, test: Test) -> Query:
        """Negate a test for values, which has an opposite of its own."""
        ((name, tested),) = self.write(test).items()
        ((operator, value),) = tested.items()
        return {name: {_OPPOSITES[operator]: value}}

    def every(self, parts: Sequence[Query]) -> Query:
        return {"$and": list(parts)} if len(parts) > 1 else parts[0]

    def some(self, parts: Sequence[Query]) -> Query:
        return {"$or": list(parts)}

    def field(self, field: Field, tested: Query) -> Query:
        """Write a test of a field."""
        return {self.target.name(field): tested}

    def within(self, test: Range) -> Query:
        """Write the limits of a range, as operators."""
        return {_OPERATORS[sign]: self.value(limit, test.field) for sign, limit in limits(test)}

    def value(self, value: Value, field: Field) -> Any:
        """Return a value in the form in which the field is stored."""
        form = self.target.stored(field).form
        return in_form(value, form if form and form != "native" else self.temporal_form)
