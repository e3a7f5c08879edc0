"""Runs and items in the database: recording a run, and reading what was recorded."""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from driftcheck.history import database
from driftcheck.history.database import Execute, HistoryError, Row, Value
from driftcheck.history.items import (
    Key,
    Part,
    Reach,
    Scope,
    canonical,
    is_item,
    key_of_change,
    key_of_finding,
    parts,
    reach_from_json,
)
from driftcheck.history.transitions import Item, Kind, Moment, Step, Transition, advance, document, united
from driftcheck.model import (
    JSON,
    Change,
    Comparison,
    Finding,
    HistoryNote,
    Report,
    ResolvedItem,
    Severity,
)
from driftcheck.paths import parse_path

_CLAIM_SECONDS: Final = 120.0
"""How long a run may take to send a message before another run tries."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to record; once recorded, it is a RunRow."""

    id: str
    report: Report
    scope: Scope = field(default_factory=Scope)
    destinations: tuple[str, ...] = ()
    """Where transitions go; names that hold nothing of the addresses."""
    remind: timedelta | None = None
    """How long an item may stay open before people are notified of it again."""

    @property
    def at(self) -> str:
        """When the run was made."""
        return self.report.generated_at

    @property
    def is_review(self) -> bool:
        """Whether it looked at a change under review, whose declarations are not the ones in force."""
        report = self.report
        return report.declared.base is not None or any(target.declared.base is not None for target in report.targets)


@dataclass(frozen=True, slots=True)
class Message:
    """A notification to be sent."""

    id: int
    destination: str
    document: JSON
    """The transitions to send (schemas/notification.schema.json)."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A recorded run, without its report."""

    id: str
    generated_at: str
    sha256: str
    info: Mapping[str, Any]
    parts: tuple[Mapping[str, Any], ...]


CONFIG_NAME: Final = "driftcheck.yaml"
"""The end of a report's identity if the workspace is neither configured nor known."""


def record(
    url: str, run: NewRun, decide: Callable[[Report], Report], render: Callable[[Report], str]
) -> tuple[Report, HistoryNote]:
    """Record a run and its effects, in one transaction; return the report with the states of its items.

    `decide` decides the outcome once the states are known, `render` returns the JSON report that is kept and hashed.
    A run that is already recorded changes nothing. Raises HistoryError or UsageError.
    """
    with database.transaction(url, write=True) as execute:
        known = execute("SELECT seq FROM driftcheck_runs WHERE id = :id", id=run.id)
        seq = known[0][0] if known else _next(execute, "driftcheck_runs", "seq")
        steps: list[tuple[Part, Step]] = []
        transitions: list[Transition] = []
        previous = None
        for part in [_attached(execute, part) for part in parts(run.report, run.scope)]:
            moment, last = _moment(execute, part, run, seq)
            step = advance(_open(execute, part.stream), part, moment)
            step = _with_owners(execute, step, part.target, last)
            steps.append((part, step))
            previous = previous or last
            transitions += _outage(execute, part, run, seq)
            transitions += _announced(execute, part, step)
        run = replace(run, report=decide(_annotated(run.report, steps)))
        if not known:
            _write_run(execute, seq, run, steps, render(run.report))
            if run.destinations:
                transitions += _reminders(execute, steps, run)
                if transitions:
                    _post(execute, run, transitions)
        return run.report, _note(execute, run.id, [part for part, _ in steps], previous)


def _note(execute: Execute, run: str, divided: Sequence[Part], previous: str | None) -> HistoryNote:
    """Return what a report says of the history: what is open now, and when the last conclusive run was."""
    items = [item for part in divided for item in _open(execute, part.stream).values()]
    conclusive = [
        execute(
            "SELECT max(generated_at) FROM driftcheck_parts WHERE stream = :stream AND conclusive = 1 AND review = 0",
            stream=part.stream,
        )[0][0]
        for part in divided
        if part.is_target
    ]
    return HistoryNote(
        run,
        previous,
        last_conclusive=None if None in conclusive else min(conclusive, default=None),
        open=len(items),
        oldest_open=min((item.first_seen for item in items), default=None),
    )


def _attached(execute: Execute, part: Part) -> Part:
    """Return a part in the stream that it belongs to.

    A report is identified by its workspace. A run that failed before it read the workspace has another identity, so
    that its stream must be found.
    """
    if part.target is not None or not part.is_target:
        return part
    rows = execute("SELECT stream, max(conclusive) FROM driftcheck_parts GROUP BY stream")
    alike = {stream: bool(found) for stream, found in rows if json.loads(stream)[1:] == json.loads(part.stream)[1:]}
    conclusive = [stream for stream, is_conclusive in alike.items() if is_conclusive]
    if part.conclusive:
        if part.stream not in alike:
            _take_failed_runs(execute, part.stream, [stream for stream in alike if stream not in conclusive])
        return part
    return replace(part, stream=conclusive[0]) if len(conclusive) == 1 else part


