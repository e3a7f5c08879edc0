"""Verdicts: the impact and class of each change, and the status of each deployment.

The completeness law: a deployment is *missing* only if the listing is complete, *unmanaged* only if the
declarations are complete too; otherwise it is *unknown*.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from driftcheck import fields
from driftcheck.comparison.diff import compare_with_live
from driftcheck.comparison.differences import Difference, Differences
from driftcheck.comparison.equality import may_be_same_image
from driftcheck.comparison.matching import agent_of, match_deployments
from driftcheck.comparison.renames import find_renames
from driftcheck.fields import branch_behind, may_be_commit
from driftcheck.model import (
    ABSENT,
    JSON,
    Absent,
    Change,
    ChangeClass,
    Comparison,
    Declaration,
    Declarations,
    Deployment,
    Finding,
    Impact,
    Location,
    Snapshot,
    Status,
)
from driftcheck.paths import Path, value_at
from driftcheck.rules import ABSENCE_RULES, make_finding

if TYPE_CHECKING:
    from driftcheck.comparison.three_way import BaseDeclarations, BaseDeployment


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The result of a comparison, before policy: nothing is redacted or suppressed yet."""

    comparisons: tuple[Comparison, ...]
    """Sorted by name."""
    findings: tuple[Finding, ...]
    gaps: tuple[str, ...] = ()
    """Gaps that the comparison found, in addition to those of the snapshot."""


MAX_CHANGES: Final = 10_000
"""The most changes of a run, for each mebibyte of declarations; deployments beyond the limit are unknown."""


