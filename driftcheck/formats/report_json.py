"""The JSON report, format 1 (docs/contract.md): for programs, for the history, and for `driftcheck report`.

One table per record names its keys, for writing and for reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from driftcheck import strict_json
from driftcheck.errors import InputError
from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import inert_json
from driftcheck.model import (
    ABSENT,
    JSON,
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Detail,
    Finding,
    HistoryNote,
    Impact,
    LiveSince,
    LiveSummary,
    Location,
    Outcome,
    Report,
    ResolvedItem,
    Severity,
    State,
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
    record: Record = _REPORT.encode(report)
    return record | {"live": None, "declared": None} if report.targets else record


def read(text: str) -> Report:
    """Read a saved JSON report; unknown keys are ignored, another major version is refused.

    Raises InputError, which locates the defect and never quotes the text.
    """
    record = _parse(text)
    try:
        _check_version(_object(record, "").get("format_version"))
        report: Report = _REPORT.decode(record, "")
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


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a record."""

    name: str
    codec: _Codec
    attribute: str = ""
    """The attribute of the model, where it has another name."""
    default: JSON = ...
    """The key is left out where the value equals this; by default it is always written."""
    is_optional: bool = False
    """Whether earlier reports lack the key; the model's default is used then."""


@dataclass(frozen=True, slots=True)
class _Derived:
    """A key that follows from the others; it is written, and ignored when it is read."""

    name: str
    of: Callable[[Any], JSON]


def _record(kind: type, *keys: _Key | _Derived) -> _Codec:
    """Return the codec of a dataclass from its keys, in the order in which they are written."""

    def encode(value: Any) -> Record:
        record: Record = {}
        for key in keys:
            if isinstance(key, _Derived):
                record[key.name] = key.of(value)
            elif (item := getattr(value, key.attribute or key.name)) != key.default:
                record[key.name] = key.codec.encode(item)
        return record

    def decode(value: JSON, where: str) -> Any:
        record, given = _object(value, where), {}
        for key in keys:
            if isinstance(key, _Key) and (key.name in record or (key.default is ... and not key.is_optional)):
                given[key.attribute or key.name] = key.codec.decode(record.get(key.name), _below(where, key.name))
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
        try:
            return kind(_text(value, where))
        except ValueError as error:
            if isinstance(error, MalformedError):
                raise
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
    try:
        return parse_path(_text(value, where))
    except ValueError as error:
        if isinstance(error, MalformedError):
            raise
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


def _outcome(value: JSON, where: str) -> Outcome:
    outcome: Outcome = _one_of(Outcome).decode(_object(value, where).get("name"), _below(where, "name"))
    return outcome


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


def _declared(value: JSON, where: str) -> DeclaredSummary:
    """Read how the declared side was read; null where each target has its own."""
    summary: DeclaredSummary = DeclaredSummary() if value is None else _DECLARED.decode(value, where)
    return summary


_TEXT: Final = _Codec(str, _text)
_FLAG: Final = _Codec(bool, _flag)
_COUNT: Final = _whole(0)
_TIME: Final = _Codec(str, _time)
_DATA: Final = _Codec(lambda value: value, lambda value, _: value)
_PATH: Final = _Codec(format_path, _path)
_SEGMENTS: Final = _Codec(to_json, lambda value, where: from_json(_list(_Codec(str, _segment)).decode(value, where)))
_OUTCOME: Final = _Codec(lambda outcome: {"status": int(outcome.status), "name": outcome.value}, _outcome)
_SUMMARY: Final = _Codec(_encode_summary, _summary)
_SEVERITY: Final = _one_of(Severity)
_STATE: Final = _one_of(State)

