"""The JSON report, format 1 (docs/contract.md): for programs, for the history, and for `driftcheck report`.

One table names the keys of every record; the model's annotations say how their values are written and read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from driftcheck import strict_json
from driftcheck.errors import InputError
from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import inert_json
from driftcheck.model import (
    JSON,
    Change,
    Comparison,
    DeclaredSummary,
    Detail,
    Finding,
    HistoryNote,
    LiveSince,
    LiveSummary,
    Location,
    Outcome,
    Report,
    ResolvedItem,
    Severity,
    Status,
    Summary,
    Suppression,
    TargetSummary,
)
from driftcheck.paths import Path, format_path, from_json, parse_path, to_json
from driftcheck.strict_json import MalformedError

FORMAT_VERSION: Final = "1.1"
"""The minor part grows with additions, the major one with anything else."""
MOST_CHARACTERS: Final = 256 * 1024 * 1024
"""A saved report longer than this is not read."""
_MAX_DEPTH: Final = strict_json.MAX_DEPTH + 16
"""A report holds values of listings, some levels down."""

Record = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as ASCII JSON, indented by two spaces, with a final newline."""
    del options
    return inert_json(json.dumps(to_record(report), indent=2, allow_nan=False)) + "\n"


def to_record(report: Report) -> Record:
    """Return the whole report as one JSON object."""
    record = {"format_version": FORMAT_VERSION, **_codec(Report).encode(report)}
    return record | {"live": None, "declared": None} if report.targets else record


def read(text: str) -> Report:
    """Read a saved JSON report; unknown keys are ignored, another major version is refused.

    Raises InputError, which locates the defect and never quotes the text.
    """
    record = _parse(text)
    try:
        _check_version(_object(record, "").get("format_version"))
        report: Report = _codec(Report).decode(record, "")
        if record.get("declared") is None and not report.targets:
            raise _should_be("declared", "an object")
    except MalformedError as error:
        raise InputError(
            f"the saved report can't be read: {error}",
            hint="Expected the output of `driftcheck check -o json`, by this version of driftcheck or an older one.",
        ) from None
    return report


def _check_version(version: JSON) -> None:
    ours = FORMAT_VERSION.partition(".")[0]
    if _text(version, "format_version").partition(".")[0] != ours:
        raise InputError(
            f"the saved report has another major format version than this driftcheck reads ({ours})",
            hint="Render it with the version of driftcheck that wrote it.",
        )


def _parse(text: str) -> JSON:
    if len(text) > MOST_CHARACTERS:
        raise InputError("the saved report is too long", hint="The limit is 256 Mi characters.")
    try:
        return strict_json.parse(text.encode(errors="surrogatepass"), max_depth=_MAX_DEPTH)
    except MalformedError as error:
        raise InputError(
            f"the saved report can't be read: {error}",
            hint="It may have been truncated. Save it again with `driftcheck check -o json=FILE`.",
        ) from None


def _should_be(where: str, expected: str) -> MalformedError:
    return MalformedError(f"{where or 'the report'} should be {expected}")


@dataclass(frozen=True, slots=True)
class _Codec:
    """How a value of the model is written, and read back; `decode` also gets the position for its errors."""

    encode: Callable[[Any], JSON]
    decode: Callable[[JSON, str], Any]


_KEYS: Final[Mapping[type, str]] = {
    Location: "file line column",
    Suppression: "reason expires location owner? approved_by?",
    LiveSummary: "source workspace fetched_at pages requests deployments complete gaps scope? inventory?",
    DeclaredSummary: "files deployments complete base?",
    Detail: "path kind declared live",
    Change: "kind =path segments declared live declared_effective? live_effective? base? details? location impact "
    "class severity redacted suppressed state? first_seen?",
    LiveSince: "created_at updated_at revision",
    Comparison: "name target? status id location changes unverifiable by_name_only* compared* facts? live_since?",
    Finding: "rule severity message hint target? deployment path location related? suppressed state? first_seen?",
    TargetSummary: "name name_suffix? outcome complete live declared summary",
    ResolvedItem: "target deployment path? rule? first_seen last_seen",
    HistoryNote: "run previous error last_conclusive? open? oldest_open?",
    Report: "driftcheck_version command report_id generated_at outcome =complete live declared targets* history "
    "=summary deployments findings resolved*",
}
"""The keys of each record, in the order in which they are written.

`key?` is left out where the value is the default of the model, `key*` is always written but missing in earlier
reports, and `=key` follows from the others, so that it is ignored when it is read.
"""

