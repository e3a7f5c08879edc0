"""OpenMetrics for monitoring, also readable by Prometheus's textfile collector.

All metrics are gauges without timestamps, as that collector requires (prometheus/node_exporter,
textfile collector). Every series has the report's identity in its labels, because the collector reads the
files of a folder together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from driftcheck.formats import RenderOptions, view
from driftcheck.formats.escaping import unbroken, visible
from driftcheck.model import ChangeClass, Outcome, Report, Severity, Status

Sample: TypeAlias = tuple[Mapping[str, str], float]
Family: TypeAlias = tuple[str, str, list[Sample]]

_NAMED: Final = frozenset({Status.DRIFTED, Status.PROPOSED, Status.MISSING, Status.UNKNOWN})
"""Statuses whose deployments have their own series; the others would be too many."""


def render(report: Report, options: RenderOptions) -> str:
    """Render a report's numbers as families of gauges, with a series for each target where there are targets."""
    del options
    identity = {"report_id": view.report_id(report), "command": report.command}
    families: dict[str, tuple[str, list[Sample]]] = {name: (text, samples) for name, text, samples in _run(report)}
    for part in view.parts(report):
        target = {"target": part.report_id or ""} if report.targets else {}
        for name, text, samples in (*_totals(part), *_deployments(part)):
            families.setdefault(name, (text, []))[1].extend(({**target, **labels}, value) for labels, value in samples)
    return "".join(_family(name, text, samples, identity) for name, (text, samples) in families.items()) + "# EOF\n"


def _run(report: Report) -> Iterator[Family]:
    yield "run", "The run that these numbers come from.", [({"version": report.driftcheck_version}, 1)]
    made = datetime.fromisoformat(report.generated_at).timestamp()
    yield "generated_timestamp_seconds", "When the report was made.", [({}, made)]
    yield "exit_status", "The exit status of the run.", [({}, int(report.outcome.status))]
    outcomes: list[Sample] = [({"outcome": outcome.value}, report.outcome is outcome) for outcome in Outcome]
    yield "outcome", "How the run ended: 1 for its outcome, 0 for the others.", outcomes
    yield "complete", "Whether both sides were read completely.", [({}, report.complete)]
    yield from _history(report)


def _history(report: Report) -> Iterator[Family]:
    """Count what the history knows; no number if it could not be read."""
    note = report.history
    if note is None:
        return
    yield "history_recorded", "Whether the run was recorded in the history.", [({}, note.error is None)]
    if note.last_conclusive is not None:
        last = datetime.fromisoformat(note.last_conclusive).timestamp()
        yield "last_conclusive_timestamp_seconds", "When the last conclusive run was made.", [({}, last)]
    if note.open is not None:
        yield "open_items", "Open changes and findings.", [({}, note.open)]
        made = datetime.fromisoformat(report.generated_at)
        first = made if note.oldest_open is None else datetime.fromisoformat(note.oldest_open)
        age = max((made - first).total_seconds(), 0)
        yield "oldest_open_seconds", "Age of the oldest open item; 0 without open items.", [({}, age)]


def _totals(report: Report) -> Iterator[Family]:
    summary = report.summary
    yield "declared_deployments", "Deployments declared.", [({}, report.declared.deployments)]
    if report.live is not None and report.live.is_read:
        yield "live_deployments", "Deployments live.", [({}, report.live.deployments)]
    if summary.coverage is not None:
        yield "coverage_ratio", "The declared share of the live deployments.", [({}, summary.coverage)]
    yield "compared_fields", "Declared fields that were compared.", [({}, view.compared(report))]
    yield "unverifiable_fields", "Declared fields that the service does not report.", [({}, summary.unverifiable)]
    yield "by_name_only_values", "Declared values of which only the names are known.", [({}, summary.by_name_only)]
    yield "suppressed", "Changes and findings that ignore rules suppress.", [({}, summary.suppressed)]
    severities: list[Sample] = [({"severity": each.value}, summary.findings[each]) for each in Severity]
    yield "findings", "Unsuppressed findings by severity.", severities
    rules = Counter(visible(finding.rule) for finding in report.findings if finding.suppressed is None)
    if rules:
        yield (
            "rule_findings",
            "Unsuppressed findings by rule.",
            [({"rule": rule}, rules[rule]) for rule in sorted(rules)],
        )


def _deployments(report: Report) -> Iterator[Family]:
    statuses = report.summary.statuses
    yield "deployments", "Deployments by status.", [({"status": each.value}, statuses[each]) for each in Status]
    active = [
        (comparison, [change for change in comparison.changes if change.suppressed is None])
        for comparison in report.deployments
    ]
    classes = Counter(change.change_class for _, changes in active for change in changes)
    yield "changes", "Unsuppressed changes by class.", [({"class": each.value}, classes[each]) for each in ChangeClass]
    named: list[Sample] = [
        ({"deployment": visible(comparison.name), "status": comparison.status.value}, len(changes))
        for comparison, changes in active
        if changes or comparison.status in _NAMED
    ]
    if named:
        yield "deployment_changes", "Unsuppressed changes of each deployment that needs attention.", named


def _family(name: str, text: str, samples: list[Sample], identity: Mapping[str, str]) -> str:
    lines = [f"# TYPE driftcheck_{name} gauge", f"# HELP driftcheck_{name} {text}"]
    lines += [f"driftcheck_{name}{_labels({**identity, **labels})} {_number(value)}" for labels, value in samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return unbroken(visible(text)).replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
