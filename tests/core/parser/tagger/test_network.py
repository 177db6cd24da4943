"""The network by itself, on vectors that are made up: its shapes, and the order of fields, which must not matter."""

import datetime as dt

import numpy as np
import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import parser
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import tagger
from nlp2filters.core.parser.tagger import MAX_TOKENS, Tagger, Tags

TODAY = dt.date(2026, 11, 24)
SIZE = 384


def lexicon(count: int) -> Lexicon:
    kinds = ("text", "number", "date", "boolean")
    fields = [{"name": f"field {at}", "type": kinds[at % len(kinds)]} for at in range(count)]
    return Lexicon.of(catalogs.parse({"name": "things", "fields": fields}))


def vectors(*shape: int, seed: int = 1) -> tagger.Array:
    return np.random.default_rng(seed).normal(0, 0.05, (*shape, SIZE)).astype(np.float32)


def tag(text: str, of: Lexicon, fields: tagger.Array) -> Tags:
    tokens, network = of.language.tokenize(text), Tagger.packaged()
    sentence, side = parser.sentence_of(text, tokens, of, TODAY), network.field_side(fields, tagger.kinds(of))
    return network.tag(sentence, tokens, vectors(len(tokens), seed=2), side)


@pytest.mark.parametrize("text", ["", "heat", "field 1 of jane austen, over 20 and in 2019", "so many words " * 200])
@pytest.mark.parametrize("count", [1, 5, 200])
def test_its_answers_are_probabilities(text: str, count: int) -> None:
    of = lexicon(count)
    tags = tag(text, of, vectors(count, 2))
    tokens = of.language.tokenize(text)
    assert tags.shares.shape == (len(tokens), count + 1)
    np.testing.assert_allclose(tags.shares.sum(axis=1), 1, atol=1e-4)
    for part, shape in ((tags.begins, len(tokens)), (tags.requested, count)):
        assert part.shape == (shape,)
        assert ((part >= 0) & (part <= 1)).all()
    assert all(0 <= spot < max(len(tokens), 1) for spot in tags.spots)
    assert (tags.shares[MAX_TOKENS:, -1] == 1).all()


def test_the_order_of_the_fields_does_not_matter() -> None:
    text, fields = "jane austen before 2019", vectors(6, 2)
    order = np.array([3, 0, 5, 1, 4, 2])
    of = lexicon(6)
    turned = Lexicon.of(catalogs.parse({"name": "things", "fields": [
        {"name": of.catalog.fields[at].name, "type": of.catalog.fields[at].type} for at in order
    ]}))  # fmt: skip
    straight, other = tag(text, of, fields), tag(text, turned, fields[order])
    np.testing.assert_allclose(other.shares, straight.shares[:, [*order, 6]], atol=1e-5)
    np.testing.assert_allclose(other.requested, straight.requested[order], atol=1e-5)


def test_a_token_has_the_mean_of_its_pieces() -> None:
    tokens = lexicon(1).language.tokenize("see Zaxby's 4.5")
    pieces = [(0, 3), (4, 7), (7, 9), (9, 10), (10, 11), (12, 13), (13, 14), (14, 15)]
    found = tagger.align(tokens, pieces, np.eye(len(pieces), dtype=np.float32))
    assert [list(np.flatnonzero(row)) for row in found] == [[0], [1, 2, 3, 4], [5, 6, 7]]
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_pieces_that_were_cut_off_leave_nothing() -> None:
    tokens = lexicon(1).language.tokenize("one two three")
    assert not tagger.align(tokens, [(0, 3)], np.ones((1, SIZE), np.float32))[1:].any()
