"""Two deployments -> what differs: the heart of driftcheck.

`compare` walks what is declared beside what is live, with the schema's annotations at hand, and
keeps only what the service could tell apart. What is left of the two sides, two maps from paths to
canonical texts, goes to DeepDiff, which enumerates it: on such maps none of its own notions of
equality, order or distance applies. It is asked once for many deployments, since asking takes time.

Nothing here knows a field by name, but for `source`, on which so many facts depend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from driftcheck.comparison.agreement import plainly_agreeing
from driftcheck.comparison.equality import canonical_text, same_scalar
from driftcheck.comparison.matching import match_entries, names, same_order, stand_alike
from driftcheck.fields import AGES, UNKNOWN, Field, derive, is_commit, is_number, is_unset
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER, Absent, ChangeKind
from driftcheck.paths import Item, Path, resolve

_ORDER: Final = Item("", "order")
"""Stands below a keyed list, in the maps alone, for the order of its entries."""
_NOTHING: Final[Mapping[str, JSON]] = {}
_KINDS: Final = {
    "values_changed": ChangeKind.MODIFIED,
    "dictionary_item_removed": ChangeKind.REMOVED,
    "dictionary_item_added": ChangeKind.ADDED,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms two sides are compared."""

    strict: bool = False
    """Live values that are set but not declared, and not the service's own, differ too."""
    observed: bool = True
    """The second side is the service's answer; else another declaration, of which all is seen."""
    listed: bool = False
    """The first side is the service's answer too, and proves no more than the second."""


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
    """Whether it is the order of a list's entries that differs; the values are then lists of their identities."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What a comparison gave, each part sorted by path."""

    differences: tuple[Difference, ...]
    unverifiable: tuple[Path, ...]
    """Declared, but the listing can't show whether live agrees."""
    unmodelled: tuple[Path, ...]
    """Live fields that the schema does not describe; looked for in strict comparison only."""
    compared: int
    """How many declared leaves were compared."""


class _Leaf(str):
    """A canonical text, and the value that it stands for."""

    __slots__ = ("value",)
    value: JSON


@dataclass(slots=True)
class _Pair:
    """Two deployments under comparison, and what was found so far."""

    declared: Mapping[str, JSON]
    live: Mapping[str, JSON]
    terms: Terms
    source: JSON
    schema: Field
    declared_leaves: dict[Path, _Leaf] = field(default_factory=dict)
    live_leaves: dict[Path, _Leaf] = field(default_factory=dict)
    effective: dict[Path, tuple[JSON, JSON]] = field(default_factory=dict)
    unverifiable: list[Path] = field(default_factory=list)
    unmodelled: list[Path] = field(default_factory=list)
    compared: int = 0

    def aside(self) -> _Pair:
        """Give an empty pair of the same deployments, to compare a part whose result is not yet wanted."""
        return _Pair(self.declared, self.live, self.terms, self.source, self.schema)

    def differ(
        self,
        path: Path,
        declared: JSON | Absent,
        live: JSON | Absent,
        *,
        declared_effective: JSON = None,
        live_effective: JSON = None,
    ) -> None:
        """Record that two values differ; ABSENT where a side has none."""
        if declared is not ABSENT:
            self.declared_leaves[path] = _leaf(declared)
        if live is not ABSENT:
            self.live_leaves[path] = _leaf(live)
        self.effective[path] = (declared_effective, live_effective)


@dataclass(frozen=True, slots=True)
class _Place:
    """A field, its path, and the objects that hold it on both sides."""

    schema: Field
    path: Path
    parent: Field = UNKNOWN
    declared: Mapping[str, JSON] = field(default_factory=dict)
    live: Mapping[str, JSON] = field(default_factory=dict)


def compare(declared: Mapping[str, JSON], live: Mapping[str, JSON], schema: Field, terms: Terms) -> Differences:
    """Compare a declared deployment (a JSON object; `schema` is its field) with a live one."""
    return compare_all([(declared, live)], schema, terms)[0]


def compare_all(
    sides: Iterable[tuple[Mapping[str, JSON], Mapping[str, JSON]]], schema: Field, terms: Terms
) -> list[Differences]:
    """Compare many declared deployments with a live one each."""
    return walk(sides, schema, terms).differences()


