"""Words as values of a string field."""

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import And, Comparison, Contains
from tests.core.parser.shop import read

C = Comparison


def test_a_field_with_no_known_values_takes_the_words() -> None:
    catalog = catalogs.parse(
        {"name": "c", "fields": [{"name": "city", "type": "keyword"}, {"name": "n", "type": "integer"}]}
    )
    assert read("city is San Jose and n over 3", catalog).filter == And((Contains("city", "San Jose"), C(">", "n", 3)))
