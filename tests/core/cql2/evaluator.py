"""The meaning of CQL2-JSON for one record, as the text of the standard has it, and of our extensions.

Extensions: `{"time": …}`, and a test of a property that holds a list, which one of its elements has to pass.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]
Truth = bool | None


def truth(data: Any, record: Record) -> Truth:
    """True, False, or None where it is unknown."""
    op, args = data["op"], data["args"]
    match op:
        case "and":
            parts = [truth(arg, record) for arg in args]
            return False if False in parts else None if None in parts else True
        case "or":
            parts = [truth(arg, record) for arg in args]
            return True if True in parts else None if None in parts else False
        case "not":
            inner = truth(args[0], record)
            return None if inner is None else not inner
        case "isNull":
            return record[args[0]["property"]] is None
        case "a_contains" | "a_overlaps" | "a_equals":
            held, asked = record[args[0]["property"]], [literal(item) for item in args[1]]
            if held is None:
                return None
            assert isinstance(held, list)
            if op == "a_equals":
                return all(item in asked for item in held) and all(item in held for item in asked)
            return (all if op == "a_contains" else any)(item in held for item in asked)
    folded, held = subject(args[0], record)
    if held is None:
        return None
    elements = held if isinstance(held, list) else [held]
    return any(passes(op, element, args[1:], folded) for element in elements)


def subject(data: Any, record: Record) -> tuple[bool, Any]:
    """The value of the first operand, and whether it is in `casei`."""
    if data.get("op") == "casei":
        (inner,) = data["args"]
        return True, subject(inner, record)[1]
    return False, record[data["property"]]


def passes(op: str, element: Any, args: list[Any], folded: bool) -> bool:
    mine = element.lower() if folded else element
    match op:
        case "in":
            return any(mine == literal(item) for item in args[0])
        case "between":
            return bool(literal(args[0]) <= mine <= literal(args[1]))
        case "like":
            return like(mine, literal(args[0]))
        case "t_intersects":
            low, high = (instant(text) for text in args[0]["interval"])
            return bool(low <= mine <= high)
    other = literal(args[0])
    assert type(mine) is type(other) or not isinstance(mine, str | dt.date | dt.time | bool), (mine, other)
    return bool(
        {
            "=": mine == other,
            "<>": mine != other,
            **({} if isinstance(mine, str | bool) else order(mine, other)),
        }[op]
    )


def order(mine: Any, other: Any) -> dict[str, bool]:
    return {"<": mine < other, "<=": mine <= other, ">": mine > other, ">=": mine >= other}


def literal(data: Any) -> Any:
    match data:
        case {"op": "casei", "args": [str(text)]}:
            return text.lower()
        case {"date": text}:
            return dt.date.fromisoformat(text)
        case {"timestamp": text}:
            assert text.endswith("Z")
            return dt.datetime.fromisoformat(text)
        case {"time": text}:
            return dt.time.fromisoformat(text)
        case dict():
            raise AssertionError(data)
    return data


def instant(text: str) -> dt.date:
    return dt.datetime.fromisoformat(text) if "T" in text else dt.date.fromisoformat(text)


def like(text: str, pattern: str) -> bool:
    signs = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(sign) or re.escape(sign[-1]) for sign in signs)
    return re.fullmatch(regex, text, re.DOTALL) is not None
