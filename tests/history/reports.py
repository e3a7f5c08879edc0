"""Reports of runs as history sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from driftcheck import formats
from driftcheck.formats import RenderOptions
from driftcheck.history.items import Scope
from driftcheck.history.store import NewRun, record
from driftcheck.model import (
    JSON,
    Change,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Finding,
    LiveSince,
    LiveSummary,
    Outcome,
    Report,
    Severity,
    Status,
    TargetSummary,
)
from driftcheck.paths import Path, parse_path

START = datetime(2026, 1, 1)
MIN_SCALE = "source_config.resource_spec.min_scale"


def day(number: float) -> str:
    return (START + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def change(path: str = MIN_SCALE, live: JSON = 1, **given: object) -> Change:
    return replace(Change(ChangeKind.MODIFIED, parsed(path), 2, live), **given)


def parsed(path: str) -> Path:
    return parse_path(path)


def finding(rule: str, deployment: str | None = None, **given: object) -> Finding:
    return replace(Finding(rule, Severity.ERROR, "A message.", deployment=deployment), **given)


def comparison(name: str, changes: Iterable[Change] = (), target: str | None = None, **given: object) -> Comparison:
    changes = tuple(changes)
    status = Status.DRIFTED if changes else Status.IN_SYNC
    return replace(Comparison(name, status, id=f"id-{name}", changes=changes, target=target), **given)


def live(complete: bool = True, deployments: int = 3) -> LiveSummary:
    gaps = () if complete else ("The listing is incomplete.",)
    return LiveSummary("https://api.example.com", "ws", None, 1, 1, deployments, complete, gaps)


def report(
    at: float,
    deployments: Sequence[Comparison] = (),
    findings: Sequence[Finding] = (),
    *,
    complete: bool = True,
    outcome: Outcome | None = None,
    report_id: str | None = "ws",
    command: str = "check",
) -> Report:
    if outcome is None:
        drifted = any(each.changes for each in deployments) or findings
        outcome = Outcome.INCOMPLETE if not complete else Outcome.DRIFT if drifted else Outcome.IN_SYNC
    return Report(
        "0.1.0",
        command,
        day(at),
        outcome,
        live(complete),
        DeclaredSummary(("deployments.yaml",), len(deployments)),
        tuple(deployments),
        tuple(findings),
        report_id=report_id,
    )


def with_targets(base: Report, outcomes: Mapping[str, Outcome]) -> Report:
    """Return the report as one over targets; complete where the outcome is."""
    targets = tuple(
        TargetSummary(
            name,
            live(outcome is not Outcome.INCOMPLETE),
            DeclaredSummary(),
            base.summary,
            outcome,
            outcome is not Outcome.INCOMPLETE,
        )
        for name, outcome in outcomes.items()
    )
    return replace(base, live=None, declared=DeclaredSummary(), targets=targets, report_id="targets")


def render(made: Report) -> str:
    return formats.render("json", made, RenderOptions())


def keep(
    url: str,
    run: str,
    made: Report,
    scope: Scope | None = None,
    destinations: tuple[str, ...] = (),
    remind: timedelta | None = None,
) -> Report:
    """Record a report; return it with the states of its items."""
    return record(url, NewRun(run, made, scope or Scope(), destinations, remind), lambda each: each, render)[0]


def since(created: float | None = None, updated: float | None = None) -> LiveSince:
    return LiveSince(None if created is None else day(created), None if updated is None else day(updated))
