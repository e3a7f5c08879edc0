"""The data flow: declarations and a snapshot in, a report out.

    declarations (what is declared) ─┐
                                     ├─ comparison ─ policy ─ report
    snapshot (what is live) ─────────┘

Facts about the user's files or deployments are findings. An error means that something could not be read at all; it is
a gap in the report if the rest can still be reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from driftcheck import __version__, settings
from driftcheck.budget import Budget
from driftcheck.comparison import details
from driftcheck.comparison.verdicts import Sides, Terms, Verdicts, assess, inventory, status_of
from driftcheck.declarations.lint import accepted_by_live, findings_in_context
from driftcheck.ignores import in_force, pinned_paths
from driftcheck.model import (
    JSON,
    NO_LOCATION,
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
from driftcheck.outcomes import decide, weigh_findings, weighed
from driftcheck.paths import glob_matches
from driftcheck.policies import PolicyResults, judge_policies, with_unverifiable
from driftcheck.redaction.names import mask, mask_summary
from driftcheck.redaction.values import redact
from driftcheck.rules import make_finding
from driftcheck.settings import Policy, Settings

if TYPE_CHECKING:
    from driftcheck.baseline import Baseline
    from driftcheck.comparison.listings import Pairing
    from driftcheck.declarations.export import Export

_WITHOUT_DECLARATIONS: Final = frozenset({"audit", "compare"})
"""Commands that may run without declarations."""

_ABSENCES: Final = frozenset({"missing-deployment", "missing-elsewhere"})
"""Rules that report a declared deployment that is not live."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a report depends on, besides the two sides."""

    command: str
    policy: Policy
    now: datetime
    """Decides which ignore rules have expired."""
    generated_at: datetime | None = None
    """The time that the report carries; None for `now`."""
    baseline: Baseline | None = None
    names: tuple[str, ...] = ()
    """Globs over the names of the deployments to report; empty for all."""
    report_id: str | None = None
    """The identity of the report; None for the workspace's."""
    default_id: str | None = None
    """The identity where no workspace is known."""
    allow_partial: bool = False
    allow_empty: bool = False
    allow_empty_live: bool = False
    target: str | None = None
    """The target of the configuration that this run is for."""
    region: str | None = None
    """The region of the configuration."""


def request(chosen: Settings, baseline: Baseline | None = None) -> Request:
    """Return the request of a run."""
    return Request(
        command=chosen.command,
        policy=chosen.policy,
        now=datetime.now(UTC),
        generated_at=settings.report_time(),
        baseline=baseline,
        target=chosen.target,
        region=chosen.region,
        names=chosen.names,
        report_id=chosen.report_id,
        default_id=chosen.default_id,
        allow_partial=chosen.allow_partial,
        allow_empty=chosen.allow_empty,
        allow_empty_live=chosen.allow_empty_live,
    )


def validate(declarations: Declarations, request: Request) -> Report:
    """Report what the declarations alone show: YAML, schema and rules; offline."""
    suppressions, policy_findings = in_force((*declarations.ignores, *request.policy.ignores), request.now.date())
    judged = judge_policies(request.policy.policies, declarations, None, target=request.target)
    names = {declaration.name for declaration in declarations.deployments}
    in_context = findings_in_context(declarations.deployments, region=request.region, new=names)
    found_so_far = (*declarations.findings, *in_context, *judged.findings)
    findings = [suppressions.suppress_finding(found) for found in found_so_far]
    findings += [*suppressions.limit(), *_nothing_declared(declarations, request), *policy_findings]
    return _report(request, declarations, None, (), findings)


def check(declarations: Declarations, snapshot: Snapshot, request: Request) -> Report:
    """Compare declared with live and report every difference, everything missing, unmanaged or unknown.

    An `audit` looks at the state of undeclared deployments, too.
    """
    snapshot = _with_gap_if_empty(declarations, snapshot, request)
    if request.command == "audit" and not declarations.deployments and declarations.complete:
        request = replace(request, policy=_inventory_policy(request.policy))
    base = request.baseline.declarations if request.baseline else None
    terms = Terms(
        request.policy.strict,
        listed=request.command == "compare",
        inventory=request.command == "audit",
        pinned=pinned_paths(_rules(declarations, request)),
    )
    verdicts = assess(Sides(declarations, snapshot, base), terms)
    comparisons, policy_findings = _apply_policy(verdicts, declarations, snapshot, request)
    odd = [make_finding("suspicious-listing", warning) for warning in snapshot.warnings]
    findings = [*_nothing_declared(declarations, request), *odd, *policy_findings]
    if terms.inventory and request.names and not any(_is_named(each.name, request.names) for each in comparisons):
        findings.append(no_name_matches(request.names))
    snapshot = replace(snapshot, gaps=tuple(dict.fromkeys((*snapshot.gaps, *verdicts.gaps))))
    return _report(request, declarations, snapshot, comparisons, findings)


