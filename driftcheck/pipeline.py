"""The data flow: declarations and a snapshot in, a report out. Read this first.

    declarations (what is declared) ─┐
                                     ├─ comparison ─ policy ─ report
    snapshot (what is live) ─────────┘

Facts about the user's files or deployments are findings. An error means that something could not be read at all; it is
a gap in the report if the rest can still be reported.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from driftcheck import __version__, fields, settings
from driftcheck.comparison import details
from driftcheck.comparison.verdicts import Sides, Terms, Verdicts, assess, inventory, status_of
from driftcheck.declarations.lint import accepted_by_live, findings_in_context
from driftcheck.errors import DriftcheckError, LiveError, UsageError
from driftcheck.globs import Budget
from driftcheck.ignores import in_force
from driftcheck.model import (
    JSON,
    NO_LOCATION,
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    Declarations,
    DeclaredSummary,
    Finding,
    IgnoreRule,
    LiveSummary,
    Outcome,
    Report,
    Severity,
    Snapshot,
    State,
    Status,
    Suppression,
)
from driftcheck.paths import Path, glob_matches
from driftcheck.policies import PolicyResults, judge_policies, with_unverifiable
from driftcheck.redaction.names import mask, mask_summary
from driftcheck.redaction.values import redact
from driftcheck.rules import CLASSES_OF_RULES, COMPARISON_RULES, POLICY_PREFIX, make_finding
from driftcheck.settings import Policy, Settings

if TYPE_CHECKING:
    from concurrent.futures import Future

    from driftcheck.baseline import Baseline, BaseRevision
    from driftcheck.comparison.listings import Pairing
    from driftcheck.declarations.export import Export

_ABOUT_LIVE = frozenset(COMPARISON_RULES) - {"catch-all-ignore", "nothing-declared"}
"""Rules whose findings are not defects of the user's own input."""

_WITHOUT_DECLARATIONS = frozenset({"audit", "compare"})
"""Commands that may run without declarations."""


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


