"""A whole run in words: its verdict and numbers, where live was read, what was not read, and the inventory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from driftcheck.formats import view
from driftcheck.formats.escaping import visible
from driftcheck.formats.view import Block
from driftcheck.formats.wording import counted
from driftcheck.model import (
    Change,
    ChangeClass,
    ChangeKind,
    ExitStatus,
    Finding,
    Outcome,
    Report,
    Severity,
    State,
    Status,
)
from driftcheck.rules import ABSENCE_RULES, UNMANAGED_RULES

_FACTS: Final = ("source", "type", "status")


class Verdict(NamedTuple):
    """How a run ended: in a word, and in a sentence, which may be empty."""

    word: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.word}: {self.sentence}" if self.sentence else f"{self.word}."


def verdict(report: Report) -> Verdict:
    """Return how the run ended; "In sync" only if everything was read and nothing differs."""
    if report.outcome is Outcome.DEFECT:
        return Verdict("Internal error", "no result of this run can be relied on.")
    word, sentence = _judged(report)
    names = by_name_only(report)
    return Verdict(word, f"{sentence} {names}".strip() if names else sentence)


def _judged(report: Report) -> Verdict:
    differences = _differences(report)
    match report.outcome.status:
        case ExitStatus.INVALID:
            return Verdict("Invalid", f"{_joined(_defects(report), differences)}.")
        case ExitStatus.INCOMPLETE:
            return Verdict("Incomplete", f"{differences or _without_difference(report)}.")
        case ExitStatus.DRIFT:
            found = _joined(differences, _findings(report))
            return Verdict(
                "Drift" if _has_drifted(report) else "Failed",
                f"{found or counted(report.summary.findings[Severity.NOTE], 'note')}.",
            )
    if all(part.live is None for part in view.parts(report)):
        return _valid(report)
    if not report.complete:
        return Verdict("Passed", f"{differences or 'no difference was found'}; not everything was read.")
    if differences:
        failing = report.summary.statuses[Status.DRIFTED] + report.summary.statuses[Status.MISSING]
        passed = failing - sum(block.is_outdated for block in view.blocks(report))
        rest = "" if passed <= 0 else " This does not fail the run." if passed == 1 else " None of these fail the run."
        return Verdict("Passed", f"{differences}.{rest}")
    return _in_sync(report)


def _has_drifted(report: Report) -> bool:
    """Return whether live and declared differ; otherwise findings alone fail the run."""
    statuses = report.summary.statuses
    return bool(statuses[Status.DRIFTED] or statuses[Status.MISSING] or _counts_unmanaged(report))


def _counts_unmanaged(report: Report) -> bool:
    return any(
        each.rule in UNMANAGED_RULES and each.severity is not Severity.NOTE and each.suppressed is None
        for each in report.findings
    )


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _in_sync(report: Report) -> Verdict:
    number = sum(part.declared.deployments for part in view.parts(report))
    if not number:
        return Verdict("Nothing declared", "no deployment was compared.")
    if not view.compared(report):
        return Verdict("Passed", "no difference was found, but no field could be compared.")
    accepted = sum(each.is_accepted_absence for each in report.deployments)
    matching = report.summary.statuses[Status.IN_SYNC]
    outside = number - matching - accepted
    differing = sum(
        each.status is Status.IN_SYNC and any(c.change_class in view.DIFFERING for c in each.changes)
        for each in report.deployments
    )
    compared = _of_deployments(
        _numbered(
            (matching - differing, "matches" if matching - differing == 1 else "match"),
            (differing, "differs as accepted" if differing == 1 else "differ as accepted"),
            (accepted, "accepted as missing"),
        )
    )
    rest = f", {outside:,} outside the filters" if outside > 0 else ""
    return Verdict("In sync", f"{compared or 'no deployment was compared'}{rest}.")


def _without_difference(report: Report) -> str:
    """Say what an incomplete run without differences has seen."""
    matching = report.summary.statuses[Status.IN_SYNC]
    if not matching:
        return "no deployment could be checked"
    verb = "matches" if matching == 1 else "match"
    return f"{counted(matching, 'deployment')} {verb}; not everything could be read"


def _valid(report: Report) -> Verdict:
    parts = view.parts(report)
    number, files = sum(part.declared.deployments for part in parts), {f for part in parts for f in part.declared.files}
    if not report.complete:
        return Verdict("Passed", "not every declaration could be read.")
    if not number:
        return Verdict("Nothing declared", "")
    return Verdict("Valid", f"{counted(number, 'deployment')} in {counted(len(files), 'file')}.")


def _defects(report: Report) -> str:
    files = {
        each.location.file for each in _other_findings(report) if each.severity is Severity.ERROR and each.location
    }
    return _findings(report, f" in {counted(len(files), 'file')}" if files else "") or "the input can't be used"


def _findings(report: Report, where: str = "") -> str:
    """Count the errors, and say where they are; then the warnings."""
    severities = Counter(finding.severity for finding in _other_findings(report))
    errors, warnings = severities[Severity.ERROR], severities[Severity.WARNING]
    counts = [f"{counted(errors, 'error')}{where}"] if errors else []
    return ", ".join([*counts, *([counted(warnings, "warning")] if warnings else [])])


def _other_findings(report: Report) -> list[Finding]:
    """Return the active findings that no status of a deployment covers."""
    by_status = UNMANAGED_RULES | ABSENCE_RULES | {"outdated-deployment"}
    return [finding for finding in report.findings if finding.suppressed is None and finding.rule not in by_status]


def _differences(report: Report) -> str:
    """Say what the change under review does, then how many deployments drifted, are missing, unknown, unmanaged."""
    blocks, statuses = view.blocks(report), report.summary.statuses
    outdated = sum(block.is_outdated for block in blocks)
    rest = [block for block in blocks if not block.is_outdated]
    unmanaged = statuses[Status.UNMANAGED] if _counts_unmanaged(report) else 0
    others = _numbered((statuses[Status.UNKNOWN], "could not be checked"), (unmanaged, "unmanaged"))
    found = _of_deployments([*_drifted_and_missing(rest), *others])
    behind = f"{counted(outdated, 'deployment is', 'deployments are')} outdated, merge the base branch"
    return _joined(_by_the_change(blocks), found, behind if outdated else "")


def _by_the_change(blocks: Sequence[Block]) -> str:
    """Say what the change under review does: to how many deployments, and with how many live values."""
    added = sum(block.comparison.status is Status.PROPOSED and block.comparison.id is None for block in blocks)
    altered = sum(
        not _ALTERED.isdisjoint(change.change_class for change in block.active)
        or (block.comparison.status is Status.PROPOSED and block.comparison.id is not None)
        for block in blocks
    )
    adopted = sum(change.change_class is ChangeClass.ADOPTED for block in blocks for change in block.active)
    done = [f"alters {counted(altered, 'deployment')}"] if altered else []
    done += [f"adds {added:,}" if done else f"adds {counted(added, 'deployment')}"] if added else []
    done += [f"adopts {counted(adopted, 'live value')}"] if adopted else []
    effects = " and ".join(filter(None, [", ".join(done[:-1]), *done[-1:]]))
    return f"this change {effects}" if effects else ""


_ALTERED: Final = frozenset({ChangeClass.PROPOSED, ChangeClass.CONFLICT})


def _drifted_and_missing(blocks: Sequence[Block]) -> list[str]:
    """Count the deployments in conflict with the change, those that drifted or are missing, and those outside of it."""
    classes = [
        Counter(change.change_class for change in block.active if change.change_class in view.DIFFERING)
        for block in blocks
        if block.comparison.status is Status.DRIFTED
    ]
    elsewhere = sum(set(each) == {ChangeClass.ELSEWHERE} for each in classes)
    conflicts = sum(ChangeClass.CONFLICT in each for each in classes)
    fields = "" if elsewhere or conflicts else f" ({counted(sum(classes, Counter()).total(), 'field')})"
    others = len(classes) - elsewhere - conflicts
    unaltered = sum(each[ChangeClass.DRIFT] for each in classes if ChangeClass.CONFLICT in each)
    also = f" (and in {counted(unaltered, 'field')} that it does not alter)" if unaltered else ""
    missing = [block.is_elsewhere for block in blocks if block.comparison.status is Status.MISSING]
    found = _numbered(
        (conflicts, f"drifted in conflict with it{also}"),
        (others, f"drifted{fields}"),
        (missing.count(False), "missing"),
    )
    beyond = " and ".join(_numbered((elsewhere, "drifted"), (missing.count(True), "missing")))
    return [*found, f"{beyond} outside this change"] if beyond else found


def _numbered(*counts: tuple[int, str]) -> list[str]:
    return [f"{number:,} {words}" for number, words in counts if number]


def _of_deployments(counts: Sequence[str]) -> str:
    """Join counts; the first says what is counted."""
    if not counts:
        return ""
    number, _, words = counts[0].partition(" ")
    noun = "deployment" if number == "1" else "deployments"
    return ", ".join([f"{number} {noun} {words}", *counts[1:]])


def elsewhere_text(blocks: Sequence[Block]) -> str:
    """Count differences of deployments that the change under review does not touch: `5 drifted (6 fields)`."""
    missing = sum(block.comparison.status is Status.MISSING for block in blocks)
    fields = counted(sum(len(block.active) for block in blocks), "field")
    drifted = f"{counted(len(blocks) - missing, 'deployment')} drifted ({fields})" if missing < len(blocks) else ""
    if not missing:
        return drifted
    return f"{drifted}, {missing:,} missing" if drifted else f"{counted(missing, 'deployment')} missing"


def by_name_only(report: Report) -> str:
    """Return a sentence about the values of which only the names are known; empty if there are none."""
    number = report.summary.by_name_only
    known = counted(number, "value (secret, variable) is", "values (secrets, variables) are")
    return f"{known} known by name only and {'was' if number == 1 else 'were'} not compared." if number else ""


def numbers(report: Report) -> list[str]:
    """Return the counts of every verdict on a comparison, a few words each."""
    summary, parts = report.summary, view.parts(report)
    if all(part.live is None for part in parts):
        return [f"{summary.suppressed:,} suppressed"] if summary.suppressed else []
    if all(_selects_nothing(part) for part in parts):
        return []
    being_deleted = sum(finding.rule == "being-deleted" for finding in report.findings)
    sides = [part.live for part in parts if part.live is not None]
    is_known = all(side.is_read for side in sides)
    live = f"{sum(side.deployments for side in sides):,}" if is_known else "an unknown number"
    apart = _numbered((summary.statuses[Status.UNMANAGED], "unmanaged"), (being_deleted, "being deleted"))
    return [
        *([counted(len(report.targets), "target")] if report.targets else []),
        f"{sum(part.declared.deployments for part in parts):,} declared",
        f"{live} live" + (f" ({', '.join(apart)})" if apart else ""),
        f"{counted(view.compared(report), 'field')} compared",
        f"{summary.suppressed:,} suppressed",
        f"{summary.unverifiable:,} unverifiable",
        *_history_numbers(report),
    ]


def conclusion(report: Report) -> str:
    """Return the verdict with its numbers on one line."""
    counts = ", ".join(numbers(report))
    return f"{verdict(report)} ({counts})" if counts else str(verdict(report))


def _selects_nothing(report: Report) -> bool:
    """Return whether `--name` left out all deployments, so that the counts say nothing about the workspace."""
    live = report.live
    return live is not None and "names" in live.scope and not live.deployments + report.declared.deployments


def _history_numbers(report: Report) -> Iterator[str]:
    items: list[Change | Finding] = [change for each in report.deployments for change in each.changes]
    states = Counter(item.state for item in (*items, *report.findings) if item.suppressed is None)
    for state in (State.NEW, State.CHANGED):
        if states[state]:
            yield f"{states[state]:,} {state.value}"
    if report.resolved:
        yield f"{len(report.resolved):,} resolved"


def gaps(report: Report) -> list[str]:
    """Return what was not read, a sentence each, escaped."""
    found: list[str] = []
    for part in view.parts(report):
        head = f"{part.report_id}: " if report.targets else ""
        live = part.live.gaps if part.live else ()
        if part.live is not None and not part.live.complete and not live:
            live = ("the listing is incomplete",)
        found += [f"{head}live: {gap}" for gap in live]
        if not part.declared.complete:
            found.append(f"{head}declared: not every file, document or deployment could be read")
    return list(map(visible, found))


def run_defects(report: Report) -> list[str]:
    """Return why the run has no answer: its gaps, or its verdict if no error says so."""
    found = gaps(report)
    if not found and report.outcome.status in view.NO_ANSWER and not report.summary.findings[Severity.ERROR]:
        return [str(verdict(report))]
    return found


def origin(report: Report, code: Callable[[str], str] = str) -> str:
    """Return where and when live was read: workspace, endpoint or file, and time; empty if it was not.

    `code` marks data as code.
    """
    live = report.live
    if live is None:
        return ""
    workspace = f"Workspace {code(visible(live.workspace))} at " if live.workspace else ""
    when = f", {code(visible(live.fetched_at))}" if live.fetched_at else ""
    return f"{workspace}{code(visible(live.source))}{when}"


# Inventory


def tallies(report: Report) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Return the counts of live deployments by source, type and status, in visible words."""
    inventory = report.live.inventory if report.live else {}
    for fact in _FACTS:
        if fact in inventory:
            yield fact, [(visible(kind), count) for kind, count in inventory[fact].items()]


