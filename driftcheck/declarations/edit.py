"""Edits of the declaration files that make them agree with live.

`accept` decides which values to declare; `edit` finds the layer that sets them (the deployment's own entry, or an
overlay) and changes only that layer: neither `defaults` nor what other deployments share.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.export import Note, declared_form, export
from driftcheck.declarations.loader import declare
from driftcheck.declarations.overlays import merged
from driftcheck.fields import UNKNOWN, Field
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER, Absent, Change, ChangeKind, Severity
from driftcheck.paths import Item, Lookup, Path, Segment, value_at
from driftcheck.redaction.patterns import is_secret
from driftcheck.yamlfile import reader
from driftcheck.yamlfile.edit import EditError, rewrite, rewritten, same
from driftcheck.yamlfile.parsed import Parsed

HIDDEN: Final = "its value may be a secret and is not known"
SHARED: Final = (
    "the file that declares it is shared with other targets, and none of this target's own files has an overlay"
)

TOO_MANY: Final = "too many values to try one by one; select deployments with --name, or fields with --path"

_READ_AGAIN: Final = 2 * 2**20
"""Bytes that are read again, in all, to find out which value stops an edit."""

_KEYS: Final = ("name", "mountPath", "deployment")
"""What list entries are paired by when a text is edited."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The new value of a declaration that accepts some of its changes from live."""

    value: Mapping[str, JSON]
    """The whole effective declaration."""
    paths: tuple[Path, ...]
    """Of the changes that are accepted; a list without identities is accepted as a whole."""
    refused: tuple[tuple[Path, str], ...]
    """Changes that can't be accepted, each with the reason."""


def accept(
    declared: Mapping[str, JSON], live: Mapping[str, JSON], changes: Sequence[Change], schema: Field
) -> Accepted:
    """Return the declaration with the live values of some changes, each in its shortest form; pure."""
    exported = export(live, lambda _: ())
    form, notes = (exported.value, exported.notes) if exported else declared_form(live)
    source = _Source(live, form, _by_prefix(notes), schema)
    new, lookup = _Node(), Lookup()
    paths: dict[Path, None] = {}
    refused: list[tuple[Path, str]] = []
    for change in changes:
        path = _whole(change)
        if path in paths:
            continue
        wanted = _reordered(declared, live, change, lookup) or source.wanted(change, path)
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


class _Source:
    """A live deployment, its declared form, and the reasons why parts can't be declared."""

    def __init__(
        self, live: Mapping[str, JSON], form: JSON, notes: tuple[dict[Path, Note], dict[Path, Note]], schema: Field
    ) -> None:
        self._live, self._form, self._schema = live, form, schema
        self._exact, self._below = notes
        self._lookup = Lookup()

    def wanted(self, change: Change, path: Path) -> _Wanted | str:
        """Return the value that is to be declared at a path (ABSENT to remove it), or why none can be."""
        if change.kind is ChangeKind.REMOVED and path == change.path:
            return _Wanted(ABSENT)
        if path[0] in ("name", "source", "agent"):
            return "a deployment's identity can't be adopted; export it as a new declaration"
        above = (self._exact[path[:length]] for length in range(len(path) + 1) if path[:length] in self._exact)
        near = self._below.get(path) or next(above, None)
        found = self._lookup.value(self._form, path, ABSENT)
        if found is not ABSENT and near is None:
            return _Wanted(found)
        if near is not None:
            return HIDDEN if change.redacted or "secret" in near.reason else near.reason
        seen = self._lookup.value(self._live, path, ABSENT)
        is_sensitive = any(part.sensitive for part in self._schema.along(path))
        if change.redacted or is_sensitive or seen is ABSENT or seen == REDACTED_MARKER or is_secret(seen):
            return HIDDEN
        if isinstance(seen, dict | list):
            return _Wanted(type(seen)())  # everything in it is unset, derived or the service's own
        return _Wanted(int(seen) if isinstance(seen, float) and seen.is_integer() else seen)


def _reordered(value: JSON, live: JSON, change: Change, lookup: Lookup) -> _Wanted | None:
    """Return the declared list in live order where a change is about the order of its entries, else None."""
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
    """Return the path that is accepted for a change: that of the whole list where entries have no identity."""
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


@dataclass(slots=True)
class _Layer:
    """One entry of a deployment: in `deployments` (over the document's `defaults`), or in `overlay`."""

    file: str
    document: int
    list: str
    index: int
    entry: JSON
    defaults: JSON = ABSENT


