"""How a run changes the open items; pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from driftcheck.history.items import Key, Part, Reach, Seen
from driftcheck.model import JSON, Severity, State

NOTIFICATION_VERSION: Final = "1.0"
"""The version of the notification document (schemas/notification.schema.json)."""


class Kind(StrEnum):
    """What happened to an item, or to the check of a target."""

    OPENED = "opened"
    REOPENED = "reopened"
    CHANGED = "changed"
    RESOLVED = "resolved"
    REMINDER = "reminder"
    OUTAGE = "outage"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Item:
    """One episode of an item: from the run that opened it to the run that resolved it."""

    key: Key
    severity: Severity
    value: str | None
    """The live value as the last run that reported it shows it, as canonical JSON; None if it is redacted."""
    first_seen: str
    """The conclusive run that first reported it."""
    last_seen: str
    declared: str | None = None
    after: str | None = None
    """It began after this time: the last conclusive run without it, or the creation of the deployment."""
    before: str | None = None
    """It began no later than this time: `first_seen`, or the deployment's last update before it."""
    changed_at: str | None = None
    owner: str | None = None
    """Who is responsible for it: the owner of the ignore rule that suppressed it before."""
    reach: str = ""
    """The scope (`Reach.key`) of the run that last saw it."""
    opened_run: str = ""
    resolved_run: str | None = None
    resolved_at: str | None = None
    """When, and by which run, it was resolved; both None while it is open."""
    announced_at: str | None = None
    """When people were last notified of it."""
    id: int = 0
    target: str | None = None
    command: str = ""
    report_id: str | None = None
    """Identity of the reports that show it; of a target, its name."""


def united(items: Iterable[Item]) -> list[Item]:
    """Return the episodes, oldest first, with those that both `check` and `audit` saw merged.

    Each command has its own items, as it judges differently; for people, what both report about one workspace or
    target is one item. It is resolved once a run of either that looked for it later no longer had it.
    """
    found: dict[tuple[str | None, str | None, Key], list[Item]] = {}
    for item in sorted(items, key=lambda item: (item.first_seen, item.id)):
        episodes = found.setdefault((item.report_id, item.target, item.key), [])
        previous = episodes[-1] if episodes else None
        if previous and previous.command != item.command and item.first_seen <= (previous.resolved_at or "~"):
            episodes[-1] = _joined(previous, item)
        else:
            episodes.append(item)
    return sorted((each for episodes in found.values() for each in episodes), key=lambda each: each.first_seen)


def _joined(first: Item, second: Item) -> Item:
    latest = max(first, second, key=lambda item: item.last_seen)
    ends = [each for each in (first, second) if (each.resolved_at or "") > latest.last_seen]
    end = min(ends, key=lambda item: item.resolved_at or "", default=None)
    return replace(
        latest,
        severity=min(first.severity, second.severity, key=lambda severity: severity.rank),
        first_seen=first.first_seen,
        after=first.after,
        before=first.before,
        owner=latest.owner or first.owner or second.owner,
        opened_run=first.opened_run,
        resolved_run=end.resolved_run if end else None,
        resolved_at=end.resolved_at if end else None,
        command=", ".join(sorted({*first.command.split(", "), *second.command.split(", ")})),
    )


@dataclass(frozen=True, slots=True)
class Transition:
    """An event that people are notified of once."""

    kind: Kind
    target: str | None
    item: Item | None = None
    """None for the start and the end of an outage."""
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The effect of one part of a run on the open items of its stream."""

    states: Mapping[Key, tuple[State, str | None]] = field(default_factory=dict)
    """State and first report of every item that the run shows."""
    opened: tuple[Item, ...] = ()
    changed: tuple[Item, ...] = ()
    kept: tuple[Item, ...] = ()
    resolved: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a part of a run, and what is known around that time."""

    run: str
    at: str
    previous: str | None = None
    """The time of the last conclusive run with the same reach, or with an unlimited one."""
    newer: tuple[Reach, ...] = ()
    """The reach of later conclusive runs that were recorded earlier; their results stay."""
    moves: bool = True
    """False for a run that changes no item: an inconclusive one, or one of a branch under review."""


