"""The comparison of a declared deployment with a live one: the heart of driftcheck.

`compare_with_live` walks through the declared and live values together, with the schema's annotations. A value differs
only if the service distinguishes the two. If a listing can't show whether they agree, the value is unverifiable.

No field is known here by name, except `source`, on which many facts depend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from driftcheck.comparison.differences import (
    Differences,
    FieldContext,
    compare_lists,
    is_own_default,
    is_structured,
    is_underivable,
    is_unrevised,
    set_fields,
    shows_unset,
)
from driftcheck.comparison.equality import may_be_same_image, same_scalar
from driftcheck.fields import (
    UNKNOWN,
    Field,
    branch_behind,
    deployment,
    derive,
    is_commit,
    is_number,
    is_same_commit,
    is_unset,
    may_be_commit,
)
from driftcheck.model import ABSENT, JSON, REDACTED_MARKER
from driftcheck.paths import Path

_NOTHING: Final[Mapping[str, JSON]] = {}


@dataclass(slots=True)
class _Pair:
    """Two deployments under comparison, and what was found so far."""

    live: Mapping[str, JSON]
    source: str | None
    strict: bool
    found: Differences = field(default_factory=Differences)

    def fresh(self) -> _Pair:
        """Return the same pair without results, to compare a part separately."""
        return _Pair(self.live, self.source, self.strict)


def compare_with_live(declared: Mapping[str, JSON], live: Mapping[str, JSON], *, strict: bool = False) -> Differences:
    """Compare a declared deployment (a JSON object) with a live one.

    With `strict`, live values that are set, not declared and not the service's own differ too.
    """
    source = declared.get("source", live.get("source"))
    pair = _Pair(live, source if isinstance(source, str) else None, strict)
    _compare_object(pair, declared, live, deployment(), ())
    return pair.found.in_order()


def _compare_object(
    pair: _Pair, declared: Mapping[str, JSON], live: Mapping[str, JSON], field: Field, path: Path
) -> None:
    equal, properties, indirect = 0, field.properties, field.indirect
    for name, value in declared.items():
        seen = live.get(name)
        kind = value.__class__
        if kind is seen.__class__ and kind is not dict and kind is not list and value == seen and name not in indirect:
            equal += 1
            continue
        child = properties.get(name) or field.values or UNKNOWN
        if kind is list is seen.__class__:
            _compare_list(pair, value, seen, FieldContext(child, (*path, name), field, declared, live))
        elif kind is dict is seen.__class__ and value != REDACTED_MARKER != seen:
            pair.found.by_name_only += child.by_name
            _compare_object(pair, value, seen, child, (*path, name))
        else:
            _compare_value(pair, value, seen, FieldContext(child, (*path, name), field, declared, live))
    pair.found.compared += equal
    for name in field.concealed:  # a variable that is declared only by its name
        pair.found.by_name_only += name not in declared and live.get(name) not in (None, "")
    if field.values is not None or field is UNKNOWN:
        for name in live.keys() - declared.keys():
            if live[name] is not None:
                pair.found.differ((*path, name), ABSENT, live[name])
    elif pair.strict:
        _compare_undeclared(pair, declared, live, field, path)
    elif field.alternatives:
        _compare_alternatives(pair, declared, live, field, path)


def _compare_alternatives(
    pair: _Pair, declared: Mapping[str, JSON], live: Mapping[str, JSON], field: Field, path: Path
) -> None:
    """Report a live value that is set although a constant is declared, or applies by default."""
    for name, other in field.alternatives.items():
        effective = field.properties[name].effective
        constant = effective.value if effective else None
        declares_constant = declared.get(name) in (None, constant) and other not in declared
        is_reported = declared.get(name) is not None and live.get(name) is None
        if declares_constant and not is_reported and not is_unset(live.get(other), field.child(other) or UNKNOWN):
            pair.found.differ((*path, other), ABSENT, live[other])


def _compare_value(pair: _Pair, declared: JSON, live: JSON, context: FieldContext) -> None:
    field = context.field
    if field.branch and not is_commit(declared) and not is_same_commit(declared, live):
        branch = branch_behind(pair.live, field)
        if branch is None and declared != live and may_be_commit(live):
            pair.found.unverifiable.append(context.path)
            return
        live = live if branch is None else branch
    if REDACTED_MARKER in (declared, live) and not _is_set_for_certain(declared, field):
        pair.found.unverifiable.append(context.path)
    elif isinstance(declared, dict) and isinstance(live, dict):
        pair.found.by_name_only += field.by_name
        _compare_object(pair, declared, live, field, context.path)
    elif isinstance(declared, list) and isinstance(live, list):
        _compare_list(pair, declared, live, context)
    elif is_unset(declared, field) and is_unset(live, field):
        pair.found.compared += 1
    elif declared is None:
        _compare_null(pair, live, context)
    elif live is None:
        _compare_unset(pair, declared, context)
    elif not isinstance(declared, dict | list) and same_scalar(declared, live, field):
        pair.found.compared += 1
    elif field.platform_sets(pair.source) or (field.equivalence == "image" and may_be_same_image(declared, live)):
        pair.found.unverifiable.append(context.path)
    else:
        pair.found.compared += 1
        pair.found.differ(context.path, declared, live)


def _is_set_for_certain(declared: JSON, field: Field) -> bool:
    """Return whether a redacted live value surely differs: null is declared, and the redacted value is not null.

    Only a variable's value may have been an empty text, which is the same as null.
    """
    return declared is None and not field.sensitive


def _compare_null(pair: _Pair, live: JSON, context: FieldContext) -> None:
    """Compare a declared null: live must be unset, or the value that the service itself would use."""
    field = context.field
    if _is_platform_made(pair, live, field) or is_own_default(live, field):
        return
    pair.found.compared += 1
    derived = derive(field, context.declared, context.parent)
    for own in (derived, derive(field, context.live, context.parent)):
        if own is not None and not isinstance(live, dict | list) and same_scalar(own, live, field):
            return
    pair.found.differ(context.path, ABSENT, live, effective=derived)


def _compare_unset(pair: _Pair, declared: JSON, context: FieldContext) -> None:
    """Compare a set value with a live null: drift, unless the service uses the same or can't show it."""
    field = context.field
    derived = derive(field, context.live, context.parent)
    if derived is not None and _is_derived_alike(declared, derived, context):
        pair.found.compared += 1
    elif not _is_evidence(pair, context, derived):
        unrevised = field.always_set or is_unrevised(pair.live, context)
        pair.found.unverifiable.extend(set_fields(declared, field, context.path, by_entry=unrevised))
    elif is_own_default(declared, field):
        pair.found.compared += 1
    elif is_structured(declared, field):
        part = pair.fresh()
        _compare_object(part, declared, _NOTHING, field, context.path)
        pair.found.differ_as_whole(part.found, context.path, declared, ABSENT)
    else:
        pair.found.compared += 1
        pair.found.differ(context.path, declared, ABSENT, effective=derived)