@dataclass(slots=True)
class _File:
    name: str
    data: bytes
    parsed: Parsed
    layer: int

    @property
    def documents(self) -> tuple[JSON, ...]:
        """What the file holds."""
        return self.parsed.documents

    @property
    def text(self) -> SourceText:
        """The file, and what it holds."""
        return SourceText(self.name, self.data, self.layer, self.parsed)

    @staticmethod
    def of(text: SourceText) -> _File:
        """Parse a file, unless what it holds is known."""
        return _File(text.name, text.data, text.parsed or reader.parse(text.data), text.layer)


def edit(
    texts: Sequence[SourceText],
    wanted: Mapping[str, Accepted],
    removed: Collection[str],
    schema: Field,
    *,
    may_change: Callable[[str], bool] = bool,
) -> Edited:
    """Return the files edited so that deployments have the wanted values and the removed ones are gone.

    Names are as the files declare them. `may_change` says whether a file is the run's own; in others, which other
    targets share, nothing changes. Nothing is written here.
    """
    files = before = [_File.of(text) for text in texts]
    attempts = _Attempts(sum(len(text.data) for text in texts))
    refused: dict[str, str] = {}
    left: dict[str, dict[Path, str]] = {}
    retried: Collection[str] = [*wanted, *removed]  # one by one, where something stops one of them
    try:
        files = _changed(files, _checked(files, wanted, removed, schema, may_change, refused))
        retried = tuple(refused)
    except EditError:
        refused.clear()
    for name in retried:
        if not attempts.are_left():
            refused[name] = TOO_MANY
            continue
        if name not in wanted:
            files = _attempt(files, {}, [name], schema, may_change, refused)
            continue
        files = _attempt(files, {name: wanted[name]}, [], schema, may_change, refused)
        if name not in refused:
            continue
        files, reasons = _path_by_path(files, name, wanted[name], schema, may_change, attempts)
        if set(reasons.values()) != {SHARED}:
            del refused[name]
            left[name] = reasons
    texts_before = {file.name: file.data for file in before}
    return Edited({file.name: file.data for file in files if file.data != texts_before[file.name]}, refused, left)