def export(snapshot: Snapshot, *, name_suffix: str = "") -> Export:
    """Return the declarations of what is live."""
    from driftcheck.comparison.diff import compare_with_live
    from driftcheck.declarations.export import export_listing

    def differing(form: Mapping[str, JSON], live: Mapping[str, JSON]) -> list[Change]:
        differences = compare_with_live(form, live, strict=True).differences
        return [Change(each.kind, each.path, each.declared, each.live) for each in differences]

    return export_listing(snapshot, differing, name_suffix=name_suffix)


def compare(pairing: Pairing, request: Request) -> Report:
    """Compare two listings field by field; what only one of them holds is missing or unmanaged."""
    declarations, snapshot = pairing.declarations, pairing.snapshot
    if pairing.first_is_empty and not request.allow_empty_live:
        gap = f"{declarations.files[0]}: The listing is empty. (--allow-empty-live accepts it.)"
        snapshot = replace(snapshot, gaps=(gap, *snapshot.gaps))
    return check(declarations, snapshot, request)


def _with_gap_if_empty(declarations: Declarations, snapshot: Snapshot, request: Request) -> Snapshot:
    """Return the snapshot with a gap if it is empty and that is not accepted: a wrong workspace lists nothing too."""
    expected = bool(declarations.deployments) or not declarations.complete or request.command in _WITHOUT_DECLARATIONS
    if snapshot.deployments or snapshot.gaps or request.allow_empty_live or not expected:
        return snapshot
    from driftcheck.live.listing import why_empty

    return replace(snapshot, gaps=(why_empty(snapshot.scope),))


def _inventory_policy(policy: Policy) -> Policy:
    """Return the policy of an audit without declarations: undeclared deployments are notes then."""
    return replace(policy, severities={**policy.severities, "unmanaged-deployment": Severity.NOTE})


def _nothing_declared(declarations: Declarations, request: Request) -> list[Finding]:
    names = request.names
    if any(_is_named(declaration.name, names) for declaration in declarations.deployments):
        return []
    if not declarations.complete or request.allow_empty:
        return []
    if request.command in _WITHOUT_DECLARATIONS:
        return []
    return [no_name_matches(names)] if names else [make_finding("nothing-declared")]


def no_name_matches(globs: Sequence[str]) -> Finding:
    """Return the finding of a `--name` that selects no declared deployment."""
    message = f"No declared deployment matches --name {' or '.join(globs)}."
    return make_finding("nothing-declared", message, hint="Check the spelling; only `*` is special in a glob.")


def _apply_policy(
    verdicts: Verdicts, declarations: Declarations, snapshot: Snapshot, request: Request
) -> tuple[list[Comparison], list[Finding]]:
    """Return the comparisons as the report shows them, and all findings, those of lint and policies included."""
    suppressions, findings = in_force(_rules(declarations, request), request.now.date())
    judged = _judge_policies(declarations, snapshot, request)
    suppressed = map(suppressions.suppress, verdicts.comparisons)
    compared = with_unverifiable(suppressed, judged)
    judgements = [suppressions.suppress_finding(found) for found in (*verdicts.findings, *judged.findings)]
    accepted = {f.deployment for f in judgements if f.rule in _ABSENCES and f.suppressed is not None}
    missing = {comparison.name for comparison in verdicts.comparisons if comparison.status is Status.MISSING}
    linted = [*accepted_by_live(declarations.findings, verdicts.comparisons)]
    if request.command != "compare":  # both sides of which are live
        linted += findings_in_context(declarations.deployments, region=request.region, new=missing - accepted)
    findings += [*map(suppressions.suppress_finding, linted), *judgements]
    is_narrowed = bool(request.names or snapshot.scope)
    if snapshot.complete and declarations.complete and not verdicts.gaps and not is_narrowed:
        findings += suppressions.unused(declarations.deployments, strict=request.policy.strict)
    findings += suppressions.limit()
    if request.baseline and not request.baseline.declarations.complete:
        findings.append(make_finding("incomplete-base"))
    if request.baseline and request.baseline.is_at_tip and _is_all_elsewhere(compared):
        findings.append(make_finding("nothing-under-review"))
    findings += _policy_changes(declarations, request)
    budget = details.budget(declarations.size)
    return [_finish(comparison, request.policy, accepted, budget) for comparison in compared], findings


