"""Details of a change whose values are structures: which parts differ, found by DeepDiff.

A reader sees `args[3]: --workers 4 -> --workers 8` instead of two lists of twenty. DeepDiff gets canonical values of
bounded size: each scalar is its JSON text and each list a list of strings, so that DeepDiff's own rules for equality,
types and similarity do not apply.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from driftcheck.budget import Budget, OverBudgetError
from driftcheck.model import JSON, Change, ChangeKind, Detail
from driftcheck.paths import sort_key, value_at

_MOST_NODES: Final = 2_000
"""The most nodes of both sides together; a larger structure has no details, and its values are still reported."""
_MOST_ENTRIES: Final = 300
"""The most entries of one list; aligning two takes quadratic time."""
_MOST_LEVELS: Final = 64
_TIME: Final = 1_000_000
"""Microseconds, about, that the details of a run take for each mebibyte of declarations."""
_CALL: Final = 200
_EACH: Final = 10
_KINDS: Final = {
    "values_changed": ChangeKind.MODIFIED,
    "type_changes": ChangeKind.MODIFIED,
    "dictionary_item_removed": ChangeKind.REMOVED,
    "iterable_item_removed": ChangeKind.REMOVED,
    "dictionary_item_added": ChangeKind.ADDED,
    "iterable_item_added": ChangeKind.ADDED,
}


def budget(size: int) -> Budget:
    """Return the time that all details of a run may take, from the bytes of its declarations."""
    return Budget(max(_TIME, _TIME * size // 2**20))


def with_details(change: Change, budget: Budget) -> Change:
    """Return a change with its details; its values must be redacted already, so that no detail holds a secret.

    Without details if the budget is used up.
    """
    sides = change.declared, change.live
    if change.redacted or not any(isinstance(side, dict | list) or _is_long(side) for side in sides):
        return change
    try:
        return replace(change, details=details(*sides, budget))
    except OverBudgetError:
        return change


def details(declared: JSON, live: JSON, budget: Budget) -> tuple[Detail, ...]:
    """Return the differences between two values of one structure, by path; null is compared as an empty one.

    A path in a list holds the declared position, or the live one of an entry that is not declared. Lines are the
    entries of a long text. Nothing is returned for scalars, for values of different types and for very large ones.
    Raises OverBudgetError.
    """
    declared, live = _parts(declared, live), _parts(live, declared)
    if type(declared) is not type(live) or not isinstance(declared, dict | list):
        return ()
    one, other = _time(declared), _time(live)
    if one is None or other is None:
        return ()
    if not (declared and live):  # without DeepDiff, which is slow for one of ten thousand changes
        budget.spend(_EACH * (len(declared) + len(live)))
        return tuple(sorted(_one_sided(declared, live), key=lambda detail: sort_key(detail.path)))
    budget.spend(_CALL + one + other)
    return tuple(sorted(_details(declared, live), key=lambda detail: (sort_key(detail.path), detail.kind is _ADDED)))


_ADDED: Final = ChangeKind.ADDED


def _is_long(value: JSON) -> bool:
    return isinstance(value, str) and "\n" in value


def _parts(value: JSON, other: JSON) -> JSON:
    """Return a value as a structure: a text as its lines if either is long, null as an empty one of the other's."""
    if value is None and isinstance(other, dict | list):
        return type(other)()
    if isinstance(value, str) and isinstance(other, str) and (_is_long(value) or _is_long(other)):
        return value.splitlines(keepends=True)
    return value


def _time(value: JSON) -> int | None:
    """Return an estimate of the time for a value, from measurements; None if the value is too large for details."""
    left, level = [value], 0
    nodes = time = 0
    while left:
        level, nodes = level + 1, nodes + len(left)
        if level > _MOST_LEVELS or nodes > _MOST_NODES:
            return None
        lists = [len(each) for each in left if isinstance(each, list)]
        if max(lists, default=0) > _MOST_ENTRIES:
            return None
        time += sum(length * length // 2 for length in lists) + len(left) * _EACH * (4 + level)
        below = [each.values() if isinstance(each, dict) else each for each in left if isinstance(each, dict | list)]
        left = [entry for entries in below for entry in entries]
    return time


def _one_sided(declared: JSON, live: JSON) -> Iterator[Detail]:
    """Yield the parts of the side that is not empty."""
    for name in declared if isinstance(declared, dict) else range(len(declared)):
        yield Detail(ChangeKind.REMOVED, (name,), declared=declared[name])
    for name in live if isinstance(live, dict) else range(len(live)):
        yield Detail(ChangeKind.ADDED, (name,), live=live[name])


def _details(declared: JSON, live: JSON) -> Iterator[Detail]:
    from deepdiff import DeepDiff

    found = DeepDiff(
        _canonical(declared), _canonical(live), view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False
    )
    for name, kind in _KINDS.items():
        for level in found.get(name, ()):
            path = tuple(level.path(output_format="list", use_t2=kind is ChangeKind.ADDED))
            one = value_at(declared, path)
            other = value_at(live, tuple(level.path(output_format="list", use_t2=True)))
            if kind is ChangeKind.MODIFIED and _is_two(level):
                yield Detail(ChangeKind.REMOVED, path, declared=one)
                yield Detail(ChangeKind.ADDED, path, live=value_at(live, path))
            elif kind is ChangeKind.MODIFIED and type(one) is type(other) and isinstance(one, dict | list):
                yield from (replace(each, path=(*path, *each.path)) for each in _details(one, other))
            else:
                gone, new = kind is ChangeKind.REMOVED, kind is ChangeKind.ADDED
                yield Detail(kind, path, None if new else one, None if gone else other)


def _is_two(level: Any) -> bool:
    """Return whether DeepDiff made one change of an entry that is gone and another one that is new.

    It does so if both are at the same position, although nothing else pairs them.
    """
    return level.up is not None and any(
        relation is None or relation.param is None for relation in (level.up.t1_child_rel, level.up.t2_child_rel)
    )


def _canonical(value: JSON) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_text(entry) for entry in value]
    return _text(value)


def _text(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)
