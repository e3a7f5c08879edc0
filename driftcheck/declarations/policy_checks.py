"""Defects of ignore rules, severities and policies that their JSON Schema can't express."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from driftcheck import fields
from driftcheck.declarations.schema import Pointer, Violation, fragment_problem
from driftcheck.fields import UNKNOWN, Field
from driftcheck.model import JSON
from driftcheck.paths import glob_matches, split_pattern
from driftcheck.redaction.patterns import holds_credential
from driftcheck.rules import LINT_RULES, POLICY_PREFIX, RULES, SUPPRESSIBLE_RULES

MAX_POLICIES: Final = 256
"""Every policy is judged on every deployment, so their number bounds the time of a check."""

MAX_TARGETS: Final = 200
"""Every target reads its files and compares them by itself."""

_SHOWN_TEXTS: Final = ("reason", "owner", "approved_by", "message")
"""Texts of ignore rules and policies that every report shows."""


def policy_violations(document: JSON) -> Iterator[Violation]:
    """Find defects in the `ignore`, `severities` and `policies` of a document, whether or not the rest is valid."""
    if not isinstance(document, dict):
        return
    targets = document.get("targets")
    if isinstance(targets, dict) and len(targets) > MAX_TARGETS:
        yield Violation("yaml-limit", f"there are more than {MAX_TARGETS} targets", ("targets",), at_key=True)
        return
    policies = {str(entry.get("id")) for _, entry in _entries(document, "policies")}
    yield from _house_policy_violations(document)
    for pointer, holder in holders(document):
        for index, entry in _entries(holder, "ignore"):
            yield from _ignore_violations((*pointer, "ignore", index), entry, policies)
        yield from _severity_violations((*pointer, "severities"), holder.get("severities"), policies)


def holders(document: JSON) -> Iterator[tuple[Pointer, Mapping[str, JSON]]]:
    """Yield a configuration itself and each of its targets, with their paths in it."""
    if not isinstance(document, dict):
        return
    yield (), document
    targets = document.get("targets")
    for name, target in targets.items() if isinstance(targets, dict) else ():
        if isinstance(target, dict):
            yield ("targets", name), target


def _entries(holder: Mapping[str, JSON], key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    entries = holder.get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield index, entry


def _ignore_violations(pointer: Pointer, entry: Mapping[str, JSON], policies: Collection[str]) -> Iterator[Violation]:
    yield from _literal_secrets(pointer, entry)
    yield from _empty_range(pointer, entry.get("live"))
    rule = entry.get("rule")
    if not isinstance(rule, str):
        return
    if other := next((key for key in ("path", "live", "missing", "unmanaged") if key in entry), None):
        message = f"`rule` and `{other}` can't be combined"
        yield Violation("invalid-value", message, (*pointer, other), "Write two ignore rules.", at_key=True)
    if rule.startswith(POLICY_PREFIX):
        return  # a declaration file does not know the policies of the configuration
    if rule not in RULES:
        yield _unknown_rule(rule, (*pointer, "rule"), policies)
    elif rule not in SUPPRESSIBLE_RULES:
        message = f"findings of `{rule}` can't be suppressed"
        yield Violation("invalid-value", message, (*pointer, "rule"), "Fix what they report.")


def _empty_range(pointer: Pointer, guard: JSON) -> Iterator[Violation]:
    match guard:
        case {"between": [int() | float() as low, int() | float() as high]} if low > high:
            message, hint = "no number is in this range", "Write the smaller number first."
            yield Violation("invalid-value", message, (*pointer, "live", "between"), hint)


def _severity_violations(pointer: Pointer, severities: JSON, policies: Collection[str]) -> Iterator[Violation]:
    for rule, severity in severities.items() if isinstance(severities, dict) else ():
        own = rule.startswith(POLICY_PREFIX) and rule.removeprefix(POLICY_PREFIX) in policies
        if rule not in RULES and not own:
            yield _unknown_rule(rule, (*pointer, rule), policies, at_key=True)
        elif (severity == "off" or severity is False) and not own and rule not in LINT_RULES:
            accept = f", or accept it in an ignore rule with `rule: {rule}`" if rule in SUPPRESSIBLE_RULES else ""
            hint = f"Write `{rule}: note`{accept}."
            yield Violation("invalid-value", f"`{rule}` can't be turned off", (*pointer, rule), hint, at_key=True)


def _unknown_rule(rule: str, pointer: Pointer, policies: Iterable[str], *, at_key: bool = False) -> Violation:
    known = (*RULES, *(f"{POLICY_PREFIX}{policy}" for policy in policies))
    alike = [each for each in known if each[:1] == rule[:1]]  # comparing with all of them takes milliseconds
    close = get_close_matches(rule[:64], alike, n=1, cutoff=0.6)
    hint = f"Did you mean `{close[0]}`?" if close else "`driftcheck explain` lists the rules."
    return Violation("unknown-rule", f"the rule {_shown(rule)} does not exist", pointer, hint, at_key=at_key)


def _house_policy_violations(document: Mapping[str, JSON]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, entry in _entries(document, "policies"):
        pointer: Pointer = ("policies", index)
        if index == MAX_POLICIES:
            yield Violation("yaml-limit", f"there are more than {MAX_POLICIES} policies", pointer)
            return
        yield from _literal_secrets(pointer, entry)
        policy = entry.get("id")
        if isinstance(policy, str):
            if policy in seen:
                yield Violation("invalid-value", "two policies have the same `id`", (*pointer, "id"))
            seen.add(policy)
        yield from _unknown_fields(pointer, entry)
        if "schema" in entry and (problem := fragment_problem(entry["schema"])):
            yield Violation("invalid-value", f"the policy's `schema` {problem}", (*pointer, "schema"))


def _unknown_fields(pointer: Pointer, entry: Mapping[str, JSON]) -> Iterator[Violation]:
    """Find paths of a policy that select no field of a deployment, so that it would never judge a value."""
    where = entry.get("where")
    paths = [((*pointer, "path"), entry.get("path"))]
    paths += [((*pointer, "where", path), path) for path in (where if isinstance(where, dict) else ())]
    for at, path in paths:
        if isinstance(path, str) and path and not _selects_fields(tuple(split_pattern(path))):
            hint = "`driftcheck explain` lists the fields."
            yield Violation("invalid-value", f"no field of a deployment has the path {_shown(path)}", at, hint)


def _selects_fields(steps: Sequence[str]) -> bool:
    found = {id(fields.deployment()): fields.deployment()}
    for step in steps:
        if step == "**":  # what follows may be at any depth
            return True
        found = {id(below): below for each in found.values() for below in _below(each, step)}
    return bool(found)


def _below(field: Field, step: str) -> Iterator[Field]:
    if field is UNKNOWN:
        yield UNKNOWN
    elif step.startswith("["):
        yield from (field.items,) if field.items is not None else ()
    elif "*" in step:
        yield from (child for name, child in field.properties.items() if glob_matches(step, name))
        yield from (each for each in (field.values, field.items) if each is not None)
    elif (child := field.child(step)) is not None:
        yield child


def _literal_secrets(pointer: Pointer, entry: Mapping[str, JSON]) -> Iterator[Violation]:
    """Find credentials in an entry of `ignore` or `policies`: reports show its texts, and its file is in git."""
    for key in (*_SHOWN_TEXTS, "deployment", "path", "rule", "live", "where", "schema"):
        value = entry.get(key)
        if value is not None and holds_credential(value if isinstance(value, str) else json.dumps(value)):
            hint = "Remove it from the file and revoke it."
            yield Violation("literal-secret", f"`{key}` contains a credential", (*pointer, key), hint, at_key=True)


def _shown(rule: str) -> str:
    """Return a rule id for a message: short, on one line, and hidden if it holds a credential."""
    if holds_credential(rule):
        return "of this name"
    visible = "".join(c if c.isprintable() and c != "`" else f"\\u{ord(c):04x}" for c in rule[:80])
    return f"`{visible}`"