_LOCATION: Final = _record(Location, _Key("file", _TEXT), _Key("line", _whole(1)), _Key("column", _whole(1)))
_SUPPRESSION: Final = _record(
    Suppression,
    _Key("reason", _TEXT),
    _Key("expires", _optional(_TEXT)),
    _Key("location", _optional(_LOCATION)),
    _Key("owner", _optional(_TEXT), default=None),
    _Key("approved_by", _optional(_TEXT), default=None),
)
_LIVE: Final = _record(
    LiveSummary,
    _Key("source", _TEXT),
    _Key("workspace", _optional(_TEXT)),
    _Key("fetched_at", _optional(_TEXT)),
    _Key("pages", _COUNT),
    _Key("requests", _COUNT),
    _Key("deployments", _COUNT),
    _Key("complete", _FLAG),
    _Key("gaps", _list(_TEXT)),
    _Key("scope", _map(_TEXT), default={}),
    _Key("inventory", _map(_map(_COUNT, ordered=True), ordered=True), default={}),
)
_DECLARED: Final = _record(
    DeclaredSummary,
    _Key("files", _list(_TEXT)),
    _Key("deployments", _COUNT),
    _Key("complete", _FLAG),
    _Key("base", _optional(_TEXT), default=None),
)
_DETAIL: Final = _record(
    Detail, _Key("path", _PATH), _Key("kind", _one_of(ChangeKind)), _Key("declared", _DATA), _Key("live", _DATA)
)
_CHANGE: Final = _record(
    Change,
    _Key("kind", _one_of(ChangeKind)),
    _Derived("path", lambda change: format_path(change.path)),
    _Key("segments", _SEGMENTS, "path"),
    _Key("declared", _DATA),
    _Key("live", _DATA),
    _Key("declared_effective", _DATA, default=None),
    _Key("live_effective", _DATA, default=None),
    _Key("base", _DATA, default=ABSENT),
    _Key("details", _list(_DETAIL), default=()),
    _Key("location", _optional(_LOCATION)),
    _Key("impact", _one_of(Impact)),
    _Key("class", _one_of(ChangeClass), "change_class"),
    _Key("severity", _SEVERITY),
    _Key("redacted", _FLAG),
    _Key("suppressed", _optional(_SUPPRESSION)),
    _Key("state", _optional(_STATE), default=None),
    _Key("first_seen", _optional(_TEXT), default=None),
)
_DEPLOYMENT: Final = _record(
    Comparison,
    _Key("name", _TEXT),
    _Key("target", _optional(_TEXT), default=None),
    _Key("status", _one_of(Status)),
    _Key("id", _optional(_TEXT)),
    _Key("location", _optional(_LOCATION)),
    _Key("changes", _list(_CHANGE)),
    _Key("unverifiable", _list(_PATH)),
    _Key("by_name_only", _COUNT, is_optional=True),
    _Key("compared", _COUNT, is_optional=True),
    _Key("facts", _map(_TEXT), default={}),
    _Key(
        "live_since",
        _optional(
            _record(
                LiveSince,
                _Key("created_at", _optional(_TEXT)),
                _Key("updated_at", _optional(_TEXT)),
                _Key("revision", _optional(_TEXT)),
            )
        ),
        default=None,
    ),
)
_FINDING: Final = _record(
    Finding,
    _Key("rule", _TEXT),
    _Key("severity", _SEVERITY),
    _Key("message", _TEXT),
    _Key("hint", _optional(_TEXT)),
    _Key("target", _optional(_TEXT), default=None),
    _Key("deployment", _optional(_TEXT)),
    _Key("path", _optional(_PATH)),
    _Key("location", _optional(_LOCATION)),
    _Key("related", _list(_LOCATION), default=()),
    _Key("suppressed", _optional(_SUPPRESSION)),
    _Key("state", _optional(_STATE), default=None),
    _Key("first_seen", _optional(_TEXT), default=None),
)
_TARGET: Final = _record(
    TargetSummary,
    _Key("name", _TEXT),
    _Key("name_suffix", _TEXT, default=""),
    _Key("outcome", _OUTCOME),
    _Key("complete", _FLAG),
    _Key("live", _optional(_LIVE)),
    _Key("declared", _DECLARED),
    _Key("summary", _SUMMARY),
)
_RESOLVED: Final = _record(
    ResolvedItem,
    _Key("target", _optional(_TEXT)),
    _Key("deployment", _optional(_TEXT)),
    _Key("path", _optional(_PATH), default=None),
    _Key("rule", _optional(_TEXT), default=None),
    _Key("first_seen", _TEXT),
    _Key("last_seen", _TEXT),
)
_HISTORY: Final = _record(
    HistoryNote,
    _Key("run", _TEXT),
    _Key("previous", _optional(_TEXT)),
    _Key("error", _optional(_TEXT)),
    _Key("last_conclusive", _optional(_TEXT), default=None),
    _Key("open", _optional(_COUNT), default=None),
    _Key("oldest_open", _optional(_TEXT), default=None),
)
_REPORT: Final = _record(
    Report,
    _Derived("format_version", lambda _: FORMAT_VERSION),
    _Key("driftcheck_version", _TEXT),
    _Key("command", _TEXT),
    _Key("report_id", _optional(_TEXT)),
    _Key("generated_at", _TIME),
    _Key("outcome", _OUTCOME),
    _Derived("complete", lambda report: report.complete),
    _Key("live", _optional(_LIVE)),
    _Key("declared", _Codec(_DECLARED.encode, _declared)),
    _Key("targets", _list(_TARGET), is_optional=True),
    _Key("history", _optional(_HISTORY)),
    _Derived("summary", lambda report: _encode_summary(report.summary)),
    _Key("deployments", _list(_DEPLOYMENT)),
    _Key("findings", _list(_FINDING)),
    _Key("resolved", _list(_RESOLVED), is_optional=True),
)
