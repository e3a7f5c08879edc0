"""What the differences amount to: the impact and class of each change, the status of each deployment.

The completeness law: *missing* is said from a complete listing only, *unmanaged* from a complete
listing and complete declarations only; whatever else is *unknown*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from driftcheck.comparison.diff import Difference, Differences, Terms, walk
from driftcheck.comparison.matching import Match, is_being_deleted, match_deployments
from driftcheck.comparison.renames import find_renames
from driftcheck.comparison.three_way import Bases, Earlier, EarlierByName, ThreeWay
from driftcheck.fields import Field
from driftcheck.model import (
    JSON,
    Change,
    ChangeClass,
    Comparison,
    Declaration,
    Declarations,
    Deployment,
    Finding,
    Impact,
    Snapshot,
    Status,
)
from driftcheck.paths import Path
from driftcheck.rules import RULES


@dataclass(frozen=True, slots=True)
class Sides:
    """All that is compared."""

    declarations: Declarations
    snapshot: Snapshot
    base: Bases | None = None
    """What earlier commits declare, where the check is three-way."""

    @property
    def all_is_seen(self) -> bool:
        """Whether both sides were read whole."""
        return self.snapshot.complete and self.declarations.complete


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The result of a comparison, before policy: nothing is redacted or suppressed yet."""

    comparisons: tuple[Comparison, ...]
    """Sorted by name."""
    findings: tuple[Finding, ...]
    gaps: tuple[str, ...] = ()
    """What the live side itself left open, beside the gaps of the snapshot."""


@dataclass(slots=True)
class _Verdicts:
    comparisons: list[Comparison] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def judge(sides: Sides, schema: Field, terms: Terms, *, inventory: bool = False) -> Verdicts:
    """Compare every declared deployment with the live one of its name, and account for the rest of live.

    With `inventory`, the state of deployments that are not declared is looked at too.
    """
    verdicts = _Verdicts()
    base = EarlierByName(sides.base) if sides.base else None
    matches, rest = match_deployments(sides.declarations.deployments, sides.snapshot.deployments)
    outside = 0
    alone = [match for match in matches if _is_alone(match)]
    compared = walk([(match.declaration.value, match.live[0].value) for match in alone], schema, terms)
    results = compared.differences()
    by_name = {match.declaration.name: result for match, result in zip(alone, results, strict=True)}
    for match in matches:
        name = match.declaration.name
        if name in by_name:
            _judge_pair(verdicts, match, by_name[name], base.of(name) if base else None, schema, terms)
        elif match.live or _is_in_scope(name, sides.snapshot):
            _judge_incomparable(verdicts, match, sides, base.of(name) if base else None)
        else:
            outside += 1
    for name, deployments in rest.items():
        _judge_undeclared(verdicts, name, deployments, sides, base.of(name) if base else None, inventory=inventory)
    verdicts.findings.extend(_findings_on_the_whole(verdicts.comparisons, verdicts.findings[:], sides, outside))
    return Verdicts(
        comparisons=tuple(sorted(verdicts.comparisons, key=lambda comparison: comparison.name)),
        findings=tuple(verdicts.findings),
        gaps=tuple(verdicts.gaps),
    )


def _is_alone(match: Match) -> bool:
    """Tell whether there is exactly one live deployment to compare with."""
    return len(match.live) == 1 and not is_being_deleted(match.live[0])


def _judge_incomparable(verdicts: _Verdicts, match: Match, sides: Sides, earlier: Earlier | None) -> None:
    declaration = match.declaration
    comparison = Comparison(declaration.name, Status.UNKNOWN, location=declaration.locate(()))
    if not match.live:
        if sides.snapshot.complete:
            status, rule = _absence(declaration, earlier)
            comparison = replace(comparison, status=status)
            verdicts.findings.append(finding(rule, comparison))
    elif len(match.live) > 1:
        _say_ambiguous(verdicts, comparison)
    else:
        status, rule = _absence(declaration, earlier)
        if not sides.snapshot.complete:
            status = Status.UNKNOWN
        comparison = replace(comparison, status=status, id=match.live[0].id, facts=facts(match.live[0]))
        verdicts.findings.append(finding("being-deleted", comparison))
        if sides.snapshot.complete:
            verdicts.findings.append(finding(rule, comparison))
    verdicts.comparisons.append(comparison)


def _absence(declaration: Declaration, earlier: Earlier | None) -> tuple[Status, str]:
    """Return the status of a deployment that is not live, and the rule that reports it."""
    match ChangeClass.DRIFT if earlier is None else earlier.presence(declaration.value):
        case ChangeClass.PROPOSED:
            return Status.PROPOSED, "proposed-creation"
        case ChangeClass.OUTDATED:
            return Status.MISSING, "outdated-deployment"
        case ChangeClass.ELSEWHERE:
            return Status.MISSING, "missing-elsewhere"
    return Status.MISSING, "missing-deployment"


