"""The fields of a deployment, read from the annotated declaration.schema.json.

The schema is the only source of facts about fields; validation, comparison, impact, redaction, export and `explain`
read them here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final

from driftcheck.model import JSON, REDACTED_MARKER
from driftcheck.paths import Item, Path, Segment, value_at

SCHEMAS: Final = ("declaration", "config", "report", "snapshot", "notification", "plan")

AGES: Final = ("seed", "B", "B2", "C", "TF", "N")
"""Versions of the API in the order they appeared (docs/API.md, Sources); what A has, the seed has."""


_COMMIT: Final = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_SHORT_COMMIT: Final = re.compile(r"[0-9a-f]{7,39}\Z")
_ASSIGNED_URL: Final = re.compile(r"\b[0-9a-f]{32}\b|/lgp/")


@dataclass(frozen=True, slots=True)
class Effective:
    """The value that the service uses if the field is null: `times` the field `of`, or a constant `value`."""

    of: str | None = None
    times: int = 1
    value: JSON = None
    unless: str | None = None
    """Only while this sibling is unset."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its JSON Schema keywords and `x-driftcheck` annotations."""

    types: frozenset[str] = frozenset()
    """JSON types that may be declared, apart from null; empty if all may be."""
    nullable: bool = False
    """Whether null may be declared."""
    properties: Mapping[str, Field] = field(default_factory=dict)
    items: Field | None = None
    values: Field | None = None
    """Of a map with free keys: the field of its values."""
    description: str = ""
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    key: str | None = None
    """The key that identifies the entries of a list."""
    ordered: bool | str = False
    """Whether the order of a keyed list matters; `references`: only if one value refers to another entry."""
    effective: Effective | None = None
    decimals: int | None = None
    """The service rounds to this number of decimals, a half in an unknown direction."""
    quantity: bool = False
    """A Kubernetes quantity."""
    granularity: int | None = None
    """The service requires a multiple of this."""
    cloud_maximum: float | None = None
    """The most that Cloud accepts; self-hosted servers since 2026-07 have no maximum."""
    equivalence: str | None = None
    """The name of an equivalence: `uuid`, `repository-url`, `image`, `commit`, `assigned-url`."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other words for a value, which the service treats as equal."""
    branch: tuple[str, ...] = ()
    """The path at which live names the branch that this field tracks; it takes precedence if it is reported."""
    empty_is_null: bool = False
    """Whether the service shows an empty value and null in the same way."""
    applies_to: frozenset[str] = frozenset()
    """Sources the field is documented for; empty for all."""
    immutable: bool = False
    """Whether it is fixed at creation, so that reverting it requires a new deployment."""
    revision: bool = False
    """Whether a change of it creates a revision."""
    reported: frozenset[str] | None = None
    """Sources for which a live null is evidence; None for all, empty for none (`never`)."""
    always_set: bool = False
    """The service always has such a value: null or a missing key only means that it is not shown."""
    by_name: bool = False
    """Only its name is known: the listing does not show its value."""
    exposes: bool = False
    """Whether an undeclared live `true` deserves a warning."""
    platform_set: frozenset[str] = frozenset()
    """Sources for which the platform sets the value."""
    service_default: JSON = None
    """The value that the service shows if nothing was set (a default of its schema)."""
    sensitive: bool = False
    """Whether no report may show its value."""
    read_only: bool = False
    caveat: str | None = None
    """What to know before reverting the value."""
    deprecated: str | None = None
    since: str = "seed"
    """The first version of the API that has it (`AGES`)."""
    label: str | None = None
    """The certainty label of docs/API.md behind the annotations: F, O, M or I."""
    indirect: frozenset[str] = frozenset()
    """Properties whose live value another field may correct (`branch`); worked out from `properties`."""
    concealed: frozenset[str] = frozenset()
    """Properties whose value is never shown; worked out from `properties`."""
    alternatives: Mapping[str, str] = field(default_factory=dict)
    """Properties that mean a constant unless another one is set, each with the other; from `properties`."""

    def child(self, segment: Segment) -> Field | None:
        """Return the field of one entry, or None if the schema does not describe it."""
        if isinstance(segment, int | Item):
            return self.items
        return self.properties.get(segment) or self.values

    def along(self, path: Iterable[Segment]) -> Iterator[Field]:
        """Yield the field of each segment of a path; UNKNOWN if the schema does not describe it."""
        current = self
        for segment in path:
            current = current.child(segment) or UNKNOWN
            yield current

    def at(self, path: Sequence[Segment]) -> Field:
        """Return the field at a path; UNKNOWN if the schema does not describe it."""
        return [self, *self.along(path)][-1]

    def platform_sets(self, source: JSON) -> bool:
        """Return whether the value belongs to the platform in a deployment of this source."""
        return self.read_only or (isinstance(source, str) and source in self.platform_set)

    def is_assigned(self, value: JSON) -> bool:
        """Return whether a value is a URL of the form that the platform assigns: it holds 32 hex digits or `/lgp/`."""
        return self.equivalence == "assigned-url" and isinstance(value, str) and _ASSIGNED_URL.search(value) is not None

    def is_reported(self, source: JSON) -> bool:
        """Return whether a live null is evidence in a deployment of this source."""
        return self.reported is None or (isinstance(source, str) and source in self.reported)