class _Attempts:
    """Counts how often files may still be edited and read again."""

    def __init__(self, size: int) -> None:
        self._left = max(_READ_AGAIN // max(size, 1), 2)

    def are_left(self) -> bool:
        """Return whether an attempt is left, and use it."""
        self._left -= 1
        return self._left >= 0


def _path_by_path(
    files: list[_File],
    name: str,
    accepted: Accepted,
    schema: Field,
    may_change: Callable[[str], bool],
    attempts: _Attempts,
) -> tuple[list[_File], dict[Path, str]]:
    """Change one value at a time, again while that helps another; return the files, and why some values are left."""
    reasons: dict[Path, str] = dict.fromkeys(accepted.paths, "")
    tried = 0
    while 0 < len(reasons) != tried:  # a value may be valid only once another one has changed
        tried = len(reasons)
        for path in list(reasons):
            if not attempts.are_left():
                reasons[path] = reasons[path] or TOO_MANY
                continue
            said = _merged_layers(_layers(files).get(name, ()), schema)
            one = Accepted(_with(said, path, value_at(accepted.value, path, ABSENT)), (path,), ())
            refused: dict[str, str] = {}
            files = _attempt(files, {name: one}, [], schema, may_change, refused)
            reasons[path] = refused.get(name, "")
            if name not in refused:
                del reasons[path]
    return files, reasons


def _attempt(
    files: list[_File],
    wanted: Mapping[str, Accepted],
    removed: Collection[str],
    schema: Field,
    may_change: Callable[[str], bool],
    refused: dict[str, str],
) -> list[_File]:
    """Return the files after an edit, or unchanged if it is refused."""
    try:
        return _changed(files, _checked(files, wanted, removed, schema, may_change, refused))
    except EditError as error:
        refused.update(dict.fromkeys([*wanted, *removed], str(error)))
        return files


def _changed(files: list[_File], texts: Mapping[str, SourceText]) -> list[_File]:
    """Return the files with new texts."""
    return [_File.of(texts[file.name]) if file.name in texts else file for file in files]


def _checked(
    files: Sequence[_File],
    wanted: Mapping[str, Accepted],
    removed: Collection[str],
    schema: Field,
    may_change: Callable[[str], bool],
    refused: dict[str, str],
) -> dict[str, SourceText]:
    """Return the new texts, read again: raises EditError if one has a new error or says something else."""
    documents = _edited(files, wanted, removed, schema, may_change, refused)
    texts = _rewritten(files, documents)
    after = declare((texts.get(file.name, file.text) for file in files), linted=Severity.ERROR)
    errors = [found for found in after.findings if found.severity is Severity.ERROR]
    if errors:
        before = declare((file.text for file in files), linted=Severity.ERROR)
        known = {(found.rule, found.deployment, found.message) for found in before.findings}
        for found in errors:
            if (found.rule, found.deployment, found.message) not in known:
                raise EditError(f"the result would not be valid: {found.message} [{found.rule}]")
    return texts


def _rewritten(files: Sequence[_File], changed: Mapping[str, list[JSON]]) -> dict[str, SourceText]:
    """Return the new text of every file whose documents changed."""
    found = {}
    for file in files:
        if file.name in changed:
            data, parsed = rewritten(file.data, changed[file.name], keys=_KEYS, parsed=file.parsed)
            if data != file.data:
                found[file.name] = SourceText(file.name, data, file.layer, parsed)
    return found


def _edited(
    files: Sequence[_File],
    wanted: Mapping[str, Accepted],
    removed: Collection[str],
    schema: Field,
    may_change: Callable[[str], bool],
    refused: dict[str, str],
) -> dict[str, list[JSON]]:
    """Return the new documents of every file that changes."""
    by_name = {file.name: file for file in files}
    documents = {file.name: [_open(document) for document in file.documents] for file in files}
    layers = _layers(files)
    for name, accepted in wanted.items():
        found = [replace(layer) for layer in layers.get(name, ())]
        problem = _change_layers(found, accepted, schema, may_change, files)
        if problem is not None:
            refused[name] = problem
            continue
        for layer in found:
            _put(documents, layer)
    for name in removed:
        own = layers.get(name, [])
        if any(not may_change(layer.file) for layer in own):
            refused[name] = SHARED
            continue
        for layer in own:
            _put(documents, _Layer(layer.file, layer.document, layer.list, layer.index, ABSENT))
    for name in documents:
        documents[name] = [_without_removed(document) for document in documents[name]]
    return {name: found for name, found in documents.items() if not same(found, list(by_name[name].documents))}


def _layers(files: Sequence[_File]) -> dict[str, list[_Layer]]:
    """Return the entries of each declared name, the lowest layer first."""
    found: dict[str, list[_Layer]] = {}
    for file in sorted(files, key=lambda file: file.layer):
        for number, document in enumerate(file.documents):
            if not isinstance(document, dict):
                continue
            for list_name in ("deployments", "overlay"):
                entries = document.get(list_name)
                for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                    if isinstance(entry, dict) and isinstance(name := _identity(entry), str):
                        defaults = document.get("defaults", ABSENT) if list_name == "deployments" else ABSENT
                        layer = _Layer(file.name, number, list_name, index, entry, defaults)
                        found.setdefault(name, []).append(layer)
    return found


def _identity(entry: Mapping[str, JSON]) -> JSON:
    """Return the name of an entry, or the agent that it is paired by."""
    agent = entry.get("agent")
    if "name" not in entry and isinstance(agent, dict):
        return f"{agent.get('agent_id')}/{agent.get('environment')}"
    return entry.get("name")


def _open(document: JSON) -> JSON:
    """Return a document whose lists of entries may be changed."""
    if not isinstance(document, dict):
        return document
    opened = dict(document)
    for name in ("deployments", "overlay"):
        if isinstance(document.get(name), list):
            opened[name] = list(document[name])
    return opened


def _put(documents: Mapping[str, list[JSON]], layer: _Layer) -> None:
    """Put the entry of a layer into its document, which is open."""
    entries = documents[layer.file][layer.document][layer.list]
    if layer.index < len(entries):
        entries[layer.index] = layer.entry
    else:
        entries.append(layer.entry)


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


def _without_removed(document: JSON) -> JSON:
    if not isinstance(document, dict):
        return document
    return {
        key: [entry for entry in value if entry is not ABSENT] if isinstance(value, list) else value
        for key, value in document.items()
    }


def _change_layers(
    layers: list[_Layer],
    accepted: Accepted,
    schema: Field,
    may_change: Callable[[str], bool],
    files: Sequence[_File],
) -> str | None:
    """Change the layers so that they merge to the accepted value; return why that is not possible."""
    if not layers:
        return "its declaration was not found in the files"
    lookup = Lookup()
    said = _merged_layers(layers, schema)
    changes: dict[int, _Node] = {}
    for path in accepted.paths:
        value = lookup.value(accepted.value, path, ABSENT)
        if _equal(lookup.value(said, path, ABSENT), value):
            continue
        number = _setter(layers, path, lookup)
        if not may_change(layers[number].file):
            own = [above for above, layer in enumerate(layers) if above > number and may_change(layer.file)]
            if not own and (new := _new_overlay(layers, may_change, files)) is None:
                return SHARED
            if not own and new is not None:
                layers.append(new)
                own = [len(layers) - 1]
            number = own[0]
        changes.setdefault(number, _Node()).put(path, _Wanted(value))
    for number, node in sorted(changes.items()):
        layer = layers[number]
        below = layer.defaults if layer.defaults is not ABSENT else _merged_layers(layers[:number], schema)
        wanted = _applied(_merged_layers(layers[: number + 1], schema), node, lookup)
        is_overlay = layer.list == "overlay"
        entry = _own(layer.entry, below, wanted, schema, by_identity=is_overlay)
        if entry is ABSENT:
            return "an overlay can't remove it" if is_overlay else "the file's `defaults` would show through"
        layer.entry = entry
    if not _equal(_merged_layers(layers, schema), accepted.value):
        return "the layers of its declaration can't express the change"
    return None


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


def _new_overlay(layers: Sequence[_Layer], may_change: Callable[[str], bool], files: Sequence[_File]) -> _Layer | None:
    """Return a new entry in the first overlay of a file that may change."""
    name = layers[0].entry.get("name") if isinstance(layers[0].entry, dict) else None
    for file in files:
        for number, document in enumerate(file.documents):
            entries = document.get("overlay") if isinstance(document, dict) else None
            if may_change(file.name) and isinstance(entries, list):
                return _Layer(file.name, number, "overlay", len(entries), {"name": name})
    return None


def _merged_layers(layers: Sequence[_Layer], schema: Field) -> JSON:
    """Return the merged value of layers; `defaults` are below the entry of their own document."""
    value: JSON = ABSENT
    for layer in layers:
        if layer.list == "deployments":
            value = merged(layer.defaults, layer.entry, None)
        else:
            value = merged(value, layer.entry, schema)
    return value


def _own(
    entry: JSON | Absent, below: JSON | Absent, wanted: JSON, schema: Field, *, by_identity: bool
) -> JSON | Absent:
    """Return the entry of a layer that, merged over the layers below, makes the wanted value.

    Values that do not matter are kept; ABSENT if no layer can express it.
    """
    if _equal(merged(below, entry, schema if by_identity else None), wanted):
        return entry
    if isinstance(wanted, dict) and isinstance(entry, dict | Absent) and isinstance(below, dict | Absent):
        return _own_mapping(
            {} if entry is ABSENT else entry, {} if below is ABSENT else below, wanted, schema, by_identity=by_identity
        )
    if by_identity and schema.key is not None and isinstance(wanted, list) and isinstance(below, list):
        return _own_entries(entry if isinstance(entry, list) else [], below, wanted, schema)
    return wanted


def _own_mapping(
    entry: Mapping[str, JSON],
    below: Mapping[str, JSON],
    wanted: Mapping[str, JSON],
    schema: Field,
    *,
    by_identity: bool,
) -> JSON | Absent:
    result = dict(entry)
    for name, value in wanted.items():
        child = schema.child(name) or UNKNOWN
        own = _own(entry.get(name, ABSENT), below.get(name, ABSENT), value, child, by_identity=by_identity)
        if own is not ABSENT:
            result[name] = own
        elif not _equal(below.get(name, ABSENT), value):
            return ABSENT
    for name in {**entry, **below}:
        if name not in wanted:
            if below.get(name) is not None:
                if schema.values is not None and not schema.values.nullable:
                    return ABSENT
                result[name] = None  # else the layer below would show through
            else:
                result.pop(name, None)
    return result


def _own_entries(entry: list[JSON], below: list[JSON], wanted: list[JSON], schema: Field) -> JSON | Absent:
    """Return the entries that an overlay needs: those that differ from the ones below."""
    items, key = schema.items or UNKNOWN, schema.key or ""
    names = [each.get(key) if isinstance(each, dict) else None for each in wanted]
    if not all(isinstance(name, str) for name in names):
        return ABSENT
    known, lookup = set(names), Lookup()
    if any(isinstance(each, dict) and each.get(key) not in known for each in below):
        return ABSENT
    result: list[JSON] = []
    for name, value in zip(names, wanted, strict=True):
        segment = Item(key, str(name))
        own_at, below_at = lookup.index(entry, segment), lookup.index(below, segment)
        own: JSON | Absent = ABSENT if own_at is None else entry[own_at]
        under: JSON | Absent = ABSENT if below_at is None else below[below_at]
        needed = _own(own, under, value, items, by_identity=True)
        if needed is ABSENT:
            continue
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
            return rewrite(data, documents, keys=_KEYS)
    raise EditError("it has no list of deployments")


def declared_names(texts: Sequence[SourceText]) -> Iterator[str]:
    """Return every name that files declare."""
    yield from _layers([_File.of(text) for text in texts])
