"""How a report is put into words: values, sides, notes, verdict; the same in every format for people."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from driftcheck.formats.escaping import visible
from driftcheck.model import (
    ABSENT,
    JSON,
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    ExitStatus,
    Finding,
    Impact,
    LiveSummary,
    Location,
    Report,
    Severity,
    Status,
    Suppression,
)
from driftcheck.paths import Path, format_path

HIDDEN: Final = "(hidden)"
UNSET: Final = "(unset)"

CHANGE_RULE: Final = "drift"
"""The rule that stands for a change where a format asks for one."""

UNMANAGED_RULES: Final = frozenset({"unmanaged-deployment", "unmanaged-preview", "unmanaged-managed-agent"})

IMPACTS: Final = {
    Impact.IN_PLACE: "",
    Impact.NEW_REVISION: "takes a new revision",
    Impact.RECREATE: "takes a new deployment",
}
"""What bringing live to the declared value takes."""

CLASSES: Final = {
    ChangeClass.DRIFT: "not caused by this change",
    ChangeClass.ELSEWHERE: "not caused by this change, in a deployment that it does not touch",
    ChangeClass.PROPOSED: "proposed by this change",
    ChangeClass.CONFLICT: "conflict: this change and live differ from the base",
    ChangeClass.ADOPTED: "adopted: this change declares what is live",
    ChangeClass.OUTDATED: "already declared by the base branch; merge it",
}
"""What `--base` told of a change."""

STATUSES: Final = {
    Status.IN_SYNC: "matches",
    Status.DRIFTED: "drifted",
    Status.PROPOSED: "proposed",
    Status.MISSING: "missing",
    Status.UNMANAGED: "not declared",
    Status.UNKNOWN: "unknown",
}
"""The statuses for people; "in sync" is a verdict's word alone."""

_NO_ANSWER: Final = frozenset({ExitStatus.INVALID, ExitStatus.INCOMPLETE, ExitStatus.DEFECT})
_FACTS: Final = ("source", "type", "status")
_UNKNOWN: Final = ("is unknown", "are unknown")
_PASSING: Final = frozenset({ChangeClass.PROPOSED, ChangeClass.ADOPTED, ChangeClass.OUTDATED, ChangeClass.ELSEWHERE})
_CLASS_ORDER: Final = (
    ChangeClass.CONFLICT,
    ChangeClass.DRIFT,
    ChangeClass.PROPOSED,
    ChangeClass.ADOPTED,
    ChangeClass.OUTDATED,
    ChangeClass.ELSEWHERE,
)
_STATUS_ORDER: Final = (
    Status.UNKNOWN,
    Status.DRIFTED,
    Status.MISSING,
    Status.PROPOSED,
    Status.UNMANAGED,
    Status.IN_SYNC,
)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Give a number with its noun: `1 field`, `1,200 fields`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def value_text(value: JSON, limit: int | None = None) -> str:
    """Write a value as JSON on one line, all of it visible; past the limit cut in the middle, its length told."""
    return shortened(visible(json.dumps(value, ensure_ascii=False)), limit)


