"""Targets: runs each target of the configuration, and combines the results into one report.

Each target is read and compared on its own, all of them at once, with its own proof of completeness. A target that
can't be read makes the report incomplete and hides nothing of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from driftcheck import pipeline, sides
from driftcheck.errors import DriftcheckError, LiveError
from driftcheck.model import (
    Declarations,
    DeclaredSummary,
    Finding,
    IgnoreRule,
    Location,
    Outcome,
    Report,
    Snapshot,
    Status,
    TargetSummary,
)
from driftcheck.rules import make_finding
from driftcheck.settings import Settings

if TYPE_CHECKING:
    from driftcheck.baseline import BaseRevision


@dataclass(frozen=True, slots=True)
class CheckedTarget:
    """The report of one run, and what it was made of."""

    settings: Settings
    declarations: Declarations
    report: Report
    snapshot: Snapshot | None = None
    """None if live was not read."""

    @property
    def target(self) -> str:
        """The name of the target; empty in a run without targets."""
        return self.settings.target or ""

    @property
    def ignores(self) -> tuple[IgnoreRule, ...]:
        """The ignore rules whose use was judged."""
        return (*self.declarations.ignores, *self.settings.policy.ignores)


def check(runs: sides.Runs, progress: Callable[[int], None]) -> Report:
    """Read both sides of every run and compare them; raises an error of the only run."""
    return _combine(check_each(runs, progress))


def check_each(runs: sides.Runs, progress: Callable[[int], None]) -> list[CheckedTarget]:
    """Read both sides of every run and compare them separately; raises an error of the only run."""
    return [_check(*run, *both) for run, both in zip(runs, sides.read(runs, progress), strict=True)]


def validate(runs: Sequence[Settings]) -> Report:
    """Validate the declarations of every run."""
    results = []
    for run in runs:
        declarations = sides.read_declarations(run)
        report = pipeline.validate(declarations, pipeline.Run(run))
        results.append(CheckedTarget(run, declarations, report))
    return _combine(results)


def _check(
    settings: Settings, base: BaseRevision | None, declarations: Declarations, live: Snapshot | DriftcheckError
) -> CheckedTarget:
    """Compare one run; a listing that could not be read is a gap.

    Any other error of the live side is raised, or reported as a finding of one of several targets.
    """
    failure = None if isinstance(live, Snapshot | LiveError) else live
    if failure is not None and settings.target is None:
        raise failure
    snapshot = live if isinstance(live, Snapshot) else sides.unread_snapshot(settings, live)
    baseline = base.read(declarations) if base else None
    is_one_of_several = settings.names and settings.target is not None  # a name may belong to one target only
    judged = replace(settings, allow_empty=True) if is_one_of_several else settings
    report = pipeline.check(declarations, snapshot, pipeline.Run(judged, baseline))
    if failure is not None:
        failed = make_finding("run-failed", failure.message, hint=failure.hint)
        outcome = _worst([report.outcome, Outcome[failure.status.name]])
        report = replace(report, findings=(failed, *report.findings), outcome=outcome)
    return CheckedTarget(settings, declarations, report, snapshot)


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    return min(outcomes, key=attrgetter("rank"))


def _combine(results: Sequence[CheckedTarget]) -> Report:
    """Return the report of the only run, or one of several targets, which reports once what is the same in all."""
    first, chosen = results[0].report, results[0].settings
    if chosen.target is None:
        return first
    elsewhere = _unmanaged_in(results)
    findings = [
        replace(_with_other_targets(found, result.target, elsewhere), target=result.target)
        for result in results
        for found in result.report.findings
    ]
    kept = list(_without_used_elsewhere(_once(findings, len(results)), results))
    outcomes = [result.report.outcome for result in results]
    names = chosen.names
    if names and not chosen.allow_empty and not any(result.report.declared.deployments for result in results):
        kept.append(pipeline.no_name_matches(names))
        outcomes.append(Outcome.INVALID)
    ids = [result.target for result in results]
    return Report(
        driftcheck_version=first.driftcheck_version,
        command=first.command,
        generated_at=first.generated_at,
        outcome=_worst(outcomes),
        live=None,
        declared=DeclaredSummary(),
        deployments=tuple(
            replace(comparison, target=result.target)
            for result in sorted(results, key=lambda result: result.target)
            for comparison in result.report.deployments
        ),
        findings=tuple(sorted(kept, key=lambda found: (found.severity.rank, found.target or ""))),
        report_id=chosen.report_id or (ids[0] if len(ids) == 1 else "targets"),
        targets=tuple(
            TargetSummary(
                result.target,
                result.report.live,
                result.report.declared,
                result.report.summary,
                result.report.outcome,
                result.report.complete,
                result.settings.name_suffix,
            )
            for result in results
        ),
    )


def _unmanaged_in(results: Sequence[CheckedTarget]) -> Mapping[str, list[str]]:
    """Return for each deployment that a target does not declare the targets in whose workspace it is live."""
    found: dict[str, list[str]] = defaultdict(list)
    for result in results:
        for comparison in result.report.deployments:
            if comparison.status is Status.UNMANAGED:
                found[comparison.name].append(result.target)
    return found


def _with_other_targets(found: Finding, target: str, elsewhere: Mapping[str, list[str]]) -> Finding:
    """Add to a missing deployment in which other target's workspace it is live."""
    others = [other for other in elsewhere.get(found.deployment or "", ()) if other != target]
    if found.rule != "missing-deployment" or not others:
        return found
    where = " and ".join(f"{other}'s" for other in others)
    return replace(found, message=f"{found.message} It is live in {where} workspace.")


def _once(findings: Sequence[Finding], targets: int) -> Iterator[Finding]:
    """Yield findings of files that all targets share once, without a target."""
    counts: dict[Finding, int] = defaultdict(int)
    for found in findings:
        counts[replace(found, target=None)] += 1
    yielded: set[Finding] = set()
    for found in findings:
        common = replace(found, target=None)
        if targets > 1 and counts[common] == targets and found.location is not None:
            if common not in yielded:
                yield common
            yielded.add(common)
        else:
            yield found


def _without_used_elsewhere(findings: Iterable[Finding], results: Sequence[CheckedTarget]) -> Iterator[Finding]:
    """Leave out `unused-ignore` findings of rules that are used, or could not be judged, in another target."""
    having: dict[Location, int] = defaultdict(int)
    unused: dict[Location, int] = defaultdict(int)
    for result in results:
        for location in {rule.location for rule in result.ignores}:
            having[location] += 1
        for location in {f.location for f in result.report.findings if f.rule == "unused-ignore" and f.location}:
            unused[location] += 1
    yielded: set[Location] = set()
    for found in findings:
        if found.rule != "unused-ignore" or found.location is None:
            yield found
        elif unused[found.location] >= having[found.location] and found.location not in yielded:
            yielded.add(found.location)
            yield found if having[found.location] == 1 else replace(found, target=None)
