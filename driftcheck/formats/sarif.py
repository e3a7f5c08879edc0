"""SARIF 2.1.0 for code scanning: every change and finding at its place in the YAML, the worst first.

Sources: OASIS SARIF 2.1.0; GitHub documentation, "SARIF support for code scanning" (5,000 results
of a run are shown, 10 MB are taken, alerts are matched by `primaryLocationLineHash`, every result
needs a place).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from driftcheck.formats import RenderOptions, placement, wording
from driftcheck.formats.escaping import inert_json, visible
from driftcheck.formats.wording import Entry
from driftcheck.model import ABSENT, ChangeClass, ExitStatus, Location, Report, Suppression
from driftcheck.rules import RULES

MOST_RESULTS: Final = 5_000
MOST_BYTES: Final = 9_500_000
"""Of all results together, uncompressed; what GitHub takes is 10 MB compressed."""

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_VALUE: Final = 400
_TEXT: Final = 1_000
_RELATED: Final = 20

_BASELINES: Final = {
    ChangeClass.DRIFT: "unchanged",
    ChangeClass.PROPOSED: "new",
    ChangeClass.CONFLICT: "updated",
    ChangeClass.ADOPTED: "absent",
    ChangeClass.OUTDATED: "unchanged",
    ChangeClass.ELSEWHERE: "unchanged",
}
"""What each class says of the base revision: that live differed from it as now, not at all, otherwise, only then."""

_Object = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as one SARIF run; what does not fit is counted in a notification."""
    del options
    entries = wording.entries(report, _VALUE)
    rules = sorted({entry.rule for entry in entries})
    results = _results(entries, rules, report)
    run = {
        "tool": {"driver": _driver(report, [_rule(name) for name in rules])},
        "invocations": [_invocation(report, len(entries) - len(results))],
        "automationDetails": {"id": f"driftcheck/{visible(report.command)}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return inert_json(json.dumps(log, indent=1)) + "\n"


def _driver(report: Report, rules: list[_Object]) -> _Object:
    version = visible(report.driftcheck_version)
    return {"name": "driftcheck", "version": version, "rules": rules}


def _rule(name: str) -> _Object:
    rule = RULES.get(name)
    if rule is None:
        return {"id": visible(name)}
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.title},
        "help": {"text": rule.explanation, "markdown": rule.explanation},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _invocation(report: Report, left_out: int) -> _Object:
    answered = report.outcome.status in (ExitStatus.IN_SYNC, ExitStatus.DRIFT)
    told = [_notification("error", entry.message) for entry in wording.run_entries(report)]
    if left_out:
        told.append(_notification("warning", f"{left_out:,} more results, none of them worse, are left out"))
    numbers = ", ".join(wording.numbers(report))
    told.append(_notification("note", f"{wording.verdict(report)}{f' ({numbers})' if numbers else ''}"))
    return {
        "executionSuccessful": answered and report.complete,
        "exitCode": int(report.outcome.status),
        "exitCodeDescription": report.outcome.value,
        "endTimeUtc": report.generated_at,
        "toolExecutionNotifications": told,
    }


def _notification(level: str, text: str) -> _Object:
    return {"level": level, "message": {"text": wording.shortened(text, _TEXT)}}


def _results(entries: Sequence[Entry], rules: list[str], report: Report) -> list[_Object]:
    indexes = {name: index for index, name in enumerate(rules)}
    identities = placement.fingerprints(entries)
    results: list[_Object] = []
    size = 0
    for entry, identity in zip(entries[:MOST_RESULTS], identities, strict=False):
        result = _result(entry, indexes[entry.rule], identity, report)
        size += len(json.dumps(result, indent=1)) * 5 // 4
        if size > MOST_BYTES:
            break
        results.append(result)
    return results


def _result(entry: Entry, index: int, identity: str, report: Report) -> _Object:
    message = f"{entry.title}: {entry.message}" + ("" if entry.hint is None else f"\n{entry.hint}")
    result = {
        "ruleId": visible(entry.rule),
        "ruleIndex": index,
        "level": entry.severity.value,
        "message": {"text": _unlinked(wording.shortened(message, _TEXT))},
        "locations": [_location(placement.pinned(entry, report)) | _logical(entry)],
        "partialFingerprints": {"primaryLocationLineHash": f"{identity}:1", "driftcheck/v1": identity},
        "suppressions": [] if entry.suppressed is None else [_suppression(entry.suppressed)],
    }
    if entry.related:
        result["relatedLocations"] = [
            {"id": number, **_location(place)} for number, place in enumerate(entry.related[:_RELATED], 1)
        ]
    if entry.change is not None:
        if entry.change.base is not ABSENT:
            result["baselineState"] = _BASELINES[entry.change.change_class]
        result["properties"] = {
            "class": entry.change.change_class.value,
            "impact": entry.change.impact.value,
            "kind": entry.change.kind.value,
        }
    return result


def _unlinked(text: str) -> str:
    """Break what a viewer would take for a link, `[text](target)` (SARIF 2.1.0, 3.11.6)."""
    return text.replace("](", r"]\x28")


def _location(place: Location) -> _Object:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.file)},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }


def _logical(entry: Entry) -> _Object:
    if entry.deployment is None:
        return {}
    name = visible(entry.deployment)
    path = wording.path_text(entry.path) if entry.path else None
    full = name if path is None else f"{name}: {path}"
    return {
        "logicalLocations": [{"name": path or name, "fullyQualifiedName": full, "kind": "member" if path else "object"}]
    }


def _uri(file: str) -> str:
    """Give a file's URI: relative to the folder of the run, or absolute where the file was named so."""
    path = posixpath.normpath(file)
    try:
        name = path.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        name = visible(path).encode()
    absolute = name.startswith(b"/")
    return ("file:///" if absolute else "") + quote(name.lstrip(b"/"), safe="/-._~")


def _suppression(hidden: Suppression) -> _Object:
    told: _Object = {
        "kind": "external",
        "status": "accepted",
        "justification": wording.shortened(wording.reason_text(hidden), _TEXT),
    }
    return told if hidden.location is None else told | {"location": _location(hidden.location)}
