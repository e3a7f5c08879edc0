"""A report in words: verdict, values, notes; the same in every format for people."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from shlex import quote
from typing import Final, NamedTuple

from driftcheck.fields import can_be_reverted, deployment, is_commit
from driftcheck.formats import Asked, view
from driftcheck.formats.escaping import visible
from driftcheck.formats.view import Block, Result
from driftcheck.model import (
    ABSENT,
    JSON,
    Change,
    ChangeClass,
    ChangeKind,
    ExitStatus,
    Finding,
    Impact,
    Location,
    Outcome,
    Report,
    ResolvedItem,
    Severity,
    State,
    Status,
    Suppression,
)
from driftcheck.paths import Item, Path, format_path
from driftcheck.rules import ABSENCE_RULES, RULES, UNMANAGED_RULES

HIDDEN: Final = "(hidden)"
UNSET: Final = "(unset)"
SET: Final = "(set)"

IMPACTS: Final = {
    Impact.IN_PLACE: "",
    Impact.NEW_REVISION: "reverting creates a new revision",
    Impact.RECREATE: "reverting requires a new deployment",
}
"""What bringing live back to the declared value takes."""

MERGING: Final = {
    Impact.IN_PLACE: "merging changes it in place",
    Impact.NEW_REVISION: "merging creates a new revision",
    Impact.RECREATE: "merging requires a new deployment",
}
"""What bringing live to the value that the change under review declares takes."""

CLASSES: Final = {
    ChangeClass.DRIFT: "not caused by this change",
    ChangeClass.ELSEWHERE: "not caused by this change, in a deployment that it does not touch",
    ChangeClass.PROPOSED: "proposed by this change",
    ChangeClass.CONFLICT: "conflict: this change and live differ from the base",
    ChangeClass.ADOPTED: "adopted: this change declares what is live",
    ChangeClass.OUTDATED: "already declared by the base branch; merge it",
}
"""What `--base` says of a change."""

STATUSES: Final = {
    Status.IN_SYNC: "matches",
    Status.DRIFTED: "drifted",
    Status.PROPOSED: "proposed",
    Status.MISSING: "missing",
    Status.UNMANAGED: "unmanaged",
    Status.UNKNOWN: "unknown",
}
"""The statuses for people; only a verdict says "in sync"."""

OUTDATED: Final = "outdated"
"""Replaces the status of a deployment that only needs the base branch to be merged."""

CONFLICT: Final = "conflict"
"""Replaces the status of a deployment in which live and the change under review differ from the base."""

_SHORT: Final = 60
"""The number of characters up to which an added or removed structure is shown whole."""
_FACTS: Final = ("source", "type", "status")
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")
_SAFE_GLOB: Final = re.compile(r"[A-Za-z0-9*?._-]+\Z")
_SAFE_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=/\[\]-]*\Z")
_NOTHING: Final = Asked()
_NAMED: Final = 5
"""The most deployments, or fields, that a command names."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 field`, `1,200 fields`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], most: int) -> str:
    """Join names (visible already) with commas; those past the limit become a count."""
    every = list(names)
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def capitalized(text: str) -> str:
    """Return a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


# Values


def value_text(value: JSON, limit: int | None = None) -> str:
    """Write a value as JSON on one line, escaped; past the limit it is cut in the middle."""
    return shortened(visible(json.dumps(value, ensure_ascii=False)), limit)


def shortened(text: str, limit: int | None) -> str:
    """Cut a text in the middle so that it has about as many characters as the limit, and say how many it had."""
    if limit is None or len(text) <= limit:
        return text
    length = f"({len(text):,} characters)"
    half = max((limit - len(length) - 6) // 2, 1)
    return f"{text[:half]} ... {text[-half:]} {length}"


def side_of(change: Change, side: str) -> tuple[str, JSON, JSON]:
    """Return what replaces the value of a side (`declared` or `live`), the value, and what the service uses for null.

    The value is replaced if it is UNSET or HIDDEN, or if only the key of an entry is known, as of a secret: SET.
    """
    if side == "declared":
        value, effective, lacks = change.declared, change.declared_effective, ChangeKind.ADDED
    else:
        value, effective, lacks = change.live, change.live_effective, ChangeKind.REMOVED
    key = change.path[-1] if change.path else None
    words = ""
    if change.kind is lacks and (change.redacted or (value is None and effective is None)):
        words = UNSET
    elif change.redacted:
        words = HIDDEN
    elif isinstance(key, Item) and value == {key.key: key.value}:
        words = SET
    return words, value, effective


def side_text(change: Change, side: str, limit: int | None = None) -> str:
    """Write a side (`declared` or `live`) of a change."""
    words, value, effective = side_of(change, side)
    amounts = "" if effective is None else f", effectively {value_text(effective, limit)}"
    return words or value_text(value, limit) + amounts


def base_text(change: Change, limit: int | None = None) -> str | None:
    """Write the value at the merge base if the change under review alters it; None for any other change."""
    if change.base is ABSENT or change.change_class not in (ChangeClass.CONFLICT, *view.BY_THE_CHANGE):
        return None
    return HIDDEN if change.redacted else value_text(change.base, limit)


def change_text(change: Change, limit: int | None = None) -> str:
    """Write the sides of a change as one phrase: `declared 6, live 10`, or its details."""
    if change.redacted and change.kind is ChangeKind.MODIFIED:
        return "declared and live differ"
    if inside := detail_texts(change, limit):
        return "; ".join(inside)
    base = base_text(change, limit)
    sides = [] if base is None else [f"base {base}"]
    return ", ".join([*sides, *(f"{side} {side_text(change, side, limit)}" for side in ("declared", "live"))])


def details(change: Change, limit: int | None = None) -> list[tuple[str, str, str]]:
    """Return what differs inside a structured change: the path from the last key of the change's, declared, live.

    Empty where a short value was added or removed as a whole.
    """
    side = "live" if change.kind is ChangeKind.ADDED else "declared"
    if change.redacted or (change.kind is not ChangeKind.MODIFIED and len(side_text(change, side)) <= _SHORT):
        return []
    start = max((index for index, part in enumerate(change.path) if isinstance(part, str)), default=0)
    return [
        (
            path_text((*change.path[start:], *detail.path)),
            UNSET if detail.kind is ChangeKind.ADDED else value_text(detail.declared, limit),
            UNSET if detail.kind is ChangeKind.REMOVED else value_text(detail.live, limit),
        )
        for detail in change.details
    ]


def detail_texts(change: Change, limit: int | None = None, most: int = 10) -> list[str]:
    """Write what differs inside a structured change, a phrase each: `args[3]: "a" -> "b"`."""
    texts = [f"{path}: {declared} -> {live}" for path, declared, live in details(change, limit)]
    rest = len(texts) - most
    return texts if rest <= 0 else [*texts[:most], f"and {counted(rest, 'more difference')}"]


# Notes


def impact(change: Change) -> str:
    """Return what merging or reverting a change takes; empty if there is nothing to do or nothing to say."""
    if change.change_class in (ChangeClass.PROPOSED, ChangeClass.CONFLICT):
        return MERGING[change.impact]
    return "" if change.change_class is ChangeClass.ADOPTED else IMPACTS[change.impact]


def change_notes(change: Change, report: Report, *, with_impact: bool = True) -> list[str]:
    """Return notes on a change, a few words each, without its severity and suppression."""
    notes = age_notes(change, report)
    if change.change_class is not ChangeClass.DRIFT or change.base is not ABSENT:
        notes.append(CLASSES[change.change_class])
    if with_impact and impact(change):
        notes.append(impact(change))
    field = deployment().at(change.path)
    if field.caveat is not None and change.change_class is not ChangeClass.ADOPTED:
        notes.append(field.caveat)
    if field.branch and change.kind is ChangeKind.MODIFIED and not is_commit(change.declared):
        notes.append(f"live is {'.'.join(field.branch)} where the service reports it")
    if change.redacted:
        notes.append("values not shown")
    return notes


def severity_note(change: Change) -> list[str]:
    """Return the severity of a change where it is not that of its class."""
    expected = Severity.ERROR if change.change_class in (ChangeClass.DRIFT, ChangeClass.CONFLICT) else Severity.NOTE
    return [] if change.severity is expected else [change.severity.value]


def age_notes(item: Change | Finding | ResolvedItem, report: Report) -> list[str]:
    """Return notes of the history on an item: that it is new, or since when it is known."""
    state = None if isinstance(item, ResolvedItem) else item.state
    if state is State.NEW:
        return ["first seen in this run"]
    since = [] if item.first_seen is None else [f"since {since_text(item.first_seen, report.generated_at)}"]
    return ["changed", *since] if state is State.CHANGED else since


def since_text(moment: str, now: str) -> str:
    """Write a moment as a day, and how long ago it was: `2026-11-20 (8 days)`."""
    try:
        passed = datetime.fromisoformat(now) - datetime.fromisoformat(moment)
    except (ValueError, TypeError):
        return visible(moment)
    days = max(passed.days, 0)
    return f"{visible(moment[:10])} ({counted(days, 'day') if days else 'today'})"


def suppression_text(suppression: Suppression) -> str:
    """Write that something is suppressed, why, until when, and who owns it."""
    return f"suppressed: {reason_text(suppression)}"


def reason_text(suppression: Suppression) -> str:
    """Write the reason of a suppression, its last day and its owners."""
    about = [
        f"{word} {visible(text)}"
        for word, text in (
            ("until", suppression.expires),
            ("owner", suppression.owner),
            ("approved by", suppression.approved_by),
        )
        if text
    ]
    return visible(suppression.reason) + (f" ({', '.join(about)})" if about else "")


def suppressed_text(items: Sequence[view.Suppressed], report: Report) -> str:
    """Count suppressed items and their deployments: `9 fields of 4 deployments`; a single deployment is named."""
    fields = sum(isinstance(item, Change) for _, item, _ in items)
    kinds = [(fields, "field"), (len(items) - fields, "finding")]
    found = " and ".join(counted(number, noun) for number, noun in kinds if number)
    about: set[tuple[str | None, str | None]] = {each.key for each, _, _ in items if each}
    about |= {item.key for _, item, _ in items if isinstance(item, Finding) and item.deployment}
    names = {name_in(report, *each) for each in about}
    if not names:
        return found
    return f"{found} of {names.pop() if len(names) == 1 else counted(len(names), 'deployment')}"


def path_text(path: Path) -> str:
    """Write a path, escaped."""
    return visible(format_path(path))


def location_text(location: Location | None, *, column: bool = False) -> str:
    """Write a location as `file:line`, with the column if asked; empty for None."""
    if location is None:
        return ""
    return visible(str(location) if column else f"{location.file}:{location.line}")


def rule_title(rule: str, findings: Iterable[Finding] = ()) -> str:
    """Return what a rule says of several findings: its title, else the message that they share.

    In a comparison of two listings, deployments are not undeclared but only in one of them, as the message says.
    """
    messages = {finding.message.removesuffix(".") for finding in findings}
    if rule in RULES and not (rule == "unmanaged-deployment" and len(messages) == 1):
        return RULES[rule].title
    return visible(messages.pop() if len(messages) == 1 else rule)


def by_rule(findings: Iterable[Finding]) -> str:
    """Count findings by their rule: `cpu-rounded 2, long-name 1`."""
    return ", ".join(f"{visible(rule)} {number:,}" for rule, number in Counter(e.rule for e in findings).items())


def full_name(target: str | None, name: str | None) -> str:
    """Write a deployment's name with its target; empty for None."""
    return ": ".join(visible(part) for part in (target, name) if part is not None)


