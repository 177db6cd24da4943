"""What a speech model is told to expect: values and labels of a catalog, each field in its turn, as far as they fit."""

from typing import Any

from nlp2filters import demo
from nlp2filters.core.catalog import Catalog, parse
from nlp2filters.core.expected_names import names_to_expect
from nlp2filters.core.transcripts import MAX_PROMPT, prompt_of


def catalog(*fields: dict[str, Any]) -> Catalog:
    return parse({"name": "things", "fields": list(fields)})


def test_fields_and_labels_take_turns_and_the_most_frequent_values_come_first() -> None:
    names = names_to_expect(
        catalog(
            {"name": "maker", "type": "keyword", "label": "Maker", "values": ["Škoda", "Citroën", "Mazda"]},
            {"name": "town", "type": "text", "values": ["Łódź"]},
            {"name": "top_speed", "type": "number"},
        )
    )
    assert names == ["Škoda", "Łódź", "Maker", "Citroën", "town", "Mazda", "top speed"]


def test_names_are_told_once_and_numbers_and_sentences_never() -> None:
    values = ["1974", "Mazda", "mazda", "x" * 65, "A4"]
    assert names_to_expect(catalog({"name": "Model", "type": "keyword", "values": values})) == ["Model", "Mazda", "A4"]


def test_many_values_leave_room_for_other_fields() -> None:
    many = [f"Fernsehturm {number} von Irgendwo" for number in range(5_000)]
    names = names_to_expect(
        catalog({"name": "a", "type": "keyword", "values": many}, {"name": "b", "type": "keyword", "values": ["Ulm"]})
    )
    assert "Ulm" in names
    assert prompt_of(names) == ", ".join(names)
    assert MAX_PROMPT - 40 < len(prompt_of(names)) <= MAX_PROMPT


def test_the_demo_data() -> None:
    assert {"datsun", "Horsepower", "Europe"} <= set(names_to_expect(demo.catalog("cars")))
