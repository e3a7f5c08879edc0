"""JUnit XML for test tabs: a case for each deployment, for each finding about none, and for the run itself.

A difference is a failure, an unknown deployment an error; a deployment that was not compared is skipped.
Readers disagree on what XML 1.0 forbids, and some show green for files they can't read, so forbidden characters
are never written. Cases are known by their class and name, so the class holds the report's identity; so does
the name of a suite, by which some readers group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from typing import Final, Literal

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.escaping import inert_markup, visible
from driftcheck.model import Change, ExitStatus, Finding, Location, Report, Severity, Status

_VALUE: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case, which passes if `result` is None; all texts are escaped."""

    name: str
    classname: str
    location: Location | None = None
    result: Literal["failure", "error", "skipped"] | None = None
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as JUnit XML."""
    threshold = _threshold(report)
    suites: dict[str, list[_Case]] = {"deployments": [], "findings": [], "run": []}
    for part in [view.common(report), *view.parts(report)] if report.targets else [report]:
        blocks = sorted(view.blocks(part), key=lambda block: block.comparison.name)
        names = {block.comparison.name for block in blocks}
        suites["deployments"] += [_of_block(block, part, threshold) for block in blocks]
        loose = [finding for finding in part.findings if finding.deployment not in names]
        suites["findings"] += [_of_finding(finding, part, threshold) for finding in loose]
        if part.live is not None or not report.targets:
            suites["run"].append(_of_run(part))
    cases = [case for suite in suites.values() for case in suite]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="driftcheck" {_counts(cases)} time="0">']
    for name, suite in suites.items():
        lines += _suite(report, name, suite, options) if suite else []
    return inert_markup("\n".join([*lines, "</testsuites>"]) + "\n")


def _threshold(report: Report) -> Severity:
    """Return the least severity that fails a case: an error, or a lower one that made the run fail."""
    if report.outcome.status is not ExitStatus.DRIFT:
        return Severity.ERROR
    active: list[Severity] = [
        change.severity for each in report.deployments for change in each.changes if _is_active(change)
    ]
    active += [finding.severity for finding in report.findings if _is_active(finding)]
    return min(active, key=lambda severity: severity.rank, default=Severity.ERROR)


def _is_active(result: Change | Finding) -> bool:
    return result.suppressed is None


def _of_block(block: view.Block, report: Report, threshold: Severity) -> _Case:
    comparison = block.comparison
    lines = [_change_line(change, report) for change in block.changes]
    lines += [_finding_line(finding, report) for finding in block.findings]
    lines += [f"{wording.path_text(path)}: unverifiable" for path in comparison.unverifiable]
    case = _Case(visible(comparison.name), _class(report), comparison.location, lines=tuple(lines))
    active: list[Change | Finding] = [*block.active, *filter(_is_active, block.findings)]
    failing = [each for each in active if each.severity.rank <= threshold.rank]
    if comparison.status is Status.UNKNOWN:
        return replace(case, result="error", kind="unknown", message="the deployment could not be checked")
    if failing:
        rules = sorted({each.rule if isinstance(each, Finding) else view.CHANGE_RULE for each in failing})
        fields = sum(isinstance(each, Change) for each in failing)
        message = wording.counted(fields, "field differs", "fields differ") if fields else _message(failing)
        return replace(case, result="failure", kind=visible(rules[0]), message=message)
    if comparison.status is Status.MISSING and not block.findings:
        return replace(case, result="failure", kind="missing-deployment", message="declared, but not live")
    return _skipped(block, case)


def _class(report: Report) -> str:
    return visible(f"driftcheck.{view.identity(report)}")


def _message(failing: Iterable[Change | Finding]) -> str:
    messages = [visible(each.message) for each in failing if isinstance(each, Finding)]
    return " ".join([*map(wording.sentence, messages[:-1]), *messages[-1:]])


def _skipped(block: view.Block, case: _Case) -> _Case:
    comparison = block.comparison
    results: list[Change | Finding] = [*comparison.changes, *block.findings]
    suppressed = [each.suppressed for each in results if each.suppressed is not None]
    if suppressed and not block.active:
        message = f"{len(suppressed):,} suppressed: {wording.reason_text(suppressed[0])}"
        return replace(case, result="skipped", kind="suppressed", message=message)
    if comparison.status is Status.UNMANAGED:
        return replace(case, result="skipped", kind="unmanaged", message="live, but not declared; not compared")
    if comparison.unverifiable and not comparison.compared:
        return replace(case, result="skipped", kind="unverifiable", message="no declared field can be compared")
    return case


def _of_finding(finding: Finding, report: Report, threshold: Severity) -> _Case:
    location = wording.location_text(finding.location, column=True)
    about = "" if finding.deployment is None else f"{visible(finding.deployment)}: "
    name = f"{about}{visible(finding.rule)}{f' at {location}' if location else ''}"
    case = _Case(name, _class(report), finding.location, lines=(_finding_line(finding, report),))
    if finding.suppressed is not None:
        message = wording.reason_text(finding.suppressed)
        return replace(case, result="skipped", kind="suppressed", message=message)
    if finding.severity.rank <= threshold.rank:
        return replace(case, result="failure", kind=visible(finding.rule), message=visible(finding.message))
    return case


def _of_run(report: Report) -> _Case:
    """Return a case about whether everything was read, so that a report without an answer is never all green."""
    gaps = tuple(overall.gaps(report))
    lines = (*gaps, str(overall.verdict(report)), *overall.numbers(report))
    case = _Case("everything was read and checked", _class(report), lines=lines)
    if gaps or report.outcome.status in view.NO_ANSWER:
        return replace(case, result="error", kind=report.outcome.value, message=str(overall.verdict(report)))
    return case


def _change_line(change: Change, report: Report) -> str:
    location = wording.location_text(change.location)
    notes = wording.severity_note(change) + wording.change_notes(change, report)
    parts = [wording.change_text(change, _VALUE), *notes]
    if change.suppressed is not None:
        parts.append(wording.suppression_text(change.suppressed))
    return f"{f'{location}: ' if location else ''}{wording.path_text(change.path)}: {'; '.join(parts)}"


def _finding_line(finding: Finding, report: Report) -> str:
    location = wording.location_text(finding.location, column=True)
    path = f"{wording.path_text(finding.path)}: " if finding.path else ""
    text = wording.aged(wording.finding_text(finding), finding, report)
    parts = [text, visible(finding.hint or "")]
    parts += [f"See {wording.location_text(related)}" for related in finding.related]
    if finding.suppressed is not None:
        parts.append(wording.capitalized(wording.suppression_text(finding.suppressed)))
    written = [part for part in parts if part]
    severity = "suppressed" if finding.suppressed else finding.severity.value
    head = f"{location}: " if location else ""
    sentences = " ".join([*map(wording.sentence, written[:-1]), *written[-1:]])
    return f"{head}{severity}: {visible(finding.rule)}: {path}{sentences}"


def _suite(report: Report, name: str, cases: list[_Case], options: RenderOptions) -> Iterable[str]:
    identity = escape(visible(view.identity(report)))
    counts, time = _counts(cases), escape(report.generated_at[:19])
    suite = f"{identity}: {name}"
    yield f'<testsuite name="{suite}" package="{identity}" {counts} time="0" timestamp="{time}">'
    for case in cases:
        yield from _case(case, options)
    yield "</testsuite>"


def _counts(cases: list[_Case]) -> str:
    results = [case.result for case in cases]
    failures, errors, skipped = (results.count(kind) for kind in ("failure", "error", "skipped"))
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _case(case: _Case, options: RenderOptions) -> Iterable[str]:
    attributes = ""
    if case.location is not None:
        file = view.rooted(case.location.file, options)
        attributes = f' file="{escape(visible(file))}" line="{case.location.line}"'
    body = "\n".join(map(escape, case.lines))
    about = f'type="{escape(case.kind)}" message="{escape(case.message)}"'
    inside = []
    if case.result in ("failure", "error"):
        inside.append(f"<{case.result} {about}>{body}</{case.result}>")
    else:
        inside += [f"<skipped {about}/>"] if case.result == "skipped" else []
        inside += [f"<system-out>{body}</system-out>"] if body else []
    head = f'<testcase classname="{escape(case.classname)}" name="{escape(case.name)}"{attributes} time="0"'
    return [f"{head}>", *inside, "</testcase>"] if inside else [f"{head}/>"]