def name_in(report: Report, target: str | None, name: str | None) -> str:
    """Write a deployment's name, with its target where the report is about several and the name doesn't hold it."""
    is_needed = report.targets and target is not None and target not in (name or "")
    return full_name(target if is_needed else None, name)


# Single results


def status_text(block: Block) -> str:
    """Return the status of a deployment in a word: `recreated`, `conflict` and `outdated` say more than the status."""
    if block.comparison.status is Status.IN_SYNC and "recreated" in block.rules:
        return "recreated"
    if any(change.change_class is ChangeClass.CONFLICT for change in block.active):
        return CONFLICT
    return OUTDATED if block.is_outdated else STATUSES[block.comparison.status]


def title(result: Result) -> str:
    """Return the deployment, and the field or (where it is about none) the rule; escaped."""
    subject = path_text(result.item.path) if result.item.path else visible(result.rule)
    name = full_name(result.target, result.deployment)
    return f"{name}: {subject}" if name else subject


def message(result: Result, report: Report, limit: int | None = None) -> str:
    """Return what a result says, without its deployment and field."""
    if isinstance(result.item, Finding):
        return aged(finding_text(result.item), result.item, report)
    return "; ".join([change_text(result.item, limit), *change_notes(result.item, report)])


def aged(text: str, item: Finding, report: Report) -> str:
    """Add to a text what the history says of a finding."""
    ages = ", ".join(age_notes(item, report))
    return f"{text} ({ages})" if ages else text