UNKNOWN: Final = Field()
"""A field that the schema does not describe: its values are compared without annotations."""


def is_number(value: JSON) -> bool:
    """Return whether a value is a number; Python counts bools among them, JSON does not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_commit(value: JSON) -> bool:
    """Return whether a value is a resolved commit, not the name of a branch or tag."""
    return isinstance(value, str) and _COMMIT.match(value) is not None


def may_be_commit(value: JSON) -> bool:
    """Return whether a value may be a resolved commit, full or abbreviated; it may also be the name of a branch."""
    return is_commit(value) or (isinstance(value, str) and _SHORT_COMMIT.match(value) is not None)


def is_same_commit(one: JSON, other: JSON) -> bool:
    """Return whether one value is a commit, and the other the same or its first digits."""
    if not (may_be_commit(one) and may_be_commit(other)):
        return False
    short, whole = sorted((str(one), str(other)), key=len)
    return is_commit(whole) and whole.startswith(short)


def branch_behind(live: Mapping[str, JSON], field: Field) -> JSON:
    """Return the branch that a deployment tracks (docs/API.md 3.1.9); None if the service does not report it.

    Where a snapshot hides it, the marker is returned.
    """
    branch = value_at(live, field.branch)
    return branch if (isinstance(branch, str) and branch) or branch == REDACTED_MARKER else None


def is_unset(value: JSON, field: Field) -> bool:
    """Return whether a value is unset: null, empty if that means null, or an object of unset values.

    Older servers omit what newer ones send as null, and the service shows an empty collection and null
    alike (docs/API.md 3.1.1); a volume source such as `emptyDir: {}` is set.
    """
    if value is None:
        return True
    if isinstance(value, dict) and field.properties and field.values is None:
        is_empty = all(is_unset(value.get(name), child) for name, child in field.properties.items())
        return is_empty and value != REDACTED_MARKER  # which hides something that was set
    return field.empty_is_null and value in ([], {})


def derive(field: Field, siblings: Mapping[str, JSON], parent: Field) -> JSON:
    """Return the value that the service uses if the field is null: a multiple of a sibling (chained), or a constant.

    None if no rule exists, its precondition does not hold, or the sibling is unknown too (docs/API.md 3.1.3).
    """
    effective = field.effective
    if effective is None:
        return None
    if effective.unless and not is_unset(siblings.get(effective.unless), parent.child(effective.unless) or UNKNOWN):
        return None
    if effective.of is None:
        return effective.value
    base = siblings.get(effective.of)
    if base is None:
        base = derive(parent.properties.get(effective.of, UNKNOWN), siblings, parent)
    if not is_number(base):
        return None
    derived = base * effective.times
    if isinstance(derived, float):
        if not math.isfinite(derived):
            return None
        return int(derived) if derived.is_integer() else derived
    return derived


def schema_path(name: str) -> FilePath:
    """Return the file of a schema: inside the installed package, or next to it in a checkout."""
    package = FilePath(__file__).resolve().parent
    installed = package / "schemas" / f"{name}.schema.json"
    return installed if installed.exists() else package.parent / "schemas" / f"{name}.schema.json"


@cache
def schema_text(name: str) -> str:
    """Return the text of a schema (one of `SCHEMAS`)."""
    return schema_path(name).read_text(encoding="utf-8")


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a schema (one of `SCHEMAS`) as an object; treat it as immutable."""
    parsed: dict[str, Any] = json.loads(schema_text(name))
    return parsed


