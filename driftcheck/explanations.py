"""The texts of `driftcheck explain`: about a rule, a field or a policy."""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from driftcheck import fields
from driftcheck.fields import Field
from driftcheck.model import JSON, HousePolicy
from driftcheck.paths import Path, parse_path
from driftcheck.redaction.patterns import shown
from driftcheck.rules import COMPARISON_RULES, LINT_RULES, LOADING_RULES, RULES, VALIDATION_RULES, Rule

_WIDTH: Final = 96


def explain(name: str, policies: Iterable[HousePolicy] = ()) -> str | None:
    """Explain a rule by its id, or a field by its path or the end of it; None if neither exists.

    List steps may be written `[]`, `[*]`, by position or by identity: `sidecars[].env`, `sidecars[name=otel].env`.
    """
    if name in RULES:
        rule = RULES[name]
        return f"{rule.id} ({rule.severity})\n\n{rule.title}.\n\n{advice(rule)}\n"
    for policy in policies:
        if policy.rule == name:
            return _policy_text(policy)
    entries = _entries(name)
    if not entries:
        return None
    if len({entry.field.description for entry in entries}) > 1:
        return "Several fields have this name:\n\n" + "".join(f"  {entry.path}\n" for entry in entries)
    return _field_text(entries)


def overview(policies: Sequence[HousePolicy] = ()) -> str:
    """Return the list of what can be explained: rules by group, policies, fields that can be declared."""
    text = ""
    width = max(map(len, RULES)) + 2
    for heading, rules in GROUPS.items():
        text += f"{heading}\n\n"
        text += "".join(f"  {rule.id.ljust(width)}{rule.severity}: {rule.title}\n" for rule in rules.values()) + "\n"
    if policies:
        text += "Policies\n\n"
        text += "".join(f"  {policy.rule.ljust(width)}{policy.severity}: {_title(policy)}\n" for policy in policies)
        text += "\n"
    text += "Fields\n\n"
    text += "".join(f"  {entry.path}\n" for entry in _all_entries().values() if not entry.field.read_only)
    return text + "\n`driftcheck explain NAME` explains one of them.\n"


def suggest(name: str, policies: Iterable[HousePolicy] = ()) -> list[str]:
    """Return up to three rule ids, field paths and field names that are similar to a name."""
    own = (policy.rule for policy in policies)
    short_names = (path.rpartition(".")[2] for path in _all_entries())
    by_name = {text.lower(): text for text in (*RULES, *own, *_all_entries(), *short_names)}
    return [by_name[close] for close in difflib.get_close_matches(name.lower()[:200], by_name, n=3)]


GROUPS: Final[Mapping[str, Mapping[str, Rule]]] = {
    "Comparison with live": COMPARISON_RULES,
    "Reading files": LOADING_RULES,
    "Fields and values": VALIDATION_RULES,
    "Fields together": LINT_RULES,
}
"""The rules by the headings under which lists show them."""


