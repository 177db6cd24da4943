"""Words between the tests: "and", "or", commas, "not", parentheses, and the noun of the records."""

from nlp2filters.core.parser.clauses.clause import MATCH, Clause, Connective, Context, Rule
from nlp2filters.core.parser.sentence import Sentence


def _noun(sentence: Sentence, start: int, _: Context) -> Clause | None:
    if not sentence.is_noun(start):
        return None
    return Clause(start + 1, (Connective("noun", start),), reasons={start: "names the records"})


def _connective(sentence: Sentence, start: int, _: Context) -> Clause | None:
    chunk = sentence.chunks[start]
    kind = chunk.role("junction") or ("not" if chunk.role("negation") else None)
    if kind == "but":
        kind = "not" if _excepts(sentence, start) else "and"
    return Clause(start + 1, (Connective(kind, start),)) if kind else None


def _excepts(sentence: Sentence, start: int) -> bool:
    """Return whether "any" or "all" comes before, with its noun: "any car but american", "any color but red"."""
    at = start - 1
    while at > start - 3 and _is_counted(sentence, at):
        at -= 1
    return sentence.role(at, "universal") is not None


def _is_counted(sentence: Sentence, at: int) -> bool:
    names_field = any(True for _ in sentence.fields(at))
    return sentence.is_noun(at) or sentence.role(at, "results") is not None or names_field


NOUN = Rule("noun", {MATCH}, _noun, {"red cars": "color = red"})
CONNECTIVE = Rule(
    "connective",
    {"junction", "negation"},
    _connective,
    {
        "red or wireless": "color = red or wireless = true",
        "not red": "color <> red",
        "any car but red": "color <> red",
        "wireless but red": "wireless = true and color = red",
        "(red or wireless) and 4 seats": "(color = red or wireless = true) and seats = 4",
    },
)
