"""The usual case, at little cost: everything that is declared is live as it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from driftcheck.fields import UNKNOWN, Field
from driftcheck.model import JSON, REDACTED_MARKER

_NUMBERS: Final = (int, float)


def plainly_agreeing(declared: Mapping[str, JSON], live: Mapping[str, JSON], schema: Field) -> int | None:
    """Count the declared leaves of an object if live has every one of them as it is; None where it takes a closer look.

    What agrees plainly differs in nothing, has nothing that can't be verified, and so many leaves that were compared.
    """
    if live == REDACTED_MARKER:
        return None
    properties, values = schema.properties, schema.values
    is_map = values is not None or schema is UNKNOWN
    if is_map and (len(declared) != len(live) or None in declared.values()):
        return None
    count = 0
    for name, value in declared.items():
        seen = live.get(name)
        kind = value.__class__
        if kind is dict is seen.__class__:
            below = plainly_agreeing(value, seen, properties.get(name) or values or UNKNOWN)
        elif kind is list is seen.__class__:
            below = _entries(value, seen, properties.get(name) or values or UNKNOWN)
        elif value == seen and (kind is seen.__class__ or (kind in _NUMBERS and seen.__class__ in _NUMBERS)):
            count += 1
            continue
        else:
            return None
        if below is None:
            return None
        count += below
    return count


def _entries(declared: Sequence[JSON], live: Sequence[JSON], schema: Field) -> int | None:
    """Do the same for lists: those of texts, and those whose entries have the same identities in the same order."""
    if len(declared) != len(live):
        return None
    key, items = schema.key, schema.items or UNKNOWN
    if key is None:
        return 0 if declared == live and all(entry.__class__ is str for entry in declared) else None
    identities = set()
    count = 0
    for entry, seen in zip(declared, live, strict=True):
        if entry.__class__ is not dict or seen.__class__ is not dict or entry.get(key).__class__ is not str:
            return None
        identities.add(entry[key])
        below = plainly_agreeing(entry, seen, items)
        if below is None:
            return None
        count += below
    return count if len(identities) == len(declared) else None
