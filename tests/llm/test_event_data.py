"""The data of events, however the body is cut into pieces."""

import pytest

from nlp2filters.llm.event_data import EventData, JSONLines, ServerSentData


def data(reader: EventData, *pieces: bytes) -> list[str]:
    return [*(data for piece in pieces for data in reader.feed(piece)), *reader.end()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_events_may_be_cut_anywhere(end: str) -> None:
    """By the rules of the HTML standard: comments, names without data and other fields are left out."""
    lines = [
        ": hello",
        'data: {"a": "größer, 🚗"}',
        "",
        "event: ping",
        "",
        "id: 7",
        "data:first",
        "data:  second",
        "",
        "",
    ]
    body = (end.join([*lines, "data: [DONE]", "", ""])).encode() + b"\n"
    expected = ['{"a": "größer, 🚗"}', "first\n second", "[DONE]"]
    assert data(ServerSentData(), body) == expected
    assert data(ServerSentData(), *[bytes([byte]) for byte in body]) == expected
    for at in range(len(body)):
        assert data(ServerSentData(), body[:at], body[at:]) == expected


def test_an_event_without_its_end_does_not_count() -> None:
    assert data(ServerSentData(), b"data: a\n\ndata: b\n") == ["a"]


def test_half_a_character_spoils_no_other() -> None:
    """Some servers send a character that takes two tokens in two events."""
    half = "\N{REPLACEMENT CHARACTER}"
    assert data(ServerSentData(), b"data: \xc3\n\n", b"data: \xb6 b\n\n") == [half, f"{half} b"]


def test_lines_of_json_may_be_cut_anywhere() -> None:
    body = '{"a": "größer"}\n\n{"b": 1}\r\n{"c": 2}'.encode()
    expected = ['{"a": "größer"}', '{"b": 1}', '{"c": 2}']
    for at in range(len(body)):
        assert data(JSONLines(), body[:at], body[at:]) == expected


def test_a_long_event_in_small_pieces_takes_no_longer_than_its_length() -> None:
    """Each piece is looked at once, so 20 MB in small pieces are read in a moment."""
    pieces = [b"data: ", *[b"x" * 200] * 100_000, b"\n\n"]
    assert [len(event) for event in data(ServerSentData(), *pieces)] == [20_000_000]
