"""The effect of the policy on changes and findings: their severities, and the outcome of a run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from driftcheck import fields
from driftcheck.model import (
    NO_LOCATION,
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Finding,
    LiveSummary,
    Location,
    Outcome,
    Report,
    Severity,
    State,
    Status,
    Suppression,
)
from driftcheck.rules import CLASSES_OF_RULES, COMPARISON_RULES, POLICY_PREFIX
from driftcheck.settings import Policy

_ABOUT_LIVE: Final = frozenset(COMPARISON_RULES) - {"catch-all-ignore", "nothing-declared"}
"""Rules whose findings are not defects of the user's own input."""

_TURNED_OFF: Final = Suppression("turned off by `severities` in driftcheck.yaml")


def with_severity(change: Change, policy: Policy) -> Change:
    """Return a change with the severity of the policy."""
    severity = _severity_of_class(change.change_class, "drift", policy)
    if severity is Severity.ERROR and _is_undeclared_exposure(change):
        severity = Severity.WARNING
    return change if change.severity is severity else replace(change, severity=severity)


def _is_undeclared_exposure(change: Change) -> bool:
    """Return whether a change is what `undeclared-sharing` warns about if the comparison is not strict."""
    is_top_level = change.kind is ChangeKind.ADDED and len(change.path) == 1
    return is_top_level and fields.deployment().at(change.path).exposes


def _severity_of_class(change_class: ChangeClass, rule: str, policy: Policy) -> Severity:
    """Return the severity of a change or a whole deployment by its class; only gated classes fail a run."""
    if change_class in policy.gate:
        return policy.severities.get(rule, Severity.ERROR)
    return Severity.WARNING if change_class is ChangeClass.ELSEWHERE else Severity.NOTE


def with_severities(findings: Iterable[Finding], policy: Policy, *, is_three_way: bool) -> tuple[Finding, ...]:
    """Return the findings with the severities of the policy, worst first, then by location."""
    rated = [replace(found, severity=_finding_severity(found, policy, is_three_way)) for found in findings]
    off = policy.off
    active = (replace(f, suppressed=_TURNED_OFF) if f.rule in off and f.suppressed is None else f for f in rated)
    return tuple(sorted(active, key=_finding_order))


def _finding_severity(found: Finding, policy: Policy, is_three_way: bool) -> Severity:
    change_class = CLASSES_OF_RULES.get(found.rule)
    if is_three_way and change_class is not None:
        return _severity_of_class(change_class, found.rule, policy)
    return policy.severities.get(found.rule, found.severity)


def _finding_order(found: Finding) -> tuple[int, str, Location, str]:
    return found.severity.rank, found.deployment or "", found.location or NO_LOCATION, found.rule


def decide(
    policy: Policy,
    declared: DeclaredSummary,
    live: LiveSummary | None,
    comparisons: Sequence[Comparison],
    findings: Sequence[Finding],
    *,
    allow_partial: bool,
) -> Outcome:
    """Return the first that applies of invalid, incomplete, drift and passed (docs/contract.md, Exit status)."""
    if not declared.complete or any(_invalidates(found) for found in findings):
        return Outcome.INVALID
    unknown = any(comparison.status is Status.UNKNOWN for comparison in comparisons)
    is_partial = live is not None and (unknown or not live.complete)
    if is_partial and not (allow_partial and _is_anything_compared(declared, live, comparisons)):
        return Outcome.INCOMPLETE
    changes = [change for comparison in comparisons for change in comparison.changes]
    items: Iterable[Finding | Change] = itertools.chain(findings, changes)
    if any(_counts(item, policy, is_three_way=declared.base is not None) for item in items):
        return Outcome.DRIFT
    differs = any(map(_is_difference, changes)) or any(_is_difference_of_deployment(found) for found in findings)
    return Outcome.PASSED if differs or is_partial else Outcome.IN_SYNC


def _is_anything_compared(
    declared: DeclaredSummary, live: LiveSummary | None, comparisons: Sequence[Comparison]
) -> bool:
    if not declared.deployments:
        return live is not None and live.deployments > 0
    return any(comparison.id is not None and comparison.compared for comparison in comparisons)


def _is_difference(change: Change) -> bool:
    """Return whether declared and live differ in an unsuppressed change; adopted ones are equal by now."""
    return change.suppressed is None and change.change_class is not ChangeClass.ADOPTED


def _is_difference_of_deployment(found: Finding) -> bool:
    """Return whether a finding is a difference that remains although it does not fail the run."""
    whole = found.rule in CLASSES_OF_RULES or found.rule == "declaration-removed"
    unmanaged = found.rule == "unmanaged-deployment" and found.severity is not Severity.NOTE
    return found.suppressed is None and (whole or unmanaged)


def _invalidates(found: Finding) -> bool:
    grave = found.severity is Severity.ERROR or found.rule == "nothing-declared"
    is_own_input = found.rule not in _ABOUT_LIVE and not found.rule.startswith(POLICY_PREFIX)
    return grave and is_own_input and found.suppressed is None


def _counts(item: Finding | Change, policy: Policy, *, is_three_way: bool) -> bool:
    """Return whether an unsuppressed change or finding makes the status 1.

    With --base only the gate decides for changes and for whole deployments, except that `--fail-on never` always
    passes; otherwise severities decide.
    """
    if item.suppressed is not None or policy.fail_on is None:
        return False
    change_class = item.change_class if isinstance(item, Change) else CLASSES_OF_RULES.get(item.rule)
    if is_three_way and change_class is not None:
        return change_class in policy.gate
    return item.severity.rank <= policy.fail_on.rank


def fail_on_new(report: Report, policies: Mapping[str | None, Policy]) -> Report:
    """Return the report with the outcome that only new and changed items decide (`--fail-on-new`).

    `policies` are those of each target, or the one of a run without targets (None). If the history could not be
    read, every item is new; so is every note, which no history follows.
    """
    items: list[tuple[str | None, Finding | Change]] = [(found.target, found) for found in report.findings]
    items += [(each.target, change) for each in report.deployments for change in each.changes]
    is_three_way = report.declared.base is not None
    failing = {
        target
        for target, item in items
        if item.state is not State.KNOWN
        for policy in ([policies[target]] if target in policies else policies.values())
        if _counts(item, policy, is_three_way=is_three_way)
    }

    def decided(outcome: Outcome, fails: bool) -> Outcome:
        return Outcome.PASSED if outcome is Outcome.DRIFT and not fails else outcome

    targets = tuple(replace(each, outcome=decided(each.outcome, each.name in failing)) for each in report.targets)
    return replace(report, outcome=decided(report.outcome, bool(failing)), targets=targets)