def _take_failed_runs(execute: Execute, stream: str, failed: Sequence[str]) -> None:
    """Move runs that failed before the workspace was known into the stream of the first run that read it."""
    unread = [each for each in failed if (json.loads(each)[0] or CONFIG_NAME).endswith(CONFIG_NAME)]
    if len(unread) == 1:
        execute("UPDATE driftcheck_parts SET stream = :stream WHERE stream = :failed", stream=stream, failed=unread[0])


def _with_owners(execute: Execute, step: Step, target: str | None, previous: str | None) -> Step:
    """Return the step with owners of opened items: those of the ignore rules that suppressed them in the run before."""
    if not step.opened or previous is None:
        return step
    rows = execute("SELECT report FROM driftcheck_runs WHERE id = :id", id=previous)
    report = json.loads(zlib.decompress(bytes(rows[0][0])))
    suppressed = [
        (Key(deployment["name"], path=change["path"]), change["suppressed"])
        for deployment in report["deployments"]
        if deployment.get("target") == target
        for change in deployment["changes"]
    ]
    suppressed += [
        (Key(found["deployment"], rule=found["rule"]), found["suppressed"])
        for found in report["findings"]
        if found.get("target") == target
    ]
    owners = {key: rule.get("owner") for key, rule in suppressed if rule is not None}
    return replace(step, opened=tuple(replace(item, owner=owners.get(item.key)) for item in step.opened))


def _next(execute: Execute, table: str, column: str) -> int:
    """Return the next number of a table; writers take turns, so no other writer gets the same one."""
    return int(execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}")[0][0])  # noqa: S608


def _insert(execute: Execute, table: str, **values: Value) -> None:
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", **values)  # noqa: S608


def _moment(execute: Execute, part: Part, run: NewRun, seq: int) -> tuple[Moment, str | None]:
    """Return what was recorded around a run, and the id of the last conclusive run of its identity before it."""
    values: dict[str, Value] = {"stream": part.stream, "seq": seq, "at": run.at}
    newer = execute(
        "SELECT info FROM driftcheck_parts WHERE stream = :stream AND conclusive = 1 AND review = 0 AND run <> :seq "
        "AND generated_at > :at",
        **values,
    )
    before = (
        "SELECT p.generated_at, r.id FROM driftcheck_parts p JOIN driftcheck_runs r ON r.seq = p.run "
        "WHERE p.stream = :stream AND p.conclusive = 1 AND p.review = 0 AND p.run <> :seq AND p.generated_at <= :at "
        "{} ORDER BY p.generated_at DESC, p.run DESC LIMIT 1"
    )
    last = execute(before.format("AND p.reach IN ('', :reach)"), reach=part.reach.key, **values)
    previous = execute(before.format(""), **values)
    moment = Moment(
        run=run.id,
        at=run.at,
        previous=last[0][0] if last else None,
        newer=tuple(reach_from_json(json.loads(info)["reach"]) for (info,) in newer),
        moves=part.conclusive and not run.is_review,
    )
    return moment, previous[0][1] if previous else None


def _outage(execute: Execute, part: Part, run: NewRun, seq: int) -> Iterator[Transition]:
    """Yield the start or the end of a series of inconclusive runs.

    Each target has its own; a run that failed before its targets is announced as a whole.
    """
    if run.is_review:
        return
    rows = execute(
        "SELECT conclusive, generated_at, info FROM driftcheck_parts WHERE stream = :stream AND review = 0 "
        "AND run <> :seq ORDER BY generated_at DESC, run DESC LIMIT 1",
        stream=part.stream,
        seq=seq,
    )
    if rows and rows[0][1] > run.at:
        return
    if not part.is_target and not (rows and part.conclusive and json.loads(rows[0][2])["is_target"]):
        return
    was_conclusive = bool(rows[0][0]) if rows else True
    if part.conclusive is not was_conclusive:
        yield Transition(Kind.RECOVERED if part.conclusive else Kind.OUTAGE, part.target, outcome=part.outcome.value)


