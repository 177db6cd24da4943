"""The rules by which open values are recognized, and their order.

A rule looks at one place of a sentence and returns the value that it sees there, or None. Its examples are its tests:
the text, then the field and the value that the rule reads in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nlp2filters.core.catalog import Field
from nlp2filters.core.parser.open_values.context import MAX_DISTANCE, Context, OpenValue

# A word such as "is" or "of" links field and value.
LINKED_CONFIDENCE = 0.85
# The field or a cue is beside the value.
CUED_CONFIDENCE = 0.7
# Only the place in the sentence tells.
GUESSED_CONFIDENCE = 0.55

# A value between an article and its field has at most this many chunks.
MAX_LENGTH_BEFORE_FIELD = 5
MAX_CATEGORY_LENGTH = 3
# At most this many chunks say what is asked of a record before its title.
MAX_REQUEST_LENGTH = 4
# A further value of a list has at most this many chunks.
MAX_LENGTH_IN_LIST = 3
# The cue behind a title has at most this many chunks.
MAX_CUE_BEHIND = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to recognize an open value. `examples` are texts, each with the field and the value in it."""

    name: str
    examples: Mapping[str, tuple[str, str]]
    recognize: Callable[[Context, int], OpenValue | None]


def _language(context: Context, at: int) -> OpenValue | None:
    field = context.cues.language
    if not field or not context.is_one_of(at, context.names.languages) or context.sentence.chunks[at].candidates:
        return None
    return context.value(range(at, at + 1), field, CUED_CONFIDENCE)


def _after_link(context: Context, at: int) -> OpenValue | None:
    field = context.free_open_field(at)
    start = _after_links(context, at + 1) if field else at + 1
    if not field or start == at + 1 or not _may_follow_field(context, start):
        return None
    return context.value(_words_of(context, start, field), field, LINKED_CONFIDENCE, start=at)


def _after_field(context: Context, at: int) -> OpenValue | None:
    field, start = context.free_open_field(at), at + 1
    if not field or not _may_follow_field(context, start) or _after_links(context, start) > start:
        return None
    if context.sentence.role(start, "negation"):
        return None
    if context.sentence.is_noun(at) or _begins_anew(context, start):
        return None
    words = context.words_from(start, strict=True)
    return context.value(words, field, CUED_CONFIDENCE, start=at) if context.looks_like_name(words) else None


def _words_of(context: Context, start: int, field: Field) -> range:
    """Return the places of a value of the field: up to an "or", which only titles have inside."""
    words = context.words_from(start)
    ends = (at for at in words if context.sentence.role(at, "junction") == "or")
    return words if field is context.cues.title else range(start, next(ends, words.stop))


def _after_negation(context: Context, at: int) -> OpenValue | None:
    field, start = context.free_open_field(at), at + 2
    excludes = context.sentence.role(at + 1, "negation") == "not" or context.sentence.role(at + 1, "comparator") == "<>"
    if not field or not excludes or context.ends_sentence(at):
        return None
    if start >= len(context.sentence.chunks) or not context.is_unknown(start):
        return None
    # The "not" stays a word by itself.
    words = context.words_from(start, strict=True)
    return context.value(words, field, CUED_CONFIDENCE) if context.looks_like_name(words) else None


def next_in_list(context: Context, last: OpenValue) -> OpenValue | None:
    """Return the value of the same field that "or" joins to the last one.

    A comma or an "and" joins capitals only, in a list that "or" or "and" closes: "UA, DL and US", but not "Fresno, CA".
    """
    place, joint = last.end, context.sentence.role(last.end, "junction")
    if joint == "," and context.sentence.role(place + 1, "junction") in ("and", "or"):
        place, joint = place + 1, context.sentence.role(place + 1, "junction")
    if joint not in (",", "and", "or") or place + 1 >= len(context.sentence.chunks):
        return None
    words = context.words_from(place + 1, strict=True)
    if len(words) > MAX_LENGTH_IN_LIST or not (context.is_unknown(words.start) or context.is_acronym(words.start)):
        return None
    if context.has_capitals and not all(map(context.is_capitalized, words)):
        return None
    if joint != "or" and not (context.has_capitals and _is_listed(context, words.stop, joint)):
        return None
    return context.value(words, last.field, last.confidence)


def _is_listed(context: Context, end: int, joint: str) -> bool:
    """Return whether a list goes on, or is over with the clause, behind one of its values."""
    following = context.sentence.role(end, "junction")
    return following is not None if joint == "," else end >= len(context.sentence.chunks) or following is not None


def _after_links(context: Context, at: int) -> int:
    """Return the place after words such as "is" and "of"."""
    while context.is_one_of(at, context.names.links) and not context.ends_sentence(at - 1):
        at += 1
    return at


def _may_follow_field(context: Context, at: int) -> bool:
    """Return whether a value may begin here: not in another sentence, and not where words are searched for."""
    return not context.ends_sentence(at - 1) and not context.sentence.role(at, "contains")