def sentence(text: str) -> str:
    """End a text with a full stop, unless it ends like a sentence already."""
    return text if text.endswith((".", "!", "?", ":")) or not text else f"{text}."


def about(finding: Finding) -> str:
    """Write what a finding is about, for its own line: its deployment and its path, each with a colon."""
    parts = [visible(finding.deployment or ""), path_text(finding.path) if finding.path else ""]
    return "".join(f"{part}: " for part in parts if part)


def finding_text(finding: Finding) -> str:
    """Return the message of a finding without a leading repetition of its field, since formats show the whole path."""
    field, colon, rest = visible(finding.message).partition("`: ")
    repeats = colon and finding.path and field[:1] == "`" and path_text(finding.path).endswith(field[1:])
    return rest if repeats else visible(finding.message)


def hint(result: Result, asked: Asked = _NOTHING) -> str | None:
    """Return what to do about a result."""
    item = result.item
    if isinstance(item, Finding):
        return None if item.hint is None else visible(item.hint)
    if not _can_be_accepted(item):
        return None
    return " ".join(_commands([(result.target, result.deployment or "", item)], item.base is not ABSENT, asked))


def remedies(report: Report, asked: Asked = _NOTHING) -> list[str]:
    """Return how to accept and how to revert the drift that fails a run, a sentence each; empty if none does."""
    if report.command not in ("check", "audit") or report.outcome.status is ExitStatus.IN_SYNC:
        return []
    base = view.base(report)
    missing = [] if base is not None else list(_to_create(report))
    drift = [
        (*each.key, change)
        for each in report.deployments
        for change in each.changes
        if _can_be_accepted(change) and (base is None or change.severity is Severity.ERROR)
    ]
    if report.command == "audit" and any(change.kind is ChangeKind.ADDED for _, _, change in drift):
        asked = replace(asked, options=f"{asked.options} --strict")  # as an audit is
    ways = _commands(drift, base is not None, asked) if drift else []
    if missing:
        options = _options(missing, asked, is_narrow=True)
        ways.append(f"To create what is missing: `driftcheck plan{options}`.")
        ways.append(f"To remove it from the YAML: `driftcheck adopt{options} --missing remove`.")
    if ways and base is not None:
        ways.append(
            f"To preview the merge: `driftcheck plan{asked.options} --base {asked.base or visible(base[:12])}`."
        )
    return ways