def _announced(execute: Execute, part: Part, step: Step) -> Iterator[Transition]:
    for item in step.opened:
        earlier = execute(
            "SELECT 1 FROM driftcheck_items WHERE stream = :stream AND fingerprint = :fingerprint LIMIT 1",
            stream=part.stream,
            fingerprint=item.key.fingerprint,
        )
        yield Transition(Kind.REOPENED if earlier else Kind.OPENED, part.target, item)
    for item in step.changed:
        yield Transition(Kind.CHANGED, part.target, item)
    for item in step.resolved:
        yield Transition(Kind.RESOLVED, part.target, item)


def _reminders(execute: Execute, steps: Iterable[tuple[Part, Step]], run: NewRun) -> Iterator[Transition]:
    """Yield reminders of items that have long been open, and record them."""
    if run.remind is None or run.is_review:
        return
    limit = (datetime.fromisoformat(run.at) - run.remind).strftime("%Y-%m-%dT%H:%M:%SZ")
    for part, _ in steps:
        for item in _open(execute, part.stream).values() if part.conclusive else ():
            if (item.announced_at or item.first_seen) <= limit and item.last_seen == run.at:
                _update(execute, replace(item, announced_at=run.at))
                yield Transition(Kind.REMINDER, part.target, item)


_Item = TypeVar("_Item", Change, Finding)


def _annotated(report: Report, steps: Sequence[tuple[Part, Step]]) -> Report:
    """Return the report with the state of every item, and with resolved items."""
    states = {(part.target, key): state for part, step in steps for key, state in step.states.items()}

    def with_state(item: _Item, target: str | None, key: Key) -> _Item:
        found = states.get((target, key)) if is_item(item) else None
        return replace(item, state=found[0], first_seen=found[1]) if found else item

    def with_states(each: Comparison) -> Comparison:
        changes = (with_state(change, each.target, key_of_change(each, change)) for change in each.changes)
        return replace(each, changes=tuple(changes))

    resolved = [
        ResolvedItem(
            deployment=item.key.deployment,
            first_seen=item.first_seen,
            last_seen=item.last_seen,
            path=None if item.key.path is None else parse_path(item.key.path),
            rule=item.key.rule,
            target=item.target,
        )
        for _, step in steps
        for item in step.resolved
    ]
    resolved.sort(key=lambda item: (item.target or "", item.deployment or "", str(item.path), item.rule or ""))
    return replace(
        report,
        deployments=tuple(map(with_states, report.deployments)),
        findings=tuple(with_state(found, found.target, key_of_finding(found)) for found in report.findings),
        resolved=tuple(resolved),
    )


def _write_run(execute: Execute, seq: int, run: NewRun, steps: Sequence[tuple[Part, Step]], text: str) -> None:
    report, data = run.report, text.encode()
    info = {
        "command": report.command,
        "report_id": report.report_id,
        "outcome": report.outcome.value,
        "conclusive": all(part.conclusive for part, _ in steps),
        "targets": [part.target for part, _ in steps if part.target is not None],
        "changes": report.summary.changes,
        "review": run.is_review,
    }
    _insert(
        execute,
        "driftcheck_runs",
        seq=seq,
        id=run.id,
        generated_at=run.at,
        info=canonical(info),
        sha256=hashlib.sha256(data).hexdigest(),
        report=zlib.compress(data, 6),
    )
    for part, step in steps:
        _write_part(execute, seq, run, part, step)
        _write_items(execute, part.stream, step, run)


def _write_part(execute: Execute, seq: int, run: NewRun, part: Part, step: Step) -> None:
    """Record what a run says of one stream of items, before the items themselves."""
    outcomes = {target.name: target.outcome for target in run.report.targets}
    known = execute(
        "SELECT count(*) FROM driftcheck_items WHERE stream = :stream AND resolved_at IS NULL", stream=part.stream
    )[0][0]
    numbers = {
        "target": part.target,
        "is_target": part.is_target,
        "outcome": outcomes.get(part.target or "", run.report.outcome).value,
        "reach": part.reach.to_json(),
        "coverage": part.coverage,
        "declared": part.declared,
        "live": part.live,
        "opened": len(step.opened),
        "changed": len(step.changed),
        "resolved": len(step.resolved),
        "open": known + len(step.opened) - len(step.resolved),
    }
    _insert(
        execute,
        "driftcheck_parts",
        run=seq,
        stream=part.stream,
        generated_at=run.at,
        conclusive=int(part.conclusive),
        review=int(run.is_review),
        reach=part.reach.key,
        info=canonical(numbers),
    )


