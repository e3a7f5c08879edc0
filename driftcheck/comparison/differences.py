"""Results of a comparison of two deployments, and rules that all comparisons share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from driftcheck.comparison.matching import match_entries, names, same_order
from driftcheck.fields import AGES, UNKNOWN, Field, deployment, is_unset
from driftcheck.model import ABSENT, JSON, Absent, ChangeClass, ChangeKind
from driftcheck.paths import Item, Path, indices_by_identity, sort_key


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; a Change before policy."""

    kind: ChangeKind
    path: Path
    declared: JSON
    live: JSON
    declared_effective: JSON = None
    live_effective: JSON = None
    of_order: bool = False
    """Whether the order of a list's entries differs; the values are then lists of their identities."""
    change_class: ChangeClass = ChangeClass.DRIFT
    base: JSON | Absent = ABSENT
    """The value at the first merge base; ABSENT in a comparison without one."""


@dataclass(slots=True)
class Differences:
    """What a comparison finds."""

    differences: list[Difference] = field(default_factory=list)
    unverifiable: list[Path] = field(default_factory=list)
    """Set on one side, but a listing can't show whether the other side agrees."""
    unmodelled: list[Path] = field(default_factory=list)
    """Live fields that the schema does not describe; looked for in strict comparison only."""
    compared: int = 0
    """How many fields were compared."""
    by_name_only: int = 0
    """How many values are known by name on both sides and can't be compared."""
    before_first_revision: bool = False
    """Whether something is unverifiable because the service has no revision of the deployment to show."""

    def differ(
        self,
        path: Path,
        declared: JSON | Absent,
        live: JSON | Absent,
        *,
        effective: JSON = None,
        of_order: bool = False,
    ) -> None:
        """Record that two values differ; ABSENT for a side that lacks it and uses the `effective` one."""
        if declared is ABSENT:
            difference = Difference(ChangeKind.ADDED, path, None, live, declared_effective=effective)
        elif live is ABSENT:
            difference = Difference(ChangeKind.REMOVED, path, declared, None, live_effective=effective)
        else:
            difference = Difference(ChangeKind.MODIFIED, path, declared, live, of_order=of_order)
        self.differences.append(difference)

    def differ_as_whole(self, part: Differences, path: Path, declared: JSON | Absent, live: JSON | Absent) -> None:
        """Add what was found in an object that one side lacks: it differs as a whole if any part of it differs."""
        self.compared += part.compared
        if part.differences:
            self.differ(path, declared, live)
        else:
            self.unverifiable.extend(part.unverifiable)

    def in_order(self) -> Differences:
        """Sort each part by path."""
        self.differences.sort(key=lambda found: sort_key(found.path))
        self.unverifiable.sort(key=sort_key)
        self.unmodelled.sort(key=sort_key)
        return self


class FieldContext(NamedTuple):
    """What the schema says of a field, its path, and the objects that hold it on both sides."""

    field: Field
    path: Path
    parent: Field
    """The field of the objects that hold it."""
    declared: Mapping[str, JSON]
    live: Mapping[str, JSON]
    """The objects that hold the field, empty in a list without identities."""


def compare_lists(
    found: Differences,
    first: Sequence[JSON],
    second: Sequence[JSON],
    context: FieldContext,
    compare_objects: Callable[[Mapping[str, JSON], Mapping[str, JSON], Field, Path], None],
    compare_values: Callable[[JSON, JSON, FieldContext], Differences],
    *,
    counts_added: bool,
) -> None:
    """Compare lists entry by entry if their entries have identities, otherwise as wholes.

    `compare_objects` compares two entries of one identity; `compare_values` returns what it finds in two entries at
    one position. With `counts_added`, entries that only the second list has count as compared.
    """
    field, path = context.field, context.path
    entries = match_entries(first, second, field.key)
    if entries is None:
        _compare_as_wholes(found, first, second, field, path, compare_values)
        return
    items, key = field.items or UNKNOWN, field.key or ""
    for identity, one, other in entries:
        below = (*path, Item(key, identity))
        if one is ABSENT or other is ABSENT:
            found.compared += counts_added or other is ABSENT
            found.differ(below, one, other)
        else:
            found.by_name_only += items.by_name
            compare_objects(one, other, items, below)
    if not same_order(first, second, field):
        found.differ(path, names(first, key), names(second, key), of_order=True)


