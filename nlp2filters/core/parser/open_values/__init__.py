"""Open values: titles, people, places and others that no list holds, cut out of the text at the right borders.

A run of chunks is an open value if something beside it says which field it belongs to: the field itself ("author is
Jane Austen"), a cue of the language ("written by"), the noun of the records ("mexican restaurants"), or the question
("who directed Heat?"). Each of these ways is a rule in `rules.py`. Only string fields without known values take open
values.
"""

from nlp2filters.core.parser.chunker import Chunk, Name
from nlp2filters.core.parser.open_values.context import Context, OpenValue
from nlp2filters.core.parser.open_values.rules import LEFTOVER_TITLE, PASSES, next_in_list
from nlp2filters.core.parser.sentence import Sentence

__all__ = ["merge", "recognize"]


def merge(sentence: Sentence) -> list[Chunk]:
    """Return the chunks of the sentence, with those of each open value merged into one."""
    values = {value.start: value for value in recognize(sentence)}
    chunks, at = [], 0
    while at < len(sentence.chunks):
        if value := values.get(at):
            name = Name(value.field.name, value.text, value.confidence)
            chunks.append(Chunk(sentence.chunks[at].start, sentence.chunks[value.end - 1].end, name=name))
            at = value.end
        else:
            chunks.append(sentence.chunks[at])
            at += 1
    return chunks


def recognize(sentence: Sentence) -> list[OpenValue]:
    """Recognize the open values of a sentence. Each chunk belongs to one of them at most."""
    if not any(field.is_open for field in sentence.catalog.fields):
        return []
    context = Context(sentence)
    for rules in PASSES:
        at = 0
        while at < len(sentence.chunks):
            value = next(filter(None, (rule.recognize(context, at) for rule in rules)), None)
            at = value.end if value else at + 1
            while value:
                context.add(value)
                at, value = value.end, next_in_list(context, value)
    if title := LEFTOVER_TITLE.recognize(context, 0):
        context.add(title)
    return context.values