def _write_items(execute: Execute, stream: str, step: Step, run: NewRun) -> None:
    announced_at = run.at if run.destinations else None
    for number, item in enumerate(step.opened, _next(execute, "driftcheck_items", "id")):
        _insert(
            execute,
            "driftcheck_items",
            id=number,
            stream=stream,
            fingerprint=item.key.fingerprint,
            first_seen=item.first_seen,
            info=_info(replace(item, announced_at=announced_at)),
        )
    for item in step.changed:
        _update(execute, replace(item, announced_at=announced_at or item.announced_at))
    for item in (*step.kept, *step.resolved):
        _update(execute, item)


def _update(execute: Execute, item: Item) -> None:
    execute(
        "UPDATE driftcheck_items SET resolved_at = :resolved_at, info = :info WHERE id = :id",
        id=item.id,
        resolved_at=item.resolved_at,
        info=_info(item),
    )


_STORED: Final = (
    "value", "declared", "last_seen", "after", "before", "changed_at", "owner", "reach", "opened_run", "resolved_run",
    "announced_at",
)  # fmt: skip
"""The attributes of an item that are stored under their own names."""


def _info(item: Item) -> str:
    key = {"deployment": item.key.deployment, "path": item.key.path, "rule": item.key.rule}
    return canonical({**key, "severity": item.severity.value, **{name: getattr(item, name) for name in _STORED}})


def _item(row: Row) -> Item:
    number, stream_key, first_seen, resolved_at, text = row
    info = json.loads(text)
    identity, target, command = json.loads(stream_key)
    return Item(
        key=Key(info["deployment"], info["path"], info["rule"]),
        severity=Severity(info["severity"]),
        first_seen=first_seen,
        resolved_at=resolved_at,
        id=number,
        target=target,
        command=command,
        report_id=identity or target,
        **{name: info[name] for name in _STORED},
    )


_ITEM_COLUMNS: Final = "id, stream, first_seen, resolved_at, info"


def _open(execute: Execute, stream_key: str) -> dict[Key, Item]:
    rows = execute(
        f"SELECT {_ITEM_COLUMNS} FROM driftcheck_items WHERE stream = :stream AND resolved_at IS NULL ORDER BY id",  # noqa: S608
        stream=stream_key,
    )
    return {item.key: item for item in map(_item, rows)}


def _post(execute: Execute, run: NewRun, transitions: Sequence[Transition]) -> None:
    report = run.report
    message = canonical(document(run.id, run.at, report.command, report.report_id, report.outcome.value, transitions))
    for destination in run.destinations:
        number = _next(execute, "driftcheck_outbox", "id")
        _insert(execute, "driftcheck_outbox", id=number, destination=destination, claimed_until=0, message=message)


def claim(url: str, destinations: Iterable[str]) -> tuple[Message, ...]:
    """Claim the messages for these destinations, oldest first, so that no other run sends them meanwhile."""
    messages = []
    now = time.time()
    with database.transaction(url, write=True) as execute:
        for destination in destinations:
            rows = execute(
                "SELECT id, message FROM driftcheck_outbox WHERE destination = :destination AND claimed_until < :now "
                "ORDER BY id",
                destination=destination,
                now=now,
            )
            for number, text in rows:
                execute(
                    "UPDATE driftcheck_outbox SET claimed_until = :until WHERE id = :id",
                    id=number,
                    until=now + _CLAIM_SECONDS,
                )
                messages.append(Message(number, destination, json.loads(text)))
    return tuple(messages)


def settle(url: str, sent: Iterable[Message], failed: Iterable[Message]) -> None:
    """Remove the messages that were sent, and keep those that failed for the next run."""
    with database.transaction(url, write=True) as execute:
        for message in sent:
            execute("DELETE FROM driftcheck_outbox WHERE id = :id", id=message.id)
        for message in failed:
            execute("UPDATE driftcheck_outbox SET claimed_until = 0 WHERE id = :id", id=message.id)


def open_items(url: str, targets: Sequence[str] = ()) -> tuple[Item, ...]:
    """Return the open items, worst first, then newest; an item of both `check` and `audit` is returned once."""
    items = [item for item in episodes(url, targets) if item.resolved_at is None]
    newest = sorted(items, key=lambda item: item.first_seen, reverse=True)
    return tuple(sorted(newest, key=lambda item: item.severity.rank))


