"""Numbers for monitoring, as OpenMetrics that Prometheus's textfile collector reads too.

So there are gauges alone and no timestamps on samples, both of which that collector insists on
(prometheus/node_exporter, textfile collector); when the report was made is a gauge of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import visible
from driftcheck.model import ChangeClass, Outcome, Report, Severity, Status

Sample: TypeAlias = tuple[Mapping[str, str], float]
Family: TypeAlias = tuple[str, str, list[Sample]]

_NAMED: Final = frozenset({Status.DRIFTED, Status.PROPOSED, Status.MISSING, Status.UNKNOWN})
"""Statuses whose deployments have a series of their own; the others would be too many."""


def render(report: Report, options: RenderOptions) -> str:
    """Render a report's numbers as families of gauges."""
    del options
    families = [*_run(report), *_totals(report), *_deployments(report)]
    return "".join(map(_family, families)) + "# EOF\n"


def _run(report: Report) -> Iterator[Family]:
    run = {"command": report.command, "version": report.driftcheck_version}
    yield "run", "The run that gave these numbers.", [(run, 1)]
    made = datetime.fromisoformat(report.generated_at).timestamp()
    yield "generated_timestamp_seconds", "When the report was made.", [({}, made)]
    yield "exit_status", "The exit status of the run.", [({}, int(report.outcome.status))]
    outcomes: list[Sample] = [({"outcome": outcome.value}, report.outcome is outcome) for outcome in Outcome]
    yield "outcome", "How the run ended: 1 for its outcome, 0 for the others.", outcomes
    yield "complete", "Whether both sides were read whole.", [({}, report.complete)]


def _totals(report: Report) -> Iterator[Family]:
    summary = report.summary
    yield "declared_deployments", "Deployments declared.", [({}, report.declared.deployments)]
    if report.live is not None:
        yield "live_deployments", "Deployments live.", [({}, report.live.deployments)]
    if summary.coverage is not None:
        yield "coverage_ratio", "The declared share of the live deployments.", [({}, summary.coverage)]
    compared = sum(comparison.compared for comparison in report.deployments)
    yield "compared_fields", "Declared fields that were compared.", [({}, compared)]
    yield "unverifiable_fields", "Declared fields that the service does not report.", [({}, summary.unverifiable)]
    yield "ignored", "Changes and findings that rules ignore.", [({}, summary.suppressed)]
    severities: list[Sample] = [({"severity": each.value}, summary.findings[each]) for each in Severity]
    yield "findings", "Active findings by severity.", severities
    rules = Counter(visible(finding.rule) for finding in report.findings if finding.suppressed is None)
    if rules:
        yield "rule_findings", "Active findings by rule.", [({"rule": rule}, rules[rule]) for rule in sorted(rules)]


def _deployments(report: Report) -> Iterator[Family]:
    statuses = report.summary.statuses
    yield "deployments", "Deployments by status.", [({"status": each.value}, statuses[each]) for each in Status]
    active = [
        (comparison, [change for change in comparison.changes if change.suppressed is None])
        for comparison in report.deployments
    ]
    classes = Counter(change.change_class for _, changes in active for change in changes)
    yield "changes", "Active changes by class.", [({"class": each.value}, classes[each]) for each in ChangeClass]
    named: list[Sample] = [
        ({"deployment": visible(comparison.name), "status": comparison.status.value}, len(changes))
        for comparison, changes in active
        if changes or comparison.status in _NAMED
    ]
    if named:
        yield "deployment_changes", "Active changes of each deployment that asks for attention.", named


def _family(family: Family) -> str:
    name, told, samples = family
    lines = [f"# TYPE driftcheck_{name} gauge", f"# HELP driftcheck_{name} {told}"]
    lines += [f"driftcheck_{name}{_labels(labels)} {_number(value)}" for labels, value in samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(text: str) -> str:
    return visible(text).replace("##[", r"##\x5b").replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