@dataclass(frozen=True, slots=True)
class Walk:
    """Many pairs of deployments that were gone through side by side; what differs is still to be enumerated."""

    compared: Sequence[Differences]
    """What is known of each pair but for its differences."""
    differing: Mapping[int, _Pair]
    """Those pairs that differ, by their position."""

    def paths(self) -> Iterator[tuple[int, Path]]:
        """Give the position of each pair that differs, and the paths at which it does."""
        for number, pair in self.differing.items():
            for path in pair.effective:
                yield number, _without_order(path)

    def differences(self) -> list[Differences]:
        """Give all that the comparison gave, pair by pair."""
        found = _enumerate(self.differing)
        return [
            replace(known, differences=tuple(found[number])) if number in found else known
            for number, known in enumerate(self.compared)
        ]


def walk(sides: Iterable[tuple[Mapping[str, JSON], Mapping[str, JSON]]], schema: Field, terms: Terms) -> Walk:
    """Go through many declared deployments, each beside a live one."""
    compared: list[Differences] = []
    differing: dict[int, _Pair] = {}
    only_declared = not terms.strict and not terms.listed
    for number, (declared, live) in enumerate(sides):
        agreeing = plainly_agreeing(declared, live, schema) if only_declared else None
        if agreeing is not None:
            compared.append(Differences((), (), (), agreeing))
            continue
        source = declared.get("source", live.get("source"))
        pair = _Pair(declared, live, terms, source if isinstance(source, str) else None, schema)
        _compare_object(pair, declared, live, schema, ())
        if pair.effective:
            differing[number] = pair
        unverifiable, unmodelled = sorted(pair.unverifiable, key=sort_key), sorted(pair.unmodelled, key=sort_key)
        compared.append(Differences((), tuple(unverifiable), tuple(unmodelled), pair.compared))
    return Walk(compared, differing)


def _without_order(path: Path) -> Path:
    return path[:-1] if path[-1] == _ORDER else path


def sort_key(path: Path) -> list[tuple[int, int, str, str]]:
    """Order paths segment by segment: keys, then positions, then identities."""
    return [
        (1, segment, "", "")
        if isinstance(segment, int)
        else (2, 0, segment.key, segment.value)
        if isinstance(segment, Item)
        else (0, 0, segment, "")
        for segment in path
    ]


def _compare_object(
    pair: _Pair, declared: Mapping[str, JSON], live: Mapping[str, JSON], schema: Field, path: Path
) -> None:
    equal, listed = 0, pair.terms.listed
    for name, value in declared.items():
        if listed and _is_not_comparable(pair, schema, name):
            continue
        seen = live.get(name)
        kind = value.__class__
        if kind is seen.__class__ and kind is not dict and kind is not list and value == seen:
            equal += 1
            continue
        child = schema.properties.get(name) or schema.values or UNKNOWN
        if kind is list is seen.__class__:
            _compare_list(pair, value, seen, child, (*path, name))
        elif kind is dict is seen.__class__ and value != REDACTED_MARKER != seen:
            _compare_object(pair, value, seen, child, (*path, name))
        else:
            _compare_value(pair, value, seen, _Place(child, (*path, name), schema, declared, live))
    pair.compared += equal
    if schema.values is not None or schema is UNKNOWN:
        for name in live.keys() - declared.keys():
            if live[name] is not None:
                pair.differ((*path, name), ABSENT, live[name])
    elif pair.terms.strict:
        _compare_undeclared(pair, declared, live, schema, path)


def _is_not_comparable(pair: _Pair, schema: Field, name: str) -> bool:
    """Tell whether a listed field is the platform's own, or one that nobody knows."""
    child = schema.child(name)
    return child.platform_sets(pair.source) if child is not None else bool(schema.properties)