def episodes(url: str, targets: Sequence[str] = ()) -> list[Item]:
    """Return the episodes of all items, oldest first, those of `check` and `audit` united.

    An item of `check` is resolved, too, by an audit that looked for it later: it reports whatever a check does.
    """
    audits: dict[tuple[str | None, str | None], list[tuple[str, str, Reach]]] = {}
    for row in runs(url, targets):
        for part in row.parts if row.info["command"] == "audit" and not row.info["review"] else ():
            if part["conclusive"]:
                identity, target, _ = json.loads(part["stream"])
                found = (row.generated_at, row.id, reach_from_json(part["reach"]))
                audits.setdefault((identity or target, target), []).append(found)
    items = (
        _resolved_by(item, audits.get((item.report_id, item.target), ())) if item.command == "check" else item
        for item in all_items(url, targets)
    )
    return united(items)


def _resolved_by(item: Item, audits: Iterable[tuple[str, str, Reach]]) -> Item:
    """Return an item as it is after the audits, oldest first."""
    for at, run, reach in audits:
        is_later = item.last_seen < at < (item.resolved_at or "~")
        if is_later and reach.covers(item.key.deployment, item.reach):
            return replace(item, resolved_at=at, resolved_run=run)
    return item


def all_items(url: str, targets: Sequence[str] = ()) -> tuple[Item, ...]:
    """Return every episode of every item, oldest first."""
    with database.transaction(url, write=False) as execute:
        rows = execute(f"SELECT {_ITEM_COLUMNS} FROM driftcheck_items ORDER BY first_seen, id")  # noqa: S608
    return tuple(item for item in map(_item, rows) if not targets or item.target in targets)


def runs(url: str, targets: Sequence[str] = ()) -> tuple[RunRow, ...]:
    """Return the recorded runs, oldest first."""
    with database.transaction(url, write=False) as execute:
        rows = execute("SELECT seq, id, generated_at, sha256, info FROM driftcheck_runs ORDER BY generated_at, seq")
        part_rows = execute("SELECT run, stream, conclusive, info FROM driftcheck_parts ORDER BY run, stream")
    by_run: dict[int, list[Mapping[str, Any]]] = {}
    for seq, stream_key, conclusive, info in part_rows:
        record = json.loads(info) | {"stream": stream_key, "conclusive": bool(conclusive)}
        if not targets or record["target"] in targets:
            by_run.setdefault(seq, []).append(record)
    return tuple(
        RunRow(run_id, at, sha256, json.loads(info), tuple(by_run[seq]))
        for seq, run_id, at, sha256, info in rows
        if seq in by_run
    )


def report_text(url: str, run: str) -> str:
    """Return the JSON report of a run, as it was recorded; a run is named by its id or an unambiguous start of it.

    Raises HistoryError if the run does not exist, or if the report is not the one that was recorded.
    """
    with database.transaction(url, write=False) as execute:
        rows = execute("SELECT id FROM driftcheck_runs")
        found = [name for (name,) in rows if name.startswith(run)]
        exact = [name for name in found if name == run] or found
        if not run or len(exact) != 1:
            raise HistoryError(
                "More than one run has an id that begins like this." if exact and run else "No run has this id.",
                hint="`driftcheck history list` shows the runs and their ids.",
            )
        data, sha256 = execute("SELECT report, sha256 FROM driftcheck_runs WHERE id = :id", id=exact[0])[0]
    try:
        text = zlib.decompress(bytes(data))
    except zlib.error:
        text = b""
    if hashlib.sha256(text).hexdigest() != sha256:
        raise HistoryError("The report of this run is not the one that was recorded: its SHA-256 differs.")
    return text.decode()


def prune(url: str, before: str) -> tuple[int, int]:
    """Delete runs, and items resolved, before a time; return how many of each.

    Open items stay, and so does the last conclusive run of every stream, which later runs are compared with.
    """
    with database.transaction(url, write=True) as execute:
        old = {seq for (seq,) in execute("SELECT seq FROM driftcheck_runs WHERE generated_at < :before", before=before)}
        last = execute(
            "SELECT stream, conclusive, run FROM driftcheck_parts WHERE review = 0 ORDER BY generated_at, run"
        )
        old -= {*{(stream, conclusive): run for stream, conclusive, run in last}.values()}
        for seq in old:
            execute("DELETE FROM driftcheck_parts WHERE run = :seq", seq=seq)
            execute("DELETE FROM driftcheck_runs WHERE seq = :seq", seq=seq)
        items = execute("SELECT count(*) FROM driftcheck_items WHERE resolved_at < :before", before=before)[0][0]
        execute("DELETE FROM driftcheck_items WHERE resolved_at < :before", before=before)
        for number, text in execute("SELECT id, message FROM driftcheck_outbox"):
            if json.loads(text)["generated_at"] < before:  # nobody sends to its destination any longer
                execute("DELETE FROM driftcheck_outbox WHERE id = :id", id=number)
    database.compact(url)
    return len(old), items