def _to_create(report: Report) -> Iterator[tuple[str | None, str]]:
    """Yield target and name of each missing deployment that can be created or given up.

    One that was probably renamed or is being deleted has other advice. If none is live, the workspace may be wrong.
    """
    if not any(each.id is not None and each.status is not Status.UNMANAGED for each in report.deployments):
        return
    others = {f.key for f in report.findings if f.rule in ("probable-rename", "being-deleted")}
    for found in report.findings:
        counts = found.suppressed is None and found.severity is not Severity.NOTE
        is_other = found.key in others
        if found.rule == "missing-deployment" and counts and not is_other and found.deployment is not None:
            yield found.target, found.deployment


def _can_be_accepted(change: Change) -> bool:
    accepted = change.change_class in view.DIFFERING and change.change_class is not ChangeClass.OUTDATED
    return accepted and change.suppressed is None and change.severity is not Severity.NOTE


def _commands(drift: list[tuple[str | None, str, Change]], is_three_way: bool, asked: Asked) -> list[str]:
    """Return the commands for some drift; where a change is under review, they leave out what it proposes."""
    options = _options([(target, name) for target, name, _ in drift], asked, is_narrow=is_three_way)
    if not is_three_way:
        ways = [f"To accept live: `driftcheck adopt{options}`."]
        if any(can_be_reverted(change.path, is_declared=change.kind is not ChangeKind.ADDED) for _, _, change in drift):
            ways.append(f"To revert live: `driftcheck plan{options}`.")
        return ways
    paths = sorted({format_path(change.path) for _, _, change in drift})
    if len(paths) > _NAMED or not all(map(_SAFE_PATH.match, paths)):
        paths = ["FIELD"]
    fields = "".join(f" --path '{path}'" if "[" in path else f" --path {path}" for path in paths)
    conflicts = [change for _, _, change in drift if change.change_class is ChangeClass.CONFLICT]
    loss = (
        " and drop what this change sets" if len(conflicts) == len(drift) else ", in a conflict instead of this change"
    )
    return [f"To accept live{loss if conflicts else ''}: `driftcheck adopt{options}{fields}`."]