def _compare_value(pair: _Pair, declared: JSON, live: JSON, place: _Place) -> None:
    schema = place.schema
    if schema.branch and pair.terms.listed:
        declared, live = _by_branch(pair, declared, live, schema)
    elif schema.branch and pair.terms.observed and is_commit(live) and not is_commit(declared):
        live = _branch_behind(pair.live, schema)
        if live is None:
            pair.unverifiable.append(place.path)
            return
    if pair.terms.listed and live is None and _is_own_default(declared, schema):
        declared = None
    if REDACTED_MARKER in (declared, live) and not _is_set_for_certain(pair, declared, schema):
        pair.unverifiable.append(place.path)
    elif isinstance(declared, dict) and isinstance(live, dict):
        _compare_object(pair, declared, live, schema, place.path)
    elif isinstance(declared, list) and isinstance(live, list):
        _compare_list(pair, declared, live, schema, place.path)
    elif is_unset(declared, schema) and is_unset(live, schema):
        pair.compared += 1
    elif declared is None and pair.terms.listed:
        _compare_unlisted(pair, live, place)
    elif declared is None:
        _compare_null(pair, live, place)
    elif live is None:
        _compare_unset(pair, declared, place)
    elif not isinstance(declared, dict | list) and same_scalar(declared, live, schema):
        pair.compared += 1
    else:
        _differ_unless_platform_set(pair, declared, live, place)


def _is_set_for_certain(pair: _Pair, declared: JSON, schema: Field) -> bool:
    """Tell whether a redacted live value differs whatever it was: nothing was to be set, and what is hidden is no null.

    Only a variable's value may have been an empty text, which is the same as none.
    """
    return declared is None and not schema.sensitive and not pair.terms.listed


def _by_branch(pair: _Pair, declared: JSON, live: JSON, schema: Field) -> tuple[JSON, JSON]:
    """Give two listed references by their branches, where the service names these; unknown ones as redacted."""
    if declared == live:
        return declared, live
    found = [
        _branch_behind(side, schema) or ref if is_commit(ref) else ref
        for side, ref in ((pair.declared, declared), (pair.live, live))
    ]
    if None not in found and is_commit(found[0]) != is_commit(found[1]):
        return REDACTED_MARKER, REDACTED_MARKER
    return found[0], found[1]


def _branch_behind(live: Mapping[str, JSON], schema: Field) -> JSON:
    """Give the branch that a resolved commit was taken from (API.md 3.1.9); null where the service does not say."""
    try:
        return resolve(live, schema.branch)
    except LookupError:
        return None


def _differ_unless_platform_set(pair: _Pair, declared: JSON, live: JSON, place: _Place) -> None:
    if pair.terms.observed and place.schema.platform_sets(pair.source):
        pair.unverifiable.append(place.path)
    else:
        pair.compared += 1
        pair.differ(place.path, declared, live)


def _compare_null(pair: _Pair, live: JSON, place: _Place) -> None:
    """Compare a declared null: live must be unset, or be what the service itself would use."""
    schema = place.schema
    if pair.terms.observed and (schema.platform_sets(pair.source) or _is_own_default(live, schema)):
        return
    derived = derive(schema, place.declared, place.parent)
    if pair.terms.listed and _is_underivable(schema, derived):
        pair.unverifiable.append(place.path)
        return
    pair.compared += 1
    for own in (derived, None if pair.terms.listed else derive(schema, place.live, place.parent)):
        if own is not None and not isinstance(live, dict | list) and same_scalar(own, live, schema):
            return
    pair.differ(place.path, ABSENT, live, declared_effective=derived)


def _compare_unset(pair: _Pair, declared: JSON, place: _Place) -> None:
    """Compare a set value with a live null: drift, unless the service uses the same or can't show it."""
    schema = place.schema
    derived = derive(schema, place.live, place.parent)
    if derived is not None and _is_derived_alike(declared, derived, place):
        pair.compared += 1
    elif pair.terms.observed and not _is_evidence(pair, place, derived):
        pair.unverifiable.extend(_set_fields(declared, schema, place.path))
    elif pair.terms.observed and _is_own_default(declared, schema):
        pair.compared += 1
    elif isinstance(declared, dict) and schema.properties and schema.values is None:
        if pair.terms.observed:
            _compare_with_empty(pair, declared, place)
        else:
            _compare_object(pair, declared, _NOTHING, schema, place.path)
    else:
        pair.compared += 1
        pair.differ(place.path, declared, ABSENT, live_effective=derived)


