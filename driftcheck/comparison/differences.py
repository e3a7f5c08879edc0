"""What a comparison of two deployments finds, and the facts that every comparison asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from driftcheck.fields import AGES, UNKNOWN, Field, is_unset
from driftcheck.model import ABSENT, JSON, Absent, ChangeKind
from driftcheck.paths import Item, Path, indices_by_identity, sort_key, value_at


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


@dataclass(frozen=True, slots=True)
class Differences:
    """The result of a comparison, each part sorted by path."""

    differences: tuple[Difference, ...]
    unverifiable: tuple[Path, ...]
    """Set on one side, but a listing can't show whether the other side agrees."""
    unmodelled: tuple[Path, ...]
    """Live fields that the schema does not describe; looked for in strict comparison only."""
    compared: int
    """How many fields were compared."""
    by_name_only: int = 0
    """How many values are known by name on both sides and can't be compared."""
    before_first_revision: bool = False
    """Whether something is unverifiable because the service has no revision of the deployment to show."""


@dataclass(slots=True)
class Recorder:
    """Collects what a comparison finds."""

    differences: list[Difference] = field(default_factory=list)
    unverifiable: list[Path] = field(default_factory=list)
    unmodelled: list[Path] = field(default_factory=list)
    compared: int = 0
    by_name_only: int = 0
    before_first_revision: bool = False

    def differ(
        self,
        path: Path,
        declared: JSON | Absent,
        live: JSON | Absent,
        *,
        declared_effective: JSON = None,
        live_effective: JSON = None,
        of_order: bool = False,
    ) -> None:
        """Record that two values differ; ABSENT for a side that has none."""
        kind = ChangeKind.MODIFIED
        if declared is ABSENT:
            kind, declared = ChangeKind.ADDED, None
        elif live is ABSENT:
            kind, live = ChangeKind.REMOVED, None
        self.differences.append(Difference(kind, path, declared, live, declared_effective, live_effective, of_order))

    def result(self) -> Differences:
        """Return what was found, sorted by path."""
        return Differences(
            tuple(sorted(self.differences, key=lambda found: sort_key(found.path))),
            tuple(sorted(self.unverifiable, key=sort_key)),
            tuple(sorted(self.unmodelled, key=sort_key)),
            self.compared,
            self.by_name_only,
            self.before_first_revision,
        )


@dataclass(frozen=True, slots=True)
class FieldContext:
    """What the schema says of a field, its path, and the objects that hold it on both sides."""

    schema: Field
    path: Path
    parent: Field = UNKNOWN
    declared: Mapping[str, JSON] = field(default_factory=dict)
    live: Mapping[str, JSON] = field(default_factory=dict)


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


def is_before_first_revision(live: Mapping[str, JSON]) -> bool:
    """Return whether the service says that a deployment has no revision yet (API.md 6.5)."""
    return "latest_revision_id" in live and live["latest_revision_id"] is None


def is_of_revision(path: Path, root: Field) -> bool:
    """Return whether a field is part of a revision, so that the service can't show it before the first one."""
    return any(field.revision for field in root.along(path))


def is_known(live: Mapping[str, JSON], root: Field, field: Field) -> bool:
    """Return whether the server that listed a deployment knows a field that it left out; `root` is its field.

    A field that came with a version of the API is known if another of that version, or of a later one,
    is there; one that was removed again, if another such one is (API.md, timeline).
    """
    if field.deprecated:
        return any(other.deprecated for other in _present(live, root))
    age = AGES.index(field.since)
    return age == 0 or any(AGES.index(other.since) >= age for other in _present(live, root))


def _present(live: Mapping[str, JSON], field: Field) -> Iterator[Field]:
    """Return the fields in the schema that a live object and the objects in it have, set or null."""
    for name, value in live.items():
        child = field.properties.get(name)
        if child is not None:
            yield child
            if isinstance(value, dict):
                yield from _present(value, child)


def branch_behind(live: Mapping[str, JSON], field: Field) -> str | None:
    """Return the branch that a deployment tracks (API.md 3.1.9); None where the service does not report it."""
    branch = value_at(live, field.branch)
    return branch if isinstance(branch, str) else None


def is_own_default(value: JSON, field: Field) -> bool:
    """Return whether a value is what the service shows where nothing was set."""
    return field.service_default is not None and value == field.service_default


def is_underivable(field: Field, derived: JSON) -> bool:
    """Return whether null stands for something derived from what is not known either."""
    return derived is None and field.effective is not None and field.effective.of is not None


def are_words(entries: Sequence[JSON]) -> bool:
    """Return whether a list holds strings alone."""
    return all(entry.__class__ is str for entry in entries)