def advance(open_items: Mapping[Key, Item], part: Part, moment: Moment) -> Step:
    """Return the items that a part of a run opens, changes, keeps and resolves."""
    states: dict[Key, tuple[State, str | None]] = {}
    opened: list[Item] = []
    changed: list[Item] = []
    kept: list[Item] = []
    for key, seen in part.seen.items():
        item = open_items.get(key)
        moves = moment.moves and not _is_outdated(key, part.reach.key, moment)
        if item is None:
            if part.conclusive:
                states[key] = (State.NEW, moment.at if moves else None)
            if moves:
                opened.append(_opened(seen, part, moment))
            continue
        differs = seen.value is not None and item.value is not None and seen.value != item.value
        is_new = item.opened_run == moment.run  # it was recorded already
        states[key] = (State.NEW if is_new else State.CHANGED if differs else State.KNOWN, item.first_seen)
        if moves:
            (changed if differs else kept).append(_updated(item, seen, part, moment, differs=differs))
    return Step(states, tuple(opened), tuple(changed), tuple(kept), tuple(_resolved(open_items, part, moment)))


def _is_outdated(key: Key, reach: str, moment: Moment) -> bool:
    return any(newer.covers(key.deployment, reach) for newer in moment.newer)


def _opened(seen: Seen, part: Part, moment: Moment) -> Item:
    after, before = _onset(seen, moment)
    return Item(
        key=seen.key,
        severity=seen.severity,
        value=seen.value,
        declared=seen.declared,
        first_seen=moment.at,
        last_seen=moment.at,
        after=after,
        before=before,
        reach=part.reach.key,
        opened_run=moment.run,
        target=part.target,
    )


def _onset(seen: Seen, moment: Moment) -> tuple[str | None, str]:
    """Return the window in which an item began.

    A deployment can't have drifted before it was created, nor after its last update.
    """
    after, before = moment.previous, moment.at
    if seen.created_at is not None and (after is None or _time(seen.created_at) > after):
        after = min(_time(seen.created_at), before)
    if seen.updated_at is not None and (after or "") < _time(seen.updated_at) < before:
        before = _time(seen.updated_at)
    return after, before


def _time(text: str) -> str:
    """Return a time of the listing to the second, so that times compare as text."""
    return text[:19] + "Z"


def _updated(item: Item, seen: Seen, part: Part, moment: Moment, *, differs: bool) -> Item:
    return replace(
        item,
        severity=seen.severity,
        value=seen.value,
        declared=seen.declared,
        last_seen=moment.at,
        changed_at=moment.at if differs else item.changed_at,
        reach=part.reach.key,
    )


def _resolved(open_items: Mapping[Key, Item], part: Part, moment: Moment) -> Iterable[Item]:
    if not moment.moves:
        return
    for key, item in open_items.items():
        gone = key not in part.seen and part.reach.covers(key.deployment, item.reach)
        if gone and not _is_outdated(key, item.reach, moment):
            yield replace(item, resolved_at=moment.at, resolved_run=moment.run)


def document(
    run: str, at: str, command: str, report_id: str | None, outcome: str, transitions: Iterable[Transition]
) -> JSON:
    """Return transitions as the document that webhooks get (schemas/notification.schema.json)."""
    return {
        "format_version": NOTIFICATION_VERSION,
        "run": run,
        "generated_at": at,
        "command": command,
        "report_id": report_id,
        "outcome": outcome,
        "transitions": [_transition(each) for each in transitions],
    }


def _transition(transition: Transition) -> JSON:
    record = {"kind": transition.kind.value, "target": transition.target}
    item = transition.item
    if item is None:
        return record | {"outcome": transition.outcome}
    return record | {
        "deployment": item.key.deployment,
        "path": item.key.path,
        "rule": item.key.rule,
        "severity": item.severity.value,
        "owner": item.owner,
        "first_seen": item.first_seen,
        "last_seen": item.last_seen,
        **values(item),
    }


def values(item: Item) -> dict[str, JSON]:
    """Return the declared and live value of a change, unless they are redacted; nothing for a finding."""
    if item.key.path is None or item.value is None:
        return {}
    declared = None if item.declared is None else json.loads(item.declared)
    return {"declared": declared, "live": json.loads(item.value)}
