"""Reading what can only mean one thing in an LLM's answer, although it was not asked for in that form.

Small models, and servers that enforce no schema, put prose around the JSON, write "==" for "=" or 95 for 0.95. Nothing
here guesses: whatever could mean two things is left as it is, for `answer_reader` to complain about.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from nlp2filters.errors import InvalidAnswer

# JSON is looked for at this many places.
MAX_PLACES = 50
# The earlier form of the answer allowed this many conditions.
MAX_REWRITTEN = 50
# The confidence of a condition for which the model gave none.
UNSTATED_CONFIDENCE = 0.7

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_END_OF_THINKING = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_NOT_JSON = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])|\b(None|True|False|undefined)\b', re.DOTALL)
_OTHER_MEMBERS = {"sort", "limit", "text", "ignored", "clarification"}
_LITERALS = {"None": "null", "undefined": "null", "True": "true", "False": "false"}
# Unlike orjson, it takes line breaks within strings, and stops where the JSON ends.
_decoder = json.JSONDecoder(strict=False)

_OPERATORS = {
    **dict.fromkeys(("==", "===", "eq", "equals", "equal", "equal to", "is"), "="),
    **dict.fromkeys(("!=", "!==", "≠", "ne", "neq", "not equals", "not equal", "not equal to", "is not"), "<>"),
    **dict.fromkeys(("gt", "greater than"), ">"),
    **dict.fromkeys(("≥", "=>", "gte", "ge", "greater than or equal", "greater than or equal to"), ">="),
    **dict.fromkeys(("lt", "less than"), "<"),
    **dict.fromkeys(("≤", "=<", "lte", "le", "less than or equal", "less than or equal to"), "<="),
    **dict.fromkeys(("one of", "any of", "is in"), "in"),
    **dict.fromkeys(("nin", "notin", "none of", "is not in"), "not in"),
    **dict.fromkeys(("isnull", "is null"), "isNull"),
    **dict.fromkeys(("not isnull", "isnotnull", "is not null", "not null", "notnull", "exists"), "not isNull"),
    **dict.fromkeys(("doesnotcontain", "does not contain", "notcontains"), "not contains"),
}
_LIMITS = (("low", "high"), ("min", "max"), ("minimum", "maximum"), ("from", "to"), ("gte", "lte"), ("lower", "upper"))
_DIRECTIONS = {"ascending": "asc", "descending": "desc"}


def load(content: str) -> dict[str, Any]:
    """Find the answer in what a model has written.

    Raises:
        InvalidAnswer: there is no JSON object, or there are several with different conditions.
    """
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError:
        whole = None
    candidates = [whole] if isinstance(whole, dict | list) else list(_values(_without_thinking(content)))
    answers = [answer for candidate in candidates if (answer := _answer(candidate)) is not None]
    distinct = [answer for at, answer in enumerate(answers) if answer not in answers[:at]]
    if not distinct:
        raise InvalidAnswer("/: The answer is no JSON object with `conditions`. Answer with one such object.")
    if len(distinct) > 1:
        raise InvalidAnswer("/: The answer has several JSON objects that differ. Answer with one of them.")
    try:
        orjson.dumps(distinct[0])
    except TypeError as exc:
        raise InvalidAnswer(f"/: The answer has characters or numbers that JSON cannot carry: {exc}.") from exc
    return distinct[0]


def _without_thinking(content: str) -> str:
    """Remove thoughts. A chat template may have opened them in the prompt, so that only their end is here."""
    return _END_OF_THINKING.split(_THINKING.sub("", content))[-1]


def _values(text: str) -> Iterator[Any]:
    """Yield the JSON objects and lists in a text, from left to right; within one, none is looked for."""
    text = _COMMENT.sub(lambda match: match[1] or "", text) if not _is_json_inside(text) else text
    text = _NOT_JSON.sub(lambda match: match[1] or _LITERALS.get(match[2] or "", ""), text)
    at = 0
    for match in islice(re.finditer(r"[{\[]", text), MAX_PLACES):
        if match.start() < at:
            continue
        try:
            value, at = _decoder.raw_decode(text, match.start())
        except (json.JSONDecodeError, RecursionError):
            continue
        yield value


def _is_json_inside(text: str) -> bool:
    """Return whether the outermost braces hold JSON without comments: "//" may stand in the prose around it."""
    try:
        _decoder.raw_decode(text, text.index("{"))
    except (ValueError, RecursionError):
        return False
    return True


def _answer(value: Any) -> dict[str, Any] | None:
    """Return the answer in a JSON value: itself, in the only member of an object, a list of conditions, or one."""
    match value:
        case {"conditions": _}:
            return dict(value)
        case {"field": _, "op": _}:
            return {"conditions": [value]}
        case dict() if not _OTHER_MEMBERS.isdisjoint(value):
            return {**value, "conditions": []}
        case dict() if len(value) == 1:
            (inner,) = value.values()
            return _answer(inner) if isinstance(inner, dict) else None
        case [*parts] if parts and all(isinstance(part, dict) and {"field", "op"} <= part.keys() for part in parts):
            return {"conditions": parts}
    return None


def condition(data: Any) -> Any:
    """Rewrite a condition whose operator and value can only mean one thing together."""
    if not isinstance(data, Mapping) or not isinstance(data.get("op"), str):
        return data
    op, value = _meaning(operator(data["op"]), data.get("value"))
    return {**data, "op": op, "value": value}


def _meaning(op: str, value: Any) -> tuple[str, Any]:
    match op, value:
        case "=" | "<>", None:
            return ("isNull" if op == "=" else "not isNull"), None
        case "=" | "<>" | "<" | "<=" | ">" | ">=" | "contains" | "not contains", [only]:
            return op, only
        case "=" | "<>", [_, _, *_]:
            return ("in" if op == "=" else "not in"), value
        case "in" | "not in", str() | int() | float():
            return op, [value]
        case "isNull" | "not isNull", False:
            return ("not isNull" if op == "isNull" else "isNull"), None
        case "between" | "not between", dict():
            return op, next(([value[low], value[high]] for low, high in _LIMITS if value.keys() == {low, high}), value)
        case "contains" | "not contains", int() | float() if not isinstance(value, bool):
            return op, str(value)
    return op, value


def operator(name: str) -> str:
    """Return the operator that a name means; unknown names stay as they are."""
    plain = " ".join(name.replace("_", " ").split())
    return _OPERATORS.get(plain.lower(), plain if plain in _OPERATORS.values() else plain.lower())


def confidence(value: Any) -> Any:
    """Read a confidence as a number from 0 to 1: 95 and "95%" are percentages. A strange one counts as none."""
    match value:
        case str():
            digits = value.strip().removesuffix("%")
            number = float(digits) if re.fullmatch(r"\d{1,3}(\.\d{1,9})?", digits) else math.nan
            number = number / 100 if "%" in value else number
        case int() | float() if not isinstance(value, bool):
            number = float(value)
        case _:
            number = math.nan
    if 2 <= number <= 100:
        number /= 100
    return number if 0 <= number <= 1 else UNSTATED_CONFIDENCE


def group(value: Any) -> Any:
    """Read the group of a condition: null and empty are 0, for one that must always hold; any other name is its own."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return value if isinstance(value, int | str) and value else 0


