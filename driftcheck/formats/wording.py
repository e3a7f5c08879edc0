"""Changes and findings in words: values, notes, ages, advice; the same in every format for people."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from shlex import quote
from typing import Final, TypeAlias

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
    Report,
    ResolvedItem,
    Severity,
    State,
    Status,
    Suppression,
)
from driftcheck.paths import Item, Path, format_path
from driftcheck.rules import RULES

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
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")
_SAFE_GLOB: Final = re.compile(r"[A-Za-z0-9*?._-]+\Z")
_SAFE_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=/\[\]-]*\Z")
_NOTHING: Final = Asked()
_Key: TypeAlias = tuple[str | None, str | None]
"""Target and name of a deployment."""
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


def resolved_text(item: ResolvedItem, report: Report) -> str:
    """Write a resolved item: its deployment, its path or rule, and since when it was known."""
    subject = visible(item.rule or "") if item.path is None else path_text(item.path)
    name = full_name(item.target, item.deployment)
    return f"{f'{name}: ' if name else ''}{subject}, {', '.join(age_notes(item, report))}"


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
    names = {name_in(report, *key) for key, _, _ in items if key[1] is not None}
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
    key = result.target, result.deployment
    return " ".join(_commands([key], [item], asked, is_three_way=item.base is not ABSENT))


def remedies(report: Report, asked: Asked = _NOTHING) -> list[str]:
    """Return how to accept and how to revert the drift that fails a run, a sentence each; empty if none does."""
    if report.command not in ("check", "audit") or report.outcome.status is ExitStatus.IN_SYNC:
        return []
    base = view.base(report)
    missing = [] if base is not None else list(_to_create(report))
    drift = [
        (each.key, change)
        for each in report.deployments
        for change in each.changes
        if _can_be_accepted(change) and (base is None or change.severity is Severity.ERROR)
    ]
    keys, changes = [key for key, _ in drift], [change for _, change in drift]
    if report.command == "audit" and any(change.kind is ChangeKind.ADDED for change in changes):
        asked = replace(asked, options=f"{asked.options} --strict")  # as an audit is
    ways = _commands(keys, changes, asked, is_three_way=base is not None) if drift else []
    if missing:
        options = _options(missing, asked, is_narrow=True)
        ways.append(f"To create what is missing: `driftcheck plan{options}`.")
        ways.append(f"To remove it from the YAML: `driftcheck adopt{options} --missing remove`.")
    if ways and base is not None:
        ways.append(
            f"To preview the merge: `driftcheck plan{asked.options} --base {asked.base or visible(base[:12])}`."
        )
    return ways


def _to_create(report: Report) -> Iterator[_Key]:
    """Yield the key of each missing deployment that can be created or given up.

    One that was probably renamed or is being deleted has other advice. If none is live, the workspace may be wrong.
    """
    if not any(each.id is not None and each.status is not Status.UNMANAGED for each in report.deployments):
        return
    others = {found.key for found in report.findings if found.rule in ("probable-rename", "being-deleted")}
    for found in report.findings:
        counts = found.suppressed is None and found.severity is not Severity.NOTE
        if found.rule == "missing-deployment" and counts and found.key not in others:
            yield found.key


def _can_be_accepted(change: Change) -> bool:
    accepted = change.change_class in view.DIFFERING and change.change_class is not ChangeClass.OUTDATED
    return accepted and change.suppressed is None and change.severity is not Severity.NOTE


def _commands(keys: Sequence[_Key], changes: Sequence[Change], asked: Asked, *, is_three_way: bool) -> list[str]:
    """Return the commands for some drift; where a change is under review, they leave out what it proposes."""
    options = _options(keys, asked, is_narrow=is_three_way)
    if not is_three_way:
        ways = [f"To accept live: `driftcheck adopt{options}`."]
        if any(can_be_reverted(change.path, is_declared=change.kind is not ChangeKind.ADDED) for change in changes):
            ways.append(f"To revert live: `driftcheck plan{options}`.")
        return ways
    paths = sorted({format_path(change.path) for change in changes})
    if len(paths) > _NAMED or not all(map(_SAFE_PATH.match, paths)):
        paths = ["FIELD"]
    fields = "".join(f" --path '{path}'" if "[" in path else f" --path {path}" for path in paths)
    conflicts = sum(change.change_class is ChangeClass.CONFLICT for change in changes)
    loss = " and drop what this change sets" if conflicts == len(changes) else ", in a conflict instead of this change"
    return [f"To accept live{loss if conflicts else ''}: `driftcheck adopt{options}{fields}`."]


def _options(keys: Sequence[_Key], asked: Asked, *, is_narrow: bool) -> str:
    """Return the options that select deployments, by target and name; `is_narrow` if no others may be selected."""
    targets, names = {target for target, _ in keys}, sorted({name for _, name in keys if name is not None})
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
