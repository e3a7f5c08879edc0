"""Patterns over paths: one `*` is within a segment, `**` is any segments, and nothing else is special."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.budget import Budget, OverBudgetError
from driftcheck.globs import GlobIndex, PatternIndex, matches
from driftcheck.paths import Item, Path, format_path, glob_matches
from tests.test_paths import PATHS


@given(PATHS)
def test_a_path_matches_itself_and_the_catch_all(path: Path) -> None:
    assert matches("**", path)
    if path and not any("*" in str(segment) for segment in path) and "" not in path:
        assert matches(format_path(path), path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a.*.c", ("a", "b", "c"), True),
        ("a.*.c", ("a", "b", "b", "c"), False),
        ("a.**.c", ("a", "b", "b", "c"), True),
        ("a.**.c", ("a", "c"), True),
        ("a.**", ("a",), True),
        ("a", ("a", "b"), False),
        ("**.**.c", ("c",), True),
        ("a.b*", ("a", "bcd"), True),
        ("a.b", ("a.b",), False),
        ('["a.b"]', ("a.b",), True),
        ('["a*"]', ("a.b",), True),
        ("a[name=*].b", ("a", Item("name", "x y"), "b"), True),
        ('a[name="x y"].b', ("a", Item("name", "x y"), "b"), True),
        ("a[name=*]", ("a", Item("mountPath", "x")), False),
        ("a[?]", ("a", 1), False),
        ("a[0-9]", ("a", 1), False),
        ("a.[bc]", ("a", "b"), False),
        ("A", ("a",), False),
    ],
)
def test_one_star_is_within_a_segment_and_two_are_any_segments(pattern: str, path: Path, expected: bool) -> None:
    assert matches(pattern, path) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_glob_of_stars_alone_is_what_fnmatch_says(pattern: str, text: str) -> None:
    assert glob_matches(pattern, text) == fnmatchcase(text, pattern)


@pytest.mark.parametrize("text", ["?", "[a]", "a.c", "^a$", "(a+)+"])
def test_nothing_but_a_star_is_special(text: str) -> None:
    assert glob_matches(text, text)
    assert not glob_matches(text, "a")
    assert not glob_matches(text, "abc")


def test_Y21_no_pattern_makes_matching_slow() -> None:
    start = time.perf_counter()
    glob_matches("*a" * 2_000 + "b", "a" * 20_000)
    matches("**.a." * 100 + "b", ("a",) * 300)
    matches(".".join(["*a*a*a*"] * 50), ("a" * 200,) * 50)
    assert time.perf_counter() - start < 2


# --- many patterns at once ---

GLOBS = st.lists(st.text("ab*", max_size=5), max_size=8)
DOTTED = st.lists(st.lists(st.text("ab*", min_size=1, max_size=3), min_size=1, max_size=4).map(".".join), max_size=8)


@given(GLOBS, st.text("ab", max_size=8))
def test_an_index_finds_the_globs_that_match_one_by_one(globs: list[str], text: str) -> None:
    found = GlobIndex([(glob, number) for number, glob in enumerate(globs)]).matching(text, Budget(10**6))
    assert sorted(found) == [number for number, glob in enumerate(globs) if glob_matches(glob, text)]


@given(DOTTED, st.lists(st.text("ab", min_size=1, max_size=3), max_size=5).map(tuple))
def test_an_index_finds_the_patterns_that_match_one_by_one(patterns: list[str], path: Path) -> None:
    found = PatternIndex(patterns, Budget(10**6)).matching(path)
    assert found == {number for number, pattern in enumerate(patterns) if matches(pattern, path)}


def test_matching_ends_when_the_budget_is_used_up() -> None:
    globs = [(f"*a{number}*", number) for number in range(1_000)]
    with pytest.raises(OverBudgetError):
        GlobIndex(globs).matching("a" * 1_000, Budget(100))
    with pytest.raises(OverBudgetError):
        PatternIndex([f"**.{glob}.x" for glob, _ in globs], Budget(100)).matching(("a1", "x"))
