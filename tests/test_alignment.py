"""The alignment of two lists: the ranges cover both, and equal ones are equal, however long the lists may be."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.alignment import opcodes

LISTS = st.lists(st.sampled_from("abcdefgh"), max_size=12)


@given(LISTS, LISTS, st.sampled_from([0, 20, 1_000]))
def test_the_ranges_cover_both_lists_in_order(one: list[str], other: list[str], most_pairs: int) -> None:
    i = j = 0
    for tag, start, end, other_start, other_end in opcodes(one, other, most_pairs):
        assert (start, other_start) == (i, j)
        assert (tag == "equal") == (one[start:end] == other[other_start:other_end])
        i, j = end, other_end
    assert (i, j) == (len(one), len(other))


@given(LISTS, LISTS)
def test_short_lists_are_aligned_as_difflib_does(one: list[str], other: list[str]) -> None:
    expected = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    if len(set(one)) < len(one) and len(set(other)) < len(other):
        assert [*opcodes(one, other, 1_000)] == expected


@pytest.mark.parametrize("most_pairs", [0, 1_000])
def test_an_entry_in_the_middle_of_different_ones_is_inserted(most_pairs: int) -> None:
    assert [*opcodes(["a", "b"], ["a", "x", "b"], most_pairs)] == [
        ("equal", 0, 1, 0, 1),
        ("insert", 1, 1, 1, 2),
        ("equal", 1, 2, 2, 3),
    ]
