"""The JSON report, format 1 (docs/contract.md): what programs read, and what `driftcheck report` reads back."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from driftcheck.errors import InputError
from driftcheck.formats import RenderOptions, report_json
from driftcheck.formats.escaping import inert_json
from driftcheck.model import JSON, Report

MOST_CHARACTERS: Final = 256 * 1024 * 1024
"""A saved report longer than this is not read."""


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as JSON: ASCII, two spaces an indent, a newline last."""
    del options
    return inert_json(json.dumps(document(report), indent=2, allow_nan=False)) + "\n"


def document(report: Report) -> report_json.Record:
    """Give the whole report as one JSON object."""
    return report_json.head(report) | {
        "summary": report_json.summary(report.summary),
        "deployments": [report_json.deployment(comparison) for comparison in report.deployments],
        "findings": [report_json.finding(each) for each in report.findings],
    }


def read(text: str) -> Report:
    """Read a saved JSON report; unknown keys are passed over, another major version is refused.

    Raises InputError, which says where the text is no report and never quotes it.
    """
    node = report_json.Node(_parse(text))
    try:
        _check_version(node)
        return report_json.read_report(node)
    except report_json.MalformedError as error:
        raise InputError(
            f"the saved report can't be read: {error}",
            hint="It should be what `driftcheck check -o json` wrote, by this version of driftcheck or an older one.",
        ) from None


def _parse(text: str) -> JSON:
    if len(text) > MOST_CHARACTERS:
        raise InputError("the saved report is too long", hint="More than 256 Mi characters are not read.")
    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_without_duplicates,
        )
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"the saved report is no JSON{place}",
            hint="It may have been cut while it was copied. Save it again with `driftcheck check -o json=FILE`.",
        ) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("out of range")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged = dict(pairs)
    if len(merged) < len(pairs):
        raise ValueError("a key stands twice")
    return merged


def _check_version(node: report_json.Node) -> None:
    version = node["format_version"].text()
    if version.partition(".")[0] != report_json.FORMAT_VERSION.partition(".")[0]:
        raise InputError(
            "the saved report has another major format version than this driftcheck reads "
            f"({report_json.FORMAT_VERSION.partition('.')[0]})",
            hint="Render it with the version of driftcheck that wrote it.",
        )
