"""GitLab's code quality report, for the widget and the marks in a merge request's diff.

Source: GitLab documentation, "Code Quality report format"; fingerprints have to be unique, and an
incomplete report must not look like one without findings.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final

from driftcheck.formats import Asked, RenderOptions, overall, view, wording
from driftcheck.formats.escaping import inert_json, visible
from driftcheck.formats.view import Result
from driftcheck.model import Location, Report, Severity

_SEVERITIES: Final = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}
_VALUE: Final = 400


def render(report: Report, options: RenderOptions) -> str:
    """Render the active changes and findings as a JSON list."""
    results = view.results(report)
    issues = [
        _issue(defect, report.outcome.value, _print(defect, report), "blocker", view.anchored(None, report, options))
        for defect in dict.fromkeys(overall.run_defects(report))
    ]
    issues += [
        _issue(
            _description(result, report, options.asked),
            visible(result.rule),
            fingerprint,
            _SEVERITIES[result.item.severity],
            view.anchored(result.location, report, options),
        )
        for result, fingerprint in zip(results, view.fingerprints(results, report), strict=True)
    ]
    return inert_json(json.dumps(issues, indent=1)) + "\n"


def _description(result: Result, report: Report, asked: Asked) -> str:
    text, hint = f"{wording.title(result)}: {wording.message(result, report, _VALUE)}", wording.hint(result, asked)
    return f"{wording.sentence(text)} {hint}" if hint else text


def _print(defect: str, report: Report) -> str:
    return sha256(json.dumps([view.identity(report), defect]).encode()).hexdigest()[:32]


def _issue(description: str, rule: str, fingerprint: str, severity: str, location: Location) -> dict[str, Any]:
    return {
        "description": description,
        "check_name": rule,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": visible(location.file), "lines": {"begin": location.line}},
    }
