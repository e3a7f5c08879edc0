"""The comparison of two deployments of one kind: of two listings, or of two revisions of a declaration.

Swapping the sides swaps added and removed, and changes nothing else. A listing leaves some values unverifiable; a
declaration shows everything. Nothing is rounded: both values were written by people, or both come from the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from driftcheck.comparison.differences import (
    Differences,
    FieldContext,
    compare_lists,
    is_own_default,
    is_structured,
    is_underivable,
    is_unrevised,
    set_fields,
    shows_unset,
)
from driftcheck.comparison.equality import may_be_same_image, same_as_written
from driftcheck.fields import UNKNOWN, Field, branch_behind, deployment, derive, is_unset, may_be_commit
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER
from driftcheck.paths import Path

_NOTHING: Final[Mapping[str, JSON]] = {}


@dataclass(slots=True)
class _Pair:
    """Two deployments under comparison, and what was found so far."""

    one: Mapping[str, JSON]
    other: Mapping[str, JSON]
    listed: bool
    found: Differences = field(default_factory=Differences)

    def fresh(self) -> _Pair:
        """Return the same pair without results, to compare a part separately."""
        return _Pair(self.one, self.other, self.listed)


def compare_listed(one: Mapping[str, JSON], other: Mapping[str, JSON]) -> Differences:
    """Compare a deployment of one listing with that of another."""
    return _compare(_Pair(one, other, listed=True))


def compare_declared(head: Mapping[str, JSON], base: Mapping[str, JSON]) -> Differences:
    """Compare a deployment as declared at one revision with the same at an earlier one."""
    return _compare(_Pair(head, base, listed=False))


def _compare(pair: _Pair) -> Differences:
    _compare_object(pair, pair.one, pair.other, deployment(), ())
    return pair.found.in_order()


def _compare_object(pair: _Pair, one: Mapping[str, JSON], other: Mapping[str, JSON], field: Field, path: Path) -> None:
    described = bool(field.properties) and field.values is None
    for name in (*one, *(name for name in other if name not in one)):
        child = field.properties.get(name) or field.values or UNKNOWN
        context = FieldContext(child, (*path, name), field, one, other)
        first, second = one.get(name), other.get(name)
        if pair.listed and described and name not in field.properties and (name in one) != (name in other):
            if first is not None or second is not None:
                pair.found.unverifiable.append(context.path)
        else:
            _compare_value(pair, first, second, context)


def _compare_value(pair: _Pair, first: JSON, second: JSON, context: FieldContext) -> None:
    field = context.field
    if pair.listed:
        owned = [field.platform_sets(side.get("source")) for side in (pair.one, pair.other)]
        if all(owned):
            return
        if any(owned) and first != second:
            pair.found.unverifiable.append(context.path)
            return
        if field.branch:
            first, second = _by_branch(pair, first, second, field)
    if REDACTED_MARKER in (first, second):
        pair.found.unverifiable.append(context.path)
    elif isinstance(first, dict) and isinstance(second, dict):
        pair.found.by_name_only += field.by_name
        _compare_object(pair, first, second, field, context.path)
    elif is_unset(first, field) and is_unset(second, field):
        pair.found.compared += 1
    elif first is None or second is None or _shows_nothing_yet(pair, first, second, context):
        _compare_with_nothing(pair, first, second, context)
    elif isinstance(first, list) and isinstance(second, list):
        compare_objects, compare_values = partial(_compare_object, pair), partial(_compare_apart, pair)
        compare_lists(pair.found, first, second, context, compare_objects, compare_values, counts_added=True)
    elif not isinstance(first, dict | list) and same_as_written(first, second, field):
        pair.found.compared += 1
    elif pair.listed and field.equivalence == "image" and _may_be_same_image(first, second):
        pair.found.unverifiable.append(context.path)
    else:
        pair.found.compared += 1
        pair.found.differ(context.path, first, second)


def _may_be_same_image(first: JSON, second: JSON) -> bool:
    return may_be_same_image(first, second) or may_be_same_image(second, first)


def _by_branch(pair: _Pair, first: JSON, second: JSON, field: Field) -> tuple[JSON, JSON]:
    """Return the branches of two references if the service reports them; unknown ones as redacted."""
    branches = branch_behind(pair.one, field), branch_behind(pair.other, field)
    if first == second and None in branches:
        return first, second
    may_be = [b is None and may_be_commit(value) for b, value in zip(branches, (first, second), strict=True)]
    first, second = branches[0] or first, branches[1] or second
    if may_be[0] != may_be[1] and None not in (first, second):
        return REDACTED_MARKER, REDACTED_MARKER
    return first, second


def _shows_nothing_yet(pair: _Pair, first: JSON, second: JSON, context: FieldContext) -> bool:
    """Return whether one of two lists is empty because the deployment has no revision yet."""
    if not (pair.listed and isinstance(first, list) and isinstance(second, list) and context.field.empty_is_null):
        return False
    sides = ((first, pair.one), (second, pair.other))
    return any(not entries and is_unrevised(side, context) for entries, side in sides)


def _compare_with_nothing(pair: _Pair, first: JSON, second: JSON, context: FieldContext) -> None:
    """Compare a set value with null or an empty list."""
    field, path = context.field, context.path
    is_first = second is None or (first is not None and second == [])
    value, holder, root = (first, context.live, pair.other) if is_first else (second, context.declared, pair.one)
    derived = derive(field, holder, context.parent)
    if derived is not None and not isinstance(value, dict | list) and same_as_written(value, derived, field):
        pair.found.compared += 1
    elif pair.listed and (not shows_unset(pair.found, root, holder, context) or is_underivable(field, derived)):
        unrevised = field.always_set or is_unrevised(root, context)
        pair.found.unverifiable.extend(set_fields(value, field, path, by_entry=unrevised))
    elif pair.listed and is_own_default(value, field):
        pair.found.compared += 1
    elif not is_structured(value, field):
        pair.found.compared += 1
        pair.found.differ(path, *_either(is_first, value, ABSENT), effective=derived)
    elif pair.listed:
        part = pair.fresh()
        _compare_object(part, *_either(is_first, value, _NOTHING), field, path)
        pair.found.differ_as_whole(part.found, path, *_either(is_first, value, ABSENT))
    else:
        _compare_object(pair, *_either(is_first, value, _NOTHING), field, path)


def _either(is_first: bool, value: JSON, nothing: JSON) -> tuple[JSON, JSON]:
    return (value, nothing) if is_first else (nothing, value)


def _compare_apart(pair: _Pair, first: JSON, second: JSON, context: FieldContext) -> Differences:
    part = pair.fresh()
    _compare_value(part, first, second, context)
    return part.found
