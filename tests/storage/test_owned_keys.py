"""The table of whose keys are whose covers all kinds of keys, and reads the owner from any name."""

import inspect

import pytest
from redis.asyncio import Redis

from nlp2filters.storage.owned_keys import BY_LABEL, NOT_OWNED, OWNED, parse
from nlp2filters.storage.redis_keys import Keys, escaped

# Arguments of the methods of `Keys` that make names, by parameter.
ARGUMENTS = {"owner": "an:na", "window": 17, "digest": "ab", "key": "cd", "upload": "ef", "name": "shop"}


def names() -> list[str]:
    keys = Keys()
    made = [getattr(keys, name) for name, _ in inspect.getmembers(Keys, lambda member: isinstance(member, property))]
    methods = [method for name, method in inspect.getmembers(keys, inspect.ismethod) if not name.startswith("_")]
    for method in methods:
        parameters = inspect.signature(method).parameters
        made.append(method(*(ARGUMENTS.get(name, "x") for name in parameters)))
    return made


def test_every_kind_of_key_has_an_owner_or_a_reason() -> None:
    """A new kind of key needs a row in `owned_keys.py`: else nobody could export or delete it."""
    labels = {name.split(":")[1] for name in names()}
    assert labels == {*BY_LABEL, *NOT_OWNED}
    assert not {*BY_LABEL} & {*NOT_OWNED}
    assert len({kind.name for kind in OWNED}) == len(OWNED)


def test_an_owner_with_any_name_is_found_in_a_key() -> None:
    keys = [parse(Keys(), name) for name in names()]
    told = {key.kind.label: key.kind.owner_in(key.rest) for key in keys if key and key.kind.told_by == "name"}
    del told["vectors"]  # its argument is the whole id
    assert set(told.values()) == {"an:na"}


def test_the_index_of_a_packaged_catalog_has_no_owner() -> None:
    assert BY_LABEL["vectors"].owner_in("ab") == ""
    assert BY_LABEL["vectors"].owner_in("an:na:ab") == "an:na"


@pytest.mark.parametrize("name", ["plain", "a*", "a?", "[ab]", "back\\slash", "^a-b"])
async def test_a_pattern_matches_only_its_own_name(name: str, redis: Redis, keys: Keys) -> None:
    await redis.mset({keys.index(name): "1", keys.index("another a"): "1", keys.index("ab"): "1"})
    matches = [key async for key in redis.scan_iter(match=escaped(keys.index(name)))]
    assert matches == [keys.index(name).encode()]
