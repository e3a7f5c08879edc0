"""JUnit XML for test tabs: a case for each deployment, for each finding about none, and for the run itself.

A difference is a failure, an unknown deployment an error; a deployment that was not compared is skipped.
Readers disagree on what XML 1.0 forbids, and some show green for files they can't read, so forbidden characters
are never written. Cases are known by their class and name, so the class holds the report's identity; so does
the name of a suite, by which some readers group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from operator import attrgetter
from typing import Final, Literal, TypeAlias

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.escaping import inert_markup, visible
from driftcheck.model import Change, ExitStatus, Finding, Location, Report, Severity, Status

_VALUE: Final = 2_000


_Result: TypeAlias = tuple[Literal["failure", "error", "skipped"], str, str]
"""How a case ended if it did not pass: the element, its type and its message."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case, which passes without a result; all texts are visible."""

    name: str
    classname: str
    location: Location | None
    lines: Sequence[str]
    result: _Result | None


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as JUnit XML."""
    threshold = _threshold(report)
    suites: dict[str, list[_Case]] = {"deployments": [], "findings": [], "run": []}
    for part in [view.common(report), *view.parts(report)] if report.targets else [report]:
        blocks = sorted(view.blocks(part), key=lambda block: block.comparison.name)
        suites["deployments"] += [_of_block(block, part, threshold) for block in blocks]
        suites["findings"] += [_of_finding(finding, part, threshold) for finding in view.loose_findings(part)]
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
    return min((each.item.severity for each in view.results(report)), key=attrgetter("rank"), default=Severity.ERROR)


def _of_block(block: view.Block, report: Report, threshold: Severity) -> _Case:
    comparison = block.comparison
    lines = [_change_line(change, report) for change in block.changes]
    lines += [_finding_line(finding, report) for finding in block.findings]
    lines += [f"{wording.path_text(path)}: unverifiable" for path in comparison.unverifiable]
    result = _failed(block, threshold) or _skipped(block)
    return _Case(visible(comparison.name), _class(report), comparison.location, lines, result)


def _failed(block: view.Block, threshold: Severity) -> _Result | None:
    if block.comparison.status is Status.UNKNOWN:
        return "error", "unknown", "the deployment could not be checked"
    changes = sum(change.severity.rank <= threshold.rank for change in block.active)
    findings = [each for each in block.findings if each.suppressed is None and each.severity.rank <= threshold.rank]
    rules = sorted({*(finding.rule for finding in findings), *([view.CHANGE_RULE] if changes else [])})
    if changes:
        return "failure", visible(rules[0]), wording.counted(changes, "field differs", "fields differ")
    if findings:
        return "failure", visible(rules[0]), _sentences([visible(finding.message) for finding in findings])
    if block.comparison.status is Status.MISSING and not block.findings:
        return "failure", "missing-deployment", "declared, but not live"
    return None


def _skipped(block: view.Block) -> _Result | None:
    comparison = block.comparison
    results: list[Change | Finding] = [*comparison.changes, *block.findings]
    suppressed = [each.suppressed for each in results if each.suppressed is not None]
    if suppressed and not block.active:
        return "skipped", "suppressed", f"{len(suppressed):,} suppressed: {wording.reason_text(suppressed[0])}"
    if comparison.status is Status.UNMANAGED:
        return "skipped", "unmanaged", "live, but not declared; not compared"
    if comparison.unverifiable and not comparison.compared:
        return "skipped", "unverifiable", "no declared field can be compared"
    return None


def _class(report: Report) -> str:
    return visible(f"driftcheck.{view.identity(report)}")


def _sentences(texts: Sequence[str]) -> str:
    return " ".join([*map(wording.sentence, texts[:-1]), *texts[-1:]])


def _of_finding(finding: Finding, report: Report, threshold: Severity) -> _Case:
    location = wording.location_text(finding.location, column=True)
    about = "" if finding.deployment is None else f"{visible(finding.deployment)}: "
    name = f"{about}{visible(finding.rule)}{f' at {location}' if location else ''}"
    result: _Result | None = None
    if finding.suppressed is not None:
        result = "skipped", "suppressed", wording.reason_text(finding.suppressed)
    elif finding.severity.rank <= threshold.rank:
        result = "failure", visible(finding.rule), visible(finding.message)
    return _Case(name, _class(report), finding.location, [_finding_line(finding, report)], result)


def _of_run(report: Report) -> _Case:
    """Return a case about whether everything was read, so that a report without an answer is never all green."""
    gaps, verdict = overall.gaps(report), str(overall.verdict(report))
    has_answer = not gaps and report.outcome.status not in view.NO_ANSWER
    result: _Result | None = None if has_answer else ("error", report.outcome.value, verdict)
    lines = [*gaps, verdict, *overall.numbers(report)]
    return _Case("everything was read and checked", _class(report), None, lines, result)


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
    return f"{head}{severity}: {visible(finding.rule)}: {path}{_sentences(written)}"


def _suite(report: Report, name: str, cases: list[_Case], options: RenderOptions) -> Iterable[str]:
    identity = escape(visible(view.identity(report)))
    counts, time = _counts(cases), escape(report.generated_at[:19])
    suite = f"{identity}: {name}"
    yield f'<testsuite name="{suite}" package="{identity}" {counts} time="0" timestamp="{time}">'
    for case in cases:
        yield from _case(case, options)
    yield "</testsuite>"


def _counts(cases: list[_Case]) -> str:
    results = [case.result[0] for case in cases if case.result]
    failures, errors, skipped = (results.count(kind) for kind in ("failure", "error", "skipped"))
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _case(case: _Case, options: RenderOptions) -> Iterable[str]:
    attributes = ""
    if case.location is not None:
        file = view.rooted(case.location.file, options)
        attributes = f' file="{escape(visible(file))}" line="{case.location.line}"'
    body = "\n".join(map(escape, case.lines))
    output = [f"<system-out>{body}</system-out>"] if body else []
    element, kind, message = case.result or ("", "", "")
    about = f'type="{escape(kind)}" message="{escape(message)}"'
    if element in ("failure", "error"):
        inside = [f"<{element} {about}>{body}</{element}>"]
    else:
        inside = [f"<skipped {about}/>", *output] if element else output
    head = f'<testcase classname="{escape(case.classname)}" name="{escape(case.name)}"{attributes} time="0"'
    return [f"{head}>", *inside, "</testcase>"] if inside else [f"{head}/>"]