def _compare_as_wholes(
    found: Differences,
    first: Sequence[JSON],
    second: Sequence[JSON],
    field: Field,
    path: Path,
    compare_values: Callable[[JSON, JSON, FieldContext], Differences],
) -> None:
    """Compare lists whose entries have no identity: one change, which holds both lists."""
    found.compared += 1
    if first == second and all(entry.__class__ is str for entry in first):
        return
    differs, is_unverifiable = len(first) != len(second), False
    for position, (one, other) in enumerate(zip(first, second, strict=False)):
        if differs:
            break
        part = compare_values(one, other, FieldContext(field.items or UNKNOWN, (*path, position), UNKNOWN, {}, {}))
        differs, is_unverifiable = bool(part.differences), is_unverifiable or bool(part.unverifiable)
    if differs:
        gone, new = field.empty_is_null and not second, field.empty_is_null and not first
        found.differ(path, ABSENT if new else first, ABSENT if gone else second)
    elif is_unverifiable:
        found.unverifiable.append(path)


def is_structured(value: JSON, field: Field) -> bool:
    """Return whether a value is an object whose fields the schema lists, not a map with free keys."""
    return isinstance(value, dict) and bool(field.properties) and field.values is None


def set_fields(value: JSON, field: Field, path: Path, *, by_entry: bool = False) -> Iterator[Path]:
    """Return the paths of the fields that a value sets, or its own path if it has no fields.

    With `by_entry`, the entries of a list count one by one.
    """
    if is_structured(value, field):
        for name, entry in value.items():
            child = field.child(name) or UNKNOWN
            if not is_unset(entry, child):
                yield from set_fields(entry, child, (*path, name), by_entry=by_entry)
    elif by_entry and field.key is not None and (named := indices_by_identity(value, field.key)):
        for identity in named:
            yield (*path, Item(field.key, identity))
    else:
        yield path


def shows_unset(
    found: Differences, live: Mapping[str, JSON], holder: Mapping[str, JSON], context: FieldContext
) -> bool:
    """Return whether a null in a listing shows that the value is not set; `holder` is the object that lacks it.

    It does not if the service does not report the field, if the server is too old to know it (it then has no such
    key), or if the deployment has no revision yet (docs/API.md 3.1.1, 3.1.10, 6.5).
    """
    field = context.field
    if field.always_set or is_unrevised(live, context):
        found.before_first_revision = True
        return False
    return (context.path[-1] in holder or is_known(live, context.field)) and field.is_reported(live.get("source"))


def is_unrevised(live: Mapping[str, JSON], context: FieldContext) -> bool:
    """Return whether a listing can't show a value because the deployment has no revision yet (docs/API.md 6.5)."""
    is_before_first = "latest_revision_id" in live and live["latest_revision_id"] is None
    return is_before_first and any(part.revision for part in deployment().along(context.path))


def is_known(live: Mapping[str, JSON], field: Field) -> bool:
    """Return whether the server that listed a deployment knows a field that it left out.

    A field that came with a version of the API is known if another of that version, or of a later one,
    is there; one that was removed again, if another such one is (docs/API.md, Sources).
    """
    if field.deprecated:
        return any(other.deprecated for other in _present(live, deployment()))
    age = AGES.index(field.since)
    return age == 0 or any(AGES.index(other.since) >= age for other in _present(live, deployment()))


def _present(live: Mapping[str, JSON], field: Field) -> Iterator[Field]:
    """Return the fields in the schema that a live object and the objects in it have, set or null."""
    for name, value in live.items():
        child = field.properties.get(name)
        if child is not None:
            yield child
            if isinstance(value, dict):
                yield from _present(value, child)


def is_own_default(value: JSON, field: Field) -> bool:
    """Return whether a value is what the service shows if nothing was set."""
    return field.service_default is not None and value == field.service_default


def is_underivable(field: Field, derived: JSON) -> bool:
    """Return whether null means a value derived from another one that is unknown."""
    return derived is None and field.effective is not None and field.effective.of is not None
