"""Edits of the declaration files that make them agree with live.

`accept` decides which values to declare; `edit` finds the layer that sets them (the deployment's own entry, or an
overlay) and changes only that layer: neither `defaults` nor what other deployments share.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from driftcheck import fields
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.export import Note, declared_form, export
from driftcheck.declarations.loader import declare, entry_name
from driftcheck.declarations.overlays import merged
from driftcheck.fields import UNKNOWN, Field
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER, Absent, Change, ChangeKind, Finding, Severity
from driftcheck.paths import Item, Lookup, Path, Segment, value_at
from driftcheck.redaction.patterns import is_secret
from driftcheck.yamlfile import reader
from driftcheck.yamlfile.edit import EditError, rewrite, same
from driftcheck.yamlfile.parsed import Parsed

HIDDEN: Final = "its value may be a secret and is not known"
SHARED: Final = (
    "the file that declares it is shared with other targets, and none of this target's own files has an overlay"
)

TOO_MANY: Final = "too many values to try one by one; select deployments with --name, or fields with --path"

_READ_AGAIN: Final = 2 * 2**20
"""The most bytes, in all, that are read again to find out which value prevents an edit."""

_KEYS: Final = ("name", "mountPath", "deployment")
"""The keys by which list entries are paired when a text is edited."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The new value of a declaration that accepts some of its changes from live."""

    value: Mapping[str, JSON]
    """The whole effective declaration."""
    paths: tuple[Path, ...]
    """Of the changes that are accepted; a list without identities is accepted as a whole."""
    refused: tuple[tuple[Path, str], ...]
    """Changes that can't be accepted, each with the reason."""


def accept(declared: Mapping[str, JSON], live: Mapping[str, JSON], changes: Sequence[Change]) -> Accepted:
    """Return the declaration with the live values of some changes, each in its shortest form; pure."""
    exported = export(live)
    form, notes = (exported.value, exported.notes) if exported else declared_form(live)
    exact, below = _by_prefix(notes)
    new, lookup = _Node(), Lookup()
    paths: dict[Path, None] = {}
    refused: list[tuple[Path, str]] = []
    for change in changes:
        path = _whole(change)
        if path in paths:
            continue
        around = (exact[path[:length]] for length in range(len(path) + 1) if path[:length] in exact)
        note = below.get(path) or next(around, None)
        found, seen = lookup.value(form, path, ABSENT), lookup.value(live, path, ABSENT)
        wanted = _reordered(declared, live, change, lookup) or _wanted(change, path, note, found, seen)
        if isinstance(wanted, str):
            refused.append((change.path, wanted))
            continue
        new.put(path, wanted)
        paths[path] = None
    value = _applied(copy.deepcopy(dict(declared)), new, Lookup())
    return Accepted(value if isinstance(value, dict) else {}, tuple(paths), tuple(refused))


@dataclass(frozen=True, slots=True)
class _Wanted:
    value: JSON | Absent


@dataclass(slots=True)
class _Node:
    """New values by path: one for this node, and those below it."""

    wanted: _Wanted | None = None
    below: dict[Segment, _Node] = field(default_factory=dict)

    def put(self, path: Path, wanted: _Wanted) -> None:
        """Add the value that is wanted at a path."""
        node = self
        for segment in path:
            node = node.below.setdefault(segment, _Node())
        node.wanted = wanted


def _applied(value: JSON | Absent, node: _Node, lookup: Lookup) -> JSON | Absent:
    """Return a copy of a value with new values in it."""
    if node.wanted is not None:
        value = node.wanted.value
    if not node.below:
        return value
    if all(isinstance(segment, str) for segment in node.below):
        mapping = dict(value) if isinstance(value, dict) else {}
        for segment, child in node.below.items():
            new = _applied(mapping.get(str(segment), ABSENT), child, lookup)
            if new is ABSENT:
                mapping.pop(str(segment), None)
            else:
                mapping[str(segment)] = new
        return mapping
    before = value if isinstance(value, list) else []
    entries: list[JSON | Absent] = list(before)
    for segment, child in node.below.items():
        position = lookup.index(before, segment)
        start: JSON | Absent = {segment.key: segment.value} if isinstance(segment, Item) and child.below else ABSENT
        new = _applied(start if position is None else before[position], child, lookup)
        if position is None:
            entries.append(new)
        else:
            entries[position] = new
    return [entry for entry in entries if entry is not ABSENT]


