"""Recording: store a run in the history, apply --fail-on-new, and send notifications.

A history or a notification that fails changes neither the verdict nor the status (docs/contract.md, Exit status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from driftcheck import formats, outcomes
from driftcheck.cli import console
from driftcheck.errors import DriftcheckError
from driftcheck.formats import RenderOptions
from driftcheck.model import HistoryNote, Report
from driftcheck.settings import Flags, Policy, Recording


def recorded(
    report: Report, recording: Recording | None, flags: Flags, policies: Mapping[str | None, Policy]
) -> Report:
    """Record a run, if runs are, and send its transitions; return the report with what the history says of it.

    `policies` are those of each target, or the one of a run without targets (None).
    """
    if recording is None:
        return report
    from driftcheck import notify
    from driftcheck.history import store
    from driftcheck.history.items import Scope

    destinations = notify.destinations(recording.notify)
    scope = Scope(flags.names, flags.scope, flags.paths)
    run = store.NewRun(uuid4().hex, report, scope, tuple(destinations), recording.remind)

    def decide(annotated: Report) -> Report:
        return outcomes.fail_on_new(annotated, policies) if recording.fail_on_new else annotated

    def render(annotated: Report) -> str:
        return formats.render("json", annotated, RenderOptions())

    try:
        report, note = store.record(recording.history, run, decide, render)
        failures = _deliver(recording.history, destinations)
    except DriftcheckError as error:
        console.say_error(error)
        return replace(report, history=HistoryNote(run.id, error=error.message))
    except Exception as error:
        console.say(f"error: the run was not recorded: internal error ({type(error).__name__}).")
        return replace(report, history=HistoryNote(run.id, error=f"internal error ({type(error).__name__})"))
    return replace(report, history=replace(note, error=" ".join(failures) or None))


def _deliver(history: str, destinations: Mapping[str, str]) -> list[str]:
    """Send what waits for the destinations, oldest first; return what failed, which stays for the next run."""
    if not destinations:
        return []
    from driftcheck import notify
    from driftcheck.history import store

    waiting = store.claim(history, destinations)
    sent, failures = [], {}
    try:
        for message in waiting:
            if message.destination in failures:
                continue
            try:
                notify.send(message.destination, destinations[message.destination], message.document)
            except DriftcheckError as error:
                console.say_error(error)
                failures[message.destination] = error.message
            else:
                sent.append(message)
    finally:
        if waiting:
            store.settle(history, sent, [message for message in waiting if message not in sent])
    return list(failures.values())
