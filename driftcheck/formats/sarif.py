"""SARIF 2.1.0 for code scanning: every active change and finding at its location in the YAML, the worst first.

Neither what ignore rules suppress nor what is adopted is a result: several readers count every result.
Sources: OASIS SARIF 2.1.0; GitHub documentation, "SARIF support for code scanning" (at most 5,000 results
of a run, 10 MB, alerts are matched by `primaryLocationLineHash`, every result needs a location).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.escaping import inert_json, visible
from driftcheck.formats.view import Result
from driftcheck.model import ABSENT, Change, ChangeClass, ExitStatus, Finding, Location, Report
from driftcheck.rules import RULES

MOST_RESULTS: Final = 5_000
MOST_BYTES: Final = 9_500_000
"""The size of all results, uncompressed; GitHub accepts 10 MB compressed."""

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_VALUE: Final = 400
_TEXT: Final = 1_000
_RELATED: Final = 20

_BASELINES: Final = {
    ChangeClass.DRIFT: "unchanged",
    ChangeClass.PROPOSED: "new",
    ChangeClass.CONFLICT: "updated",
    ChangeClass.OUTDATED: "unchanged",
    ChangeClass.ELSEWHERE: "unchanged",
}
"""How each class compares with the base revision: the same difference, a new one, or another one."""

_Object = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as one SARIF run; results beyond the limit are counted in a notification."""
    shown = [
        each
        for each in view.results(report)
        if not isinstance(each.item, Change) or each.item.change_class is not ChangeClass.ADOPTED
    ]
    rules = sorted({each.rule for each in shown})
    results = _results(shown, rules, report, options)
    version, described = visible(report.driftcheck_version), [_rule(name, shown) for name in rules]
    run = {
        "tool": {"driver": {"name": "driftcheck", "version": version, "rules": described}},
        "invocations": [_invocation(report, len(shown) - len(results))],
        "automationDetails": {"id": f"driftcheck/{quote(visible(view.identity(report)), safe='/')}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return inert_json(json.dumps(log, indent=1)) + "\n"


def _rule(name: str, results: Sequence[Result]) -> _Object:
    rule = RULES.get(name)
    if rule is None:
        title = wording.rule_title(
            name, [each.item for each in results if isinstance(each.item, Finding) and each.rule == name]
        )
        explanation, level = f"{title}\n\n`driftcheck explain {visible(name)}` describes the rule.", None
    else:
        title, level = rule.title, rule.severity.value
        advice = f"\n\n{rule.hint}" if rule.hint else ""
        explanation = f"{rule.explanation}{advice}\n\n`driftcheck explain {rule.id}` shows this text."
    described: _Object = {
        "id": visible(name),
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": explanation, "markdown": explanation},
    }
    if rule is not None and (address := _project_address()):
        described["helpUri"] = f"{address}/blob/HEAD/docs/rules.md#{rule.id}"
    return described | ({} if level is None else {"defaultConfiguration": {"level": level}})


def _project_address() -> str | None:
    """Return the address of the repository that the installed package names, if it names one."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        named = metadata("langsmith-driftcheck").get_all("Project-URL", [])
    except PackageNotFoundError:
        return None
    addresses = {
        label.strip().lower(): address.strip() for label, _, address in (each.partition(",") for each in named)
    }
    return next((addresses[label].rstrip("/") for label in ("repository", "homepage") if label in addresses), None)


def _invocation(report: Report, left_out: int) -> _Object:
    answered = report.outcome.status in (ExitStatus.IN_SYNC, ExitStatus.DRIFT)
    notes = [_notification("error", defect) for defect in overall.run_defects(report)]
    if left_out:
        notes.append(_notification("warning", f"{left_out:,} more results, none of them worse, are left out"))
    notes.append(_notification("note", overall.conclusion(report)))
    return {
        "executionSuccessful": answered and report.complete,
        "exitCode": int(report.outcome.status),
        "exitCodeDescription": report.outcome.value,
        "endTimeUtc": report.generated_at,
        "toolExecutionNotifications": notes,
    }


def _notification(level: str, text: str) -> _Object:
    return {"level": level, "message": {"text": wording.shortened(text, _TEXT)}}


def _results(shown: Sequence[Result], rules: list[str], report: Report, options: RenderOptions) -> list[_Object]:
    indexes = {name: index for index, name in enumerate(rules)}
    identities = view.fingerprints(shown, report)
    results: list[_Object] = []
    size = 0
    for each, identity in zip(shown[:MOST_RESULTS], identities, strict=False):
        result = _result(each, indexes[each.rule], identity, report, options)
        size += len(json.dumps(result, indent=1)) * 5 // 4
        if size > MOST_BYTES:
            break
        results.append(result)
    return results


def _result(shown: Result, index: int, identity: str, report: Report, options: RenderOptions) -> _Object:
    texts = [f"{wording.title(shown)}: {wording.message(shown, report, _VALUE)}", wording.hint(shown, options.asked)]
    text = "\n".join(wording.shortened(each, _TEXT) for each in texts if each is not None)
    result = {
        "ruleId": visible(shown.rule),
        "ruleIndex": index,
        "level": shown.item.severity.value,
        "message": {"text": _unlinked(text)},
        "locations": [_location(view.anchored(shown.location, report, options)) | _logical(shown)],
        "partialFingerprints": {"primaryLocationLineHash": f"{identity}:1", "driftcheck/v1": identity},
    }
    if isinstance(shown.item, Change):
        if shown.item.base is not ABSENT:
            result["baselineState"] = _BASELINES[shown.item.change_class]
        result["properties"] = {
            "class": shown.item.change_class.value,
            "impact": shown.item.impact.value,
            "kind": shown.item.kind.value,
        }
    elif shown.item.related:
        result["relatedLocations"] = [
            {"id": number, **_location(view.anchored(location, report, options))}
            for number, location in enumerate(shown.item.related[:_RELATED], 1)
        ]
    return result


def _unlinked(text: str) -> str:
    """Break what a viewer would take for a link, `[text](target)` (SARIF 2.1.0, 3.11.6)."""
    return text.replace("](", r"]\x28")


def _location(location: Location) -> _Object:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(location.file)},
            "region": {"startLine": location.line, "startColumn": location.column},
        }
    }


def _logical(entry: Result) -> _Object:
    if entry.deployment is None:
        return {}
    name = wording.full_name(entry.target, entry.deployment)
    path = wording.path_text(entry.item.path) if entry.item.path else None
    full = name if path is None else f"{name}: {path}"
    return {
        "logicalLocations": [{"name": path or name, "fullyQualifiedName": full, "kind": "member" if path else "object"}]
    }


def _uri(file: str) -> str:
    """Return a file's URI: relative to the repository's root or the folder of the run, else absolute."""
    path = posixpath.normpath(file)
    try:
        name = path.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        name = visible(path).encode()
    absolute = name.startswith(b"/")
    return ("file:///" if absolute else "") + quote(name.lstrip(b"/"), safe="/-._~")