def _with(value: JSON, path: Path, new: JSON | Absent) -> JSON:
    """Return a copy of a value with another value at a path."""
    node = _Node()
    node.put(path, _Wanted(new))
    return _applied(value, node, Lookup())


def _by_prefix(notes: Sequence[Note]) -> tuple[dict[Path, Note], dict[Path, Note]]:
    """Return the first note at each path, and the first one at or below each path."""
    exact: dict[Path, Note] = {}
    below: dict[Path, Note] = {}
    for note in notes:
        exact.setdefault(note.path, note)
        for length in range(len(note.path) + 1):
            below.setdefault(note.path[:length], note)
    return exact, below


def _wanted(change: Change, path: Path, note: Note | None, found: JSON | Absent, seen: JSON | Absent) -> _Wanted | str:
    """Return the value that is to be declared at a path (ABSENT to remove it), or why none can be.

    `note` says what can't be declared there, `found` is the value of the declared form, `seen` that of live.
    """
    if change.kind is ChangeKind.REMOVED and path == change.path:
        return _Wanted(ABSENT)
    if path[0] in ("name", "source", "agent"):
        return "a deployment's identity can't be adopted; export it as a new declaration"
    if note is not None:
        return HIDDEN if change.redacted or "secret" in note.reason else note.reason
    if found is not ABSENT:
        return _Wanted(found)
    is_sensitive = any(part.sensitive for part in fields.deployment().along(path))
    if change.redacted or is_sensitive or seen is ABSENT or seen == REDACTED_MARKER or is_secret(seen):
        return HIDDEN
    if isinstance(seen, dict | list):
        return _Wanted(type(seen)())  # everything in it is unset, derived or the service's own
    return _Wanted(int(seen) if isinstance(seen, float) and seen.is_integer() else seen)


def _reordered(value: JSON, live: JSON, change: Change, lookup: Lookup) -> _Wanted | None:
    """Return the declared list in live order if a change is about the order of its entries, else None."""
    if not isinstance(change.declared, list):
        return None
    entries, seen = lookup.value(value, change.path, ABSENT), lookup.value(live, change.path, ABSENT)
    is_names = all(isinstance(name, str) for name in change.declared)
    if not (is_names and change.declared and isinstance(entries, list) and isinstance(seen, list)):
        return None
    keys = [key for key in _KEYS if all(isinstance(each, dict) and key in each for each in entries)]
    if not keys:
        return None
    order = {
        entry[keys[0]]: number for number, entry in enumerate(seen) if isinstance(entry, dict) and keys[0] in entry
    }
    return _Wanted(sorted(entries, key=lambda entry: order.get(entry[keys[0]], len(order))))


def _whole(change: Change) -> Path:
    """Return the path that is accepted for a change: that of the whole list if its entries have no identity."""
    for length, segment in enumerate(change.path):
        if isinstance(segment, int):
            return change.path[:length]
    return change.path


# --- the layers of a deployment in its files ---