def _wrap(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def advice(rule: Rule) -> str:
    """Return the explanation of a rule, and what to do next if its findings say so."""
    return _wrap(f"{rule.explanation} {rule.hint or ''}".rstrip())


def _policy_text(policy: HousePolicy) -> str:
    text = f"{policy.rule} ({policy.severity})\n\n{_wrap(_title(policy))}\n"
    if policy.reason:
        text += f"\n{_wrap(shown(policy.reason))}\n"
    facts = {
        "Path": policy.path,
        "Schema": json.dumps(policy.schema),
        "Targets": policy.target,
        "Deployments": policy.deployment,
        "Where": json.dumps(policy.where) if policy.where else "",
        "Applies to": " and ".join(sorted(policy.applies_to)),
        "Defined at": str(policy.location),
    }
    text += "\n" + "".join(f"{title + ':':<13}{fact}\n" for title, fact in facts.items() if fact)
    return text


def _title(policy: HousePolicy) -> str:
    return shown(policy.message or f"The policy `{policy.id}` is violated.")


# --- fields ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _FieldEntry:
    """A field, its path (list steps written `[]`), and the fields around it, the outermost first."""

    path: str
    field: Field
    around: tuple[Field, ...] = ()

    @property
    def line(self) -> tuple[Field, ...]:
        return (*self.around, self.field)


@cache
def _all_entries() -> Mapping[str, _FieldEntry]:
    """Return every field that the schema names, by its path."""
    return {path: _FieldEntry(path, field, around) for path, field, around in fields.below(fields.deployment())}


def _entries(name: str) -> list[_FieldEntry]:
    try:
        path = parse_path(re.sub(r"\[\*?\]", "[0]", name))
    except ValueError:
        return []
    if not path:
        return []
    exact = _exact(path)
    if exact is not None:
        return [exact]
    written = _pattern(path)
    return [entry for entry in _all_entries().values() if entry.path.endswith((f".{written}", f"[].{written}"))]


def _exact(path: Path) -> _FieldEntry | None:
    """Return the field at a path from the deployment on, entries of free maps included."""
    line = [fields.deployment()]
    for segment in path:
        field = line[-1].child(segment)
        if field is None:
            return None
        line.append(field)
    return _FieldEntry(_pattern(path), line[-1], tuple(line[1:-1]))


def _pattern(path: Path) -> str:
    text = ""
    for segment in path:
        text += (f".{segment}" if text else segment) if isinstance(segment, str) else "[]"
    return text


def _field_text(entries: list[_FieldEntry]) -> str:
    entry = entries[0]
    text = "".join(f"{other.path}\n" for other in entries)
    if entry.field.description:
        text += f"\n{_wrap(entry.field.description)}\n"
    facts = [(title, fact) for title, fact in _facts(entry) if fact]
    width = max(len(title) for title, _ in facts) + 2
    for title, fact in facts:
        text += "\n" + _wrap(f"{title}:".ljust(width) + fact, width)
    return text + "\n"


def _facts(entry: _FieldEntry) -> Iterator[tuple[str, str]]:
    field = entry.field
    yield "Type", _type(field)
    yield "Values", ", ".join(field.enum)
    yield "Range", _range(field)
    yield "Applies to", _applies_to(entry)
    yield "Unset", _unset(field)
    yield "Declared null", _declared_null(entry)
    yield "Comparison", " ".join(_comparison(entry)) or "By value."
    yield "A change", _impact(entry)
    yield "Since", _SINCE[max((f.since for f in entry.line), key=fields.AGES.index)]
    yield "Deprecated", field.deprecated or ""
    yield "Certainty", _CERTAINTY[next((f.label for f in reversed(entry.line) if f.label), "F")]


_TYPES: Final = {
    "object": "mapping",
    "array": "list",
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
}

_SINCE: Final = {
    "seed": "the first known version of the API (January 2026 or before)",
    "B": "about May 2026; older servers leave it out",
    "B2": "about May 2026; older servers leave it out",
    "C": "about August 2026; older servers leave it out",
    "TF": "known from the vendor's Terraform provider only",
    "N": "about November 2026; older servers leave it out",
}

_CERTAINTY: Final = {
    "F": "documented by the vendor",
    "O": "observed by users of the API, not documented",
    "M": "seen only in the vendor's tests, not documented",
    "I": "inferred, not documented",
}


def _type(field: Field) -> str:
    if not field.types:
        return "anything"
    text = " or ".join(sorted(_TYPES[name] for name in field.types))
    return f"{text}, or null" if field.nullable else text


def _range(field: Field) -> str:
    parts = []
    if field.minimum is not None:
        parts.append(f"at least {field.minimum:g}")
    if field.cloud_maximum is not None:
        parts.append(f"on Cloud at most {field.cloud_maximum:g}")
    if field.granularity is not None:
        parts.append(f"a multiple of {field.granularity}")
    return ", ".join(parts)


def _applies_to(entry: _FieldEntry) -> str:
    return ", ".join(sorted(next((f.applies_to for f in reversed(entry.line) if f.applies_to), ())))


def _unset(field: Field) -> str:
    if field.effective is None:
        return "" if field.service_default is None else f"the service shows {_literal(field.service_default)}"
    if field.effective.of is None:
        return f"the service uses {_literal(field.effective.value)}"
    factor = "" if field.effective.times == 1 else f"{field.effective.times} x "
    return f"the service uses {factor}{field.effective.of}"


def _literal(value: JSON) -> str:
    return "an empty string" if value == "" else json.dumps(value)


def _declared_null(entry: _FieldEntry) -> str:
    field = entry.field
    if field.read_only or not field.nullable:
        return ""
    derived = ", absent, or what the service derives" if field.effective is not None else " or absent"
    meaning = f"live must be null{derived}."
    if entry.path.startswith("source_config.resource_spec."):
        return f"{meaning} To unset it, write resource_spec as a whole without it; a written null changes nothing."
    if field.immutable:
        return f"{meaning} It can't be unset later; create the deployment again without it."
    if field.empty_is_null:
        return f"{meaning} To unset it, write an empty list; a written null changes nothing."
    return f"{meaning} It can't be unset in place, because a written null changes nothing."


def _comparison(entry: _FieldEntry) -> Iterator[str]:
    field = entry.field
    if field.read_only:
        yield "Not compared: only the service sets it, and it can't be declared."
        return
    if "array" in field.types:
        yield _list_comparison(field)
    if field.values is not None:
        yield "By key; a live key that is not declared is drift."
    if field.empty_is_null:
        yield "An empty value equals an unset one."
    if field.decimals is not None:
        yield "Rounded to one decimal; 0.25 equals both 0.2 and 0.3."
    if field.quantity:
        yield "As a Kubernetes quantity: 500m equals 0.5."
    if field.equivalence is not None:
        yield _EQUIVALENCES[field.equivalence]
    if field.branch:
        yield f"If live has {'.'.join(field.branch)}, that branch is compared, unless a commit is declared."
    if field.effective is not None and field.effective.of is not None:
        yield "If it is unset on one side, the value that the service uses is compared."
    if any(f.sensitive for f in entry.line):
        yield "No report shows the value."
    yield from _evidence(entry)


_EQUIVALENCES: Final = {
    "assigned-url": "If it is not declared, a live URL that the platform assigned is not reported.",
    "commit": "A commit equals its short form of at least seven digits.",
    "image": "A declared tag and a live digest of the same repository are unverifiable. No tag equals `latest`, "
    "and `redis` equals `docker.io/library/redis`.",
    "uuid": "Upper and lower case are equal.",
    "repository-url": "A trailing .git or slash makes no difference, nor does upper or lower case in the host "
    "(on github.com, also in the path).",
}


def _list_comparison(field: Field) -> str:
    if field.key is None:
        return "Entries are compared in order."
    if field.ordered == "references":
        return f"Entries are matched by {field.key}; their order counts only where one refers to another."
    return f"Entries are matched by {field.key}; their order {'counts' if field.ordered else 'makes no difference'}."


def _evidence(entry: _FieldEntry) -> Iterator[str]:
    platform = sorted(frozenset().union(*(f.platform_set for f in entry.line)))
    if platform:
        yield f"Not compared for {', '.join(platform)}, where the platform sets it."
    reported = next((f.reported for f in reversed(entry.line) if f.reported is not None), None)
    if reported == frozenset():
        yield "A live null is unverifiable, because the service may not show the value."
    elif reported is not None:
        null = "A live null" if entry.field.reported is not None else f"A live {_container(entry.path)} of null"
        yield f"{null} is unverifiable, except for {', '.join(sorted(reported))}."


def _container(path: str) -> str:
    """Return the name of the nearest field around a path that the service may not show."""
    while path:
        path = path.rpartition(".")[0].removesuffix("[]")
        around = _all_entries().get(path)
        if around is not None and around.field.reported is not None:
            return path.rpartition(".")[2]
    return "object around it"


def _impact(entry: _FieldEntry) -> str:
    if entry.field.read_only:
        return ""
    if any(f.immutable for f in entry.line):
        return "requires a new deployment"
    return "creates a new revision" if any(f.revision for f in entry.line) else "is made in place"
