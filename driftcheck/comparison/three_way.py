"""Base, head and live: which side moved, and so whether a change is drift or proposed by the change under review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from driftcheck.comparison.diff import Difference, Terms, compare
from driftcheck.fields import Field
from driftcheck.model import JSON, ChangeClass, ChangeKind
from driftcheck.paths import Path, resolve

TABLE: Final[Mapping[tuple[bool, bool, bool], ChangeClass]] = {
    # (head differs from base, live differs from base, live differs from head)
    (True, False, True): ChangeClass.PROPOSED,
    (True, True, False): ChangeClass.ADOPTED,
    (True, True, True): ChangeClass.CONFLICT,
    (False, True, True): ChangeClass.DRIFT,
}
"""The truth table of docs/contract.md ("With --base"), before it is asked whether the change under review touches the
deployment and what the tip of the base declares; a combination that is not here is in sync."""


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """One deployment, as declared at the base revision, as declared now, and as it is live."""

    base: Mapping[str, JSON] | None
    """None where the base revision does not declare it."""
    head: Mapping[str, JSON]
    live: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Classed:
    """A difference between head and live, or one that head has adopted, and its class."""

    difference: Difference
    change_class: ChangeClass
    base: JSON
    """The value at the base revision."""


def classify(three: ThreeWay, differences: Sequence[Difference], schema: Field, terms: Terms) -> Iterator[Classed]:
    """Classify each difference of head and live, and add what head has adopted from live.

    Everything that a deployment new to the declarations asks for is proposed.
    """
    base = three.base
    if base is None:
        yield from (Classed(difference, ChangeClass.PROPOSED, None) for difference in differences)
        return
    edits = _edits(three.head, base, schema)
    drifted_from_base = compare(base, three.live, schema, terms).differences
    for difference in differences:
        head_moved = _concerns(difference, edits) or _is_newly_declared(difference.path, three.head, base)
        live_moved = not head_moved or _concerns(difference, drifted_from_base)
        yield Classed(difference, TABLE[head_moved, live_moved, True], _base_value(difference, edits, base))
    for edit in edits:
        live_moved = _is_statement(edit, three.head, schema) and _is_adopted(
            edit, drifted_from_base, three.live, schema
        )
        if live_moved and not _concerns(edit, differences):
            adopted = _with_live(edit, _same(edit, drifted_from_base), three.live)
            yield Classed(adopted, TABLE[True, True, False], edit.live)


def _edits(head: Mapping[str, JSON], base: Mapping[str, JSON], schema: Field) -> tuple[Difference, ...]:
    """Return what the change under review adds, changes and removes, as differences of head from base."""
    return compare(head, base, schema, Terms(strict=True, observed=False)).differences


def _with_live(edit: Difference, drifted: Difference | None, live: Mapping[str, JSON]) -> Difference:
    """Return a difference of head from base with the live value instead of the base's."""
    seen = None if edit.kind is ChangeKind.ADDED else _value_at(live, edit.path)
    return Difference(
        edit.kind,
        edit.path,
        edit.declared,
        drifted.live if drifted else seen,
        edit.declared_effective,
        drifted.live_effective if drifted else None,
        edit.of_order,
    )


def _base_value(difference: Difference, edits: Sequence[Difference], base: Mapping[str, JSON]) -> JSON:
    edit = _same(difference, edits)
    if edit is not None:
        return edit.live
    return difference.declared if difference.of_order else _value_at(base, difference.path)


def _same(difference: Difference, others: Sequence[Difference]) -> Difference | None:
    return next((o for o in others if o.path == difference.path and o.of_order == difference.of_order), None)


def _concerns(difference: Difference, others: Sequence[Difference]) -> bool:
    """Return whether another difference is about the same value, about its holder or about something in it.

    The order of a list's entries is one matter, each entry another.
    """
    return any(_is_within(difference, other) or _holds(difference, other) for other in others)


def _is_within(difference: Difference, other: Difference) -> bool:
    covered = difference.path[: len(other.path)] == other.path
    return covered and (difference.of_order or not other.of_order)


def _holds(difference: Difference, other: Difference) -> bool:
    whole = difference.kind is not ChangeKind.MODIFIED
    return whole and other.path[: len(difference.path)] == difference.path


def _is_statement(edit: Difference, head: Mapping[str, JSON], schema: Field) -> bool:
    """Return whether an edit says anything about live.

    A field that is no longer declared does not; a null, or an entry removed from a collection, does.
    """
    return edit.kind is not ChangeKind.ADDED or _is_entry(edit.path, schema) or _has(head, edit.path)


def _is_adopted(
    edit: Difference, drifted_from_base: Sequence[Difference], live: Mapping[str, JSON], schema: Field
) -> bool:
    """Return whether an edit declares what is live already: live had left the base, or the base did not declare it."""
    if _concerns(edit, drifted_from_base):
        return True
    silent = edit.kind is ChangeKind.REMOVED and not _is_entry(edit.path, schema)
    return silent and _value_at(live, edit.path) is not None


def _is_entry(path: Path, schema: Field) -> bool:
    """Return whether a path leads to an entry of a list or map, which is declared as a whole."""
    holder: Field | None = schema
    for segment in path[:-1]:
        holder = holder.child(segment) if holder else None
    return not isinstance(path[-1], str) or holder is None or holder.values is not None or not holder.properties


def _is_newly_declared(path: Path, head: Mapping[str, JSON], base: Mapping[str, JSON]) -> bool:
    """Return whether the base declares neither a field nor its holder, so that live can't have drifted from it.

    Positions prove nothing.
    """
    holders = (path[:length] for length in range(1, len(path) + 1))
    return not any(isinstance(segment, int) for segment in path) and any(
        _has(head, holder) and not _has(base, holder) for holder in holders
    )


def _has(value: Mapping[str, JSON], path: Path) -> bool:
    try:
        resolve(value, path)
    except LookupError:
        return False
    return True


def _value_at(value: Mapping[str, JSON], path: Path) -> JSON:
    try:
        return resolve(value, path)
    except LookupError:
        return None
