"""Schema validation: a quick check of documents, and readable violations for those that fail it.

The validators' own messages are never used, because they quote the data, which may hold secrets. Nothing is fetched:
the schemas have no external references, and retrieval is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from driftcheck import fields
from driftcheck.model import JSON
from driftcheck.paths import format_path
from driftcheck.redaction.patterns import holds_credential

if TYPE_CHECKING:
    import jsonschema
    import jsonschema_rs

MAX_VIOLATIONS: Final = 1_000
"""Violations of a document that are reported; more are not useful in one run, and a hostile file has millions."""

Pointer: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root of what was checked down to a node."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A defect of the data: a rule of the catalogue, a message, and a path.

    Message and hint hold no value of the data that may be secret; they may name keys.
    """

    rule: str
    message: str
    path: Pointer
    hint: str | None = None
    at_key: bool = False
    """Whether the key at the end of the path is at fault rather than its value."""
    related: tuple[Pointer, ...] = ()
    """The paths of other values that a rule across fields is about."""


def without_credentials(violation: Violation) -> Violation:
    """Return a violation whose path ends above a key that holds a credential: paths are shown."""
    for depth, segment in enumerate(violation.path):
        if isinstance(segment, str) and holds_credential(segment):
            return replace(violation, path=violation.path[:depth], at_key=False)
    return violation


def validate(value: JSON, schema_name: str = "declaration") -> tuple[Violation, ...]:
    """Return the violations of a document against its schema, the worst rule first.

    After `MAX_VIOLATIONS` follows one of the rule `too-many-findings`. `schema_name` is one of `fields.SCHEMAS`.
    """
    if _gate(schema_name).is_valid(value):
        return ()
    found = _Collector(schema_name).collect(value)
    return found or (Violation("invalid-value", "the document does not match its schema", ()),)


@cache
def _gate(schema_name: str) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(fields.schema(schema_name))


@cache
def _explainer(schema_name: str) -> jsonschema.Draft202012Validator:
    import jsonschema

    return jsonschema.Draft202012Validator(fields.schema(schema_name))


def _refuse(uri: str) -> NoReturn:
    raise LookupError(f"a schema refers to {uri}, outside itself")


# --- schemas of policies -------------------------------------------------------------------------------------------

_MAX_FRAGMENT: Final = 2_000
"""Subschemas of a policy's schema, each reference counted as the subschemas it refers to."""

