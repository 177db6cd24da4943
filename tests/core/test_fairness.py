"""Whose work is next."""

from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.fairness import FairQueue


def take(queue: FairQueue[str]) -> str:
    taken = queue.take()
    assert taken
    return taken[1]


def test_an_owner_with_one_text_waits_for_one_of_another_owners_eight() -> None:
    queue: FairQueue[str] = FairQueue(1)
    for number in range(8):
        queue.put("heavy", f"heavy {number}")
    assert take(queue) == "heavy 0"
    queue.put("light", "light")
    assert take(queue) == "light"
    queue.done("light")
    queue.done("heavy")
    assert take(queue) == "heavy 1"


def test_owners_take_turns_and_each_owners_work_keeps_its_order() -> None:
    queue: FairQueue[str] = FairQueue(1)
    for work in ("a1", "a2", "a3", "b1", "b2", "c1"):
        queue.put(work[0], work)
    order = []
    while taken := queue.take():
        queue.done(taken[0])
        order.append(taken[1])
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_the_owner_with_the_least_running_is_next() -> None:
    queue: FairQueue[str] = FairQueue(3)
    for work in ("a1", "a2", "a3", "b1", "b2"):
        queue.put(work[0], work)
    assert [take(queue) for _ in range(3)] == ["a1", "b1", "a2"]
    queue.done("b")
    assert take(queue) == "b2"


def test_no_owner_takes_every_place() -> None:
    queue: FairQueue[str] = FairQueue(1)
    queue.put("a", "a1")
    queue.put("a", "a2")
    assert take(queue) == "a1"
    assert queue.take() is None
    queue.put("b", "b1")
    assert take(queue) == "b1"


@given(st.lists(st.sampled_from("abcd") | st.none(), max_size=60), st.integers(1, 3))
def test_everything_runs_once_and_nobody_waits_for_ever(steps: list[str | None], at_once: int) -> None:
    """A letter is more work of an owner, None the end of whatever has run longest."""
    queue: FairQueue[int] = FairQueue(at_once)
    running: list[str] = []
    put, taken = [], []
    for number, owner in enumerate([*steps, *[None] * len(steps)]):
        if owner:
            queue.put(owner, number)
            put.append(number)
        elif running:
            queue.done(running.pop(0))
        while len(running) < 3 and (work := queue.take()):
            running.append(work[0])
            taken.append(work[1])
            assert running.count(work[0]) <= at_once
    assert sorted(taken) == put
