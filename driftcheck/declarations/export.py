"""Export: declarations of live deployments.

Values that the service sets, derives or defaults itself are left out, and unset ones. Values that can't be declared are
left out with a note. An exported declaration, checked strictly against the same live deployment, is in sync.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from driftcheck import fields
from driftcheck.declarations.lint import lint
from driftcheck.declarations.schema import Pointer, validate
from driftcheck.fields import UNKNOWN, Field, branch_behind, derive, is_commit, is_number, is_unset
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER, Absent, Change, Deployment, Severity, Snapshot
from driftcheck.paths import Item, Path, Segment, entry_segment, indices_by_identity
from driftcheck.redaction.patterns import is_secret
from driftcheck.redaction.values import redact
from driftcheck.rules import RULES
from driftcheck.yamlfile.scalars import MAX_INTEGER

HIDDEN: Final = "it may hold a secret"
COMMIT: Final = "it is a commit, and the service does not name the branch"
UNMODELLED: Final = "this version of driftcheck does not know the field"
UNWRITABLE: Final = "YAML has no safe way to write it"
OTHER: Final = "it can't be declared in this form"


@dataclass(frozen=True, slots=True)
class Note:
    """A live value that is left out of the declared form, and why; `reason` holds no value of the data."""

    path: Path
    reason: str
    live: JSON | Absent = ABSENT
    """Of an ignore rule, the live value that it is limited to; ABSENT if that is a secret or can't be written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The declaration of a live deployment."""

    name: str
    value: Mapping[str, JSON]
    notes: tuple[Note, ...] = ()
    """What is left out though somebody may have set it."""
    ignores: tuple[Note, ...] = ()
    """What differs from live nevertheless, so that it takes an ignore rule."""
    resulting_name: str = ""
    """The name with the suffix of its target, which ignore rules use; empty if it is the declared one."""


@dataclass(frozen=True, slots=True)
class Export:
    """The declarations of a listing, and the names of what can't be declared, by reason."""

    deployments: tuple[Exported, ...] = ()
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    """Why the listing is incomplete."""


Differing = Callable[[Mapping[str, JSON], Mapping[str, JSON]], Iterable[Change]]
"""Returns the changes of a declared form, compared strictly with a live deployment."""


def export_listing(snapshot: Snapshot, differing: Differing, *, name_suffix: str = "") -> Export:
    """Return the declarations of a listing, by name; names in them lose the suffix of the target."""
    left_out: dict[str, list[str]] = {}
    exports = []
    counts = Counter(deployment.name for deployment in snapshot.deployments)
    for deployment in snapshot.deployments:
        reason = _obstacle(deployment, counts, name_suffix)
        live = {**deployment.value, "name": deployment.name.removesuffix(name_suffix)}
        if reason is None and (exported := export(live, differing)) is not None:
            exports.append(replace(exported, resulting_name=deployment.name))
        else:
            left_out.setdefault(reason or "their names are invalid", []).append(deployment.name)
    return Export(tuple(exports), left_out, snapshot.gaps)


def _obstacle(deployment: Deployment, counts: Counter[str], suffix: str) -> str | None:
    """Return why a live deployment is not exported; None if it is."""
    if not deployment.name.endswith(suffix) or deployment.name == suffix:
        return f"their names do not end in the target's suffix {suffix}"
    if counts[deployment.name] > 1:
        return "several deployments have its name"
    if deployment.is_being_deleted:
        return "it is being deleted"
    if deployment.is_preview:
        return "it is a pull-request preview"
    return None