_OF_SCHEMA: Final = frozenset(
    {"not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems"}
    | {"unevaluatedProperties"}
)
_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_OF_NAMED_SCHEMAS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_OF_DATA: Final = frozenset(
    {"type", "const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"}
    | {"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "required"}
    | {"minProperties", "maxProperties", "dependentRequired"}
    | {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
)
"""The keywords of JSON Schema (2020-12) that a policy may use, by what they hold."""

_OF_OTHER_SCHEMAS: Final = frozenset({"$id", "$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor"})
_WITHOUT_EFFECT: Final = frozenset({"format", "contentEncoding", "contentMediaType", "contentSchema"})
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def compile_fragment(schema: JSON) -> Callable[[JSON], bool]:
    """Return the test of values against a policy's schema, which must not have a `fragment_problem`.

    Patterns run on an engine that takes linear time.
    """
    import jsonschema_rs

    options = jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20)
    return jsonschema_rs.Draft202012Validator(schema, retriever=_refuse, pattern_options=options).is_valid


def fragment_problem(schema: JSON) -> str | None:
    """Return why a policy's schema can't be used, as the rest of a sentence; None if it can."""
    import jsonschema_rs

    try:
        _fragment_size(schema, schema, (), {})
        compile_fragment(schema)
    except _UnusableFragmentError as error:
        return str(error)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
        return "is not a valid JSON Schema (2020-12); patterns can't look around or refer back"
    return None


class _UnusableFragmentError(Exception):
    """A policy's schema that could take too long, or that refers outside itself."""


def _fragment_size(node: JSON, root: JSON, around: tuple[str, ...], known: dict[str, int]) -> int:
    """Count the subschemas that judging a value may visit, references followed.

    A keyword that JSON Schema does not have, or that checks nothing, would silently accept every value.
    """
    size = 1
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == "$ref" and isinstance(value, str):
            if value in around:
                raise _UnusableFragmentError("refers to itself")
            if value not in known:
                known[value] = _fragment_size(_referred(root, value), root, (*around, value), known)
            size += known[value]
        else:
            size += sum(_fragment_size(child, root, around, known) for child in _subschemas(key, value))
        if size > _MAX_FRAGMENT:
            raise _UnusableFragmentError(f"has more than {_MAX_FRAGMENT:,} parts")
    return size


def _subschemas(key: str, value: JSON) -> Iterable[JSON]:
    """Return the schemas that a keyword holds; raises _UnusableFragmentError for a keyword that can't be used."""
    if key in _OF_SCHEMA:
        return (value,)
    if key in _OF_SCHEMAS:
        return value if isinstance(value, list) else ()
    if key in _OF_NAMED_SCHEMAS:
        return value.values() if isinstance(value, dict) else ()
    if key in _OF_OTHER_SCHEMAS:
        raise _UnusableFragmentError(f"can't use `{key}`; refer by `$ref: '#/$defs/...'`")
    if key in _WITHOUT_EFFECT:
        raise _UnusableFragmentError(f"can't use `{key}`, which checks nothing; use `pattern` or `enum`")
    if key in _OF_DATA or key.startswith("x-") or (key == "$schema" and value == _DIALECT):
        return ()
    raise _UnusableFragmentError(f"has {_shown(key)}, which is not a keyword of JSON Schema (2020-12)")


def _referred(root: JSON, reference: str) -> JSON:
    if not reference.startswith("#"):
        raise _UnusableFragmentError("refers to another document, and nothing is fetched")
    node = root
    for step in reference.removeprefix("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and len(key) < 6 and int(key) < len(node):
            node = node[int(key)]
        else:
            raise _UnusableFragmentError("refers to something that it does not contain")
    return node


class _Collector:
    """Turns the validator's errors for one document into violations, one for each defect."""

    def __init__(self, schema_name: str) -> None:
        self._schema_name = schema_name
        self._by_node: dict[Pointer, Violation] = {}
        self._at_keys: dict[Pointer, Violation] = {}
        self._taken: set[Pointer] = set()
        """Fields that an unknown field was probably meant to be."""

    def collect(self, value: JSON) -> tuple[Violation, ...]:
        found_in_order = islice(_explainer(self._schema_name).iter_errors(value), MAX_VIOLATIONS)
        errors = sorted(found_in_order, key=lambda error: _KEYWORD_RANK.get(error.validator, len(_KEYWORD_RANK)))
        for error in errors:
            path: Pointer = tuple(error.absolute_path)
            match error.validator:
                case "additionalProperties":
                    self._unknown(path, error.instance, error.schema)
                case "required":
                    self._missing(path, error.instance, error.validator_value)
                case "anyOf":
                    self._missing(path, error.instance, error.validator_value[0]["required"])
                case _ if path not in self._by_node:
                    self._by_node[path] = _value_violation(path, error)
        found = [without_credentials(violation) for violation in (*self._at_keys.values(), *self._by_node.values())]
        found.sort(key=lambda violation: _RULE_RANK.get(violation.rule, len(_RULE_RANK)))
        if max(len(errors), len(found)) < MAX_VIOLATIONS:
            return tuple(found)
        message = f"too many findings; only the first {MAX_VIOLATIONS:,} of the document are shown"
        return (*found[:MAX_VIOLATIONS], Violation("too-many-findings", message, ()))

    def _unknown(self, path: Pointer, instance: Mapping[str, JSON], schema: Mapping[str, Any]) -> None:
        known = schema.get("properties", {})
        offered = [name for name, node in known.items() if "not" not in node]
        for key in instance:
            if key in known or (key.startswith("x-") and "patternProperties" in schema):
                continue
            if len(self._at_keys) >= MAX_VIOLATIONS:
                break
            meant = _close(key, [name for name in offered if name not in instance]) or _close(key, offered)
            if meant is not None:
                self._taken.add((*path, meant))
            message = f"unknown field {_shown(key)} {_inside(path)}"
            hint = _unknown_hint(key, meant, offered, self._schema_name)
            self._at_keys[*path, key] = Violation("unknown-field", message, (*path, key), hint, at_key=True)

    def _missing(self, path: Pointer, instance: Mapping[str, JSON], required: Iterable[str]) -> None:
        for name in required:
            field_path = (*path, name)
            if name not in instance and field_path not in self._taken:
                message = f"missing field `{name}` {_inside(path)}"
                hint = None if path else f"Begin the document with `{name}:`."
                self._at_keys.setdefault(field_path, Violation("missing-field", message, path, hint))


_KEYWORDS: Final = (
    *("additionalProperties", "required", "not", "type", "enum", "minLength", "maxLength", "pattern", "minimum"),
    *("maximum", "minProperties", "maxProperties", "minItems", "maxItems"),
)
_KEYWORD_RANK: Final = {keyword: rank for rank, keyword in enumerate(_KEYWORDS)}
"""The most specific first: of several errors of one node, the first is reported."""

_RULE_RANK: Final = {
    rule: rank
    for rank, rule in enumerate(("literal-secret", "unknown-field", "read-only-field", "wrong-type", "missing-field"))
}


def _value_violation(path: Pointer, error: Any) -> Violation:
    schema: Mapping[str, Any] = error.schema
    notes: Mapping[str, str] = schema.get("x-driftcheck", {})
    rule = notes.get("rule")
    name = _named(path)
    match error.validator:
        case "not" if schema.get("readOnly"):
            message = f"{name} cannot be declared: it is read-only"
            return Violation("read-only-field", message, path, schema["description"], at_key=True)
        case "not" if rule == "literal-secret":
            hint = "Remove and revoke the value, and keep the name: only names are compared."
            return Violation(rule, f"{name} of a secret must not be declared", path, hint, at_key=True)
        case "type":
            wanted = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
            expected = " or ".join(_TYPES[each] for each in wanted)
            message = f"{name}: expected {expected}, got {_TYPES[_TYPE_OF[type(error.instance)]]}"
            return Violation("wrong-type", message, path, _type_hint(path, error.instance, schema, wanted))
        case "enum":
            return _enum_violation(path, error.instance, schema)
        case "minLength":
            return Violation(rule or "invalid-value", f"{name} must not be empty", path)
        case "maxLength":
            limit = schema["maxLength"]
            return Violation(rule or "invalid-value", f"{name} must not be longer than {limit} characters", path)
        case "pattern":
            form = notes.get("form") or _FORMS.get(rule, "must not be blank")
            return Violation(rule or "invalid-value", f"{name} {form}", path)
        case "minimum":
            return Violation("out-of-range", f"{name} must be at least {schema['minimum']}", path)
        case "minProperties" | "maxProperties":
            choice = ", ".join(f"`{key}`" for key in schema["properties"])
            return Violation("invalid-value", f"{name} must have exactly one of {choice}", path)
        case "minItems" | "maxItems":
            entries = f"{schema['maxItems']} entries" if "maxItems" in schema else "at least one entry"
            return Violation("invalid-value", f"{name} must have {entries}", path)
    return Violation(rule or "invalid-value", f"{name} does not match its schema", path)


_FORMS: Final[Mapping[str | None, str]] = {
    "invalid-name": "must consist of lowercase letters a-z, digits and hyphens, "
    "and begin and end with a letter or digit",
    "invalid-dns-label": "must consist of lowercase letters a-z, digits and hyphens, "
    "and begin and end with a letter or digit",
    "invalid-uuid": "must be a UUID: hexadecimal digits in groups of 8-4-4-4-12",
    "invalid-quantity": "must be a Kubernetes quantity such as `500m`, `0.5` or `1Gi`",
    "invalid-date": "must be a calendar date in the form YYYY-MM-DD",
}


_TYPES: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "null": "null",
}
_TYPE_OF: Final = dict(zip((dict, list, str, int, float, bool, type(None)), _TYPES, strict=True))
"""The type that JSON Schema has for values of a type of Python."""


def _type_hint(path: Pointer, instance: JSON, schema: Mapping[str, Any], wanted: list[str]) -> str | None:
    if instance is None:
        if "string" in wanted:
            return 'Remove the field, or write a string; the empty string needs quotes: `""`.'
        return "Remove the field, or write its value."
    if "string" in wanted and isinstance(instance, bool | int | float):
        words = [word for word in schema.get("enum", ()) if isinstance(word, str)]
        if words:
            return f"Write one of {', '.join(words)}."
        return "Put the value in quotes: without them YAML does not read it as a string."
    if isinstance(instance, str):
        fix = _certain_fix(instance, wanted, str(path[-1]) if path else "")
        if fix is not None:
            return (
                f"Write `{fix}`, without quotes."
                if fix == instance or "boolean" in wanted
                else f"Write `{fix}`{_unit(path)}."
            )
        if "boolean" in wanted:
            return "Write `true` or `false`, without quotes."
        if "integer" in wanted or "number" in wanted:
            return "Write a plain decimal number, without quotes, underscores, colons or units."
        if "object" in wanted and isinstance(path[-1] if path else None, int) and "name" in schema.get("required", ()):
            return "Each entry is a mapping: write `- name: ...`."
    if "array" in wanted and instance is not None:
        return "Begin each entry with `- `."
    if "object" in wanted and isinstance(instance, list):
        return "Write `key: value` lines without `- `."
    return None


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
_QUANTITY: Final = re.compile(r"(-?[0-9]{1,9}(?:\.[0-9]{1,6})?)(m|Mi|Gi|Ti)?")
_MEBIBYTES: Final = {"Mi": 1, "Gi": 1024, "Ti": 1024 * 1024}


def _certain_fix(text: str, wanted: list[str], key: str) -> str | None:
    """Return the boolean or number that a string was certainly meant to be; not a secret."""
    if "boolean" in wanted:
        return _BOOLEANS.get(text.lower())
    quantity = _QUANTITY.fullmatch(text)
    if quantity is None or not {"integer", "number"} & set(wanted):
        return None
    number, unit = float(quantity[1]), quantity[2]
    if unit == "m":
        number = round(number / 1000, 6)
    elif unit is not None:
        if not key.endswith(("_mb", "_gi")):
            return None
        number *= _MEBIBYTES[unit] if key.endswith("_mb") else _MEBIBYTES[unit] / 1024
    if number.is_integer():
        return str(int(number))
    return str(number) if "number" in wanted else None


def _unit(path: Pointer) -> str:
    """Return the unit of a size, in brackets; nothing for other fields."""
    key = str(path[-1]) if path else ""
    return next((text for suffix, text in (("_mb", " (MB)"), ("_gi", " (Gi)")) if key.endswith(suffix)), "")


def _enum_violation(path: Pointer, instance: JSON, schema: Mapping[str, Any]) -> Violation:
    allowed = [value for value in schema["enum"] if value is not None]
    choice = ", ".join(f"`{value}`" for value in allowed)
    meant = _close(instance, allowed) if isinstance(instance, str) else None
    hint = f"Did you mean `{meant}`?" if meant else None
    return Violation("invalid-value", f"{_named(path)} must be one of {choice}", path, hint)


def _unknown_hint(key: str, meant: str | None, known: Sequence[str], schema_name: str) -> str:
    elsewhere = _elsewhere(key) if schema_name == "declaration" else None
    if meant is not None and (elsewhere is None or _plain(meant) == _plain(key) or _likeness(key, meant) > 0.8):
        return f"Did you mean `{meant}`?"
    if elsewhere is not None:
        return f"The field belongs at `{elsewhere}`."
    if schema_name == "declaration" and (similar := _elsewhere(_close(key, _paths_by_name(), 0.8) or "")):
        return f"There is a similar field at `{similar}`."
    if len(known) <= 14:
        return f"Fields here: {', '.join(f'`{name}`' for name in known)}."
    return "`driftcheck explain NAME` describes a field, `driftcheck schema declaration` lists all."


def _close(key: str, known: Iterable[str], cutoff: float = 0.65) -> str | None:
    """Return the known name that a key was probably meant to be; case, hyphens and underscores count little."""
    from difflib import get_close_matches

    by_plain = {_plain(name): name for name in known}
    close = get_close_matches(_plain(key[:64]), by_plain, n=1, cutoff=cutoff)
    return by_plain[close[0]] if close else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _likeness(first: str, second: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, _plain(first[:64]), _plain(second)).ratio()


def _elsewhere(key: str) -> str | None:
    return _paths_by_name().get(_plain(key[:64]))


@cache
def _paths_by_name() -> Mapping[str, str]:
    """Return the shortest path of each field below a deployment that can be declared, by its plain name."""
    found: dict[str, str] = {}
    paths = (path for path, field, _ in fields.below(fields.deployment()) if not field.read_only)
    for path in sorted(paths, key=lambda path: path.count(".") + path.count("[]")):
        found.setdefault(_plain(path.rpartition(".")[2]), path)
    return found


def _inside(path: Pointer) -> str:
    return f"in {_named(path)}" if path else "at the top of the document"


def _named(path: Pointer) -> str:
    """Name a node by the last key above it, positions included: `args[0]`."""
    if not path:
        return "the document"
    begin = max((index for index, segment in enumerate(path) if isinstance(segment, str)), default=0)
    return _shown(format_path(path[begin:]))


def _shown(key: str) -> str:
    """Return a key of the data as messages show it: short, on one line, and hidden if it holds a credential."""
    if holds_credential(key):
        return "(hidden)"
    visible = "".join(c if c.isprintable() and c != "`" else f"\\u{ord(c):04x}" for c in key[:80])
    return f"`{visible}{'...' if len(key) > 80 else ''}`"