def read_sides(
    runs: Sequence[tuple[Settings, BaseRevision | None]], progress: Callable[[int], None]
) -> list[tuple[Declarations, Snapshot | DriftcheckError]]:
    """Read declarations and live for every run: all listings in the background, while the files are parsed.

    A live side that can't be read is returned as its error. Raises UsageError for declarations that can't be read.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    at_once, chosen = settings.share_connections([run for run, _ in runs])
    pool = ThreadPoolExecutor(max(at_once, 1), thread_name_prefix="listing")
    names: list[Future[Collection[str]]] = [Future() for _ in runs]
    seen = [0] * len(runs)

    def count(number: int, deployments: int) -> None:
        seen[number] = deployments
        progress(sum(seen))

    try:
        listings = [
            pool.submit(read_live, run, names[number].result, partial(count, number))
            for number, run in enumerate(chosen)
        ]
        declared = []
        for (run, base), future in zip(runs, names, strict=True):
            declared.append(read_declarations(run, base))
            future.set_result([declaration.name for declaration in declared[-1].deployments])
        return list(zip(declared, [_result(listing) for listing in listings], strict=True))
    finally:
        for future in names:
            future.cancel()
        pool.shutdown(wait=False, cancel_futures=True)


def _result(listing: Future[Snapshot]) -> Snapshot | DriftcheckError:
    try:
        return listing.result()
    except DriftcheckError as error:
        return error


def read_declarations(chosen: Settings, base: BaseRevision | None = None) -> Declarations:
    """Read the files that the settings name; raises UsageError for a path that names nothing.

    With a base, and in a sparse checkout, files of HEAD that are not checked out are read, too.
    """
    from driftcheck.declarations import discovery, loader

    if not chosen.paths:
        return Declarations()
    suffix = chosen.name_suffix
    if base is not None:
        left_out, elsewhere = base.left_out(chosen.paths)
    elif discovery.is_sparse_checkout(os.getcwd()):
        from driftcheck.declarations import git

        left_out, elsewhere = git.in_sparse_checkout(FilePath.cwd(), settings.environment(), chosen.paths)
    else:
        left_out, elsewhere = discovery.Sources(), set()
    if not (left_out.texts or left_out.findings):
        return loader.load(chosen.paths, stdin=_read_stdin, name_suffix=suffix, in_processes=True)
    sources = discovery.read(chosen.paths, stdin=_read_stdin, elsewhere=elsewhere)
    declarations = loader.declare((*sources.texts, *left_out.texts), name_suffix=suffix, in_processes=True)
    return loader.with_refusals(declarations, (*sources.findings, *left_out.findings))


def _read_stdin() -> bytes:
    from driftcheck.declarations.discovery import MAX_BYTES

    if sys.stdin is None:
        raise UsageError("standard input is closed.", hint="Name a file instead of -.")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def read_live(
    chosen: Settings, declared_names: Callable[[], Collection[str]], progress: Callable[[int], None]
) -> Snapshot:
    """Read the live side from a file or the network; raises LiveError, InputError or UsageError."""
    if chosen.live is not None:
        from driftcheck.live import listing, snapshot

        saved = snapshot.read(chosen.live)
        asked = chosen.workspace
        if asked is not None:
            hint = f"Name a listing of that workspace with --live, or change {asked.origin}."
            listing.require_workspace(saved.workspace, asked.id, asked.origin, hint)
        return listing.narrowed(saved, chosen.scope)
    connection = settings.connection(chosen)
    from driftcheck.live.fetch import fetch

    return fetch(connection, names=declared_names, scope=chosen.scope, progress=progress)


def unread_snapshot(chosen: Settings, error: DriftcheckError) -> Snapshot:
    """Return the snapshot of a live side that could not be read: one gap, so that the rest is still reported."""
    message = f"{error.message.removesuffix('.')}. {error.hint or ''}".rstrip()
    return Snapshot(
        source=chosen.live or (chosen.access.endpoint if chosen.access else ""),
        deployments=(),
        workspace=chosen.workspace.id if chosen.workspace else None,
        requests=error.requests if isinstance(error, LiveError) else 0,
        gaps=(message,),
        scope=chosen.scope,
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
    terms = Terms(request.policy.strict, listed=request.command == "compare", inventory=request.command == "audit")
    verdicts = assess(Sides(declarations, snapshot, base), fields.deployment(), terms)
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

    schema = fields.deployment()

    def differing(form: Mapping[str, JSON], live: Mapping[str, JSON]) -> list[Path]:
        return [difference.path for difference in compare_with_live(form, live, schema, strict=True).differences]

    return export_listing(snapshot, schema, differing, name_suffix=name_suffix)


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
    gap = "The listing is empty. Is this the right endpoint and workspace? (--allow-empty-live accepts it.)"
    return replace(snapshot, gaps=(gap,))


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
    return make_finding("nothing-declared", message, hint="Check the spelling; names are globs.")


def _apply_policy(
    verdicts: Verdicts, declarations: Declarations, snapshot: Snapshot, request: Request
) -> tuple[list[Comparison], list[Finding]]:
    """Return the comparisons as the report shows them, and all findings, those of lint and policies included."""
    own = _base_rules(request.baseline, declarations) if request.baseline else declarations.ignores
    suppressions, findings = in_force((*own, *request.policy.ignores), request.now.date())
    judged = _judge_policies(declarations, snapshot, request)
    compared = with_unverifiable(map(suppressions.suppress, verdicts.comparisons), judged)
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


_ABSENCES: Final = frozenset({"missing-deployment", "missing-elsewhere"})


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
    schema = fields.deployment()
    changes = tuple(
        details.with_details(redact(_weighed(change, policy), schema), budget) for change in comparison.changes
    )
    return replace(comparison, changes=changes, status=status_of(changes))


def _weighed(change: Change, policy: Policy) -> Change:
    severity = _severity_of(change, policy)
    return change if change.severity is severity else replace(change, severity=severity)


def _severity_of(change: Change, policy: Policy) -> Severity:
    severity = _severity_of_class(change.change_class, "drift", policy)
    return max(severity, Severity.WARNING, key=attrgetter("rank")) if _is_undeclared_exposure(change) else severity


def _is_undeclared_exposure(change: Change) -> bool:
    """Return whether a change is what `undeclared-sharing` warns about where the comparison is not strict."""
    if change.kind is not ChangeKind.ADDED or len(change.path) != 1:
        return False
    field = fields.deployment().child(change.path[0])
    return field is not None and field.exposes


def _severity_of_class(change_class: ChangeClass, rule: str, policy: Policy) -> Severity:
    """Return the severity of a change or a whole deployment by its class; only gated classes fail a run."""
    if change_class in policy.gate:
        return policy.severities.get(rule, Severity.ERROR)
    return Severity.WARNING if change_class is ChangeClass.ELSEWHERE else Severity.NOTE


def _weigh(findings: Iterable[Finding], request: Request) -> tuple[Finding, ...]:
    """Return the findings with the severities of the policy, worst first, then by location."""
    off = request.policy.off
    weighed = (replace(found, severity=_finding_severity(found, request)) for found in findings)
    active = (replace(f, suppressed=_TURNED_OFF) if f.rule in off and f.suppressed is None else f for f in weighed)
    return tuple(sorted(active, key=_finding_order))


_TURNED_OFF: Final = Suppression("turned off by `severities` in driftcheck.yaml")


def _finding_severity(found: Finding, request: Request) -> Severity:
    change_class = CLASSES_OF_RULES.get(found.rule)
    if request.baseline and change_class is not None:
        return _severity_of_class(change_class, found.rule, request.policy)
    return request.policy.severities.get(found.rule, found.severity)


def _finding_order(found: Finding) -> tuple[int, str, str, int, int, str]:
    at = found.location
    return (
        found.severity.rank,
        found.deployment or "",
        at.file if at else "",
        at.line if at else 0,
        at.column if at else 0,
        found.rule,
    )


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
    findings = _weigh(findings, request)
    return Report(
        driftcheck_version=__version__,
        command=request.command,
        generated_at=(request.generated_at or request.now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=_outcome(request, declarations, live, comparisons, findings),
        live=live,
        declared=DeclaredSummary(
            files=declarations.files,
            deployments=len(declarations.deployments),
            complete=declarations.complete,
            base=request.baseline.commit if request.baseline else None,
        ),
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


def _outcome(
    request: Request,
    declarations: Declarations,
    live: LiveSummary | None,
    comparisons: Sequence[Comparison],
    findings: Sequence[Finding],
) -> Outcome:
    """Return the first that applies of invalid, incomplete, drift and passed (docs/contract.md, Exit status)."""
    if not declarations.complete or any(_invalidates(found) for found in findings):
        return Outcome.INVALID
    unknown = any(comparison.status is Status.UNKNOWN for comparison in comparisons)
    is_partial = live is not None and (unknown or not live.complete)
    if is_partial and not (request.allow_partial and _is_anything_compared(declarations, live, comparisons)):
        return Outcome.INCOMPLETE
    changes = [change for comparison in comparisons for change in comparison.changes]
    items: Iterable[Finding | Change] = itertools.chain(findings, changes)
    if any(_counts(item, request.policy, request.baseline is not None) for item in items):
        return Outcome.DRIFT
    differs = any(map(_is_difference, changes)) or any(_is_difference_of_deployment(found) for found in findings)
    return Outcome.PASSED if differs or is_partial else Outcome.IN_SYNC


def _is_anything_compared(
    declarations: Declarations, live: LiveSummary | None, comparisons: Sequence[Comparison]
) -> bool:
    if not declarations.deployments:
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


def _counts(item: Finding | Change, policy: Policy, is_three_way: bool) -> bool:
    """Return whether an unsuppressed change or finding makes the status 1.

    With --base the gate alone decides for changes and for whole deployments, except that `--fail-on never` always
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
    is_three_way = report.declared.base is not None
    new = {
        target
        for target, policy in policies.items()
        if any(_is_new(i, policy, is_three_way) for i in _items(report, target))
    }
    shared = any(
        _is_new(found, policy, is_three_way)
        for found in report.findings
        if found.target is None
        for policy in policies.values()
    )

    def decided(outcome: Outcome, fails: bool) -> Outcome:
        return Outcome.PASSED if outcome is Outcome.DRIFT and not fails else outcome

    targets = tuple(replace(each, outcome=decided(each.outcome, each.name in new)) for each in report.targets)
    return replace(report, outcome=decided(report.outcome, bool(new) or shared), targets=targets)


def _items(report: Report, target: str | None) -> Iterable[Finding | Change]:
    changes = (c for comparison in report.deployments if comparison.target == target for c in comparison.changes)
    return itertools.chain(changes, (found for found in report.findings if found.target == target))


def _is_new(item: Finding | Change, policy: Policy, is_three_way: bool) -> bool:
    return _counts(item, policy, is_three_way) and item.state is not State.KNOWN
