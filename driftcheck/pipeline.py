"""The data flow: declarations and a snapshot in, a report out.

    declarations (what is declared) ─┐
                                     ├─ comparison ─ policy ─ report
    snapshot (what is live) ─────────┘

Facts about the user's files or deployments are findings. An error means that something could not be read at all; it is
a gap in the report if the rest can still be reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from driftcheck import __version__
from driftcheck.budget import Budget
from driftcheck.comparison import details
from driftcheck.comparison.verdicts import Verdicts, assess, inventory, status_of
from driftcheck.declarations.lint import accepted_by_live, findings_in_context
from driftcheck.environment import report_time
from driftcheck.ignores import in_force, pinned_paths
from driftcheck.model import (
    JSON,
    Change,
    ChangeClass,
    Comparison,
    Declarations,
    DeclaredSummary,
    Finding,
    IgnoreRule,
    LiveSummary,
    Report,
    Severity,
    Snapshot,
    Status,
)
from driftcheck.outcomes import decide, with_severities, with_severity
from driftcheck.paths import glob_matches
from driftcheck.policies import PolicyResults, judge_policies, with_unverifiable
from driftcheck.redaction.names import mask, mask_summary
from driftcheck.redaction.values import redact
from driftcheck.rules import ABSENCE_RULES, make_finding
from driftcheck.settings import Policy, Settings

if TYPE_CHECKING:
    from driftcheck.baseline import Baseline
    from driftcheck.declarations.export import Export

_WITHOUT_DECLARATIONS: Final = frozenset({"audit", "compare"})
"""Commands that may run without declarations."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a report depends on, besides the two sides."""

    settings: Settings
    baseline: Baseline | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Decides which ignore rules have expired."""
    generated_at: datetime = field(default_factory=report_time)
    """The time that the report carries."""


def validate(declarations: Declarations, run: Run) -> Report:
    """Report defects of the declarations themselves: YAML, schema and rules; offline."""
    settings, policy = run.settings, run.settings.policy
    suppressions, policy_findings = in_force((*declarations.ignores, *policy.ignores), run.now.date())
    judged = judge_policies(policy.policies, declarations, None, target=settings.target)
    names = {declaration.name for declaration in declarations.deployments}
    in_context = findings_in_context(declarations.deployments, region=settings.region, new=names)
    found_so_far = (*declarations.findings, *in_context, *judged.findings)
    findings = [suppressions.suppress_finding(found) for found in found_so_far]
    findings += [*suppressions.limit(), *_nothing_declared(declarations, settings), *policy_findings]
    return _report(run, declarations, None, (), findings)


def check(declarations: Declarations, snapshot: Snapshot, run: Run) -> Report:
    """Compare declared with live and report every difference, everything missing, unmanaged or unknown.

    An `audit` looks at the state of undeclared deployments, too.
    """
    snapshot = _with_gap_if_empty(declarations, snapshot, run.settings)
    if run.settings.command == "audit" and not declarations.deployments and declarations.complete:
        run = replace(run, settings=_of_inventory(run.settings))
    settings = run.settings
    verdicts = assess(
        declarations,
        snapshot,
        run.baseline.declarations if run.baseline else None,
        strict=settings.policy.strict,
        listed=settings.command == "compare",
        inventory=settings.command == "audit",
        pinned=pinned_paths(_rules(declarations, run)),
    )
    comparisons, policy_findings = _apply_policy(verdicts, declarations, snapshot, run)
    odd = [make_finding("suspicious-listing", warning) for warning in snapshot.warnings]
    findings = [*_nothing_declared(declarations, settings), *odd, *policy_findings]
    names = settings.names
    if settings.command == "audit" and names and not any(_is_named(each.name, names) for each in comparisons):
        findings.append(no_name_matches(names))
    snapshot = replace(snapshot, gaps=tuple(dict.fromkeys((*snapshot.gaps, *verdicts.gaps))))
    return _report(run, declarations, snapshot, comparisons, findings)


def export(snapshot: Snapshot, *, name_suffix: str = "") -> Export:
    """Return the declarations of what is live."""
    from driftcheck.comparison.diff import compare_with_live
    from driftcheck.declarations.export import export_listing

    def differing(form: Mapping[str, JSON], live: Mapping[str, JSON]) -> list[Change]:
        differences = compare_with_live(form, live, strict=True).differences
        return [Change(each.kind, each.path, each.declared, each.live) for each in differences]

    return export_listing(snapshot, differing, name_suffix=name_suffix)


def _with_gap_if_empty(declarations: Declarations, snapshot: Snapshot, settings: Settings) -> Snapshot:
    """Return the snapshot with a gap if it is empty and that is not accepted: a wrong workspace lists nothing too."""
    expected = declarations.deployments or not declarations.complete or settings.command in _WITHOUT_DECLARATIONS
    if snapshot.deployments or snapshot.gaps or settings.allow_empty_live or not expected:
        return snapshot
    from driftcheck.live.listing import why_empty

    return replace(snapshot, gaps=(why_empty(snapshot.scope),))


def _of_inventory(settings: Settings) -> Settings:
    """Return the settings of an audit without declarations: undeclared deployments are notes then."""
    severities = {**settings.policy.severities, "unmanaged-deployment": Severity.NOTE}
    return replace(settings, policy=replace(settings.policy, severities=severities))


def _nothing_declared(declarations: Declarations, settings: Settings) -> list[Finding]:
    names = settings.names
    is_accepted = not declarations.complete or settings.allow_empty or settings.command in _WITHOUT_DECLARATIONS
    if is_accepted or any(_is_named(declaration.name, names) for declaration in declarations.deployments):
        return []
    return [no_name_matches(names)] if names else [make_finding("nothing-declared")]


def no_name_matches(globs: Sequence[str]) -> Finding:
    """Return the finding of a `--name` that selects no declared deployment."""
    message = f"No declared deployment matches --name {' or '.join(globs)}."
    return make_finding("nothing-declared", message, hint="Check the spelling; only `*` is special in a glob.")


def _apply_policy(
    verdicts: Verdicts, declarations: Declarations, snapshot: Snapshot, run: Run
) -> tuple[list[Comparison], list[Finding]]:
    """Return the comparisons as the report shows them, and all findings, those of lint and policies included."""
    settings, policy = run.settings, run.settings.policy
    suppressions, findings = in_force(_rules(declarations, run), run.now.date())
    judged = _judge_policies(declarations, snapshot, run)
    suppressed = map(suppressions.suppress, verdicts.comparisons)
    compared = with_unverifiable(suppressed, judged)
    judgements = [suppressions.suppress_finding(found) for found in (*verdicts.findings, *judged.findings)]
    accepted = {f.deployment for f in judgements if f.rule in ABSENCE_RULES and f.suppressed is not None}
    missing = {comparison.name for comparison in verdicts.comparisons if comparison.status is Status.MISSING}
    linted = [*accepted_by_live(declarations.findings, verdicts.comparisons)]
    if settings.command != "compare":  # both sides of which are live
        linted += findings_in_context(declarations.deployments, region=settings.region, new=missing - accepted)
    findings += [*map(suppressions.suppress_finding, linted), *judgements]
    is_narrowed = bool(settings.names or snapshot.scope)
    if snapshot.complete and declarations.complete and not verdicts.gaps and not is_narrowed:
        findings += suppressions.unused(declarations.deployments, strict=policy.strict)
    findings += suppressions.limit()
    if run.baseline:
        if not run.baseline.declarations.complete:
            findings.append(make_finding("incomplete-base"))
        if run.baseline.is_at_tip and _is_all_elsewhere(compared):
            findings.append(make_finding("nothing-under-review"))
        findings += run.baseline.policy_changes(declarations, policy)
    budget = details.budget(declarations.size)
    return [_as_reported(comparison, policy, accepted, budget) for comparison in compared], findings


def _is_all_elsewhere(compared: Iterable[Comparison]) -> bool:
    classes = {change.change_class for comparison in compared for change in comparison.changes}
    return classes == {ChangeClass.ELSEWHERE}


def _judge_policies(declarations: Declarations, snapshot: Snapshot, run: Run) -> PolicyResults:
    if run.settings.command == "compare":
        return PolicyResults()
    return judge_policies(
        run.settings.policy.policies,
        declarations,
        snapshot.deployments,
        target=run.settings.target,
        base=run.baseline.declarations.tip if run.baseline else None,
    )


def _rules(declarations: Declarations, run: Run) -> tuple[IgnoreRule, ...]:
    """Return the ignore rules of a run; those of the change under review do not apply yet."""
    own = run.baseline.ignores_over(declarations) if run.baseline else declarations.ignores
    return (*own, *run.settings.policy.ignores)


def _as_reported(comparison: Comparison, policy: Policy, accepted: Set[str | None], budget: Budget) -> Comparison:
    """Return a comparison as the report shows it: with severities, redacted, and a status without suppressed items.

    `accepted` holds the names of deployments whose absence an ignore rule accepts, `budget` the time for details.
    """
    if comparison.status is Status.MISSING and comparison.name in accepted:
        return replace(comparison, status=Status.IN_SYNC)
    if not comparison.changes:
        return comparison
    redacted = (redact(with_severity(change, policy)) for change in comparison.changes)
    changes = tuple(details.with_details(change, budget) for change in redacted)
    return replace(comparison, changes=changes, status=status_of(changes))


def _report(
    run: Run,
    declarations: Declarations,
    snapshot: Snapshot | None,
    comparisons: Sequence[Comparison],
    findings: Sequence[Finding],
) -> Report:
    settings, policy = run.settings, run.settings.policy
    if settings.names:
        declarations, snapshot, comparisons, findings = _narrowed(
            settings.names, declarations, snapshot, comparisons, findings
        )
    live = None if snapshot is None else mask_summary(summarise(snapshot))
    comparisons, findings = mask(comparisons, findings)
    findings = with_severities(findings, policy, is_three_way=run.baseline is not None)
    declared = DeclaredSummary(
        files=declarations.files,
        deployments=len(declarations.deployments),
        complete=declarations.complete,
        base=run.baseline.commit if run.baseline else None,
    )
    return Report(
        driftcheck_version=__version__,
        command=settings.command,
        generated_at=run.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=decide(policy, declared, live, comparisons, findings, allow_partial=settings.allow_partial),
        live=live,
        declared=declared,
        deployments=tuple(comparisons),
        findings=findings,
        report_id=settings.report_id or (live.workspace if live else None) or settings.default_id,
    )


def _is_named(name: str, globs: Sequence[str]) -> bool:
    return not globs or any(glob_matches(glob, name) for glob in globs)


def _narrowed(
    globs: Sequence[str],
    declarations: Declarations,
    snapshot: Snapshot | None,
    comparisons: Sequence[Comparison],
    findings: Sequence[Finding],
) -> tuple[Declarations, Snapshot | None, list[Comparison], list[Finding]]:
    """Leave out the deployments that `--name` does not select, and errors of their declarations."""
    errors = [found for found in declarations.findings if found.severity is Severity.ERROR]
    others = [found for found in errors if found.deployment is not None and not _is_named(found.deployment, globs)]
    named = [declaration for declaration in declarations.deployments if _is_named(declaration.name, globs)]
    is_complete = declarations.complete or (bool(errors) and len(others) == len(errors))
    if snapshot is not None:
        live = tuple(deployment for deployment in snapshot.deployments if _is_named(deployment.name, globs))
        snapshot = replace(snapshot, deployments=live, scope={**snapshot.scope, "names": ",".join(globs)})
    return (
        replace(declarations, deployments=tuple(named), complete=is_complete),
        snapshot,
        [comparison for comparison in comparisons if _is_named(comparison.name, globs)],
        [found for found in findings if found.deployment is None or _is_named(found.deployment, globs)],
    )


def summarise(snapshot: Snapshot) -> LiveSummary:
    """Return what a report says about how live was read."""
    return LiveSummary(
        source=snapshot.source,
        workspace=snapshot.workspace,
        fetched_at=snapshot.fetched_at,
        pages=snapshot.pages,
        requests=snapshot.requests,
        deployments=len(snapshot.deployments),
        complete=snapshot.complete,
        gaps=snapshot.gaps,
        scope=snapshot.scope,
        inventory=inventory(snapshot.deployments),
    )
