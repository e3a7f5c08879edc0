"""Ignore rules: what they hide, and what is wrong with them.

What is hidden stays in the report, marked with the rule, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from driftcheck.fields import deployment
from driftcheck.model import ABSENT, JSON, Change, Comparison, Finding, Guard, IgnoreRule, Suppression
from driftcheck.paths import glob_matches, matches, split_pattern
from driftcheck.redaction.values import redact
from driftcheck.rules import RULES

_ABSENCE_RULES: Final = frozenset({"missing-deployment"})
_PRESENCE_RULES: Final = frozenset({"unmanaged-deployment", "unmanaged-preview", "unmanaged-managed-agent"})


@dataclass(slots=True)
class Suppressions:
    """The rules that are in force, and which of them have hidden something."""

    rules: tuple[IgnoreRule, ...]
    used: set[int] = field(default_factory=set)

    def hide_change(self, name: str, change: Change) -> Change:
        """Mark a change that a rule covers; its live value must not have been redacted yet."""
        for index, rule in enumerate(self.rules):
            if _covers(rule, name, change):
                self.used.add(index)
                return replace(change, suppressed=_suppression(rule))
        return change

    def hide_finding(self, finding: Finding) -> Finding:
        """Mark the finding of a missing or unmanaged deployment that a rule covers."""
        for index, rule in enumerate(self.rules):
            if finding.deployment is not None and _covers_deployment(rule, finding.rule, finding.deployment):
                self.used.add(index)
                return replace(finding, suppressed=_suppression(rule))
        return finding

    def unused(self) -> Iterator[Finding]:
        """Give a finding for each rule that has hidden nothing."""
        for index, rule in enumerate(self.rules):
            if index not in self.used:
                yield _finding("unused-ignore", rule)


def in_force(rules: Iterable[IgnoreRule], today: date) -> tuple[Suppressions, list[Finding]]:
    """Take out the rules that hide nothing: expired ones, and ones that would hide everything; a finding for each."""
    kept, findings = [], []
    for rule in rules:
        if is_catch_all(rule):
            findings.append(_finding("catch-all-ignore", rule))
        elif rule.expires is not None and date.fromisoformat(rule.expires) < today:
            findings.append(_finding("expired-ignore", rule))
        else:
            kept.append(rule)
    return Suppressions(tuple(kept)), findings


def is_catch_all(rule: IgnoreRule) -> bool:
    """Tell whether a rule would hide every change of a deployment, or the state of every deployment.

    A path is judged by its segments as they are matched: quotes make a star no other.
    """
    if rule.path is None:
        return not rule.deployment.strip("*")
    segments = list(split_pattern(rule.path))
    return "**" in segments and all(segment and not segment.strip("*") for segment in segments)


def hide(comparisons: Sequence[Comparison], suppressions: Suppressions) -> list[Comparison]:
    """Mark the changes that are covered; the statuses are left as they are."""
    if not suppressions.rules:
        return list(comparisons)
    return [
        replace(c, changes=tuple(suppressions.hide_change(c.name, change) for change in c.changes)) if c.changes else c
        for c in comparisons
    ]


def _covers(rule: IgnoreRule, name: str, change: Change) -> bool:
    return (
        rule.path is not None
        and _is_about(rule, name)
        and matches(rule.path, change.path)
        and (rule.guard is None or _fulfils(redact(change, deployment()), rule.guard))
    )


def _fulfils(shown: Change, guard: Guard) -> bool:
    """Tell whether a change as it is shown fulfils a guard; one on what is not shown could be used to find it out."""
    return not shown.redacted and holds(guard, shown.live)


def _covers_deployment(rule: IgnoreRule, finding_rule: str, name: str) -> bool:
    """Tell whether a rule hides the absence of a deployment, which it must name in full, or its presence."""
    if rule.missing and finding_rule in _ABSENCE_RULES:
        return rule.deployment == name and _is_about(rule, name)
    return rule.unmanaged and finding_rule in _PRESENCE_RULES and glob_matches(rule.deployment, name)


def _is_about(rule: IgnoreRule, name: str) -> bool:
    return (rule.scope is None or name in rule.scope) and glob_matches(rule.deployment, name)


def holds(guard: Guard, live: JSON) -> bool:
    """Tell whether a live value fulfils a guard; bools are no numbers, texts neither."""
    if guard.equals is not ABSENT:
        return _alike(guard.equals, live)
    if guard.is_in is not None:
        return any(_alike(value, live) for value in guard.is_in)
    if guard.between is not None:
        low, high = guard.between
        return isinstance(live, int | float) and not isinstance(live, bool) and low <= live <= high
    return guard.matches is not None and isinstance(live, str) and glob_matches(guard.matches, live)


def _alike(value: JSON, live: JSON) -> bool:
    if isinstance(value, dict) and isinstance(live, dict):
        return value.keys() == live.keys() and all(_alike(entry, live[key]) for key, entry in value.items())
    if isinstance(value, list) and isinstance(live, list):
        return len(value) == len(live) and all(map(_alike, value, live))
    return value == live and isinstance(value, bool) == isinstance(live, bool)


def _suppression(rule: IgnoreRule) -> Suppression:
    return Suppression(rule.reason, rule.expires, rule.location)


def _finding(rule_id: str, rule: IgnoreRule) -> Finding:
    entry = RULES[rule_id]
    return Finding(rule_id, entry.severity, entry.title + ".", hint=entry.hint, location=rule.location)