def _begins_anew(context: Context, at: int) -> bool:
    return bool(
        context.is_one_of(at, context.names.openers)
        or context.names_field(at)
        or context.sentence.chunks[at].role("comparator")
    )


def _after_cue(context: Context, at: int) -> OpenValue | None:
    start, field = _cue(context, at)
    if not field or _is_weak(context, at, start):
        return None
    return context.value(_words_of(context, start, field), field, CUED_CONFIDENCE, start=at)


def _after_weak_cue(context: Context, at: int) -> OpenValue | None:
    start, field = _cue(context, at)
    if not field or not _is_weak(context, at, start):
        return None
    words = context.words_from(start, strict=True)
    if _place_goes_on(context, words.stop):
        words = range(start, words.stop + 2)
    if not context.looks_like_name(range(_after_articles(context, start), words.stop)):
        return None
    return context.value(words, field, CUED_CONFIDENCE, start=at)


def _cue(context: Context, at: int) -> tuple[int, Field | None]:
    """Return the place after the cue at the chunk, and its field if a value may follow."""
    start, field = context.cue(at) or (at, None)
    if not field or at in context.occupied or context.is_requested(at) or context.ends_sentence(start - 1):
        return start, None
    return start, field if _may_follow_cue(context, _after_articles(context, start)) else None


def _is_weak(context: Context, at: int, end: int) -> bool:
    """Return whether the cue is one word, such as "in", that is often none."""
    return end == at + 1 and context.is_one_of(at, context.names.weak)


def _after_articles(context: Context, at: int) -> int:
    while context.is_one_of(at, context.names.articles):
        at += 1
    return at


def _may_follow_cue(context: Context, at: int) -> bool:
    """Return whether the chunk may begin a value: it means nothing in the catalog, and opens no other part."""
    chunk = context.sentence.chunk(at)
    if chunk is None or chunk.candidates or chunk.is_value or chunk.role("contains"):
        return False
    return not any(context.is_one_of(at, words) for words in (context.names.openers, context.names.questions))


def _place_goes_on(context: Context, at: int) -> bool:
    """Return whether a comma and one more word belong to a place: "denver, colorado"."""
    comma, part = context.sentence.chunk(at), context.sentence.chunk(at + 1)
    if not comma or not part or comma.role("junction") != "," or not part.is_unknown:
        return False
    return context.ends_sentence(at + 1) or context.is_border(at + 2)


def _as_field(context: Context, at: int) -> OpenValue | None:
    field, end = context.free_open_field(at), at
    as_kind, articles = context.names.as_kind, context.names.articles
    while field and at - end < MAX_DISTANCE and context.is_one_of(end - 1, as_kind | articles):
        end -= 1
    words = context.words_before(end) if any(context.is_one_of(place, as_kind) for place in range(end, at)) else None
    if not field or not words or not words.start:
        return None
    return context.value(words, field, CUED_CONFIDENCE, end=at + 1)


def _before_field(context: Context, at: int) -> OpenValue | None:
    field = context.free_open_field(at)
    words = context.words_before(at) if field else None
    if not field or not words or len(words) > MAX_LENGTH_BEFORE_FIELD:
        return None
    if not context.is_one_of(words.start - 1, context.names.articles) or not all(map(context.is_unknown, words)):
        return None
    return context.value(words, field, CUED_CONFIDENCE, end=at + 1)


def _before_noun(context: Context, at: int) -> OpenValue | None:
    field = context.cues.category
    if not field or not context.sentence.is_noun(at) or at in context.occupied:
        return None
    words = _unknown_words_before(context, at)
    if not words or context.ends_sentence(at - 1) or context.is_one_of(words.start, context.names.pronouns):
        return None
    return context.value(words, field, GUESSED_CONFIDENCE)


def _unknown_words_before(context: Context, end: int) -> range:
    start, first = end, max(0, end - MAX_CATEGORY_LENGTH)
    while start > first and start - 1 not in context.occupied and context.is_unknown(start - 1):
        start -= 1
    return range(start, end)


def _leftover_title(context: Context, at: int) -> OpenValue | None:
    """Return the first run of words from `at` on that looks like a title, of which there is one at most."""
    field = context.cues.title
    if not field or not context.is_question or any(value.field.name == field.name for value in context.values):
        return None
    while at < len(context.sentence.chunks):
        run = _leftover_run(context, at)
        words = _trimmed(context, run) if any(map(context.is_unknown, run)) else range(0)
        if words and context.looks_like_name(words):
            behind = " ".join(context.lower[words.stop : words.stop + MAX_CUE_BEHIND])
            return context.value(words, context.cues.field_behind(behind) or field, GUESSED_CONFIDENCE)
        at = max(run.stop, at + 1)
    return None


def _leftover_run(context: Context, start: int) -> range:
    """Return the chunks from `start` on that may be one title; none if it cannot begin there."""
    end = start
    while end < len(context.sentence.chunks) and end not in context.occupied and not _ends_title(context, start, end):
        end += 1
    return range(start, end)