def _is_all_elsewhere(compared: Iterable[Comparison]) -> bool:
    classes = {change.change_class for comparison in compared for change in comparison.changes}
    return classes == {ChangeClass.ELSEWHERE}


def _judge_policies(declarations: Declarations, snapshot: Snapshot, request: Request) -> PolicyResults:
    if request.command == "compare":
        return PolicyResults()
    return judge_policies(
        request.policy.policies,
        declarations,
        snapshot.deployments,
        target=request.target,
        base=request.baseline.declarations.tip if request.baseline else None,
    )


def _rules(declarations: Declarations, request: Request) -> tuple[IgnoreRule, ...]:
    """Return the ignore rules of a run; those of the change under review do not apply yet."""
    own = _base_rules(request.baseline, declarations) if request.baseline else declarations.ignores
    return (*own, *request.policy.ignores)


def _base_rules(baseline: Baseline, declarations: Declarations) -> list[IgnoreRule]:
    """Return the base revision's ignore rules, with their locations in head where they are still there."""
    locations = {_without_location(rule): rule.location for rule in declarations.ignores}
    return [
        replace(rule, location=locations.get(_without_location(rule), rule.location))
        for rule in baseline.declarations.tip.ignores
    ]


def _policy_changes(declarations: Declarations, request: Request) -> Iterable[Finding]:
    """Report what the change under review does to the policy, which takes effect once it is merged."""
    if request.baseline is None:
        return
    read, proposed = request.baseline.declarations, request.baseline.proposed
    former = request.baseline.former or (request.policy,) * len(read.merge_bases)
    policies = (request.policy, *former)
    sides = [
        {_without_location(rule) for rule in (*declared.ignores, *policy.ignores)}
        for declared, policy in zip((read.tip, *read.merge_bases), policies, strict=True)
    ]
    rules = {_without_location(rule): rule for rule in (*declarations.ignores, *proposed.ignores)}
    for key in rules.keys() - set().union(*sides):
        message = "The change under review adds an ignore rule, which does not apply before the merge."
        yield make_finding("policy-changed", message, location=rules[key].location)
    if set.intersection(*sides) - rules.keys():
        message = "The change under review removes ignore rules, which apply until the merge."
        yield make_finding("policy-changed", message)
    settings_alike = [replace(policy, ignores=()) == replace(proposed, ignores=()) for policy in policies]
    if request.baseline.is_redirected or not any(settings_alike):
        yield make_finding("policy-changed", "The change under review alters driftcheck.yaml.")


def _without_location(rule: IgnoreRule) -> str:
    """Return what identifies a rule apart from its location and scope, which adding a deployment changes."""
    return repr(replace(rule, location=NO_LOCATION, scope=None))


def _finish(comparison: Comparison, policy: Policy, accepted: Set[str | None], budget: Budget) -> Comparison:
    """Return a comparison as the report shows it: changes redacted and weighed, the status without suppressed items.

    `accepted` holds the names of deployments whose absence an ignore rule accepts, `budget` the time for details.
    """
    if comparison.status is Status.MISSING and comparison.name in accepted:
        return replace(comparison, status=Status.IN_SYNC)
    if not comparison.changes:
        return comparison
    changes = tuple(details.with_details(redact(weighed(change, policy)), budget) for change in comparison.changes)
    return replace(comparison, changes=changes, status=status_of(changes))


def _report(
    request: Request,
    declarations: Declarations,
    snapshot: Snapshot | None,
    comparisons: Sequence[Comparison],
    findings: Sequence[Finding],
) -> Report:
    if request.names:
        declarations, snapshot, comparisons, findings = _narrowed(
            request.names, declarations, snapshot, comparisons, findings
        )
    live = None if snapshot is None else mask_summary(summarise(snapshot))
    comparisons, findings = mask(comparisons, findings)
    findings = weigh_findings(findings, request.policy, is_three_way=request.baseline is not None)
    declared = DeclaredSummary(
        files=declarations.files,
        deployments=len(declarations.deployments),
        complete=declarations.complete,
        base=request.baseline.commit if request.baseline else None,
    )
    return Report(
        driftcheck_version=__version__,
        command=request.command,
        generated_at=(request.generated_at or request.now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=decide(request.policy, declared, live, comparisons, findings, allow_partial=request.allow_partial),
        live=live,
        declared=declared,
        deployments=tuple(comparisons),
        findings=findings,
        report_id=request.report_id or (live.workspace if live else None) or request.default_id,
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