def pending(report: Report) -> str:
    """Say how many rollouts are pending and which is the oldest; empty if there are none."""
    stuck = (each for each in report.deployments if "pending_since" in each.facts)
    since = sorted((each.facts["pending_since"], each.name) for each in stuck)
    return f"{len(since):,} pending, the oldest since {visible(since[0][0])} ({visible(since[0][1])})" if since else ""


def coverage(report: Report) -> str:
    """Write the share of live deployments that are declared, rounded down, and what it is a share of."""
    share = report.summary.coverage
    return "unknown" if share is None else f"{int(share * 1000 + 1e-6) / 10}% of {coverage_base(report)} declared"


def coverage_base(report: Report) -> str:
    """Say what coverage is a share of, with a verb: `the 36 live deployments that can be declared are`."""
    number = report.declarable
    live = sum(part.live.deployments for part in view.parts(report) if part.live is not None)
    which = " that can be declared" if number < live else ""
    return f"the {counted(number, 'live deployment')}{which} {'is' if number == 1 else 'are'}"


def field_coverage(report: Report) -> str:
    """Say what part of the fields was compared; empty if there was nothing to compare."""
    compared, unverifiable = view.compared(report), report.summary.unverifiable
    undeclared = [
        change for comparison in report.deployments for change in comparison.changes if change.kind is ChangeKind.ADDED
    ]
    suppressed = sum(change.suppressed is not None for change in undeclared)
    if not compared + unverifiable:
        return ""
    share = unverifiable / (compared + unverifiable)
    counts = f"{compared:,} declared fields compared, {unverifiable:,} unverifiable ({share:.1%})"
    note = f" ({suppressed:,} suppressed)" if suppressed else ""
    return counts + (f", {len(undeclared):,} live but not declared{note}" if undeclared else "")
