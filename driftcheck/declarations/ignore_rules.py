"""The ignore rules that a document declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from driftcheck.model import JSON, Guard, IgnoreRule, Location

if TYPE_CHECKING:
    from driftcheck.declarations.schema import Pointer, Violation
    from driftcheck.yamlfile.positions import Text


def read_ignore_rules(
    text: Text, number: int, holder: Mapping[str, JSON], violations: Iterable[Violation] = (), above: Pointer = ()
) -> Iterator[IgnoreRule]:
    """Yield the valid entries of the `ignore` of a document, or of a mapping in it, which is at `above`."""
    entries = holder.get("ignore")
    if not isinstance(entries, list):
        return
    invalid = {
        violation.path[1] for violation in violations if violation.path[:1] == ("ignore",) and violation.path[1:]
    }
    for index, entry in enumerate(entries):
        if index not in invalid and isinstance(entry, dict):
            yield IgnoreRule(
                reason=entry["reason"],
                location=Location(text.name, *text.position(number, (*above, "ignore", index))),
                deployment=entry.get("deployment", "*"),
                path=entry.get("path"),
                rule=entry.get("rule"),
                owner=entry.get("owner"),
                approved_by=entry.get("approved_by"),
                expires=entry.get("expires"),
                guard=_guard(entry.get("live")),
                missing=entry.get("missing", False),
                unmanaged=entry.get("unmanaged", False),
            )


def _guard(condition: Mapping[str, Any] | None) -> Guard | None:
    match condition:
        case {"equals": value}:
            return Guard(equals=value)
        case {"in": values}:
            return Guard(is_in=tuple(values))
        case {"between": [low, high]}:
            return Guard(between=(low, high))
        case {"matches": pattern}:
            return Guard(matches=pattern)
    return None