def _options(items: Iterable[tuple[str | None, str]], asked: Asked, *, is_narrow: bool) -> str:
    """Return the options that select deployments, by target and name; `is_narrow` if no others may be selected."""
    pairs = list(items)
    targets, names = {target for target, _ in pairs}, sorted({name for _, name in pairs})
    if len(targets) == 1 or not all(map(_SAFE_GLOB.match, asked.targets)):
        chosen = [("--target", each) for each in targets if len(targets) == 1 and each and _SAFE_NAME.match(each)]
    else:
        chosen = [("--target", quote(each)) for each in asked.targets]
    if len(names) <= _NAMED and all(map(_SAFE_NAME.match, names)):
        chosen += [("--name", name) for name in names]
    elif is_narrow:
        chosen.append(("--name", "NAME"))
    elif all(map(_SAFE_GLOB.match, asked.names)):
        chosen += [("--name", quote(glob)) for glob in asked.names]
    return asked.options + "".join(f" {option} {value}" for option, value in chosen)


# The verdict


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
    said = _of_deployments(
        _numbered(
            (matching - differing, "matches" if matching - differing == 1 else "match"),
            (differing, "differs as accepted" if differing == 1 else "differ as accepted"),
            (accepted, "accepted as missing"),
        )
    )
    rest = f", {outside:,} outside the filters" if outside > 0 else ""
    return Verdict("In sync", f"{said or 'no deployment was compared'}{rest}.")


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
    said = " and ".join(filter(None, [", ".join(done[:-1]), *done[-1:]]))
    return f"this change {said}" if said else ""


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


def resolved_text(item: ResolvedItem, report: Report) -> str:
    """Write a resolved item: its deployment, its path or rule, and since when it was known."""
    subject = visible(item.rule or "") if item.path is None else path_text(item.path)
    name = full_name(item.target, item.deployment)
    return f"{f'{name}: ' if name else ''}{subject}, {', '.join(age_notes(item, report))}"