def _ends_title(context: Context, start: int, at: int) -> bool:
    if at == start:
        return not context.is_unknown(at) and not context.is_one_of(at, context.names.articles)
    return (
        context.ends_sentence(at - 1)
        or context.sentence.is_noun(at)
        or context.names_field(at)
        or context.is_border(at)
        or (context.has_meaning(at) and not _joins_title(context, at))
    )


def _joins_title(context: Context, at: int) -> bool:
    """Return whether a word such as "and" is inside a title."""
    if context.sentence.chunks[at].role("junction") != "and" or at + 1 >= len(context.sentence.chunks):
        return False
    return context.is_unknown(at - 1) and (
        context.is_unknown(at + 1) or context.is_one_of(at + 1, context.names.articles)
    )


def _trimmed(context: Context, words: range) -> range:
    """Trim words that are no part of a title from its ends: "what awards did [the good earth] win"."""
    start, end = words.start, words.stop
    if not context.has_capitals:
        start = _after_request(context, words)
    while start < end and not _may_begin_title(context, start):
        start += 1
    while end > start and not _may_end_title(context, end - 1):
        end -= 1
    return range(start, end) if any(map(context.is_unknown, range(start, end))) else range(start, start)


def _after_request(context: Context, words: range) -> int:
    """Return the place after "the email of", "ratings for": the request is no part of a record's title."""
    if words.start and context.sentence.is_noun(words.start - 1):
        return words.start
    for at in words[: min(MAX_REQUEST_LENGTH, len(words) - 1)]:
        if context.is_one_of(at, context.names.verbs):
            return words.start
        if at > words.start and context.is_one_of(at, context.names.question_links):
            return at + 1
    return words.start


def _may_begin_title(context: Context, at: int) -> bool:
    return _may_be_at_end(context, at) and (context.is_unknown(at) or context.is_one_of(at, context.names.articles))


def _may_end_title(context: Context, at: int) -> bool:
    return _may_be_at_end(context, at) and not context.sentence.chunks[at].is_stopword


def _may_be_at_end(context: Context, at: int) -> bool:
    """Return whether the chunk may be the first or the last one of a title."""
    if context.is_one_of(at, context.names.loose) or context.is_one_of(at, context.names.verbs):
        return False
    return not context.has_capitals or context.is_capitalized(at)


LANGUAGE = Rule(
    "the name of a language",
    {"books written in swahili": ("language", "swahili")},
    _language,
)
AFTER_LINK = Rule(
    "behind a field and a word that links them",
    {
        "the author is jane austen": ("author", "jane austen"),
        "books with the author named jane austen": ("author", "jane austen"),
        "title of war and peace": ("title", "war and peace"),
    },
    _after_link,
)
AFTER_FIELD = Rule(
    "right behind a field",
    {"with author jane austen": ("author", "jane austen"), "author Jane Austen, 2010": ("author", "Jane Austen")},
    _after_field,
)
AFTER_NEGATION = Rule(
    "behind a field and a “not”",
    {"the author is not jane austen": ("author", "jane austen"), "city not denver": ("city", "denver")},
    _after_negation,
)
AFTER_CUE = Rule(
    "behind a cue",
    {
        "something written by jane austen": ("author", "jane austen"),
        "something called the lord of the rings": ("title", "the lord of the rings"),
    },
    _after_cue,
)
AFTER_WEAK_CUE = Rule(
    "behind a cue that often means something else",
    {
        "something in denver": ("city", "denver"),
        "something in denver, colorado": ("city", "denver, colorado"),
        "something in Denver with over 20 pages": ("city", "Denver"),
    },
    _after_weak_cue,
)
AS_FIELD = Rule(
    "before a field and a word such as “as”",
    {"he has surveying as the profession": ("profession", "surveying")},
    _as_field,
)
BEFORE_FIELD = Rule(
    "between an article and a field",
    {"he played the nose tackle position": ("position", "nose tackle")},
    _before_field,
)
BEFORE_NOUN = Rule(
    "before the noun of the records",
    {"cheap nordic noir books": ("genre", "cheap nordic noir"), "show me horror books": ("genre", "horror")},
    _before_noun,
)
LEFTOVER_TITLE = Rule(
    "left over in a question",
    {
        "find burger king": ("title", "burger king"),
        "what awards did the good earth win": ("title", "the good earth"),
        "find the email of burger king": ("title", "burger king"),
        "what has jane austen written": ("author", "jane austen"),
    },
    _leftover_title,
)

PASSES: tuple[tuple[Rule, ...], ...] = (
    # A language can be nothing else, but "in" before it is also a cue of places.
    (LANGUAGE,),
    # These go along the sentence together: in "the author is called jane", the earlier word has the value.
    (AFTER_LINK, AFTER_NEGATION, AFTER_FIELD, AFTER_CUE, AFTER_WEAK_CUE),
    # A value before its field must not take words from one behind another field.
    (AS_FIELD, BEFORE_FIELD),
    # This guess takes words that nothing else wants.
    (BEFORE_NOUN,),
)
# The title is a guess about the whole sentence, from `LEFTOVER_TITLE`: it comes last, and once.