def _judge_pair(
    verdicts: _Verdicts,
    match: Match,
    result: Differences,
    earlier: Earlier | None,
    schema: Field,
    terms: Terms,
) -> None:
    declaration, live = match.declaration, match.live[0]
    removed: tuple[Path, ...] = ()
    if earlier is None:
        changes = [_change(declaration, difference, schema) for difference in result.differences]
    elif result.differences or not earlier.is_settled(declaration.value):
        three = ThreeWay(earlier, declaration.value, live.value, result.differences, schema, terms)
        changes = [
            replace(
                _change(declaration, classed.difference, schema), change_class=classed.change_class, base=classed.base
            )
            for classed in three.classify()
        ]
        removed = tuple(three.removed())
    else:
        changes = []
    pending = is_rollout_pending(live)
    adopted = earlier is not None and earlier.is_new
    told = changes or result.unmodelled or pending or adopted or removed
    comparison = Comparison(
        name=declaration.name,
        status=status_of(changes),
        id=live.id,
        location=declaration.locate(()) if told else None,
        changes=tuple(changes),
        unverifiable=result.unverifiable,
        compared=result.compared,
        facts=facts(live),
    )
    for path in result.unmodelled:
        unmodelled = finding("unmodelled-field", comparison, path=path)
        verdicts.findings.append(replace(unmodelled, location=declaration.locate(path)))
    if pending:
        verdicts.findings.append(finding("rollout-pending", comparison))
    if adopted:
        verdicts.findings.append(finding("proposed-adoption", comparison))
    verdicts.findings.extend(finding("declaration-removed", comparison, path=path) for path in removed)
    verdicts.comparisons.append(comparison)


def status_of(changes: Sequence[Change]) -> Status:
    """Give the status of a compared deployment from its changes; suppressed ones don't count."""
    classes = {change.change_class for change in changes if change.suppressed is None}
    if classes - {ChangeClass.PROPOSED, ChangeClass.ADOPTED}:
        return Status.DRIFTED
    return Status.PROPOSED if ChangeClass.PROPOSED in classes else Status.IN_SYNC


def _change(declaration: Declaration, difference: Difference, schema: Field) -> Change:
    return Change(
        kind=difference.kind,
        path=difference.path,
        declared=difference.declared,
        live=difference.live,
        location=declaration.locate(difference.path),
        impact=_gravest_impact(difference.path, difference.declared, schema),
        declared_effective=difference.declared_effective,
        live_effective=difference.live_effective,
    )


def _gravest_impact(path: Path, declared: JSON, schema: Field) -> Impact:
    """Tell what a change at a path takes, and where a whole object is concerned, what any declared part of it takes."""
    impacts = [impact_of(path, schema)]
    if isinstance(declared, dict) and impacts[0] is not Impact.RECREATE:
        parts = (name for name, value in declared.items() if value is not None)
        impacts += [_gravest_impact((*path, name), declared[name], schema) for name in parts]
    return max(impacts, key=list(Impact).index)


def impact_of(path: Path, schema: Field) -> Impact:
    """Tell what a change at a path takes: a new deployment, a new revision, or neither (API.md 2.2)."""
    impact, current = Impact.IN_PLACE, schema
    for segment in path:
        child = current.child(segment)
        if child is None:
            break
        current = child
        if current.immutable:
            return Impact.RECREATE
        if current.revision:
            impact = Impact.NEW_REVISION
    return impact


def _judge_undeclared(
    verdicts: _Verdicts,
    name: str,
    deployments: Sequence[Deployment],
    sides: Sides,
    earlier: Earlier | None,
    *,
    inventory: bool,
) -> None:
    if len(deployments) > 1:
        comparison = Comparison(name, Status.UNKNOWN)
        _say_ambiguous(verdicts, comparison)
        verdicts.comparisons.append(comparison)
        return
    live = deployments[0]
    status = Status.UNMANAGED if sides.all_is_seen else Status.UNKNOWN
    comparison = Comparison(name, status, live.id, facts=facts(live))
    if is_being_deleted(live):
        verdicts.findings.append(finding("being-deleted", comparison))
        return
    verdicts.comparisons.append(comparison)
    if status is Status.UNMANAGED:
        verdicts.findings.append(finding(_presence(earlier) or _unmanaged_rule(live), comparison))
    if inventory and is_rollout_pending(live):
        verdicts.findings.append(finding("rollout-pending", comparison))


def _presence(earlier: Earlier | None) -> str | None:
    """Return the rule that reports a live deployment that only an earlier commit declares; None for any other."""
    rules = {ChangeClass.PROPOSED: "proposed-removal", ChangeClass.OUTDATED: "outdated-deployment"}
    return None if earlier is None else rules.get(earlier.presence(None))


