"""Annotations of a GitHub workflow run: the worst changes and findings at their lines in the YAML.

The platform shows ten of each level a step, so the tenth counts the rest. Sources: actions/runner
258d6c8 (commands), actions/toolkit (escaping).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.escaping import unbroken, visible
from driftcheck.formats.view import Result
from driftcheck.model import Location, Report, Severity
from driftcheck.rules import UNMANAGED_RULES

MOST: Final = 10
"""Annotations of one level that a step may have."""

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_VALUE: Final = 400
_NAMES: Final = 5


@dataclass(frozen=True, slots=True)
class _Annotation:
    severity: Severity
    title: str
    message: str
    location: Location | None = None


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as workflow commands, and the verdict on its own line."""
    annotations = [_Annotation(Severity.ERROR, report.outcome.value, defect) for defect in overall.run_defects(report)]
    elsewhere = view.notes_elsewhere(report)
    left_out = set(map(id, elsewhere))
    results = [each for each in view.results(report) if id(each.item) not in left_out]
    unmanaged = [each for each in results if each.rule in UNMANAGED_RULES and each.item.severity is Severity.NOTE]
    summed = unmanaged if len(unmanaged) > 1 else []
    apart = {id(each) for each in summed}
    annotations += [_annotation(each, report, options) for each in results if id(each) not in apart]
    if summed:
        names = wording.listed((wording.full_name(each.target, each.deployment) for each in summed), _NAMES)
        text = f"{len(summed):,} unmanaged deployments: {names}"
        annotations.append(_Annotation(Severity.NOTE, summed[0].rule, text))
    if elsewhere:
        title = f"{wording.counted(len(elsewhere), 'note')} on deployments that this change does not touch"
        annotations.append(_Annotation(Severity.NOTE, title, wording.by_rule(elsewhere)))
    lines = [line for level in Severity for line in _level([each for each in annotations if each.severity is level])]
    lines.append(unbroken(f"driftcheck: {overall.conclusion(report)}"))
    return "".join(f"{line}\n" for line in lines)


def _annotation(result: Result, report: Report, options: RenderOptions) -> _Annotation:
    message, hint = wording.message(result, report, _VALUE), wording.hint(result, options.asked)
    location = None if result.location is None else view.anchored(result.location, report, options)
    text = message if hint is None else f"{message}\n{hint}"
    return _Annotation(result.item.severity, wording.title(result), text, location)


def _level(annotations: list[_Annotation]) -> list[str]:
    if len(annotations) <= MOST:
        return [_command(each) for each in annotations]
    rest = annotations[MOST - 1 :]
    titles = wording.listed((each.title for each in rest), _NAMES)
    more = _Annotation(rest[0].severity, f"{len(rest):,} more", f"not shown one by one: {titles}")
    return [_command(each) for each in [*annotations[: MOST - 1], more]]


def _command(annotation: _Annotation) -> str:
    properties = {}
    if annotation.location is not None:
        properties["file"] = visible(annotation.location.file)
        properties["line"] = str(annotation.location.line)
        properties["col"] = str(annotation.location.column)
    properties["title"] = annotation.title
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_COMMANDS[annotation.severity]} {written}::{_data(annotation.message)}"


def _data(text: str) -> str:
    return unbroken(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
