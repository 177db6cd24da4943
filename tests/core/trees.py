"""Any filter tree, for tests of what holds for all of them."""

import datetime as dt

from hypothesis import strategies as st

from nlp2filters.core.filters import (
    LIMITS,
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Or,
    RelativeDate,
    RelativeInstant,
)

units = st.sampled_from(("day", "week", "month", "quarter", "year"))
scalars = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.times(),
    st.builds(RelativeDate, st.integers(-100, 100), units, units),
    st.builds(RelativeInstant, st.integers(-100, 100), st.sampled_from(("second", "minute", "hour"))),
    st.builds(RelativeInstant, st.integers(-100, 100), units, st.times()),
)
names = st.text(min_size=1)
tests = st.one_of(
    st.builds(Comparison, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), names, scalars),
    st.builds(Between, names, scalars, scalars),
    st.builds(OneOf, names, st.lists(scalars, min_size=1, max_size=4).map(tuple)),
    st.builds(Contains, names, st.text(alphabet="ab%_\\'\"é \n") | st.text()),
    st.builds(IsNull, names),
)
trees = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
).filter(lambda node: depth(node) <= LIMITS.depth)


def depth(node: Filter) -> int:
    match node:
        case Not(arg):
            return 1 + depth(arg)
        case And(args) | Or(args):
            return 1 + max(map(depth, args))
        case _:
            return 1