def shortened(text: str, limit: int | None) -> str:
    """Cut a text in the middle where it has more characters than the limit, and say how many it has."""
    if limit is None or len(text) <= limit:
        return text
    half = max(limit // 2, 1)
    return f"{text[:half]} ... {text[-half:]} ({len(text):,} characters)"


def declared_text(change: Change, limit: int | None = None) -> str:
    """Write a change's declared side."""
    return _side(change, change.declared, change.declared_effective, unset=ChangeKind.ADDED, limit=limit)


def live_text(change: Change, limit: int | None = None) -> str:
    """Write a change's live side."""
    return _side(change, change.live, change.live_effective, unset=ChangeKind.REMOVED, limit=limit)


def base_text(change: Change, limit: int | None = None) -> str | None:
    """Write the base revision's value where neither side shows it: of a conflict and of what was adopted."""
    if change.base is ABSENT or change.change_class not in (ChangeClass.CONFLICT, ChangeClass.ADOPTED):
        return None
    return HIDDEN if change.redacted else value_text(change.base, limit)


def _side(change: Change, value: JSON, effective: JSON, *, unset: ChangeKind, limit: int | None) -> str:
    if change.redacted:
        return UNSET if change.kind is unset else HIDDEN
    if effective is not None:
        return f"{value_text(value, limit)}, effectively {value_text(effective, limit)}"
    if value is None and change.kind is unset:
        return UNSET
    return value_text(value, limit)


def change_text(change: Change, limit: int | None = None) -> str:
    """Write a change's sides as one phrase: `declared 6, live 10`."""
    if change.redacted and change.kind is ChangeKind.MODIFIED:
        return "declared and live differ"
    base = base_text(change, limit)
    sides = [] if base is None else [f"base {base}"]
    return ", ".join([*sides, f"declared {declared_text(change, limit)}", f"live {live_text(change, limit)}"])


def change_notes(change: Change) -> list[str]:
    """Give what else is to know of a change, a few words each."""
    expected = Severity.NOTE if change.change_class in _PASSING else Severity.ERROR
    notes = [] if change.severity is expected else [change.severity.value]
    if change.change_class is not ChangeClass.DRIFT or change.base is not ABSENT:
        notes.append(CLASSES[change.change_class])
    if IMPACTS[change.impact] and change.change_class is not ChangeClass.ADOPTED:
        notes.append(IMPACTS[change.impact])
    if change.redacted:
        notes.append("values not shown")
    if change.suppressed is not None:
        notes.append(suppression_text(change.suppressed))
    return notes


def suppression_text(suppression: Suppression) -> str:
    """Say that something is ignored, why and until when."""
    return f"ignored: {reason_text(suppression)}"


def reason_text(suppression: Suppression) -> str:
    """Say why something is ignored, and until when."""
    until = f" (until {visible(suppression.expires)})" if suppression.expires else ""
    return f"{visible(suppression.reason)}{until}"


def path_text(path: Path) -> str:
    """Write a path, all of it visible."""
    return visible(format_path(path))


def place_text(location: Location | None, *, column: bool = False) -> str:
    """Write a place as `file:line`, with the column if asked; empty for none."""
    if location is None:
        return ""
    return visible(str(location) if column else f"{location.file}:{location.line}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A change or a finding, for formats that are lists of single results."""

    rule: str
    severity: Severity
    message: str
    """A sentence, all of it visible; the deployment is not named in it."""
    hint: str | None = None
    deployment: str | None = None
    path: Path | None = None
    location: Location | None = None
    related: tuple[Location, ...] = ()
    suppressed: Suppression | None = None
    change: Change | None = None

    @property
    def title(self) -> str:
        """The deployment, and the field or (where it is about none) the rule; all of it visible."""
        subject = path_text(self.path) if self.path else visible(self.rule)
        return subject if self.deployment is None else f"{visible(self.deployment)}: {subject}"


def entries(report: Report, limit: int | None = None) -> list[Entry]:
    """List all changes and findings, the active ones first, then the worst first; values cut at the limit."""
    listed = [
        _of_change(comparison, change, limit) for comparison in report.deployments for change in comparison.changes
    ]
    listed += [_of_finding(finding) for finding in report.findings]
    return sorted(listed, key=_entry_order)


def run_entries(report: Report) -> list[Entry]:
    """Give what kept the run from an answer as entries: its gaps, or its verdict where nothing else tells of it."""
    told = gaps(report)
    if not told and report.outcome.status in _NO_ANSWER and not report.summary.findings[Severity.ERROR]:
        return [Entry(report.outcome.value, Severity.ERROR, verdict(report))]
    return [Entry(ExitStatus.INCOMPLETE.name.lower(), Severity.ERROR, gap) for gap in told]


def _of_change(comparison: Comparison, change: Change, limit: int | None) -> Entry:
    notes = [note for note in change_notes(change) if note != change.severity.value]
    return Entry(
        rule=CHANGE_RULE,
        severity=change.severity,
        message="; ".join([change_text(change, limit), *notes]),
        deployment=comparison.name,
        path=change.path,
        location=change.location or comparison.location,
        suppressed=change.suppressed,
        change=change,
    )


def _of_finding(finding: Finding) -> Entry:
    return Entry(
        rule=finding.rule,
        severity=finding.severity,
        message=visible(finding.message),
        hint=None if finding.hint is None else visible(finding.hint),
        deployment=finding.deployment,
        path=finding.path,
        location=finding.location,
        related=finding.related,
        suppressed=finding.suppressed,
    )


def _entry_order(entry: Entry) -> tuple[object, ...]:
    change = entry.change
    return (
        entry.suppressed is not None,
        entry.severity.rank,
        entry.rule in UNMANAGED_RULES,
        _CLASS_ORDER.index(change.change_class) if change else 0,
        entry.deployment or "",
        format_path(entry.path or ()),
        entry.rule,
        entry.location or Location("", 0, 0),
    )


@dataclass(frozen=True, slots=True)
class Block:
    """A deployment with the findings about it."""

    comparison: Comparison
    findings: tuple[Finding, ...]
    active: tuple[Change, ...]
    """The changes that no rule ignores."""
    worst: Severity | None
    """The worst severity of what is active; None where nothing is."""

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing to say of it but that it is unknown."""
        return self.comparison.status is Status.UNKNOWN and not self.comparison.changes and not self.findings

    @property
    def matters(self) -> bool:
        """Whether it is to be shown by itself: something differs, is missing, unknown or worth a warning."""
        if self.active or self.comparison.status in (Status.UNKNOWN, Status.MISSING, Status.DRIFTED):
            return True
        return self.worst is not None and self.worst is not Severity.NOTE


def blocks(report: Report) -> list[Block]:
    """Give every deployment with its findings, the worst first."""
    by_name: dict[str, list[Finding]] = {comparison.name: [] for comparison in report.deployments}
    for finding in report.findings:
        if finding.deployment in by_name:
            by_name[finding.deployment].append(finding)
    return sorted((_block(each, tuple(by_name[each.name])) for each in report.deployments), key=_block_order)


def _block(comparison: Comparison, findings: tuple[Finding, ...]) -> Block:
    active = tuple([change for change in comparison.changes if change.suppressed is None])
    severities = {change.severity for change in active}
    severities |= {finding.severity for finding in findings if finding.suppressed is None}
    return Block(comparison, findings, active, min(severities, key=attrgetter("rank"), default=None))


def _block_order(block: Block) -> tuple[int, int, int, str]:
    worst = block.worst
    classes = [_CLASS_ORDER.index(change.change_class) for change in block.active]
    status = _STATUS_ORDER.index(block.comparison.status)
    return (3 if worst is None else worst.rank, status, min(classes, default=0), block.comparison.name)


def general_findings(report: Report) -> list[Finding]:
    """Give the active findings that are about none of the report's deployments, the worst first."""
    names = {comparison.name for comparison in report.deployments}
    loose = [each for each in report.findings if each.suppressed is None and each.deployment not in names]
    return sorted(loose, key=lambda each: (each.severity.rank, each.location or Location("", 0, 0), each.rule))


def gaps(report: Report) -> list[str]:
    """Say what was not read, a phrase each, all of it visible."""
    told = [f"live: {visible(gap)}" for gap in (report.live.gaps if report.live else ())]
    if report.live is not None and not report.live.complete and not told:
        told.append("live: the listing was not read whole")
    if not report.declared.complete:
        told.append("declared: not every file, document or deployment could be read")
    return told


def verdict(report: Report) -> str:
    """Say in one sentence how the run ended; "in sync" only where everything was read and nothing differs."""
    differences = _differences(report)
    status = report.outcome.status
    if status is ExitStatus.DEFECT:
        return "Defect: driftcheck failed, so nothing can be relied on."
    if status is ExitStatus.INVALID:
        return _with_rest("Invalid", _invalid(report), report)
    if status is ExitStatus.INCOMPLETE:
        return _with_rest("Incomplete", "it could not be told whether anything differs", report)
    if status is ExitStatus.DRIFT:
        told = filter(None, [differences, _findings(report)])
        word = "Failed" if report.live is None else "Drift"
        return f"{word}: {', '.join(told) or counted(report.summary.findings[Severity.NOTE], 'note')}."
    return _passed(report, differences)


def _with_rest(word: str, reason: str, report: Report) -> str:
    """Put what was compared all the same behind the reason why that was not everything."""
    unknown = report.summary.statuses[Status.UNKNOWN]
    untold = f"; {counted(unknown, 'deployment is', 'deployments are')} unknown" if unknown else ""
    told = _differences(report, unknown=False)
    rest = f" In what was compared: {told}." if told else ""
    return f"{word}: {reason}{untold}.{rest}"


def _invalid(report: Report) -> str:
    found = _findings(report) or "the input can't be used"
    files = {finding.location.file for finding in _other_findings(report) if finding.location}
    return f"{found} in {counted(len(files), 'file')}" if files else found


def _findings(report: Report) -> str:
    severities = [finding.severity for finding in _other_findings(report)]
    worst = (Severity.ERROR, Severity.WARNING)
    return ", ".join(counted(severities.count(each), each.value) for each in worst if each in severities)


def _other_findings(report: Report) -> list[Finding]:
    """Give the active findings that no status of a deployment stands for."""
    told = UNMANAGED_RULES | {"missing-deployment"}
    return [finding for finding in report.findings if finding.suppressed is None and finding.rule not in told]


def _differences(report: Report, *, unknown: bool = True) -> str:
    """Say of how many deployments what: `2 deployments differ from live in 3 fields, 1 is missing`."""
    told = [(number, verbs) for number, verbs in _tally(report) if number]
    if not unknown:
        told = [(number, verbs) for number, verbs in told if verbs != _UNKNOWN]
    return ", ".join(
        f"{counted(number, 'deployment') if first else f'{number:,}'} {verbs[number > 1]}"
        for first, (number, verbs) in zip(itertools.chain([True], itertools.repeat(False)), told, strict=False)
    )


def _tally(report: Report) -> Iterator[tuple[int, tuple[str, str]]]:
    """Give how many deployments there are of each kind worth telling, and what is said of one and of several."""
    statuses = report.summary.statuses
    fields = sum(
        change.suppressed is None and change.change_class is not ChangeClass.ADOPTED
        for comparison in report.deployments
        if comparison.status is Status.DRIFTED
        for change in comparison.changes
    )
    where = f"from live in {counted(fields, 'field')}"
    yield statuses[Status.DRIFTED], (f"differs {where}", f"differ {where}")
    yield statuses[Status.MISSING], ("is missing", "are missing")
    yield statuses[Status.UNKNOWN], _UNKNOWN
    yield statuses[Status.PROPOSED], ("will change by the merge", "will change by the merge")
    undeclared = sum(
        finding.rule in UNMANAGED_RULES and finding.severity is not Severity.NOTE and finding.suppressed is None
        for finding in report.findings
    )
    yield undeclared, ("is live but not declared", "are live but not declared")


def _passed(report: Report, differences: str) -> str:
    if report.live is None:
        return _valid(report)
    if not report.complete:
        return f"Passed, but not everything was read: {differences or 'no difference was found in the rest'}."
    if differences:
        statuses = report.summary.statuses
        accepted = "; nothing of it counts as a failure" if statuses[Status.DRIFTED] + statuses[Status.MISSING] else ""
        return f"Passed: {differences}{accepted}."
    if not report.declared.deployments:
        return "Nothing is declared, so nothing was compared."
    if not sum(comparison.compared for comparison in report.deployments):
        return "No difference found, but no field could be compared."
    settled = report.summary.statuses[Status.IN_SYNC]
    absent = sum(each.status is Status.IN_SYNC and each.id is None for each in report.deployments)
    matching = settled - absent
    elsewhere = report.declared.deployments - settled
    rest = f", {counted(elsewhere, 'lies', 'lie')} outside the scope that was asked for" if elsewhere else ""
    rest += f", {absent} accepted as missing" if absent else ""
    return f"In sync: {counted(matching, 'declared deployment matches', 'declared deployments match')} live{rest}."


def _valid(report: Report) -> str:
    number, files = report.declared.deployments, len(report.declared.files)
    if not report.complete:
        return "Passed, but not every declaration could be read."
    if not number:
        return "Nothing is declared."
    return f"{counted(number, 'deployment')} in {counted(files, 'file')} {'is' if number == 1 else 'are'} valid."


def live_count(live: LiveSummary) -> str:
    """Say how many deployments are live; where nothing was read that is not known, and not none."""
    return f"{live.deployments:,}" if live.complete or live.pages or live.deployments else "an unknown number"


def numbers(report: Report) -> list[str]:
    """Give the counts that belong to every verdict on a comparison, a few words each; none where there was none."""
    summary, live = report.summary, report.live
    if live is None:
        return [f"{summary.suppressed:,} ignored"] if summary.suppressed else []
    unmanaged = summary.statuses[Status.UNMANAGED]
    compared = sum(comparison.compared for comparison in report.deployments)
    return [
        f"{report.declared.deployments:,} declared",
        f"{live_count(live)} live" + (f" ({unmanaged:,} not declared)" if unmanaged else ""),
        f"{counted(compared, 'field')} compared",
        f"{summary.suppressed:,} ignored",
        f"{summary.unverifiable:,} unverifiable",
    ]


def tallies(report: Report) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Give the counts of live deployments by source, type and status, in visible words."""
    inventory = report.live.inventory if report.live else {}
    for fact in _FACTS:
        if fact in inventory:
            yield fact, [(visible(kind), count) for kind, count in inventory[fact].items()]


def pending(report: Report) -> str:
    """Say how many rollouts are pending and which is the oldest; empty where none is."""
    stuck = (each for each in report.deployments if "pending_since" in each.facts)
    since = sorted((each.facts["pending_since"], each.name) for each in stuck)
    return f"{len(since):,} pending, the oldest since {visible(since[0][0])} ({visible(since[0][1])})" if since else ""


def field_coverage(report: Report) -> str:
    """Say what part of the fields was compared; empty where there was nothing to compare."""
    compared = sum(comparison.compared for comparison in report.deployments)
    hidden = report.summary.unverifiable
    undeclared = sum(
        change.kind is ChangeKind.ADDED and change.suppressed is None
        for comparison in report.deployments
        for change in comparison.changes
    )
    if not compared + hidden:
        return ""
    told = f"{compared:,} declared fields compared, {hidden:,} not observable ({hidden / (compared + hidden):.1%})"
    return told + (f", {undeclared:,} live but not declared" if undeclared else "")


def listed(names: Iterable[str], most: int) -> str:
    """Join names (visible already) with commas; those past the most become a count."""
    every = list(names)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest:,} more" if rest > 0 else "")
