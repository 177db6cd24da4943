"""The readers of training data, on a few lines of the form that each has."""

import bz2
import json
from pathlib import Path

import pytest

from training import dialogues, schema2qa, wikisql
from training.examples import Example, FieldSketch, find
from training.schema2qa import Filler


def said(example: Example) -> dict[str, str]:
    return {example.fields[field].name: example.text[start:end] for start, end, field in example.spans}


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("Who is Ray Drew?", "ray drew", "Ray Drew"),
        ("for three people", "3", "three"),
        ("a score of 4 - 2 there", "4-2", "4 - 2"),
        ("the art of the cart", "cart", "cart"),
        ("nothing like it", "ray", None),
    ],
)
def test_a_value_is_found_as_whole_words(text: str, value: str, found: str | None) -> None:
    place = find(text, value, [])
    assert (text[slice(*place)] if place else None) == found


def test_what_is_taken_is_not_found_again() -> None:
    assert find("rome to rome", "rome", [(0, 4)]) == (8, 12)


def test_questions_on_tables(tmp_path: Path) -> None:
    def query(split: str, text: str, where: str, values: dict[str, str]) -> dict[str, object]:
        variables = [{"name": name, "example": value} for name, value in values.items()]
        sentence = {"question-split": split, "table-id": "1-1", "original": text, "variables": {}}
        sql = f"SELECT TABLEalias0.POSITION_FIELD FROM TABLE AS TABLEalias0 WHERE {where} ;"
        return {"sql": [sql], "variables": variables, "sentences": [sentence]}

    player = 'TABLEalias0.PLAYER_FIELD = "var0"'
    queries = [
        query("train", "Where does Ray Drew play?", player, {"var0": "ray drew"}),
        query(
            "train", "And before 1990?", 'TABLEalias0.FIRST_YEAR_FIELD < "var0"', {"var0": "1990"}
        ),
        query("train", "Where does he play?", player, {"var0": "ray drew"}),
        query("test", "Where does Al Bo play?", player, {"var0": "al bo"}),
    ]  # fmt: skip
    file = tmp_path / "wikisql.json.bz2"
    file.write_bytes(bz2.compress(json.dumps(queries).encode()))
    first, second = wikisql.read(file)
    assert [(field.name, field.type) for field in first.fields] == [
        ("position", "text"),
        ("player", "text"),
        ("first year", "number"),
    ]
    assert said(first) == {"player": "Ray Drew"}
    assert said(second) == {"first year": "1990"}


def test_turns_of_dialogues(tmp_path: Path) -> None:
    slots = [
        {"name": "city", "description": "Where", "is_categorical": False, "possible_values": []},
        {"name": "has_wifi", "description": "Wi-Fi", "is_categorical": True, "possible_values": ["True", "False"]},
        {"name": "rooms", "description": "How many", "is_categorical": True, "possible_values": ["1", "2"]},
    ]
    (tmp_path / "schema.json").write_text(json.dumps([{"service_name": "Hotels_1", "slots": slots}]), "utf-8")
    text = "Two rooms in Oslo with internet"
    frame = {
        "service": "Hotels_1",
        "slots": [{"slot": "city", "start": 13, "exclusive_end": 17}],
        "actions": [
            {"act": "INFORM", "slot": slot, "values": [value], "canonical_values": [value]}
            for slot, value in (("city", "Oslo"), ("has_wifi", "True"), ("rooms", "2"))
        ],
    }
    turn = {"speaker": "USER", "utterance": text, "frames": [frame]}
    content = [{"dialogue_id": name, "turns": [turn]} for name in ("1_1", "1_2")]
    (tmp_path / "dialogues_001.json").write_text(json.dumps(content), "utf-8")
    (example,) = dialogues.read(tmp_path, without={"1_2"})
    assert [field.type for field in example.fields] == ["keyword", "boolean", "integer"]
    assert said(example) == {"city": "Oslo", "rooms": "Two"}
    assert example.asked == {0, 1, 2}


def test_paraphrases_get_values_that_fit(tmp_path: Path) -> None:
    for domain in schema2qa.DOMAINS:
        folder = tmp_path / domain
        folder.mkdir()
        lines = [
            "1\tmovies by QUOTED_STRING_0 of NUMBER_0"
            "\t@M . M ( ) filter director =~ QUOTED_STRING_0 && year == NUMBER_0 ;",
            "2\tpg-13 movies\t@M . M ( ) filter contentRating == enum PG13 ;",
            "3\tthis or that\t@M . M ( ) filter year == 1 || year == 2 ;",
        ]
        (folder / "human-paraphrase.tsv").write_text("\n".join(lines), "utf-8")
    known = Example("c", "films of Jane Doe", (FieldSketch("director", "text"),), ((9, 17, 0),), frozenset({0}))
    first, again, rated, *_ = schema2qa.read(tmp_path, Filler([known]))
    for example in (first, again):
        assert said(example)["director"] == "jane doe"
        assert example.text == f"movies by jane doe of {said(example)['year']}"
        assert said(example)["year"].isdigit()
    assert said(rated) == {"contentRating": "pg-13"}
