"""What no report may show: values of sensitive fields, credentials wherever they stand, user parts of URLs.

That such a value differs is said; neither side of it, its length nor a hash.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from driftcheck.credentials import is_secret
from driftcheck.fields import UNKNOWN, Field
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER, Change

_HIDDEN: Final = "[redacted]"


def redact(change: Change, schema: Field) -> Change:
    """Hide the values of a change (`schema` is the deployment's field) that may not be shown.

    Where the value itself is a secret, both sides are null. In a larger value (a container that is
    gone, say) secrets are left out and the rest is shown.
    """
    field, sensitive = schema, False
    for segment in change.path:
        field = field.child(segment) or UNKNOWN
        sensitive = sensitive or field.sensitive
    values = (change.declared, change.live, change.base, change.declared_effective, change.live_effective)
    if sensitive or any(is_secret(value) for value in values):
        base = change.base if change.base is ABSENT else None
        return replace(
            change, declared=None, live=None, base=base, declared_effective=None, live_effective=None, redacted=True
        )
    return replace(
        change,
        declared=without_secrets(change.declared, field),
        live=without_secrets(change.live, field),
        base=change.base if change.base is ABSENT else without_secrets(change.base, field),
    )


def without_secrets(value: JSON, schema: Field) -> JSON:
    """Give a value without what may not be shown: sensitive entries left out, credentials in texts replaced."""
    if value == REDACTED_MARKER:
        return _HIDDEN
    if isinstance(value, dict):
        children = ((name, entry, schema.child(name) or UNKNOWN) for name, entry in value.items())
        return {name: without_secrets(entry, child) for name, entry, child in children if not child.sensitive}
    if isinstance(value, list):
        return [without_secrets(entry, schema.items or UNKNOWN) for entry in value]
    return _HIDDEN if is_secret(value) else value