def _is_evidence(pair: _Pair, context: FieldContext, derived: JSON) -> bool:
    return shows_unset(pair.found, pair.live, context.live, context) and not (
        context.field.platform_sets(pair.source) or is_underivable(context.field, derived)
    )


def _is_derived_alike(declared: JSON, derived: JSON, context: FieldContext) -> bool:
    """Return whether a value is what the service derives, from the live base or from a declared one that equals it.

    The declared base may differ from the live one only by rounding, and its double by twice as much.
    """
    field = context.field
    if isinstance(declared, dict | list):
        return False
    if same_scalar(declared, derived, field):
        return True
    own = derive(field, context.declared, context.parent)
    return _have_equal_bases(own, derived, context) and same_scalar(declared, own, field)


def _have_equal_bases(own: JSON, derived: JSON, context: FieldContext) -> bool:
    """Return whether the values that the service derives from the declared and from the live base have equal bases."""
    effective = context.field.effective
    if effective is None or not (is_number(own) and is_number(derived)):
        return False
    base = context.parent.properties.get(effective.of or "", UNKNOWN)
    return same_scalar(_divided(own, effective.times), _divided(derived, effective.times), base)


def _divided(number: JSON, divisor: int) -> JSON:
    return number // divisor if isinstance(number, int) and number % divisor == 0 else number / divisor


def _compare_list(pair: _Pair, declared: list[JSON], live: list[JSON], context: FieldContext) -> None:
    if declared and not live and context.field.empty_is_null and is_unrevised(pair.live, context):
        _compare_unset(pair, declared, context)
    else:
        compare_objects, compare_values = partial(_compare_object, pair), partial(_compare_apart, pair)
        compare_lists(pair.found, declared, live, context, compare_objects, compare_values, counts_added=False)


def _compare_apart(pair: _Pair, declared: JSON, live: JSON, context: FieldContext) -> Differences:
    part = pair.fresh()
    _compare_value(part, declared, live, context)
    return part.found


def _compare_undeclared(
    pair: _Pair, declared: Mapping[str, JSON], live: Mapping[str, JSON], field: Field, path: Path
) -> None:
    """Report live values that are set, not declared, and not set by the service itself."""
    for name in (*live, *(field.indirect - live.keys())):
        if name in declared:
            continue
        value, child = live.get(name), field.properties.get(name)
        if child is not None and child.branch:
            value = branch_behind(pair.live, child) or value
        if child is None:
            pair.found.unmodelled.append((*path, name))
        elif child.sensitive or _is_platform_made(pair, value, child):
            continue
        elif isinstance(value, dict) and value != REDACTED_MARKER and is_structured(value, child):
            _compare_undeclared(pair, _NOTHING, value, child, (*path, name))
        elif is_unset(value, child) or is_own_default(value, child):
            continue
        elif not _is_derived(value, FieldContext(child, (*path, name), field, declared, live)):
            pair.found.differ((*path, name), ABSENT, value)


def _is_derived(live: JSON, context: FieldContext) -> bool:
    """Return whether a live value is what the service derives, from the live base or a declared one that equals it."""
    field = context.field
    if field.effective is None or isinstance(live, dict | list):
        return False
    derived, own = derive(field, context.live, context.parent), derive(field, context.declared, context.parent)
    if derived is not None and same_scalar(derived, live, field):
        return True
    return _have_equal_bases(own, derived, context) and same_scalar(own, live, field)


def _is_platform_made(pair: _Pair, value: JSON, field: Field) -> bool:
    """Return whether the platform put a live value there, so that it need not be declared.

    It owns the field, assigned the URL, or resolved a commit from a branch that it does not report.
    """
    resolved = bool(field.branch) and is_commit(value) and branch_behind(pair.live, field) is None
    return field.platform_sets(pair.source) or resolved or field.is_assigned(value)