@dataclass(frozen=True, slots=True)
class Edited:
    """Files with their new texts, and what the layout of a file does not allow."""

    texts: Mapping[str, bytes]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Deployments that are not changed, each with the reason."""
    left: Mapping[str, Mapping[Path, str]] = field(default_factory=dict)
    """Paths that are not changed in deployments that are otherwise edited."""


@dataclass(frozen=True, slots=True)
class _File:
    text: SourceText
    parsed: Parsed
    is_own: bool
    """Whether it may change: no other target reads it."""

    @property
    def name(self) -> str:
        return self.text.name


@dataclass(frozen=True, slots=True)
class _Layer:
    """One entry of a deployment: in `deployments` (over the document's `defaults`), or in `overlay`."""

    file: _File
    document: int
    list: str
    index: int | None
    """None for an entry that is to be added."""
    entry: JSON
    """ABSENT if it is to be removed."""
    defaults: JSON = ABSENT


_Wishes: TypeAlias = Mapping[str, Accepted | None]
"""What deployments are to become, by declared name; None to remove one."""


def edit(
    texts: Sequence[SourceText],
    wanted: Mapping[str, Accepted],
    removed: Collection[str],
    *,
    may_change: Callable[[str], bool] = bool,
) -> Edited:
    """Return the files edited so that deployments have the wanted values and the removed ones are gone.

    Names are as the files declare them. `may_change` says whether a file is the run's own; in others, which other
    targets share, nothing changes. Nothing is written here.
    """
    before = [_File(text, text.parsed or reader.parse(text.data), may_change(text.name)) for text in texts]
    size = sum(len(text.data) for text in texts)
    attempts = iter(range(max(_READ_AGAIN // max(size, 1), 2)))
    left: dict[str, dict[Path, str]] = {}
    wishes: _Wishes = {**wanted, **dict.fromkeys(removed)}
    files, refused = _attempt(before, wishes)
    for name in list(refused):  # one by one, if one of them can't be edited
        if next(attempts, None) is None:
            refused[name] = TOO_MANY
            continue
        files, again = _attempt(files, {name: wishes[name]})
        if again and name in wanted:
            files, reasons = _path_by_path(files, name, wanted[name], attempts)
            if set(reasons.values()) != {SHARED}:
                left[name] = reasons
                again = {}
        refused.update(again)
        if not again:
            del refused[name]
    pairs = zip(files, before, strict=True)
    changed = {file.name: file.text.data for file, old in pairs if file.text.data != old.text.data}
    return Edited(changed, refused, left)


def _path_by_path(
    files: list[_File], name: str, accepted: Accepted, attempts: Iterator[int]
) -> tuple[list[_File], dict[Path, str]]:
    """Change one value at a time, again while that helps another; return the files, and why some values are left."""
    reasons: dict[Path, str] = dict.fromkeys(accepted.paths, "")
    tried = 0
    while 0 < len(reasons) != tried:  # a value may be valid only once another one has changed
        tried = len(reasons)
        for path in list(reasons):
            if next(attempts, None) is None:
                reasons[path] = reasons[path] or TOO_MANY
                continue
            declared = _merged_layers(_layers(files).get(name, ()))
            one = Accepted(_with(declared, path, value_at(accepted.value, path, ABSENT)), (path,), ())
            files, refused = _attempt(files, {name: one})
            if refused:
                reasons[path] = refused[name]
            else:
                del reasons[path]
    return files, reasons


def _attempt(files: list[_File], wishes: _Wishes) -> tuple[list[_File], dict[str, str]]:
    """Return the files after an edit, read again, and why deployments are not changed: all of them if one has an error.

    Errors are those of the layout, and new ones in what the files say.
    """
    changes: dict[str, list[_Layer]] = {}
    refused: dict[str, str] = {}
    layers = _layers(files)
    for name, accepted in wishes.items():
        found = _changed_layers(layers.get(name, []), accepted, files)
        if isinstance(found, str):
            refused[name] = found
            continue
        for layer in found:
            changes.setdefault(layer.file.name, []).append(layer)
    try:
        after = [_rewritten(file, changes.get(file.name, ())) for file in files]
        _require_no_new_error(files, after)
    except EditError as error:
        return files, dict.fromkeys(wishes, str(error))
    return after, refused


def _require_no_new_error(before: Sequence[_File], after: Sequence[_File]) -> None:
    errors = _errors(after)
    known = {(found.rule, found.deployment, found.message) for found in _errors(before)} if errors else ()
    for found in errors:
        if (found.rule, found.deployment, found.message) not in known:
            raise EditError(f"the result would not be valid: {found.message} [{found.rule}]")


def _errors(files: Sequence[_File]) -> list[Finding]:
    declared = declare((replace(file.text, parsed=file.parsed) for file in files), linted=Severity.ERROR)
    return [found for found in declared.findings if found.severity is Severity.ERROR]


def _rewritten(file: _File, layers: Sequence[_Layer]) -> _File:
    """Return a file with other entries; the file itself if none of them differs."""
    documents = list(file.parsed.documents)
    opened: dict[tuple[int, str], list[JSON]] = {}
    for layer in layers:
        at = (layer.document, layer.list)
        if at not in opened:
            opened[at] = list(documents[layer.document][layer.list])
        if layer.index is None:
            opened[at].append(layer.entry)
        else:
            opened[at][layer.index] = layer.entry
    for (number, list_name), entries in opened.items():
        kept = [entry for entry in entries if entry is not ABSENT]
        documents[number] = {**documents[number], list_name: kept}
    if same(documents, list(file.parsed.documents)):
        return file
    data, parsed = rewrite(file.text.data, documents, keys=_KEYS, parsed=file.parsed)
    return replace(file, text=replace(file.text, data=data), parsed=parsed) if data != file.text.data else file


def _layers(files: Sequence[_File]) -> dict[str, list[_Layer]]:
    """Return the entries of each declared name, the lowest layer first."""
    found: dict[str, list[_Layer]] = {}
    for file in sorted(files, key=lambda file: file.text.path_index):
        for number, document in enumerate(file.parsed.documents):
            if not isinstance(document, dict):
                continue
            for list_name in ("deployments", "overlay"):
                entries = document.get(list_name)
                for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                    if (name := entry_name(entry)) is not None:
                        defaults = document.get("defaults", ABSENT) if list_name == "deployments" else ABSENT
                        layer = _Layer(file, number, list_name, index, entry, defaults)
                        found.setdefault(name, []).append(layer)
    return found


def common_changes(
    shared: Sequence[SourceText], targets: Sequence[tuple[Mapping[str, Mapping[str, JSON]], Mapping[str, Accepted]]]
) -> dict[str, Accepted]:
    """Return the changes that all targets accept alike, of deployments in files that all of them read.

    `targets` holds for each target its declared values and accepted changes, by declared name. A value that a target
    sets in its own file is changed there.
    """
    (_, first), *others = targets
    found = {}
    for declaration in declare(shared).deployments:
        name, value = declaration.name, dict(declaration.value)
        if not all(name in accepted for _, accepted in targets):
            continue
        paths = [
            path
            for path in first[name].paths
            if all(path in accepted[name].paths for _, accepted in others)
            and all(_equal(value_at(declared[name], path), value_at(value, path)) for declared, _ in targets)
            and all(
                _equal(value_at(accepted[name].value, path), value_at(first[name].value, path))
                for _, accepted in others
            )
        ]
        for path in paths:
            value = _with(value, path, value_at(first[name].value, path, ABSENT))
        if paths:
            found[name] = Accepted(value, tuple(paths), ())
    return found


def _changed_layers(layers: list[_Layer], accepted: Accepted | None, files: Sequence[_File]) -> list[_Layer] | str:
    """Return the layers, changed so that they merge to the accepted value, or why that is not possible."""
    if accepted is None:
        is_own = all(layer.file.is_own for layer in layers)
        return [replace(layer, entry=ABSENT) for layer in layers] if is_own else SHARED
    if not layers:
        return "its declaration was not found in the files"
    layers, lookup = [*layers], Lookup()
    declared = _merged_layers(layers)
    changes: dict[int, _Node] = {}
    for path in accepted.paths:
        value = lookup.value(accepted.value, path, ABSENT)
        if _equal(lookup.value(declared, path, ABSENT), value):
            continue
        number = _setter(layers, path, lookup)
        if not layers[number].file.is_own:
            above = (each for each, layer in enumerate(layers) if each > number and layer.file.is_own)
            own = next(above, None)
            if own is None:
                if (new := _new_overlay(layers, files)) is None:
                    return SHARED
                layers.append(new)
                own = len(layers) - 1
            number = own
        changes.setdefault(number, _Node()).put(path, _Wanted(value))
    for number, node in sorted(changes.items()):
        layer = layers[number]
        below = layer.defaults if layer.defaults is not ABSENT else _merged_layers(layers[:number])
        wanted = _applied(_merged_layers(layers[: number + 1]), node, lookup)
        is_overlay = layer.list == "overlay"
        entry = _own(layer.entry, below, wanted, fields.deployment(), by_identity=is_overlay)
        if entry is ABSENT:
            return "an overlay can't remove it" if is_overlay else "the file's `defaults` would show through"
        layers[number] = replace(layer, entry=entry)
    if not _equal(_merged_layers(layers), accepted.value):
        return "the layers of its declaration can't express the change"
    return layers


def _setter(layers: Sequence[_Layer], path: Path, lookup: Lookup) -> int:
    """Return the layer that sets the value at a path, or most of the way to it; the highest of several."""
    depths = [_depth(layer.entry, path, lookup) for layer in layers]
    deepest = max(depths)
    if deepest <= 1 and layers[0].list == "deployments":
        return 0
    return max(number for number, depth in enumerate(depths) if depth == deepest)


def _depth(entry: JSON, path: Path, lookup: Lookup) -> int:
    for length in range(len(path), 0, -1):
        if lookup.value(entry, path[:length], ABSENT) is not ABSENT:
            return length
    return 0


def _new_overlay(layers: Sequence[_Layer], files: Sequence[_File]) -> _Layer | None:
    """Return a new entry in the first overlay of a file that may change."""
    name = layers[0].entry.get("name")
    for file in files:
        for number, document in enumerate(file.parsed.documents):
            if file.is_own and isinstance(document, dict) and isinstance(document.get("overlay"), list):
                return _Layer(file, number, "overlay", None, {"name": name})
    return None


def _merged_layers(layers: Sequence[_Layer]) -> JSON:
    """Return the merged value of layers; `defaults` are below the entry of their own document."""
    value: JSON = ABSENT
    for layer in layers:
        if layer.list == "deployments":
            value = merged(layer.defaults, layer.entry)
        else:
            value = merged(value, layer.entry, fields.deployment())
    return value


def _own(entry: JSON | Absent, below: JSON | Absent, wanted: JSON, field: Field, *, by_identity: bool) -> JSON | Absent:
    """Return the entry of a layer that, merged over the layers below, makes the wanted value.

    Values that do not matter are kept; ABSENT if no layer can express it.
    """
    if _equal(merged(below, entry, field if by_identity else UNKNOWN), wanted):
        return entry
    if isinstance(wanted, dict) and isinstance(entry, dict | Absent) and isinstance(below, dict | Absent):
        return _own_mapping(
            {} if entry is ABSENT else entry, {} if below is ABSENT else below, wanted, field, by_identity=by_identity
        )
    if by_identity and field.key is not None and isinstance(wanted, list) and isinstance(below, list):
        return _own_entries(entry if isinstance(entry, list) else [], below, wanted, field)
    return wanted


def _own_mapping(
    entry: Mapping[str, JSON],
    below: Mapping[str, JSON],
    wanted: Mapping[str, JSON],
    field: Field,
    *,
    by_identity: bool,
) -> JSON | Absent:
    result = dict(entry)
    for name, value in wanted.items():
        child = field.child(name) or UNKNOWN
        own = _own(entry.get(name, ABSENT), below.get(name, ABSENT), value, child, by_identity=by_identity)
        if own is not ABSENT:
            result[name] = own
        elif not _equal(below.get(name, ABSENT), value):
            return ABSENT
    for name in {**entry, **below}:
        if name not in wanted:
            if below.get(name) is not None:
                if field.values is not None and not field.values.nullable:
                    return ABSENT
                result[name] = None  # else the layer below would show through
            else:
                result.pop(name, None)
    return result


def _own_entries(entry: list[JSON], below: list[JSON], wanted: list[JSON], field: Field) -> JSON | Absent:
    """Return the entries that an overlay needs: those that differ from the ones below."""
    items, key = field.items or UNKNOWN, field.key or ""
    names = [each.get(key) if isinstance(each, dict) else None for each in wanted]
    if not all(isinstance(name, str) for name in names):
        return ABSENT
    known, lookup = set(names), Lookup()
    if any(isinstance(each, dict) and each.get(key) not in known for each in below):
        return ABSENT
    result: list[JSON] = []
    for name, value in zip(names, wanted, strict=True):
        path = (Item(key, str(name)),)
        own, under = lookup.value(entry, path, ABSENT), lookup.value(below, path, ABSENT)
        needed = _own(own, under, value, items, by_identity=True)
        if needed is not ABSENT:
            result.append({key: name, **needed} if isinstance(needed, dict) else needed)
    return result


def _equal(one: JSON | Absent, other: JSON | Absent) -> bool:
    """Return whether two declared values are the same; null equals a missing value."""
    if one is ABSENT or other is ABSENT:
        return one in (ABSENT, None) and other in (ABSENT, None)
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_equal(one.get(name, ABSENT), other.get(name, ABSENT)) for name in {**one, **other})
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return same(one, other)


def appended(data: bytes, entries: Sequence[Mapping[str, JSON]], ignores: Sequence[Mapping[str, JSON]] = ()) -> bytes:
    """Return a file with more entries at the end of its first `deployments`, and ignore rules; raises EditError."""
    documents = list(reader.parse(data).documents)
    for number, document in enumerate(documents):
        if isinstance(document, dict) and isinstance(document.get("deployments"), list):
            documents[number] = {**document, "deployments": [*document["deployments"], *entries]}
            if ignores:
                documents[number]["ignore"] = [*(document.get("ignore") or []), *ignores]
            return rewrite(data, documents, keys=_KEYS)[0]
    raise EditError("it has no list of deployments")


def declared_names(texts: Sequence[SourceText]) -> Iterator[str]:
    """Return every name that files declare."""
    yield from _layers([_File(text, text.parsed or reader.parse(text.data), is_own=False) for text in texts])