def _set_fields(value: JSON, schema: Field, path: Path) -> Iterator[Path]:
    """Give the paths of what is set in an object that the schema describes; of any other value its own."""
    if isinstance(value, dict) and schema.properties and schema.values is None:
        for name, entry in value.items():
            child = schema.child(name) or UNKNOWN
            if not is_unset(entry, child):
                yield from _set_fields(entry, child, (*path, name))
    else:
        yield path


def _compare_with_empty(pair: _Pair, declared: Mapping[str, JSON], place: _Place) -> None:
    """Compare an object with none: gone as a whole, if anything in it is gone."""
    part = pair.aside()
    _compare_object(part, declared, _NOTHING, place.schema, place.path)
    pair.compared += part.compared
    if part.effective:
        pair.differ(place.path, declared, ABSENT)
    else:
        pair.unverifiable.extend(part.unverifiable)


def _is_evidence(pair: _Pair, place: _Place, derived: JSON) -> bool:
    """Tell whether a live null shows that the value is not set.

    It does not where the platform owns the value, the service does not report the field, the server
    is too old to know it (it then has no such key), or the null stands for something derived from what
    is itself not known (API.md 3.1.1, 3.1.3, 3.1.10).
    """
    schema = place.schema
    known = place.path[-1] in place.live or _knows(pair.live, pair.schema, schema)
    evident = schema.is_reported(pair.source) and not schema.platform_sets(pair.source)
    return known and evident and not _is_underivable(schema, derived)


def _is_underivable(schema: Field, derived: JSON) -> bool:
    return schema.effective is not None and derived is None


def _knows(live: Mapping[str, JSON], root: Field, schema: Field) -> bool:
    """Tell whether the server that listed a deployment (`root` is its field) knows a field that it left out.

    A field that came with a version of the API is known if another of that version, or of a later one,
    is there; one that has been taken out again, if another such one is (API.md, timeline).
    """
    if schema.deprecated:
        return any(other.deprecated for other in _present(live, root))
    age = AGES.index(schema.since)
    return age == 0 or any(AGES.index(other.since) >= age for other in _present(live, root))


def _present(live: Mapping[str, JSON], schema: Field) -> Iterator[Field]:
    """Give the modelled fields that a live object and the objects in it have, set or null."""
    for name, value in live.items():
        child = schema.properties.get(name)
        if child is not None:
            yield child
            if isinstance(value, dict):
                yield from _present(value, child)


def _is_derived_alike(declared: JSON, derived: JSON, place: _Place) -> bool:
    """Tell whether a value is what the service derives, from the live base or from a declared one that equals it.

    The declared base may differ from the live one by rounding alone, and its double by twice as much.
    """
    schema, effective = place.schema, place.schema.effective
    if isinstance(declared, dict | list):
        return False
    if same_scalar(declared, derived, schema):
        return True
    own = derive(schema, place.declared, place.parent)
    base = place.parent.properties.get(effective.of or "", UNKNOWN) if effective else UNKNOWN
    return (
        own is not None
        and effective is not None
        and is_number(own)
        and same_scalar(own / effective.times, derived / effective.times, base)
        and same_scalar(declared, own, schema)
    )


def _compare_list(pair: _Pair, declared: list[JSON], live: list[JSON], schema: Field, path: Path) -> None:
    items = schema.items or UNKNOWN
    if schema.key is not None and stand_alike(declared, live, schema.key):
        for one, other in zip(declared, live, strict=True):
            _compare_object(pair, one, other, items, (*path, Item(schema.key, one[schema.key])))
        return
    for entry in match_entries(declared, live, schema, lambda one, other: _are_alike(pair, one, other, items)):
        below = (*path, entry.segment)
        if entry.declared is ABSENT or entry.live is ABSENT:
            pair.compared += entry.live is ABSENT
            pair.differ(below, entry.declared, entry.live)
        else:
            _compare_value(pair, entry.declared, entry.live, _Place(items, below))
    if not same_order(declared, live, schema) and schema.key is not None:
        pair.differ((*path, _ORDER), names(declared, schema.key), names(live, schema.key))


def _are_alike(pair: _Pair, declared: JSON, live: JSON, schema: Field) -> bool:
    part = pair.aside()
    _compare_value(part, declared, live, _Place(schema, (0,)))
    return not part.effective and not part.unverifiable