@dataclass(slots=True)
class _Assessment:
    """What is compared, and what was found so far; functions here call it `so_far`."""

    declarations: Declarations
    snapshot: Snapshot
    base: BaseDeclarations | None
    strict: bool
    listed: bool
    inventory: bool
    pinned: Mapping[str, Collection[Path]]
    comparisons: list[Comparison] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    changes: int = 0
    is_full: bool = False
    """Whether the limit of changes was reached; nothing more is compared."""

    @property
    def is_complete(self) -> bool:
        """Whether both sides were read completely."""
        return self.snapshot.complete and self.declarations.complete

    @property
    def most_changes(self) -> int:
        """Return how many changes may be reported; two listings have no limit."""
        if self.listed:
            return sys.maxsize
        return max(MAX_CHANGES, MAX_CHANGES * self.declarations.size // 2**20)

    def has_room(self, number: int) -> bool:
        """Return whether this number of additional changes may be reported."""
        return self.changes + number <= self.most_changes

    def earlier(self, name: str) -> BaseDeployment | None:
        """Return a deployment as earlier commits declare it; None if unknown or not three-way."""
        return self.base.deployment(name) if self.base else None

    def add(
        self,
        rule: str,
        about: Comparison | None,
        *,
        message: str | None = None,
        hint: str | Absent | None = ABSENT,
        path: Path | None = None,
        location: Location | None = None,
    ) -> None:
        """Record the finding of a rule about a deployment, or about the whole run; ABSENT is the rule's own hint."""
        found = make_finding(
            rule,
            message,
            deployment=about.name if about else None,
            path=path,
            location=location or (about.location if about else None),
        )
        if self.listed and message is None and (own := self._message_of_listings(rule)) is not None:
            found = replace(found, message=own, hint=None)
        self.findings.append(found if hint is ABSENT else replace(found, hint=hint))

    def _message_of_listings(self, rule: str) -> str | None:
        """Return the message of a rule whose own message is about declarations."""
        first, second = self.declarations.files[0], self.snapshot.source
        return {
            "missing-deployment": f"Only in {first}, not in {second}.",
            "unmanaged-deployment": f"Only in {second}, not in {first}.",
            "wrong-workspace": f"{first} and {second} have no name in common.",
            "unverifiable-image": "One of the two shows a tag, the other a digest.",
        }.get(rule)


def assess(
    declarations: Declarations,
    snapshot: Snapshot,
    base: BaseDeclarations | None = None,
    *,
    strict: bool = False,
    listed: bool = False,
    inventory: bool = False,
    pinned: Mapping[str, Collection[Path]] | None = None,
) -> Verdicts:
    """Compare every declared deployment with its live one, and account for all other live deployments.

    A three-way check has a `base`. With `strict`, live values that are set, not declared and not the service's own
    differ, too. `listed`: the declared side is another listing, which leaves some values unverifiable. With
    `inventory`, the state of undeclared live deployments is reported, too. `pinned` are paths by deployment that are
    compared although they may be undeclared.
    """
    so_far = _Assessment(declarations, snapshot, base, strict, listed, inventory, pinned or {})
    matches, rest = match_deployments(declarations.deployments, snapshot.deployments)
    outside = 0
    owners = {id(found[0]): declaration for declaration, found in matches if found and "name" in declaration.value}
    for declaration, found in matches:
        owner = owners.get(id(found[0]), declaration) if found else declaration
        if owner is not declaration:
            _assess_declared_twice(so_far, declaration, owner)
        elif len(found) == 1 and not found[0].is_being_deleted:
            _assess_pair(so_far, declaration, found[0])
        elif found or _is_in_scope(declaration, snapshot):
            _assess_incomparable(so_far, declaration, found)
        else:
            outside += 1
    for name, deployments in rest.items():
        _assess_undeclared(so_far, name, deployments)
    _add_findings_on_the_whole(so_far, outside)
    return Verdicts(
        comparisons=tuple(sorted(so_far.comparisons, key=lambda comparison: comparison.name)),
        findings=tuple(so_far.findings),
        gaps=tuple(so_far.gaps),
    )


def _assess_declared_twice(so_far: _Assessment, declaration: Declaration, owner: Declaration) -> None:
    """Report a declaration by agent whose live deployment is also declared by name."""
    comparison = Comparison(declaration.name, Status.UNKNOWN, location=declaration.locate(()))
    so_far.comparisons.append(comparison)
    so_far.add("duplicate-name", comparison, message=f"The deployment is already declared by its name, {owner.name}.")


def _assess_incomparable(so_far: _Assessment, declaration: Declaration, found: Sequence[Deployment]) -> None:
    """Assess a declared deployment that is not live, is being deleted, or has several live ones of its name."""
    complete = so_far.snapshot.complete
    status, rule = _absence(declaration, so_far.earlier(declaration.name))
    comparison = Comparison(
        declaration.name,
        status if complete and len(found) < 2 else Status.UNKNOWN,
        location=declaration.locate(()),
    )
    if len(found) > 1:
        _add_ambiguous(so_far, comparison)
        return
    hint: str | Absent = ABSENT
    if found:
        live = found[0]
        comparison = replace(comparison, id=live.id, facts=facts(live), live_since=live.since)
        so_far.add("being-deleted", comparison)
        hint = "Its name stays reserved until the deletion ends; create it again after that."
    so_far.comparisons.append(comparison)
    if complete:
        so_far.add(rule, comparison, hint=hint)


def _absence(declaration: Declaration, earlier: BaseDeployment | None) -> tuple[Status, str]:
    """Return the status of a deployment that is not live, and the rule that reports it."""
    match ChangeClass.DRIFT if earlier is None else earlier.presence(declaration.value):
        case ChangeClass.PROPOSED:
            return Status.PROPOSED, "proposed-creation"
        case ChangeClass.OUTDATED:
            return Status.MISSING, "outdated-deployment"
        case ChangeClass.ELSEWHERE:
            return Status.MISSING, "missing-elsewhere"
    return Status.MISSING, "missing-deployment"


def _assess_pair(so_far: _Assessment, declaration: Declaration, live: Deployment) -> None:
    if so_far.is_full:
        _assess_uncompared(so_far, declaration, live)
        return
    seen = live.value
    if "name" not in declaration.value:
        seen = {key: value for key, value in seen.items() if key != "name"}  # the service chose it (docs/API.md 6.4)
    result = _compare_values(so_far, declaration.value, seen)
    pinned = _pinned_differences(so_far, declaration, seen, result)
    earlier = so_far.earlier(declaration.name)
    classed: Sequence[Difference] = ()
    removed: Sequence[Path] = ()
    number = len(result.differences) + len(pinned)
    if so_far.has_room(number):
        classed, removed = _classified(so_far, earlier, declaration, seen, result.differences, pinned)
        number = len(classed) + len(removed)
    if not so_far.has_room(number):
        so_far.is_full = True
        _assess_uncompared(so_far, declaration, live)
        return
    so_far.changes += number
    changes = [change_of(declaration, each) for each in classed]
    comparison = Comparison(
        name=declaration.name,
        status=status_of(changes),
        id=live.id,
        location=declaration.locate(()),
        changes=tuple(changes),
        unverifiable=tuple(result.unverifiable),
        compared=result.compared + len(pinned),
        facts=facts(live),
        live_since=live.since,
        by_name_only=result.by_name_only,
    )
    so_far.comparisons.append(comparison)
    _add_findings(so_far, comparison, result, declaration, live)
    if earlier is not None and earlier.is_new:
        so_far.add("proposed-adoption", comparison)
    for path in removed:
        so_far.add("declaration-removed", comparison, path=path)


def _compare_values(so_far: _Assessment, declared: Mapping[str, JSON], live: Mapping[str, JSON]) -> Differences:
    if so_far.listed:
        from driftcheck.comparison.symmetric import compare_listed

        return compare_listed(declared, live)
    return compare_with_live(declared, live, strict=so_far.strict)


def _pinned_differences(
    so_far: _Assessment, declaration: Declaration, live: Mapping[str, JSON], result: Differences
) -> list[Difference]:
    """Return undeclared live values at, around and below the paths that ignore rules pin to a value."""
    paths = set(so_far.pinned.get(declaration.name, ()))
    if not paths or so_far.strict or so_far.listed:
        return []
    around = {path[:length] for path in paths for length in range(len(path))}
    known = {difference.path for difference in result.differences}
    return [
        difference
        for difference in compare_with_live(declaration.value, live, strict=True).differences
        if difference.path not in known
        and (difference.path in around or any(difference.path[: n + 1] in paths for n in range(len(difference.path))))
    ]


def _classified(
    so_far: _Assessment,
    earlier: BaseDeployment | None,
    declaration: Declaration,
    seen: Mapping[str, JSON],
    differences: Sequence[Difference],
    pinned: Sequence[Difference],
) -> tuple[Sequence[Difference], Sequence[Path]]:
    """Return the differences with their classes, and fields that the change no longer declares although live differs.

    With --base, this includes what only a three-way comparison finds.
    """
    if earlier is None:
        return [*differences, *pinned], ()
    outside = ChangeClass.DRIFT if earlier.is_touched(declaration.value) else ChangeClass.ELSEWHERE
    undeclared = [replace(each, change_class=outside, base=None) for each in pinned]
    if not differences and earlier.is_settled(declaration.value):
        return undeclared, ()
    from driftcheck.comparison.three_way import ThreeWay

    three = ThreeWay(earlier, declaration.value, seen, differences, strict=so_far.strict)
    return [*three.classify(), *undeclared], [*three.removed()]


def _assess_uncompared(so_far: _Assessment, declaration: Declaration, live: Deployment) -> None:
    so_far.comparisons.append(Comparison(declaration.name, Status.UNKNOWN, live.id, location=declaration.locate(())))
    so_far.gaps.append(f"There are more than {so_far.most_changes:,} changes: some deployments were not compared.")


def _add_findings(
    so_far: _Assessment, comparison: Comparison, result: Differences, declaration: Declaration, live: Deployment
) -> None:
    """Record findings about a compared deployment."""
    for path in result.unmodelled:
        so_far.add("unmodelled-field", comparison, path=path, location=declaration.locate(path))
    for path in result.unverifiable:
        if fields.deployment().at(path).equivalence == "image":
            _add_unverifiable_image(so_far, comparison, path, declaration, live)
    if _is_of_other_branch(declaration.value, live.value):
        so_far.add("other-branch", comparison, path=_REFERENCE, location=declaration.locate(_REFERENCE))
    if result.before_first_revision:
        so_far.add("no-revision", comparison)
    if live.is_rollout_pending:
        so_far.add("rollout-pending", comparison)
    if not so_far.listed:
        _add_exposure(so_far, comparison, live, declaration.value)


_REFERENCE: Final = ("source_revision_config", "repo_ref")


def _is_of_other_branch(declared: Mapping[str, JSON], live: Mapping[str, JSON]) -> bool:
    """Return whether live names another branch for its latest revision than the tracked one (docs/API.md 3.1.9).

    A commit can belong to any branch.
    """
    seen, tracked = value_at(live, _REFERENCE), branch_behind(live, fields.deployment().at(_REFERENCE))
    if value_at(declared, _REFERENCE) is None or not isinstance(seen, str) or not isinstance(tracked, str):
        return False
    names_branch = seen not in ("", "HEAD") and not may_be_commit(seen)
    return names_branch and seen.removeprefix("refs/heads/") != tracked.removeprefix("refs/heads/")


def _add_unverifiable_image(
    so_far: _Assessment, comparison: Comparison, path: Path, declaration: Declaration, live: Deployment
) -> None:
    """Report why an image can't be compared: its tag, or its short name."""
    declared, seen = value_at(declaration.value, path), value_at(live.value, path)
    if not may_be_same_image(declared, seen) and not (so_far.listed and may_be_same_image(seen, declared)):
        return
    location = declaration.locate(path)
    if ("@" in str(seen)) != ("@" in str(declared)):
        so_far.add("unverifiable-image", comparison, path=path, location=location)
    else:
        so_far.add(
            "unverifiable-image", comparison, message=_SHORT_NAME, hint=_WITH_REGISTRY, path=path, location=location
        )


_SHORT_NAME: Final = (
    "Only one side names a registry; the other means Docker Hub, unless the cluster has another default."
)
_WITH_REGISTRY: Final = "Name the registry on both sides to compare them."


def _add_exposure(so_far: _Assessment, comparison: Comparison, live: Deployment, declared: Mapping[str, JSON]) -> None:
    """Warn of an undeclared live setting that opens the deployment to others."""
    reported = {change.path for change in comparison.changes}
    for name, child in fields.deployment().properties.items():
        if child.exposes and live.value.get(name) is True and name not in declared and (name,) not in reported:
            so_far.add("undeclared-sharing", comparison, path=(name,))


def status_of(changes: Sequence[Change]) -> Status:
    """Return the status of a compared deployment from its changes; suppressed ones don't count."""
    classes = {change.change_class for change in changes if change.suppressed is None}
    if classes - {ChangeClass.PROPOSED, ChangeClass.ADOPTED}:
        return Status.DRIFTED
    return Status.PROPOSED if ChangeClass.PROPOSED in classes else Status.IN_SYNC


_IMPACTS_BY_EFFORT: Final = tuple(Impact)


def change_of(declaration: Declaration, difference: Difference) -> Change:
    """Return a difference as a change, with its location and impact."""
    return Change(
        kind=difference.kind,
        path=difference.path,
        declared=difference.declared,
        live=difference.live,
        location=declaration.locate(difference.path),
        impact=_worst_impact(difference.path, difference.declared),
        declared_effective=difference.declared_effective,
        live_effective=difference.live_effective,
        of_order=difference.of_order,
        change_class=difference.change_class,
        base=difference.base,
    )


def _worst_impact(path: Path, declared: JSON) -> Impact:
    """Return the impact of a change at a path; of a whole object, the worst of its declared parts."""
    impacts = [impact_of(path)]
    if isinstance(declared, dict) and impacts[0] is not Impact.RECREATE:
        parts = (name for name, value in declared.items() if value is not None)
        impacts += [_worst_impact((*path, name), declared[name]) for name in parts]
    return max(impacts, key=_IMPACTS_BY_EFFORT.index)


def impact_of(path: Path) -> Impact:
    """Return what reverting a change requires: a new deployment, a new revision, or neither (docs/API.md 2.2)."""
    impact = Impact.IN_PLACE
    for part in fields.deployment().along(path):
        if part.immutable:
            return Impact.RECREATE
        if part.revision:
            impact = Impact.NEW_REVISION
    return impact


def _assess_undeclared(so_far: _Assessment, name: str, deployments: Sequence[Deployment]) -> None:
    if len(deployments) > 1:
        _add_ambiguous(so_far, Comparison(name, Status.UNKNOWN))
        return
    live = deployments[0]
    status = Status.UNMANAGED if so_far.is_complete else Status.UNKNOWN
    comparison = Comparison(name, status, live.id, facts=facts(live), live_since=live.since)
    if live.is_being_deleted:
        so_far.add("being-deleted", comparison, hint=None)
        return
    so_far.comparisons.append(comparison)
    if status is Status.UNMANAGED:
        so_far.add(_presence(so_far.earlier(name)) or unmanaged_rule(live), comparison)
    if so_far.inventory:
        if live.is_rollout_pending:
            so_far.add("rollout-pending", comparison)
        _add_exposure(so_far, comparison, live, {})


def _presence(earlier: BaseDeployment | None) -> str | None:
    """Return the rule that reports a live deployment that only an earlier commit declares; None for any other."""
    rules = {ChangeClass.PROPOSED: "proposed-removal", ChangeClass.OUTDATED: "outdated-deployment"}
    return None if earlier is None else rules.get(earlier.presence(None))


def unmanaged_rule(live: Deployment) -> str:
    """Return the rule for an undeclared live deployment: the platform may have created it (docs/API.md 3.1.13)."""
    if live.is_preview:
        return "unmanaged-preview"
    if live.is_managed_agent:
        return "unmanaged-managed-agent"
    return "unmanaged-deployment"


def facts(live: Deployment) -> dict[str, str]:
    """Return what an inventory counts: source, type and status, and since when a rollout is pending."""
    found = _counted(live)
    if live.is_rollout_pending and (since := live.text("updated_at")) is not None:
        found["pending_since"] = since
    return found


def _counted(live: Deployment) -> dict[str, str]:
    read = {"source": live.text("source"), "type": live.type, "status": live.text("status")}
    return {fact: text for fact, text in read.items() if text is not None}


def inventory(deployments: Sequence[Deployment]) -> dict[str, dict[str, int]]:
    """Count deployments by their source, type and status, the most frequent first."""
    tallies: dict[str, Counter[str]] = {"source": Counter(), "type": Counter(), "status": Counter()}
    for deployment in deployments:
        for fact, text in _counted(deployment).items():
            tallies[fact][text] += 1
    return {
        fact: dict(sorted(tally.items(), key=lambda entry: (-entry[1], entry[0])))
        for fact, tally in tallies.items()
        if tally
    }


def _add_ambiguous(so_far: _Assessment, comparison: Comparison) -> None:
    so_far.comparisons.append(comparison)
    so_far.add("ambiguous-name", comparison)
    so_far.gaps.append("Several live deployments have the same name: which of them is meant is not known.")


def _is_in_scope(declaration: Declaration, snapshot: Snapshot) -> bool:
    """Return whether a deployment would have been listed by its name, or by the agent that it is declared by."""
    if "name" in declaration.value:
        return all(key == "name_contains" and value in declaration.name for key, value in snapshot.scope.items())
    agent = dict(zip(("agent_id", "agent_environment"), agent_of(declaration.value) or (), strict=False))
    return all(agent.get(key) == value for key, value in snapshot.scope.items())


def _add_findings_on_the_whole(so_far: _Assessment, outside: int) -> None:
    declared = so_far.declarations.deployments
    if outside:
        message = (
            f"{outside} of {len(declared)} declared deployments are outside the requested scope and were not checked."
        )
        so_far.add("outside-scope", None, message=message)
    in_scope = len(declared) - outside
    known = {each.name for each in declared} | (so_far.base.names() if so_far.base else set())
    seen = any(
        deployment.name in known or "/".join(agent_of(deployment.value) or ()) in known
        for deployment in so_far.snapshot.deployments
    )
    if in_scope and so_far.snapshot.deployments and so_far.is_complete and not seen:
        so_far.add("wrong-workspace", None)
    if so_far.is_complete:
        _add_renames(so_far)


def _add_renames(so_far: _Assessment) -> None:
    """Report deployments that were probably renamed, or will be by the change under review."""
    declarations, snapshot, comparisons = so_far.declarations, so_far.snapshot, so_far.comparisons
    absent = {each.name: each for each in comparisons if each.id is None}
    rules = {found.deployment: found.rule for found in so_far.findings}
    missing = {name for name in absent if rules.get(name) in ABSENCE_RULES}
    proposed = {name for name in absent if rules.get(name) == "proposed-creation"}
    unmanaged = {each.name for each in comparisons if each.status is Status.UNMANAGED}
    removed = {name for name in unmanaged if rules.get(name) == "proposed-removal"}
    appeared_names = {name for name in unmanaged - removed if rules.get(name) != "outdated-deployment"}
    for name, appeared in find_renames(declarations, snapshot, missing, appeared_names):
        message = f"Probably renamed to {appeared}, a live deployment of the same origin."
        hint = None if so_far.listed else ABSENT  # the rule's own is about a declaration
        so_far.add("probable-rename", absent[name], message=message, hint=hint)
    for name, former in find_renames(declarations, snapshot, proposed, removed):
        message = f"Probably renamed from {former}, a live deployment of the same origin that is no longer declared."
        so_far.add("proposed-rename", absent[name], message=message)
