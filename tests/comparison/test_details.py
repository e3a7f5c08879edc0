"""The inside of a structured change: complete, by position, and never a secret."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.budget import Budget
from driftcheck.comparison import details as module
from driftcheck.comparison.details import budget, with_details
from driftcheck.model import Change, ChangeKind, Detail
from driftcheck.paths import format_path

SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, "", "1", "true", "null", "__class__", "a", "b"])
KEYS = st.sampled_from(["a", "b", "__private", "x.y", 'q"', "'", "0", "root"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
STRUCTURES = st.lists(VALUES, max_size=7) | st.dictionaries(KEYS, VALUES, max_size=4)


def details(declared: Any, live: Any) -> tuple[Detail, ...]:
    return module.details(declared, live, Budget(10**9))


def drift(declared: Any, live: Any) -> list[tuple[str, str, Any, Any]]:
    return [(d.kind.value, format_path(d.path), d.declared, d.live) for d in details(declared, live)]


def applied(declared: Any, found: tuple[Detail, ...]) -> Any:
    """Carry out details on the declared value: what changed, then what is gone, then what is new; inside first."""
    root = [deepcopy(declared)]
    for kind in (ChangeKind.MODIFIED, ChangeKind.REMOVED, ChangeKind.ADDED):
        chosen = [detail for detail in found if detail.kind is kind]
        for detail in sorted(chosen, key=lambda d: -len(d.path)) if kind is ChangeKind.MODIFIED else ():
            holder(root, detail.path)[last(detail.path)] = deepcopy(detail.live)
    holders = {detail.path[:-1] for detail in found if detail.kind is not ChangeKind.MODIFIED}
    for path in sorted(holders, key=len, reverse=True):
        inside = [detail for detail in found if detail.path[:-1] == path]
        target = holder(root, (*path, None))
        for detail in reversed([d for d in inside if d.kind is ChangeKind.REMOVED]):
            del target[detail.path[-1]]
        for detail in (d for d in inside if d.kind is ChangeKind.ADDED):
            if isinstance(target, list):
                target.insert(detail.path[-1], deepcopy(detail.live))
            else:
                target[detail.path[-1]] = deepcopy(detail.live)
    return root[0]


def holder(root: list[Any], path: Any) -> Any:
    value = root[0]
    for segment in path[:-1]:
        value = value[segment]
    return value


def last(path: Any) -> Any:
    return path[-1]


def exact(value: Any) -> Any:
    """Return a value in which `==` distinguishes types."""
    if isinstance(value, dict):
        return {key: exact(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return ["list", *map(exact, value)]
    return (type(value).__name__, value)


@given(STRUCTURES, STRUCTURES)
def test_details_applied_to_declared_give_live(declared: Any, live: Any) -> None:
    found = details(declared, live)
    if type(declared) is type(live):
        assert exact(applied(declared, found)) == exact(live)
    else:
        assert found == ()


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_details_of_words_are_complete(declared: list[str], live: list[str]) -> None:
    assert applied(declared, details(declared, live)) == live


@given(STRUCTURES)
def test_a_value_has_no_details_against_itself(value: Any) -> None:
    assert details(value, deepcopy(value)) == ()


def test_one_word_among_many_is_one_detail() -> None:
    words = [f"--flag-{number}" for number in range(20)]
    assert drift(words, [*words[:3], "--workers=8", *words[4:]]) == [
        ("modified", "[3]", "--flag-3", "--workers=8"),
    ]
    assert drift(words, ["--first", *words]) == [("added", "[0]", None, "--first")]
    assert drift(words, words[1:]) == [("removed", "[0]", "--flag-0", None)]


def test_the_inside_of_an_entry_is_reported_and_not_the_entry() -> None:
    declared = [{"secretRef": {"name": "a"}}, {"secretRef": {"name": "b", "optional": True}}]
    live = [{"secretRef": {"name": "a"}}, {"secretRef": {"name": "c", "optional": True}}]
    assert drift(declared, live) == [("modified", "[1].secretRef.name", "b", "c")]


def test_an_object_that_only_one_side_has_is_reported_field_by_field() -> None:
    otel = {"name": "otel", "image": "otel:1"}
    assert drift(None, otel) == [("added", "image", None, "otel:1"), ("added", "name", None, "otel")]
    assert drift(otel, None) == [("removed", "image", "otel:1", None), ("removed", "name", "otel", None)]


def test_a_long_text_is_reported_line_by_line() -> None:
    assert drift("a\nb\nc\n", "a\nB\nc\n") == [("modified", "[1]", "b\n", "B\n")]
    assert drift("a", "a\nb") == [("modified", "[0]", "a", "a\n"), ("added", "[1]", None, "b")]


@pytest.mark.parametrize(("declared", "live"), [(1, 2), ("a", "b"), (None, 1), ([], {}), ({}, "a"), (None, None)])
def test_other_values_have_no_details(declared: Any, live: Any) -> None:
    assert details(declared, live) == ()


def test_a_large_or_deep_structure_has_no_details() -> None:
    deep: Any = "leaf"
    for _ in range(80):
        deep = [deep]
    assert details([1], deep) == ()
    assert details(list(range(1_000)), list(range(999))) == ()
    assert details({str(number): number for number in range(5_000)}, {}) == ()


def test_a_redacted_change_has_no_details() -> None:
    change = Change(ChangeKind.MODIFIED, ("x",), ["a"], ["b"], redacted=True)
    assert with_details(change, Budget(10**9)).details == ()
    assert len(with_details(Change(ChangeKind.MODIFIED, ("x",), ["a"], ["b"]), Budget(10**9)).details) == 1


def test_the_details_of_a_run_take_bounded_time() -> None:
    change = Change(ChangeKind.MODIFIED, ("x",), ["a", "b", "c"], ["c", "d"])
    left = Budget(budget(0).left // 10)
    explained = [bool(with_details(change, left).details) for _ in range(2_000)]
    assert explained[0]
    assert not explained[-1]
    assert sum(explained) > 100
    assert budget(2**24).left == 16 * budget(2**20).left
