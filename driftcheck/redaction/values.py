"""Redaction of values that no report or snapshot may show: those of sensitive fields, and credentials anywhere.

A difference of such values is reported without the values, their lengths or hashes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Final

from driftcheck.fields import UNKNOWN, Field, deployment
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER, Change, ChangeKind
from driftcheck.paths import Item, Path, Segment
from driftcheck.redaction.patterns import MASK, is_secret, masks, secrets_among


def redact(change: Change) -> Change:
    """Redact the values of a change that may not be shown.

    Where the value itself is a secret, or its path holds one, both sides are null. In a larger value (a container
    that is gone, say) secrets are left out and the rest is shown.
    """
    sensitive, field = False, deployment()
    for segment in change.path:
        sensitive = sensitive or (segment not in field.properties and is_secret(text_of(segment)))
        field = field.child(segment) or UNKNOWN
        sensitive = sensitive or field.sensitive
    if change.of_order:
        field = UNKNOWN
    values = (change.declared, change.live, change.base, change.declared_effective, change.live_effective)
    if sensitive or any(value == REDACTED_MARKER or is_secret(value) or _is_opaque(value, field) for value in values):
        return without_values(change)
    declared, live = without_secrets(change.declared, field), without_secrets(change.live, field)
    base = change.base if change.base is ABSENT else without_secrets(change.base, field)
    if declared is change.declared and live is change.live and base is change.base:
        return change
    return replace(change, declared=declared, live=live, base=base)


def without_values(change: Change) -> Change:
    """Return a change without its values, which says only that they differ."""
    base = change.base if change.base is ABSENT else None
    return replace(
        change, declared=None, live=None, base=base, declared_effective=None, live_effective=None, redacted=True
    )


def text_of(segment: Segment) -> str:
    """Return what comes from the data in a segment of a path: a key, or the identity of a list's entry."""
    if isinstance(segment, Item):
        return segment.value
    return segment if isinstance(segment, str) else ""


def shown_value(value: JSON, path: Path) -> JSON:
    """Return a value (at a path) as it may be shown: the marker if it is a secret as a whole."""
    change = redact(Change(ChangeKind.MODIFIED, path, value, None))
    return MASK if change.redacted else change.declared


def without_secrets(value: JSON, field: Field) -> JSON:
    """Return a value without what may not be shown: sensitive entries left out, credentials in texts replaced."""
    if value == REDACTED_MARKER or _is_opaque(value, field):
        return MASK
    if isinstance(value, dict):
        hidden = masks(secrets_among(value.keys() - field.properties.keys()), value)
        children = ((name, entry, field.child(name) or UNKNOWN) for name, entry in value.items())
        return {
            hidden.get(name, name): MASK if name in hidden else without_secrets(entry, child)
            for name, entry, child in children
            if not child.sensitive
        }
    if isinstance(value, list):
        return [without_secrets(entry, field.items or UNKNOWN) for entry in value]
    return MASK if is_secret(value) else value


def _is_opaque(value: JSON, field: Field) -> bool:
    """Return whether secrets may be anywhere in a value: its field holds some, and its shape is not the field's."""
    if value is None or value is ABSENT or not field.types:
        return False
    shape = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "scalar"
    return shape not in field.types and _holds_sensitive(field)


def _holds_sensitive(field: Field) -> bool:
    children = [*field.properties.values(), *(child for child in (field.items, field.values) if child)]
    return any(child.sensitive or _holds_sensitive(child) for child in children)


def storable(value: JSON, field: Field) -> JSON:
    """Copy a value for a snapshot: with `REDACTED_MARKER` instead of what may not be saved; secret keys are masked."""
    if value in (None, MASK, [], {}):
        return value
    if field.sensitive or _is_opaque(value, field) or is_secret(value):
        return dict(REDACTED_MARKER)
    if isinstance(value, dict):
        masked = masks(secrets_among(value.keys() - field.properties.keys()), value)
        return {
            masked.get(name, name): dict(REDACTED_MARKER) if name in masked else _storable_child(name, child, field)
            for name, child in value.items()
        }
    if isinstance(value, list):
        return [storable(child, field.items or UNKNOWN) for child in value]
    return value


def _storable_child(name: str, value: JSON, parent: Field) -> JSON:
    """Copy one entry of an object; what the schema does not know is treated as variables if it looks like them."""
    field = parent.child(name)
    if field in (None, UNKNOWN) and name in ("env", "secrets") and isinstance(value, dict | list):
        return _variable_names(value)
    return storable(value, field or UNKNOWN)


def _variable_names(value: JSON) -> JSON:
    """Copy variables or secrets at a path that the schema does not know: only their names."""
    if value is None or value == REDACTED_MARKER:
        return value
    if isinstance(value, list):
        return [_variable_names(child) for child in value]
    if not isinstance(value, dict):
        return dict(REDACTED_MARKER)
    masked = masks(secrets_among(value), value)
    return {
        masked.get(name, name): child
        if name == "name" and isinstance(child, str)
        else dict(REDACTED_MARKER)
        if name in masked
        else _variable_names(child)
        for name, child in value.items()
    }


_SECRET_KEYS: Final = re.compile(
    r"""['"]?\b(?:value|[\w-]*(?:secret|token|password|passwd|credential|api[_-]?key|private)[\w-]*)['"]?\s*:""",
    re.IGNORECASE,
)
"""Keys whose values a line of a file may not show: those of variables, and those named after credentials."""


def may_show_line(line: str, path: Path, rule: str) -> bool:
    """Return whether a line of a file, which an error about `path` is in, surely holds no secret.

    It is one key of a mapping without secrets, and its value. A misspelled key next to those of secrets, entries in
    braces and a line that may belong to a text that began above can hold anything.
    """
    if any(bracket in line for bracket in "{[") or is_secret(line) or _SECRET_KEYS.search(line):
        return False
    if path[:1] == ("secrets",) or rule == "literal-secret":
        return False
    field = parent = deployment()
    for segment in path:
        parent, field = field, field.child(segment) or UNKNOWN
        if field.sensitive:
            return False
    key = _KEY.match(line)
    if key is None or any(child.sensitive for child in parent.properties.values()):
        return False
    return not _holds_sensitive(field) if path else key[1] in _harmless_names()


_KEY: Final = re.compile(r"[ ]*(?:- +)*([A-Za-z_]\w*):")


@cache
def _harmless_names() -> frozenset[str]:
    """Return the names of all fields that neither are nor hold a secret."""
    harmless: set[str] = set()
    harmful: set[str] = set()
    pending = [deployment()]
    while pending:
        field = pending.pop()
        for name, child in field.properties.items():
            (harmful if child.sensitive or _holds_sensitive(child) else harmless).add(name)
        pending += [*field.properties.values(), *(child for child in (field.items, field.values) if child)]
    return frozenset(harmless - harmful)
