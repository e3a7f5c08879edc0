"""The list is read whole and proved to be, or the reading reports that it failed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from driftcheck.live import paging
from driftcheck.live.paging import Inconsistency, Reading
from tests.live.memory import cut, fetch_from
from tests.live.samples import deployment, deployments
from tests.loops import case

EDGES = sorted({n + d for n in (0, 20, 50, 99, 100, 198, 199, 297, 396, 397, 500, 991, 2000) for d in (-1, 0, 1, 2)})


def drive(reading: Reading, count: int, *, slots: int = 1, cap: int = 100, seed: int = 0, halved: bool = False) -> int:
    """Read a quiet list of this many items, answers in any order; returns the number of requests.

    A service that halves its pages leaves out the rest of each.
    """
    items = [f"id-{position}" for position in range(max(count, 0))]
    chance, busy, requests = random.Random(seed), list[int](), 0
    while not reading.done and reading.inconsistency is None:
        for offset in reading.wants(busy)[: slots - len(busy)]:
            busy.append(offset)
            requests += 1
        offset = busy.pop(chance.randrange(len(busy)))
        page = items[offset : offset + cap]
        reading.receive(offset, page[: len(page) // 2] if halved else page)
    return requests


@pytest.mark.parametrize("lookahead", [1, 2, 4, 8])
def test_a_quiet_list_is_read_whole_within_the_promised_number_of_requests(lookahead: int) -> None:
    for count in EDGES:
        with case(count):
            for seed in range(3):
                reading = Reading(lookahead=lookahead)
                requests = drive(reading, count, slots=lookahead, seed=seed)
                assert reading.done
                assert len(reading) == max(count, 0)
                assert requests <= max(count, 0) / 99 + 3


def test_a_small_workspace_waits_for_two_rounds_only() -> None:
    reading = Reading(lookahead=4)
    assert reading.wants(()) == [0]
    reading.receive(0, ["a", "b", "c"])
    assert reading.wants(()) == [2, 3]
    reading.receive(3, [])
    reading.receive(2, ["c"])
    assert reading.done


def test_P6_a_single_page_is_whole_in_any_order_of_the_proof() -> None:
    for last in "abc":
        reading = Reading(lookahead=4)
        reading.receive(0, ["a", "b", "c"])
        reading.receive(2, [last])
        reading.receive(3, [])
        assert reading.done
        assert len(reading) == 3


@pytest.mark.parametrize(("offset", "ids"), [(2, ["d"]), (2, [None]), (2, ["b", "c"]), (1, ["b"]), (1, ["a", "c"])])
def test_P6_a_single_page_that_another_item_or_more_of_them_follow_is_not_whole(
    offset: int, ids: list[str | None]
) -> None:
    reading = Reading(lookahead=4)
    reading.receive(0, ["a", "b", "c"])
    reading.receive(offset, ids)
    reading.receive(3, [])
    assert not reading.done


def test_at_most_one_request_at_a_time_may_be_past_the_end() -> None:
    reading = Reading(lookahead=4)
    reading.receive(0, [f"id-{n}" for n in range(100)])
    assert reading.wants(()) == [4 * 99, 99]
    assert reading.wants([4 * 99]) == [99]


@given(count=st.integers(0, 700), cap=st.integers(1, 700), lookahead=st.integers(1, 6), seed=st.integers(0, 9))
@example(count=2, cap=1, lookahead=4, seed=0)
def test_P3_the_list_is_whole_or_refused_with_pages_of_any_size(
    count: int, cap: int, lookahead: int, seed: int
) -> None:
    reading = Reading(lookahead=lookahead)
    drive(reading, count, slots=lookahead, cap=cap, seed=seed)
    assert len(reading) == count if reading.done else reading.inconsistency is not None
    careful = Reading(careful=True)
    drive(careful, count, cap=cap, seed=seed)
    assert careful.done is (cap > 1 or count < 2)
    assert len(careful) == count or not careful.done


@given(count=st.integers(6, 400), lookahead=st.integers(1, 6), seed=st.integers(0, 9), careful=st.booleans())
def test_P3_halved_pages_are_never_the_whole_list(count: int, lookahead: int, seed: int, careful: bool) -> None:
    # Fewer than six items answer like a shorter list with pages of two items.
    reading = Reading(lookahead=1 if careful else lookahead, careful=careful)
    drive(reading, count, slots=lookahead, seed=seed, halved=True)
    assert reading.inconsistency is not None or (reading.done and len(reading) == count)


def test_P3_an_empty_page_behind_proves_no_end_of_short_pages() -> None:
    reading = Reading(lookahead=4)
    for offset, ids in ((0, ["a", "b"]), (1, ["b", "c"]), (4, []), (2, ["c"])):
        reading.receive(offset, ids)
    assert not reading.done
    assert reading.wants(()) == [3]


def test_P3_pages_of_one_item_leave_no_room_for_an_overlap() -> None:
    for careful in (False, True):
        reading = Reading(careful=careful)
        drive(reading, 3, cap=1)
        assert reading.inconsistency is Inconsistency.UNEVEN


def test_P1_a_deletion_between_two_pages_is_seen() -> None:
    reading, items = Reading(), [f"id-{n}" for n in range(150)]
    reading.receive(0, items[:100])
    del items[10]
    reading.receive(99, items[99:199])
    assert reading.inconsistency is Inconsistency.SHIFTED


def test_P2_an_insertion_between_two_pages_is_seen() -> None:
    reading, items = Reading(), [f"id-{n}" for n in range(150)]
    reading.receive(0, items[:100])
    items.insert(10, "new")
    reading.receive(99, items[99:199])
    assert reading.inconsistency is Inconsistency.SHIFTED


def test_P4_an_empty_first_page_is_asked_for_twice() -> None:
    reading = Reading()
    reading.receive(0, [])
    assert not reading.done
    assert reading.wants(()) == [0]
    reading.receive(0, [])
    assert reading.done
    assert len(reading) == 0


def test_P4_an_empty_first_page_that_was_a_mistake_does_no_harm() -> None:
    reading = Reading()
    reading.receive(0, [])
    assert drive(reading, 150) == 4
    assert len(reading) == 150


@pytest.mark.parametrize("offset", [99, 198, 396])
def test_P4_a_bogus_empty_page_in_the_middle_is_a_contradiction(offset: int) -> None:
    reading, items = Reading(lookahead=4), [f"id-{n}" for n in range(450)]
    while not reading.done and reading.inconsistency is None:
        asked = reading.wants(())[0]
        reading.receive(asked, [] if asked == offset else items[asked : asked + 100])
    assert reading.inconsistency is Inconsistency.SHIFTED


def test_P5_a_server_that_ignores_offset_is_recognised() -> None:
    reading = Reading()
    reading.receive(0, ["a", "b"])
    reading.receive(1, ["a", "b"])
    assert reading.inconsistency is Inconsistency.SAME_PAGE


def test_P5_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_ITEMS", 5_000)
    reading = Reading(lookahead=4)
    while reading.inconsistency is None:
        offset = reading.wants(())[0]
        reading.receive(offset, [f"id-{offset + n}" for n in range(100)])
    assert reading.inconsistency is Inconsistency.ENDLESS


def test_P6_answers_in_a_random_order_are_never_taken_for_a_list() -> None:
    for seed in range(50):
        chance, reading = random.Random(seed), Reading()
        items = [f"id-{n}" for n in range(450)]
        while not reading.done and reading.inconsistency is None:
            offset = reading.wants(())[0]
            chance.shuffle(items)
            reading.receive(offset, items[offset : offset + 100])
        assert reading.inconsistency is Inconsistency.SHIFTED


def test_P8_items_without_an_id_stand_where_they_stand() -> None:
    reading = Reading()
    reading.receive(0, ["a", None, None, "b"])
    reading.receive(3, ["b"])
    reading.receive(4, [])
    assert reading.done
    assert len(reading) == 4


class Schedule:
    """A list of deployments that changes between requests, the ids that were always in it, and those that ever were."""

    def __init__(self, seed: int, *, reorders: bool, rate: float) -> None:
        self.chance = random.Random(seed)
        self.items = deployments(self.chance.choice([3, 60, 99, 100, 101, 150, 199, 250, 420]))
        self.always = {item["name"] for item in self.items}
        self.ever = set(self.always)
        self._fresh = 10_000
        self._reorders = reorders
        self._rate = rate
        self._left = self.chance.randrange(12)

    def serve(self, params: Mapping[str, str]) -> list[Any]:
        while self._left and self.chance.random() < self._rate:
            self._left -= 1
            self._change()
        return cut(self.items, params)

    def _change(self) -> None:
        kind = self.chance.choice(["insert", "delete", "move", "shuffle"] if self._reorders else ["insert", "delete"])
        if kind == "insert":
            self._fresh += 1
            self.items.insert(self.chance.randint(0, len(self.items)), deployment(self._fresh))
            self.ever.add(f"agent-{self._fresh:05}")
        elif kind == "delete" and self.items:
            self.always.discard(self.items.pop(self.chance.randrange(len(self.items)))["name"])
        elif kind == "move" and self.items:
            self.items.insert(0, self.items.pop(self.chance.randrange(len(self.items))))
        elif kind == "shuffle":
            self.chance.shuffle(self.items)


@pytest.mark.slow
def test_P1_P2_a_thousand_random_schedules_never_lead_to_a_false_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    complete = 0
    for seed in range(1_000):
        schedule = Schedule(seed, reorders=seed % 2 == 1, rate=(seed % 5 + 1) / 10)
        declared = (*sorted(schedule.always)[::7], "never-there")
        snapshot = fetch_from(monkeypatch, schedule.serve, names=declared, seed=seed)
        seen = {found.name for found in snapshot.deployments}
        assert seen <= schedule.ever, "an unmanaged deployment that never was"
        if snapshot.complete:
            complete += 1
            assert {name for name in declared if name in schedule.always} <= seen, "a deployment falsely missing"
            if seed % 2 == 0:
                assert schedule.always <= seen, "a listing falsely complete"
    assert complete > 600
