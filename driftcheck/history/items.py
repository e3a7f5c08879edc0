"""The items of a run that the history follows; pure functions.

An item is an unsuppressed change or finding of severity warning or error. Its identity is its target, deployment and
path (a change) or rule (a finding): neither its value nor its line, so that it stays the same item if these change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from driftcheck.model import JSON, Change, Comparison, Finding, Outcome, Report, Severity, Status, TargetSummary
from driftcheck.paths import format_path, glob_matches

_CONCLUSIVE: Final = frozenset({Outcome.IN_SYNC, Outcome.PASSED, Outcome.DRIFT})


@dataclass(frozen=True, slots=True)
class Scope:
    """The filters of a run; empty for a run over everything."""

    names: tuple[str, ...] = ()
    """Globs over deployment names (`--name`)."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """Filters of the listing."""
    paths: tuple[str, ...] = ()
    """PATHS of the command line."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The items that a part of a run covers."""

    key: str = ""
    """The scope as text; empty for a run over everything."""
    names: tuple[str, ...] = ()
    """Globs over the names of deployments; empty for all."""
    deployments: frozenset[str] | None = None
    """The deployments that were compared, where PATHS or filters narrow the run."""
    filtered: bool = False

    def covers(self, deployment: str | None, last_reach: str) -> bool:
        """Return whether the absence of an item would mean that it is resolved.

        A deployment that a filter no longer selects may still exist, so a filtered run covers only what it compared.
        """
        if not self.key or (self.key == last_reach and not self.filtered):
            return True
        if deployment is None or (self.names and not any(glob_matches(name, deployment) for name in self.names)):
            return False
        return self.deployments is None or deployment in self.deployments

    def to_json(self) -> JSON:
        """Return the reach as JSON."""
        deployments = None if self.deployments is None else sorted(self.deployments)
        return {"key": self.key, "names": list(self.names), "deployments": deployments, "filtered": self.filtered}


def reach_from_json(record: Mapping[str, Any]) -> Reach:
    """Read what `Reach.to_json` returned."""
    deployments = record["deployments"]
    return Reach(
        record["key"],
        tuple(record["names"]),
        None if deployments is None else frozenset(deployments),
        record["filtered"],
    )


@dataclass(frozen=True, slots=True)
class Key:
    """An item's identity within its stream."""

    deployment: str | None
    path: str | None = None
    """Of a change; None for a finding, which has a rule."""
    rule: str | None = None

    @property
    def fingerprint(self) -> str:
        """A short text of fixed length; never of a value."""
        return hashlib.sha256(canonical([self.deployment, self.path, self.rule]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Seen:
    """An item in one run."""

    key: Key
    severity: Severity
    value: str | None
    """What the report shows of the live value, as canonical JSON; None if it is redacted."""
    declared: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    """Times of the live deployment, from the listing."""


@dataclass(frozen=True, slots=True)
class Part:
    """The result of a run for one target, or for everything without targets."""

    target: str | None
    stream: str
    """Runs of one stream are about the same things: identity of the report, target, command."""
    outcome: Outcome
    conclusive: bool
    reach: Reach
    seen: Mapping[Key, Seen]
    """The items that it reports."""
    coverage: float | None = None
    declared: int = 0
    live: int | None = None
    """How many deployments are declared, and how many live; None if live was not read."""
    is_target: bool = True
    """False for the part that holds what concerns no single target."""


def canonical(value: JSON) -> str:
    """Return a value as one line of ASCII: the same for every database."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def is_item(each: Change | Finding) -> bool:
    """Return whether history follows a change or finding."""
    return each.suppressed is None and each.severity is not Severity.NOTE


def key_of_change(comparison: Comparison, change: Change) -> Key:
    """Return the identity of a change."""
    return Key(comparison.name, path=format_path(change.path))


def key_of_finding(found: Finding) -> Key:
    """Return the identity of a finding."""
    return Key(found.deployment, rule=found.rule)


def parts(report: Report, scope: Scope) -> tuple[Part, ...]:
    """Return the part of a report for each target, and one for the whole; only the latter without targets."""
    if not report.targets:
        return (_part(report, report, scope),)
    # if the run itself failed, and not a target, no part is conclusive
    failed = report.outcome not in _CONCLUSIVE and all(target.outcome in _CONCLUSIVE for target in report.targets)
    each = [_part(report, target, scope, failed=failed) for target in report.targets]
    whole = Part(
        target=None,
        stream=stream(report, None),
        outcome=report.outcome,
        conclusive=all(part.conclusive for part in each),
        reach=_reach(scope, report.deployments),
        seen=_seen(report, None),
        is_target=False,
    )
    return (*each, whole)


def _part(report: Report, side: Report | TargetSummary, scope: Scope, *, failed: bool = False) -> Part:
    """Return the part of a target, or of a report without targets."""
    name = side.name if isinstance(side, TargetSummary) else None
    comparisons = [comparison for comparison in report.deployments if comparison.target == name]
    unknown = any(comparison.status is Status.UNKNOWN for comparison in comparisons)
    return Part(
        target=name,
        stream=stream(report, name),
        outcome=side.outcome,
        conclusive=side.outcome in _CONCLUSIVE and side.complete and not unknown and not failed,
        reach=_reach(scope, comparisons),
        seen=_seen(report, name),
        coverage=side.summary.coverage,
        declared=side.declared.deployments,
        live=side.live.deployments if side.live and side.live.complete else None,
    )


def stream(report: Report, target: str | None) -> str:
    """Return the stream that a target's part of a report belongs to.

    A target is the same whether it was selected alone or among others, although the report's identity differs.
    """
    identity = "" if target is not None and report.report_id in ("targets", target) else report.report_id or ""
    return canonical([identity, target, report.command])


def _reach(scope: Scope, comparisons: Sequence[Comparison]) -> Reach:
    if not (scope.names or scope.filters or scope.paths):
        return Reach()
    key = canonical([sorted(scope.names), dict(scope.filters), sorted(scope.paths)])
    if not (scope.filters or scope.paths):
        return Reach(key, scope.names)
    unseen = {Status.UNKNOWN, Status.UNMANAGED} if scope.paths else {Status.UNKNOWN}
    compared = frozenset(comparison.name for comparison in comparisons if comparison.status not in unseen)
    return Reach(key, scope.names, compared, bool(scope.filters))


def _seen(report: Report, target: str | None) -> dict[Key, Seen]:
    seen: dict[Key, Seen] = {}
    for comparison in report.deployments:
        if comparison.target != target:
            continue
        for change in filter(is_item, comparison.changes):
            key = key_of_change(comparison, change)
            seen[key] = _seen_change(key, comparison, change)
    findings: dict[Key, list[Finding]] = {}
    for found in report.findings:
        if found.target == target and is_item(found):
            findings.setdefault(key_of_finding(found), []).append(found)
    for key, group in findings.items():
        seen[key] = Seen(key, min((found.severity for found in group), key=lambda s: s.rank), _where(group))
    return seen


def _seen_change(key: Key, comparison: Comparison, change: Change) -> Seen:
    since = comparison.live_since
    return Seen(
        key,
        change.severity,
        value=None if change.redacted else canonical(change.live),
        declared=None if change.redacted else canonical(change.declared),
        created_at=since.created_at if since else None,
        updated_at=since.updated_at if since else None,
    )


def _where(group: Sequence[Finding]) -> str:
    """Return the locations of findings of one identity, so that one more of them changes the item."""
    return canonical(
        sorted(
            [
                found.location.file if found.location and found.deployment is None else "",
                format_path(found.path) if found.path else "",
            ]
            for found in group
        )
    )