_ATTRIBUTES: Final = {"segments": "path", "class": "change_class"}
"""The attributes of the model for the keys that have another name."""


@cache
def _codec(kind: Any) -> _Codec:
    """Return the codec of an annotation of the model."""
    arguments = get_args(kind)
    if kind in _TYPES:
        return _TYPES[kind]
    if NoneType in arguments:
        return _optional(_codec(arguments[0]))
    if get_origin(kind) is tuple:
        return _list(_codec(arguments[0]))
    if get_origin(kind) is Mapping:
        return _map(_codec(arguments[1]))
    return _one_of(kind) if issubclass(kind, StrEnum) else _record(kind)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a record."""

    name: str
    attribute: str
    codec: _Codec
    default: JSON
    """The key is left out where the value equals this; `...` if it is always written."""
    is_read: bool
    is_required: bool


def _keys(kind: type) -> Iterator[_Key]:
    hints, defaults = get_type_hints(kind), {field.name: _default(field) for field in fields(kind)}
    for word in _KEYS[kind].split():
        name = word.strip("?*=")
        attribute = _ATTRIBUTES.get(name, name)
        yield _Key(
            name,
            attribute,
            codec=_SPECIAL.get((kind, name)) or _codec(hints[attribute]),
            default=defaults[attribute] if word.endswith("?") else ...,
            is_read=not word.startswith("="),
            is_required=not word.endswith(("?", "*")),
        )


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _record(kind: type) -> _Codec:
    """Return the codec of a dataclass."""
    keys = tuple(_keys(kind))

    def encode(value: Any) -> Record:
        record: Record = {}
        for key in keys:
            if (item := getattr(value, key.attribute)) != key.default:
                record[key.name] = key.codec.encode(item)
        return record

    def decode(value: JSON, where: str) -> Any:
        record, given = _object(value, where), {}
        for key in keys:
            if key.is_read and (key.is_required or key.name in record):
                given[key.attribute] = key.codec.decode(record.get(key.name), _below(where, key.name))
        return kind(**given)

    return _Codec(encode, decode)


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _object(value: JSON, where: str) -> Record:
    if not isinstance(value, dict):
        raise _should_be(where, "an object")
    return value


def _text(value: JSON, where: str) -> str:
    if not isinstance(value, str):
        raise _should_be(where, "a string")
    return value


def _flag(value: JSON, where: str) -> bool:
    if not isinstance(value, bool):
        raise _should_be(where, "true or false")
    return value


def _whole(least: int) -> _Codec:
    def decode(value: JSON, where: str) -> int:
        if type(value) is not int or value < least:
            raise _should_be(where, f"an integer of {least} or more")
        return value

    return _Codec(int, decode)


def _one_of(kind: type[StrEnum]) -> _Codec:
    def decode(value: JSON, where: str) -> StrEnum:
        text = _text(value, where)
        try:
            return kind(text)
        except ValueError:
            raise _should_be(where, "one of " + ", ".join(kind)) from None

    return _Codec(str, decode)


def _optional(codec: _Codec) -> _Codec:
    return _Codec(
        lambda value: None if value is None else codec.encode(value),
        lambda value, where: None if value is None else codec.decode(value, where),
    )


def _list(codec: _Codec) -> _Codec:
    def decode(value: JSON, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _should_be(where, "a list")
        return tuple(codec.decode(item, f"{where}[{index}]") for index, item in enumerate(value))

    return _Codec(lambda values: [codec.encode(value) for value in values], decode)


def _map(codec: _Codec, *, ordered: bool = False) -> _Codec:
    def encode(values: Mapping[str, Any]) -> Record:
        return {key: codec.encode(values[key]) for key in (values if ordered else sorted(values))}

    def decode(value: JSON, where: str) -> Record:
        return {key: codec.decode(item, _below(where, key)) for key, item in _object(value, where).items()}

    return _Codec(encode, decode)


def _path(value: JSON, where: str) -> Path:
    text = _text(value, where)
    try:
        return parse_path(text)
    except ValueError:
        raise _should_be(where, "a path") from None


def _segment(value: JSON, where: str) -> JSON:
    match value:
        case bool():
            pass
        case str():
            return value
        case int() if value >= 0:
            return value
        case dict() if len(value) == 1 and all(isinstance(identity, str) for identity in value.values()):
            return value
    raise _should_be(where, "a segment of a path")


_TIME_FORM: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")


def _time(value: JSON, where: str) -> str:
    if not _TIME_FORM.fullmatch(text := _text(value, where)):
        raise _should_be(where, "a time in UTC, as 2026-01-08T04:05:34Z")
    return text


def _encode_summary(numbers: Summary) -> Record:
    return {
        **{status.value: numbers.statuses[status] for status in Status},
        "changes": numbers.changes,
        "suppressed": numbers.suppressed,
        "unverifiable": numbers.unverifiable,
        "by_name_only": numbers.by_name_only,
        "coverage": numbers.coverage,
        "findings": {severity.value: numbers.findings[severity] for severity in Severity},
    }


def _summary(value: JSON, where: str) -> Summary:
    record = _object(value, where)
    findings = _object(record.get("findings"), _below(where, "findings"))

    def count(counts: Record, key: str) -> int:
        number: int = _COUNT.decode(counts.get(key), _below(where, key))
        return number

    return Summary(
        statuses={status: count(record, status) for status in Status},
        changes=count(record, "changes"),
        suppressed=count(record, "suppressed"),
        unverifiable=count(record, "unverifiable"),
        by_name_only=count(record, "by_name_only"),
        coverage=_share(record.get("coverage"), _below(where, "coverage")),
        findings={severity: count(findings, severity) for severity in Severity},
    )


def _share(value: JSON, where: str) -> float | None:
    if value is None or (type(value) in (int, float) and 0 <= value <= 1):
        return None if value is None else float(value)
    raise _should_be(where, "a number from 0 to 1")


_COUNT: Final = _whole(0)
_FLAG: Final = _Codec(bool, _flag)
_DATA: Final = _Codec(lambda value: value, lambda value, _: value)
_SUMMARY: Final = _Codec(_encode_summary, _summary)

_TYPES: Final[Mapping[Any, _Codec]] = {
    str: _Codec(str, _text),
    bool: _FLAG,
    int: _COUNT,
    JSON: _DATA,
    Path: _Codec(format_path, _path),
    Outcome: _Codec(
        lambda outcome: {"status": int(outcome.status), "name": outcome.value},
        lambda value, where: _one_of(Outcome).decode(_object(value, where).get("name"), _below(where, "name")),
    ),
    Summary: _SUMMARY,
}
_SPECIAL: Final[Mapping[tuple[type, str], _Codec]] = {
    (Location, "line"): _whole(1),
    (Location, "column"): _whole(1),
    (LiveSummary, "inventory"): _map(_map(_COUNT, ordered=True), ordered=True),
    (Change, "segments"): _Codec(
        to_json, lambda value, where: from_json(_list(_Codec(str, _segment)).decode(value, where))
    ),
    (Change, "base"): _DATA,
    (Report, "generated_at"): _Codec(str, _time),
    (Report, "complete"): _FLAG,
    (Report, "summary"): _SUMMARY,
    (Report, "declared"): _Codec(
        lambda declared: _codec(DeclaredSummary).encode(declared),
        # null if each target has its own
        lambda value, where: _codec(DeclaredSummary).decode(value, where) if value is not None else DeclaredSummary(),
    ),
}
"""The codecs of keys whose annotations do not say enough."""