def _unmanaged_rule(live: Deployment) -> str:
    """Tell what the platform creates by itself from what somebody did (API.md 3.1.13)."""
    if live.value.get("is_preview") is True:
        return "unmanaged-preview"
    if live.value.get("is_managed_deep_agent") is True:
        return "unmanaged-managed-agent"
    return "unmanaged-deployment"


def is_rollout_pending(live: Deployment) -> bool:
    """Tell whether the latest revision, which is what the listing shows, is not the active one (API.md 3.2.1).

    Of a preview it says nothing: previews come and go.
    """
    latest = live.value.get("latest_revision_id")
    return latest not in (None, live.value.get("active_revision_id")) and live.value.get("is_preview") is not True


def facts(live: Deployment) -> dict[str, str]:
    """Give what an inventory counts: source, type and status, and since when a rollout is pending."""
    found = {fact: text for fact, read in _FACTS.items() if (text := read(live)) is not None}
    if is_rollout_pending(live) and (since := live.text("updated_at")) is not None:
        found["pending_since"] = since
    return found


def _type(live: Deployment) -> str | None:
    config = live.value.get("source_config")
    kind = config.get("deployment_type") if isinstance(config, dict) else None
    return kind if isinstance(kind, str) else None


_FACTS: Final[Mapping[str, Callable[[Deployment], str | None]]] = {
    "source": lambda live: live.text("source"),
    "type": _type,
    "status": lambda live: live.text("status"),
}


def inventory(deployments: Sequence[Deployment]) -> dict[str, dict[str, int]]:
    """Count deployments by their source, type and status, the most frequent first."""
    tallies = {fact: Counter(map(read, deployments)) for fact, read in _FACTS.items()}
    known = {fact: [(text, n) for text, n in tally.items() if text is not None] for fact, tally in tallies.items()}
    return {
        fact: dict(sorted(tally, key=lambda entry: (-entry[1], entry[0]))) for fact, tally in known.items() if tally
    }


def _say_ambiguous(verdicts: _Verdicts, comparison: Comparison) -> None:
    verdicts.findings.append(finding("ambiguous-name", comparison))
    verdicts.gaps.append("Several live deployments have one name; which of them is meant can't be told.")


def _is_in_scope(name: str, snapshot: Snapshot) -> bool:
    """Tell whether a deployment of this name would have been listed, whatever else it is."""
    return all(key == "name_contains" and value in name for key, value in snapshot.scope.items())


def _findings_on_the_whole(
    comparisons: Sequence[Comparison], findings: Sequence[Finding], sides: Sides, outside: int
) -> Iterator[Finding]:
    declared = sides.declarations.deployments
    if outside:
        yield replace(
            finding("outside-scope", None),
            message="Outside the scope that was asked for, so that nothing is said of them: "
            f"{outside} of {len(declared)} declared deployments.",
        )
    in_scope = len(declared) - outside
    known = {each.name for each in declared} | (sides.base.names() if sides.base else set())
    seen = any(deployment.name in known for deployment in sides.snapshot.deployments)
    if in_scope and sides.snapshot.deployments and sides.all_is_seen and not seen:
        yield finding("wrong-workspace", None)
    if sides.all_is_seen:
        yield from _renames(comparisons, findings, sides)


def _renames(comparisons: Sequence[Comparison], findings: Sequence[Finding], sides: Sides) -> Iterator[Finding]:
    """Report deployments that were probably created anew under another name, or will be by the change."""
    absent = {each.name: each for each in comparisons if each.id is None}
    rules = {found.deployment: found.rule for found in findings}
    missing = {name for name in absent if rules.get(name) in ("missing-deployment", "missing-elsewhere")}
    proposed = {name for name in absent if rules.get(name) == "proposed-creation"}
    unmanaged = {each.name for each in comparisons if each.status is Status.UNMANAGED}
    removed = {name for name in unmanaged if rules.get(name) == "proposed-removal"}
    appeared_names = {name for name in unmanaged - removed if rules.get(name) != "outdated-deployment"}
    for name, appeared in find_renames(sides.declarations, sides.snapshot, missing, appeared_names):
        message = f"Probably renamed: the live deployment {appeared} has the same origin."
        yield replace(finding("probable-rename", absent[name]), message=message)
    for name, former in find_renames(sides.declarations, sides.snapshot, proposed, removed):
        message = f"Probably to be renamed: the live deployment {former}, no longer declared, has the same origin."
        yield replace(finding("proposed-rename", absent[name]), message=message)


def finding(rule: str, about: Comparison | None, *, path: Path | None = None) -> Finding:
    """Make the finding of a rule about a deployment; its message is the rule's title."""
    entry = RULES[rule]
    return Finding(
        rule=rule,
        severity=entry.severity,
        message=entry.title + ".",
        hint=entry.hint,
        deployment=about.name if about else None,
        path=path,
        location=about.location if about else None,
    )
