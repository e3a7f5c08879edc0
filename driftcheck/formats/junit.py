"""JUnit XML for test tabs: one case a deployment, one for each finding about none, one for the run itself.

What differs is a failure, what could not be told an error, what nothing was compared of is skipped.
Readers disagree on what XML 1.0 forbids, and some show green for what they can't read, so nothing
of it is ever written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from driftcheck.formats import RenderOptions, wording
from driftcheck.formats.escaping import inert_markup, visible
from driftcheck.model import Change, ExitStatus, Finding, Location, Report, Severity, Status

_VALUE: Final = 2_000
_NO_ANSWER: Final = frozenset({ExitStatus.INVALID, ExitStatus.INCOMPLETE, ExitStatus.DEFECT})


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: `result` None passes; all texts are visible ones."""

    name: str
    place: Location | None = None
    result: Literal["failure", "error", "skipped"] | None = None
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as JUnit XML."""
    del options
    threshold = _threshold(report)
    blocks = sorted(wording.blocks(report), key=lambda block: block.comparison.name)
    names = {block.comparison.name for block in blocks}
    loose = [finding for finding in report.findings if finding.deployment not in names]
    suites = {
        "deployments": [_of_block(block, threshold) for block in blocks],
        "findings": [_of_finding(finding, threshold) for finding in loose],
        "run": [_of_run(report)],
    }
    cases = [case for suite in suites.values() for case in suite]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="driftcheck" {_counts(cases)} time="0">']
    for name, suite in suites.items():
        lines += _suite(report, name, suite) if suite else []
    return inert_markup("\n".join([*lines, "</testsuites>"]) + "\n")


def _threshold(report: Report) -> Severity:
    """Give the least severity that fails a case: errors do, and whatever it was that made the run fail."""
    if report.outcome.status is not ExitStatus.DRIFT:
        return Severity.ERROR
    active: list[Severity] = [
        change.severity for each in report.deployments for change in each.changes if _is_active(change)
    ]
    active += [finding.severity for finding in report.findings if _is_active(finding)]
    return min(active, key=lambda severity: severity.rank, default=Severity.ERROR)


def _is_active(result: Change | Finding) -> bool:
    return result.suppressed is None


def _of_block(block: wording.Block, threshold: Severity) -> _Case:
    comparison = block.comparison
    lines = [_change_line(change) for change in comparison.changes]
    lines += [_finding_line(finding) for finding in block.findings]
    lines += [f"{wording.path_text(path)}: not observable" for path in comparison.unverifiable]
    case = _Case(visible(comparison.name), comparison.location, lines=tuple(lines))
    active: list[Change | Finding] = [*block.active, *filter(_is_active, block.findings)]
    failing = [each for each in active if each.severity.rank <= threshold.rank]
    if comparison.status is Status.UNKNOWN:
        return _with(case, "error", "unknown", "nothing can be said of it")
    if failing:
        rules = sorted({each.rule if isinstance(each, Finding) else wording.CHANGE_RULE for each in failing})
        fields = sum(isinstance(each, Change) for each in failing)
        told = wording.counted(fields, "field differs", "fields differ") if fields else _message(failing)
        return _with(case, "failure", visible(rules[0]), told)
    if comparison.status is Status.MISSING and (active or not block.findings):
        return _with(case, "failure", "missing-deployment", "declared, but not live")
    return _skipped(block, case)


def _message(failing: Iterable[Change | Finding]) -> str:
    return "; ".join(visible(each.message) for each in failing if isinstance(each, Finding))


def _skipped(block: wording.Block, case: _Case) -> _Case:
    comparison = block.comparison
    results: list[Change | Finding] = [*comparison.changes, *block.findings]
    hidden = [each.suppressed for each in results if each.suppressed is not None]
    if hidden and not block.active:
        return _with(case, "skipped", "ignored", f"{len(hidden):,} ignored: {wording.reason_text(hidden[0])}")
    if comparison.status is Status.UNMANAGED:
        return _with(case, "skipped", "unmanaged", "not declared, so nothing was compared")
    if comparison.unverifiable and not comparison.compared:
        return _with(case, "skipped", "unverifiable", "nothing that is declared of it can be observed")
    return case


def _with(case: _Case, result: Literal["failure", "error", "skipped"], kind: str, message: str) -> _Case:
    return _Case(case.name, case.place, result, kind, message, case.lines)


def _of_finding(finding: Finding, threshold: Severity) -> _Case:
    place = wording.place_text(finding.location, column=True)
    about = "" if finding.deployment is None else f"{visible(finding.deployment)}: "
    case = _Case(
        f"{about}{visible(finding.rule)}{f' at {place}' if place else ''}",
        finding.location,
        lines=(_finding_line(finding),),
    )
    if finding.suppressed is not None:
        return _with(case, "skipped", "ignored", wording.reason_text(finding.suppressed))
    if finding.severity.rank <= threshold.rank:
        return _with(case, "failure", visible(finding.rule), visible(finding.message))
    return case


def _of_run(report: Report) -> _Case:
    """Make a case of whether everything was read, so that a report without an answer is never all green."""
    gaps = tuple(wording.gaps(report))
    case = _Case("everything was read and checked", lines=(*gaps, wording.verdict(report), *wording.numbers(report)))
    if gaps or report.outcome.status in _NO_ANSWER:
        return _with(case, "error", report.outcome.value, wording.verdict(report))
    return case


def _change_line(change: Change) -> str:
    place = wording.place_text(change.location)
    parts = [wording.change_text(change, _VALUE), *wording.change_notes(change)]
    return f"{f'{place}: ' if place else ''}{wording.path_text(change.path)}: {'; '.join(parts)}"


def _finding_line(finding: Finding) -> str:
    place = wording.place_text(finding.location, column=True)
    path = f"{wording.path_text(finding.path)}: " if finding.path else ""
    told = [visible(finding.message), visible(finding.hint) if finding.hint else ""]
    told += [f"see {wording.place_text(place)}" for place in finding.related]
    if finding.suppressed is not None:
        told.append(wording.suppression_text(finding.suppressed))
    head = f"{place}: " if place else ""
    return f"{head}{finding.severity.value}: {visible(finding.rule)}: {path}{'; '.join(filter(None, told))}"


def _suite(report: Report, name: str, cases: list[_Case]) -> Iterable[str]:
    yield f'<testsuite name="{name}" {_counts(cases)} time="0" timestamp="{_xml(report.generated_at[:19])}">'
    for case in cases:
        yield from _case(report.command, case)
    yield "</testsuite>"


def _counts(cases: list[_Case]) -> str:
    results = [case.result for case in cases]
    failures, errors, skipped = (results.count(kind) for kind in ("failure", "error", "skipped"))
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _case(command: str, case: _Case) -> Iterable[str]:
    place = "" if case.place is None else f' file="{_xml(visible(case.place.file))}" line="{case.place.line}"'
    body = "\n".join(map(_xml, case.lines))
    inside = []
    if case.result is not None and case.result != "skipped":
        inside.append(f'<{case.result} type="{_xml(case.kind)}" message="{_xml(case.message)}">{body}</{case.result}>')
    else:
        if case.result == "skipped":
            inside.append(f'<skipped type="{_xml(case.kind)}" message="{_xml(case.message)}"/>')
        if body:
            inside.append(f"<system-out>{body}</system-out>")
    head = f'<testcase classname="driftcheck.{_xml(visible(command))}" name="{_xml(case.name)}"{place} time="0"'
    return [f"{head}>", *inside, "</testcase>"] if inside else [f"{head}/>"]


def _xml(text: str) -> str:
    """Escape a visible text, in which nothing is left that XML 1.0 forbids."""
    return escape(text)