@cache
def deployment() -> Field:
    """Return the field of a declared deployment, with all fields below it."""
    return _Reader(schema("declaration")).read({"$ref": "#/$defs/Deployment"})


def below(
    parent: Field, prefix: str = "", around: tuple[Field, ...] = ()
) -> Iterator[tuple[str, Field, tuple[Field, ...]]]:
    """Yield every field below another one: its path (list steps written `[]`), the field, and those around it."""
    for name, child in parent.properties.items():
        path = f"{prefix}.{name}" if prefix else name
        yield path, child, around
        yield from below(child, path, (*around, child))
    if parent.items is not None:
        yield from below(parent.items, f"{prefix}[]", around)


class _Reader:
    """Turns schema nodes into fields; a referenced definition is read once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = document.get("$defs", {})
        self._read: dict[str, Field] = {}

    def read(self, node: Any) -> Field:
        if not isinstance(node, dict):
            return UNKNOWN
        own, target = node, node.get("$ref")
        if isinstance(target, str):
            name = target.removeprefix("#/$defs/")
            if own.keys() <= {"$ref"}:
                if name not in self._read:
                    self._read[name] = self.read(self._definitions[name])
                return self._read[name]
            base = self._definitions[name]
            notes = base.get("x-driftcheck", {}) | own.get("x-driftcheck", {})
            own = base | own | {"x-driftcheck": notes}
        return self._field(own)

    def _field(self, node: Mapping[str, Any]) -> Field:
        notes: Mapping[str, Any] = node.get("x-driftcheck", {})
        types = node.get("type", ())
        values = node.get("additionalProperties", False)
        properties = {name: self.read(child) for name, child in node.get("properties", {}).items()}
        free = "object" in types and (values is True or isinstance(values, dict))
        return Field(
            types=frozenset([types] if isinstance(types, str) else types) - {"null"},
            nullable="null" in types and types != "null",
            properties=properties,
            items=self.read(node["items"]) if "items" in node else None,
            values=self.read(values) if free else None,
            description=node.get("description", ""),
            enum=tuple(value for value in node.get("enum", ()) if value is not None),
            minimum=node.get("minimum"),
            read_only=node.get("readOnly", False),
            indirect=frozenset(name for name, child in properties.items() if child.branch),
            concealed=frozenset(name for name, child in properties.items() if child.sensitive),
            alternatives=_alternatives(properties),
            **{
                name: _READ[name](note) if name in _READ else note
                for name, note in notes.items()
                if name not in _OF_VALIDATION
            },
        )


_OF_VALIDATION: Final = frozenset({"rule", "form"})
"""Annotations that only validation reads."""


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "effective": lambda note: Effective(**note),
    "branch": lambda note: tuple(note.split(".")),
    "applies_to": frozenset,
    "platform_set": frozenset,
    "reported": lambda note: frozenset() if note == "never" else frozenset(note),
}
"""How annotations are read that are not kept as they are."""


def _alternatives(properties: Mapping[str, Field]) -> dict[str, str]:
    """Return the properties with a constant that applies unless another property is set, and that property of each."""
    return {
        name: child.effective.unless
        for name, child in properties.items()
        if child.effective is not None and child.effective.unless is not None
    }


NOT_PATCHED: Final = frozenset({"shareable", "image_version"})
"""Fields of a deployment that no documented request changes (docs/API.md 2.1)."""
PARTED: Final = frozenset({"source_config", "source_revision_config"})
"""Fields that a request may send in part."""


def can_be_reverted(path: Path, *, is_declared: bool) -> bool:
    """Return whether a documented request reverts a change: null clears nothing (docs/API.md 2.1)."""
    part = path[: 2 if path[0] in PARTED else 1]
    replaces_whole = part in (("source_config", "resource_spec"), ("secrets",), ("secret_references",))
    return path[0] not in NOT_PATCHED and (is_declared or replaces_whole or len(path) > len(part))
