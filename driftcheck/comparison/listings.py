"""Two listings: the first one is used as the declared side of the comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from driftcheck.comparison.equality import same_uuid
from driftcheck.comparison.verdicts import unmanaged_rule
from driftcheck.errors import UsageError
from driftcheck.model import Declaration, Declarations, Finding, Snapshot
from driftcheck.paths import glob_matches
from driftcheck.rules import RULES

_IMMUTABLE_FILTERS: Final = frozenset({"name_contains", "name", "deployment_type", "deployment_ids"})
"""Filters that a deployment fits either always or never."""


@dataclass(frozen=True, slots=True)
class NameMap:
    """Pairs names: the text that `*` matches in `first` replaces the `*` of `second`; both have one, or neither."""

    first: str
    second: str

    def counterpart(self, name: str) -> str | None:
        """Return the name on the second side, or None for a name that does not match."""
        if not glob_matches(self.first, name):
            return None
        before, star, after = self.first.partition("*")
        return self.second.replace("*", name[len(before) : len(name) - len(after)]) if star else self.second


def counterpart(name: str, maps: Sequence[NameMap]) -> str | None:
    """Return the name on the second side by the first map that matches; None if no map does."""
    return next((to for each in maps if (to := each.counterpart(name)) is not None), None)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two listings, ready to be compared."""

    declarations: Declarations
    """The first."""
    snapshot: Snapshot
    """The second, with the gaps of both."""
    apart: tuple[str, ...]
    """Names that are on both sides and not compared with themselves, since maps pair them with others."""


def pair(
    first: Snapshot, second: Snapshot, maps: Sequence[NameMap], origin: str, *, may_be_empty: bool = False
) -> Pairing:
    """Use the first listing instead of declarations, under the names that its deployments have on the second.

    `origin` is how reports name the first side; an empty one is a gap unless it `may_be_empty`. Raises UsageError if
    maps lead several names to one.
    """
    names = _counterparts(first, second, maps)
    there = {deployment.name for deployment in second.deployments}
    away = _mapped_away(names, there)
    counts = Counter(deployment.name for deployment in first.deployments)
    declarations, findings, gaps = [], [], list(_gaps(first, second, origin))
    for deployment in first.deployments:
        name = names.get(deployment.name)
        if name is None or deployment.is_being_deleted:
            continue
        if counts[deployment.name] > 1:
            findings.append(_finding("ambiguous-name", name, f"Several deployments have this name in {origin}."))
            gaps.append(f"Several deployments of {origin} have the same name: which of them is meant is not known.")
        elif (rule := unmanaged_rule(deployment)) != "unmanaged-deployment" and name not in there:
            findings.append(_finding(rule, name, f"Only in {origin}: {RULES[rule].title.lower()}."))
        else:
            declarations.append(Declaration(name, {**deployment.value, "name": name}, lambda _path: None))
    findings += _recreated(first, second, names)
    is_refused = not (first.deployments or first.gaps or may_be_empty)
    empty = [f"{origin}: The listing is empty. (--allow-empty-live accepts it.)"] if is_refused else []
    return Pairing(
        Declarations((origin,), tuple(declarations), findings=tuple(dict.fromkeys(findings))),
        replace(
            second,
            deployments=tuple(d for d in second.deployments if d.name not in away),
            gaps=tuple(dict.fromkeys((*empty, *second.gaps, *gaps))),
        ),
        tuple(sorted(away | {d.name for d in first.deployments if d.name not in names})),
    )


def _counterparts(first: Snapshot, second: Snapshot, maps: Sequence[NameMap]) -> dict[str, str]:
    """Return for each name of the first side the one on the second; names that take no part are left out.

    A name that matches no map is paired with itself, unless maps lead another one to it, or would if both sides
    had it: with both sides of one workspace, a production deployment is not compared with itself.
    """
    own = dict.fromkeys(deployment.name for deployment in first.deployments)
    mapped: dict[str, str] = {}
    for name in own:
        target = counterpart(name, maps)
        if target is not None:
            mapped[name] = target
    _refuse_collisions(mapped)
    there = {deployment.name for deployment in second.deployments}
    taken = set(mapped.values())
    for name in own.keys() - mapped.keys():
        led_to = name in taken or (name in there and any(glob_matches(each.second, name) for each in maps))
        if not led_to:
            mapped[name] = name
    return mapped


def _refuse_collisions(mapped: Mapping[str, str]) -> None:
    for target, count in Counter(mapped.values()).items():
        if count > 1:
            names = sorted(name for name, to in mapped.items() if to == target)
            raise UsageError(
                f"--map leads several deployments to the name {target}: {', '.join(names)}.",
                hint="Give each its own counterpart; the first map that fits a name counts.",
            )


def _mapped_away(names: Mapping[str, str], there: Iterable[str]) -> set[str]:
    """Return the names of the second side whose own counterpart on the first was paired with another."""
    taken = set(names.values())
    return {name for name in there if name not in taken and names.get(name, name) != name}


def _gaps(first: Snapshot, second: Snapshot, origin: str) -> Iterator[str]:
    yield from (f"{origin}: {gap}" for gap in first.gaps)
    if first.scope != second.scope:
        yield "The two listings were narrowed by different filters, so what only one of them holds says nothing."
    elif first.scope.keys() - _IMMUTABLE_FILTERS:
        yield (
            "Both listings were narrowed by filters that a deployment may fit at one time and not at another, so what "
            "only one of them holds says nothing."
        )


def _finding(rule: str, name: str, message: str) -> Finding:
    return Finding(rule, RULES[rule].severity, message, deployment=name)


def _recreated(first: Snapshot, second: Snapshot, names: Mapping[str, str]) -> Iterator[Finding]:
    """Report deployments that have another id under the same name in one workspace: they were deleted and created."""
    counts = Counter(deployment.name for side in (first, second) for deployment in side.deployments)
    there = {deployment.name: deployment for deployment in second.deployments}
    for deployment in first.deployments:
        other = there.get(deployment.name)
        if other is None or counts[other.name] != len((first, second)) or names.get(deployment.name) != deployment.name:
            continue
        workspaces = (deployment.text("tenant_id") or first.workspace, other.text("tenant_id") or second.workspace)
        ids = (deployment.id, other.id)
        if None not in ids and _is_same_id(*workspaces) and not _is_same_id(*ids):
            yield _finding("recreated", deployment.name, RULES["recreated"].title + ".")


def _is_same_id(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and (one == other or same_uuid(one, other))