def common_part(values: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    """Return what is equal in all values: entries of mappings, and everything else as a whole."""
    first, *others = values
    common: dict[str, JSON] = {}
    for key, value in first.items():
        if not all(key in other for other in others):
            continue
        if all(other[key] == value for other in others):
            common[key] = value
        elif all(isinstance(each[key], dict) for each in values):
            common[key] = common_part([each[key] for each in values])
    return common


def rest_over(common: Mapping[str, JSON], value: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the part that, merged over a common part, makes the value."""
    rest: dict[str, JSON] = {}
    for key, each in value.items():
        if key not in common:
            rest[key] = each
        elif isinstance(each, dict) and (inner := rest_over(common[key], each)):
            rest[key] = inner
    return rest


def export(live: Mapping[str, JSON], differing: Differing = lambda _form, _live: ()) -> Exported | None:
    """Return the declared form of a live deployment; None if its name can't be declared."""
    form, notes = declared_form(live)
    refused = _fit(form)
    if refused is None:
        return None
    notes = tuple(Note(_shown(note.path), note.reason) for note in (*notes, *refused))
    ignores = (_ignored(change, notes) for change in differing(form, live))
    return Exported(str(live["name"]), form, notes, tuple(ignores))


def _ignored(change: Change, notes: Sequence[Note]) -> Note:
    """Return the difference that an ignore rule covers, with the live value as reports show it."""
    path, seen = _shown(change.path), redact(change)
    is_kept = not seen.redacted and path == change.path and _is_writable_whole(seen.live)
    return Note(path, _reason(path, notes), _sorted(seen.live) if is_kept else ABSENT)


def _sorted(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value


def _is_writable_whole(value: JSON) -> bool:
    if isinstance(value, dict):
        return all(_is_writable(k) and _is_short(k) and _is_writable_whole(entry) for k, entry in value.items())
    return all(map(_is_writable_whole, value)) if isinstance(value, list) else _is_writable(value)


def _shown(path: Path) -> Path:
    """Return a path with `*` instead of each key or identity that is itself a secret."""
    return tuple("*" if is_secret(s.value if isinstance(s, Item) else s) else s for s in path)


def _reason(path: Path, notes: Sequence[Note]) -> str:
    near = (note.reason for note in notes if note.path[: len(path)] == path or path[: len(note.path)] == note.path)
    return next(near, OTHER)


def declared_form(live: Mapping[str, JSON]) -> tuple[dict[str, JSON], tuple[Note, ...]]:
    """Return the declarable part of a live deployment, judged only by its fields, and notes on the rest; pure."""
    reader = _Reader(live)
    return reader.object(live, fields.deployment(), ()), tuple(reader.notes)


class _Reader:
    """Makes the declared form of one live deployment."""

    def __init__(self, live: Mapping[str, JSON]) -> None:
        self._live = live
        self.notes: list[Note] = []

    def object(self, value: Mapping[str, JSON], field: Field, path: Path) -> dict[str, JSON]:
        """Return an object's form: known fields first, in the schema's order."""
        form = {}
        known = (name for name in field.properties if name in value or name in field.indirect)
        for name in (*known, *sorted(value.keys() - field.properties)):
            entry = self._entry(name, value, field, (*path, name))
            if entry is not ABSENT:
                form[name] = entry
        return form

    def _entry(self, name: str, siblings: Mapping[str, JSON], parent: Field, path: Path) -> JSON | Absent:
        value, field = siblings.get(name), parent.child(name)
        if field is not None and field.branch:
            value = branch_behind(self._live, field) or value
        if value is None:
            return ABSENT
        if field is None and not _is_free(parent):
            return self._leave(path, UNMODELLED)
        if not _is_writable(name) or not _is_short(name):
            return self._leave(path, UNWRITABLE)
        field = field or UNKNOWN
        if not _is_free(parent) and self._need_not_be_declared(value, field, siblings, parent):
            return ABSENT
        if field.sensitive:
            return self._leave(path, HIDDEN) if field.types else ABSENT
        if field.branch and is_commit(value):
            return self._leave(path, COMMIT)
        return self._value(value, field, path)

    def _need_not_be_declared(self, value: JSON, field: Field, siblings: Mapping[str, JSON], parent: Field) -> bool:
        """Return whether a value need not be declared: it is unset, the service's own, or derived from another."""
        if field.platform_sets(self._live.get("source")) or field.is_assigned(value):
            return True
        if is_unset(value, field) and not field.indirect:
            return True
        own = (field.service_default, derive(field, siblings, parent))
        return any(
            value == each and (type(value) is type(each) or (is_number(value) and is_number(each)))
            for each in own
            if each is not None
        )

    def _value(self, value: JSON, field: Field, path: Path) -> JSON | Absent:
        if value == REDACTED_MARKER or is_secret(value):
            return self._leave(path, HIDDEN)
        if isinstance(value, dict):
            form = self.object(value, field, path)
            return form if form or _is_free(field) else ABSENT
        if isinstance(value, list):
            return self._list(value, field, path)
        if not _is_writable(value):
            return self._leave(path, UNWRITABLE)
        is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INTEGER
        return int(value) if is_whole else value

    def _list(self, entries: Sequence[JSON], field: Field, path: Path) -> list[JSON]:
        """Return a list's form, sorted by identity if order does not matter."""
        key = field.key if indices_by_identity(entries, field.key) is not None else None
        pairs = [(entry_segment(entry, index, key), entry) for index, entry in enumerate(entries)]
        if not field.ordered and key is not None:
            pairs.sort(key=lambda pair: str(pair[0]))
        found = (self._value(entry, field.items or UNKNOWN, (*path, segment)) for segment, entry in pairs)
        return [entry for entry in found if entry is not ABSENT]

    def _leave(self, path: Path, reason: str) -> Absent:
        self.notes.append(Note(path, reason))
        return ABSENT


def _is_free(field: Field) -> bool:
    """Return whether an object's entries are compared as a whole, and not field by field."""
    return field.values is not None or not field.properties


def _is_writable(value: JSON) -> bool:
    """Return whether YAML reads a scalar back: no lone surrogate, and no integer that other programs round."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
    return not isinstance(value, int) or abs(value) <= MAX_INTEGER


def _is_short(key: str) -> bool:
    """Return whether a key, escaped, is shorter than the 1024 characters that YAML allows for a key."""
    return len(key) * (2 if key.isascii() and key.isprintable() else 10) <= 1000


def _fit(form: dict[str, JSON]) -> list[Note] | None:
    """Remove from a form, in place, what schema and rules refuse; None if they refuse the whole deployment."""
    notes: list[Note] = []
    while errors := dict(_errors(form)):
        before = len(notes)
        for pointer in sorted(errors, key=_from_the_end, reverse=True):
            if pointer in ((), ("name",)):
                return None
            if (path := _remove(form, pointer)) is not None:
                notes.append(Note(path, errors[pointer]))
        if len(notes) == before:
            return None
    return notes


def _errors(form: Mapping[str, JSON]) -> Iterator[tuple[Pointer, str]]:
    """Yield the paths of errors in a form, and their messages."""
    name = form.get("name")
    for violation in (*validate({"deployments": [form]}), *(lint(name, form) if isinstance(name, str) else ())):
        if RULES[violation.rule].severity is Severity.ERROR:
            inside = violation.path[2:] if violation.path[:1] == ("deployments",) else violation.path
            yield inside, violation.message


def _from_the_end(pointer: Pointer) -> list[tuple[bool, int, str]]:
    return [(isinstance(s, int), s if isinstance(s, int) else 0, str(s)) for s in pointer]


def _remove(form: dict[str, JSON], pointer: Pointer) -> Path | None:
    """Remove the value at a pointer and return its path; None if it was removed with another one.

    An identity is removed with its entry.
    """
    path: list[Segment] = []
    holder: Any = None
    value: Any = form
    field = fields.deployment()
    for depth, segment in enumerate(pointer, 1):
        try:
            holder, value = value, value[segment]
        except (LookupError, TypeError):
            return None
        path.append(entry_segment(value, segment, field.key) if isinstance(segment, int) else segment)
        if isinstance(segment, int) and pointer[depth:] == (field.key,):
            break
        field = field.child(segment) or UNKNOWN
    del holder[segment]
    return tuple(path)