def limit(value: Any) -> Any:
    """Read a limit: nobody asks for none or fewer, so 0 means that there is no limit."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return None if value in ("", "null", "none") or (isinstance(value, int | float) and value <= 0) else value


def sort(data: Any) -> Any:
    """Read an order: `order` is another name of its direction, and the direction may be spelled out."""
    if not isinstance(data, Mapping):
        return data
    direction = data.get("direction", data.get("order"))
    plain = direction.lower() if isinstance(direction, str) else direction
    return {**data, "direction": _DIRECTIONS.get(plain, plain) if isinstance(plain, str) else plain}


def several(value: Any) -> Any:
    """Read a list: null is an empty one, and an object stands for itself."""
    if value is None:
        return []
    return [value] if isinstance(value, Mapping) else value


def ignored(value: Any) -> Any:
    """Read ignored words, which may come without a reason."""
    return {"quote": value, "reason": "the LLM gave no reason"} if isinstance(value, str) else value


def words(value: Any) -> Any:
    """Read words: null are none, and a list is joined."""
    if value is None:
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(word, str) for word in value):
        return " ".join(value)
    return value


def clarification(value: Any) -> Any:
    """Read a question: an empty one is none, and one alone has no choices."""
    match value:
        case str():
            return {"question": value, "choices": []} if value.strip() not in ("", "null", "none", "None") else None
        case {"question": str() as question} if not question.strip():
            return None
        case {"question": None}:
            return None
    return value


def grouped(data: dict[str, Any]) -> dict[str, Any]:
    """Rewrite an answer of the earlier form, whose `alternatives` were lists of indexes, to groups.

    A condition in some of the alternatives appears in the group of each. Stored answers may have this form.
    """
    conditions, alternatives = data.get("conditions"), data.get("alternatives")
    if not isinstance(alternatives, list) or not isinstance(conditions, list) or len(conditions) > MAX_REWRITTEN:
        return data
    lists = [one for one in alternatives if isinstance(one, list) and one]
    places = range(len(conditions))
    sound = all(isinstance(at, int) and at in places for one in lists for at in one)
    sound = sound and all(isinstance(condition, Mapping) for condition in conditions)
    if not lists or not sound or {at for one in lists for at in one} != set(places):
        return data
    shared = [at for at in places if all(at in one for one in lists)]
    rewritten = [{**conditions[at], "group": 0} for at in shared]
    for number, one in enumerate(lists, 1):
        rest = [conditions[at] for at in dict.fromkeys(one) if at not in shared]
        if not rest:  # One alternative asks for nothing but what all do, so the others change nothing.
            return {**data, "conditions": rewritten}
        rewritten += [{**part, "group": number} for part in rest]
    return {**data, "conditions": rewritten}