def _compare_undeclared(
    pair: _Pair, declared: Mapping[str, JSON], live: Mapping[str, JSON], schema: Field, path: Path
) -> None:
    """Report the live values that are set, not declared, and not what the service puts there itself."""
    for name, value in live.items():
        if name in declared:
            continue
        child = schema.properties.get(name)
        if child is None:
            pair.unmodelled.append((*path, name))
        elif _is_beyond_declaring(pair, value, child):
            continue
        elif value == REDACTED_MARKER and not _is_set_for_certain(pair, None, child):
            pair.unverifiable.append((*path, name))
        elif isinstance(value, dict) and child.properties and child.values is None and not pair.terms.listed:
            _compare_undeclared(pair, _NOTHING, value, child, (*path, name))
        elif not (is_unset(value, child) or _is_own_default(value, child)):
            place = _Place(child, (*path, name), schema, declared, live)
            if pair.terms.listed:
                _compare_unlisted(pair, value, place)
            elif not _is_derived(value, place):
                pair.differ(place.path, ABSENT, value)


def _compare_unlisted(pair: _Pair, live: JSON, place: _Place) -> None:
    """Compare a value of the second listing that the first has as null or not at all; as `_compare_unset` mirrored."""
    schema = place.schema
    known = place.path[-1] in place.declared or _knows(pair.declared, pair.schema, schema)
    if not (known and schema.is_reported(pair.source)):
        pair.unverifiable.extend(_set_fields(live, schema, place.path))
    elif isinstance(live, dict) and schema.properties and schema.values is None:
        part = pair.aside()
        _compare_undeclared(part, _NOTHING, live, schema, place.path)
        if part.effective:
            pair.differ(place.path, ABSENT, live)
        else:
            pair.unverifiable.extend(part.unverifiable)
    else:
        _compare_null(pair, live, place)


def _is_beyond_declaring(pair: _Pair, value: JSON, schema: Field) -> bool:
    """Tell whether nobody could be asked to declare a live value.

    The platform owns it, it is a secret (the entry that it belongs to is declared or not as a whole), or it is a
    commit that the platform resolved from a branch that it does not name.
    """
    resolved = (
        bool(schema.branch) and not pair.terms.listed and is_commit(value) and _branch_behind(pair.live, schema) is None
    )
    return schema.sensitive or resolved or schema.platform_sets(pair.source)


def _is_own_default(value: JSON, schema: Field) -> bool:
    return schema.service_default is not None and value == schema.service_default


def _is_derived(value: JSON, place: _Place) -> bool:
    derived = derive(place.schema, place.live, place.parent)
    return derived is not None and _is_derived_alike(value, derived, place)


def _leaf(value: JSON) -> _Leaf:
    leaf = _Leaf(canonical_text(value))
    leaf.value = value
    return leaf


def _enumerate(pairs: Mapping[int, _Pair]) -> dict[int, list[Difference]]:
    """Give the differences of pairs, each pair's sorted by path."""
    differences: dict[int, list[Difference]] = {number: [] for number in pairs}
    if not pairs:
        return differences
    from deepdiff import DeepDiff

    found = DeepDiff(
        {(number, path): leaf for number, pair in pairs.items() for path, leaf in pair.declared_leaves.items()},
        {(number, path): leaf for number, pair in pairs.items() for path, leaf in pair.live_leaves.items()},
        view="tree",
        threshold_to_diff_deeper=0,
    )
    for name, kind in _KINDS.items():
        for level in found.get(name, ()):
            number, path = level.path(output_format="list")[-1]
            effective = pairs[number].effective[path]
            differences[number].append(_difference(kind, path, level.t1, level.t2, effective))
    for own in differences.values():
        own.sort(key=lambda difference: sort_key(difference.path))
    return differences


def _difference(
    kind: ChangeKind, path: Path, declared: object, live: object, effective: tuple[JSON, JSON]
) -> Difference:
    return Difference(
        kind=kind,
        path=_without_order(path),
        declared=declared.value if isinstance(declared, _Leaf) else None,
        live=live.value if isinstance(live, _Leaf) else None,
        declared_effective=effective[0],
        live_effective=effective[1],
        of_order=path[-1] == _ORDER,
    )
