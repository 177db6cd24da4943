"""A summary without a model: the most central sentences of documents, and the shape of the code."""

import re
from collections import Counter
from collections.abc import Mapping

from nlp2filters.analysis.languages import LANGUAGES, language_of
from nlp2filters.analysis.sources import SourceFile
from nlp2filters.analysis.words import words

MAX_SENTENCES = 5
# What a document is about stands at its beginning.
MAX_LENGTH = 50_000
_README = re.compile(r"(^|/)readme(\.\w+)?$", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_IMAGE = re.compile(r"!\[[^\]]{0,300}\]\([^)]{0,300}\)")
_MARKUP = re.compile(
    r"```.*?(?:```|\Z)|<[^>]{1,300}>|\[([^\]]{0,300})\]\([^)]{0,300}\)|[#*`_>|=~-]{2,}|^\s*[-*#>|]+|^\s*\.\. [^\n]*",
    re.DOTALL | re.MULTILINE,
)


def summarize(files: Mapping[str, SourceFile], ranks: Mapping[str, float]) -> str:
    """Return a summary of some sentences: what there is, what matters most, and what its documents say of it."""
    parts = [_composition(files)]
    central = [path for path in sorted(ranks, key=lambda path: -ranks[path]) if language_of(path) in LANGUAGES][:5]
    if central:
        parts.append(f"The files that others build on most are {', '.join(central)}.")
    readme = min(
        (path for path in files if _README.search(path)), key=lambda path: (path.count("/"), path), default=None
    )
    if readme and (sentences := central_sentences(files[readme].text)):
        parts.append(f"{readme} says: {' '.join(sentences)}")
    return " ".join(parts)


def central_sentences(text: str, count: int = MAX_SENTENCES) -> list[str]:
    """Return the sentences of a document that share most words with the others, in their order."""
    plain = _MARKUP.sub(r" \1 ", _IMAGE.sub(" ", text[:MAX_LENGTH]))
    paragraphs = (" ".join(paragraph.split()) for paragraph in plain.split("\n\n"))
    sentences = [one for paragraph in paragraphs for one in _SENTENCE.split(paragraph) if 30 <= len(one) <= 400]
    frequencies = Counter(word for sentence in sentences for word in set(words(sentence)))

    def weight(number: int) -> float:
        """Return how central a sentence is; the first ones say what the rest is about."""
        present = set(words(sentences[number]))
        return sum(frequencies[word] for word in present) / (len(present) + 5) / (1 + number / 10)

    best: list[int] = []
    for number in sorted(range(len(sentences)), key=weight, reverse=True):
        if len(best) < count and not any(_repeats(sentences[number], sentences[other]) for other in best):
            best.append(number)
    return [sentences[number] for number in sorted(best)]


def _repeats(sentence: str, other: str) -> bool:
    """Return whether two sentences have most of their words in common."""
    mine, theirs = set(words(sentence)), set(words(other))
    return len(mine & theirs) > len(mine | theirs) / 2


def _composition(files: Mapping[str, SourceFile]) -> str:
    lines: Counter[str] = Counter()
    for path, file in files.items():
        lines[language_of(path) or "other"] += len(file.lines)
    shares = ", ".join(f"{count:,} of {name}" for name, count in lines.most_common(5))
    return f"{len(files):,} files with {sum(lines.values()):,} lines: {shares}."
