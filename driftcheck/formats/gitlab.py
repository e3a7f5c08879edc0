"""GitLab's code quality report, for the widget and the marks in a merge request's diff.

Source: GitLab documentation, "Code Quality report format"; fingerprints have to be unique, and a
report that was not complete must not look like one without findings.
"""

from __future__ import annotations

import json
from typing import Final

from driftcheck.formats import RenderOptions, placement, wording
from driftcheck.formats.escaping import inert_json, visible
from driftcheck.model import Report, Severity

_SEVERITIES: Final = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}
_VALUE: Final = 400


def render(report: Report, options: RenderOptions) -> str:
    """Render the active changes and findings as a JSON list."""
    del options
    active = [entry for entry in wording.entries(report, _VALUE) if entry.suppressed is None]
    run = wording.run_entries(report)
    entries = run + active
    issues = [
        {
            "description": f"{entry.title}: {entry.message}",
            "check_name": visible(entry.rule),
            "fingerprint": fingerprint,
            "severity": "blocker" if position < len(run) else _SEVERITIES[entry.severity],
            "location": _location(entry, report),
        }
        for position, (entry, fingerprint) in enumerate(zip(entries, placement.fingerprints(entries), strict=True))
    ]
    return inert_json(json.dumps(issues, indent=1)) + "\n"


def _location(entry: wording.Entry, report: Report) -> dict[str, object]:
    place = placement.pinned(entry, report)
    return {"path": visible(place.file).removeprefix("./"), "lines": {"begin": place.line}}
