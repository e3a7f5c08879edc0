"""Ignore rules: which changes and findings they suppress, and what is wrong with the rules themselves.

What is suppressed stays in the report, marked with the rule, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Final

from driftcheck.fields import Field, deployment
from driftcheck.model import ABSENT, JSON, Change, Comparison, Declaration, Finding, Guard, IgnoreRule, Suppression
from driftcheck.paths import Item, Path, PatternIndex, glob_matches, matches
from driftcheck.redaction.patterns import holds_credential, shown
from driftcheck.redaction.values import redact
from driftcheck.rules import make_finding

_ABSENCE: Final = frozenset({"missing-deployment", "missing-elsewhere"})
_PRESENCE: Final = frozenset({"unmanaged-deployment", "unmanaged-preview", "unmanaged-managed-agent"})


@dataclass(slots=True)
class Suppressions:
    """The rules that are in force, and which of them have suppressed something."""

    rules: tuple[IgnoreRule, ...]
    used: set[int] = field(default_factory=set)
    _paths: PatternIndex = field(init=False)
    _literal: dict[str, list[int]] = field(init=False)
    """By the full name of a deployment: the rules that name it without a star."""
    _globs: list[int] = field(init=False)
    _about: dict[str, frozenset[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._paths = PatternIndex(rule.path for rule in self.rules)
        self._literal, self._globs = {}, []
        for index, rule in enumerate(self.rules):
            if "*" in rule.deployment:
                self._globs.append(index)
            else:
                self._literal.setdefault(rule.deployment, []).append(index)

    def suppress_change(self, name: str, change: Change) -> Change:
        """Mark a change that a rule covers; its live value must not have been redacted yet."""
        about = self._rules_about(name)
        candidates = self._paths.matching(change.path) & about if about else ()
        seen: Change | None = None
        for index in sorted(candidates):
            guard = self.rules[index].guard
            if guard is not None:
                seen = seen or redact(change, deployment())
                if seen.redacted or not holds(guard, seen.live):  # a guard must not find out what is not shown
                    continue
            self.used.add(index)
            return replace(change, suppressed=_suppression(self.rules[index]))
        return change

    def suppress_finding(self, finding: Finding) -> Finding:
        """Mark the finding of a deployment that a rule covers."""
        if finding.deployment is None or finding.suppressed is not None:
            return finding
        for index in sorted(self._rules_about(finding.deployment, scoped=finding.rule not in _PRESENCE)):
            if _covers_finding(self.rules[index], finding):
                self.used.add(index)
                return replace(finding, suppressed=_suppression(self.rules[index]))
        return finding

    def unused(self, declared: Sequence[Declaration], *, strict: bool) -> Iterator[Finding]:
        """Yield a finding for each rule that suppressed nothing although it could have.

        A comparison that is not strict does not report undeclared fields, so rules for these are left alone.
        """
        idle = [index for index in range(len(self.rules)) if index not in self.used]
        undecided = () if strict else {index for index in idle if _needs_strict(self.rules[index])}
        reachable = self._reachable(declared, undecided) if undecided else frozenset()
        for index in idle:
            if index not in undecided or index in reachable:
                yield make_finding("unused-ignore", location=self.rules[index].location)

    def _reachable(self, declared: Sequence[Declaration], undecided: Iterable[int]) -> frozenset[int]:
        """Return the rules that a change of something declared would match, or that no deployment is about."""
        schema, left = deployment(), set(undecided)
        about_none = set(left)
        found: set[int] = set()
        for declaration in declared:
            about = self._rules_about(declaration.name) & left
            about_none -= about
            if about:
                reached = self._paths.below(_declared_paths(declaration.value, schema, ())) & about
                found |= reached
                left -= reached
            if not left:
                break
        return frozenset(found | about_none)

    def _rules_about(self, name: str, *, scoped: bool = True) -> frozenset[int]:
        """Return the rules whose `deployment` and file cover a name."""
        if name not in self._about:
            globs = (index for index in self._globs if glob_matches(self.rules[index].deployment, name))
            self._about[name] = frozenset((*self._literal.get(name, ()), *globs))
        about = self._about[name]
        if not scoped:
            return about
        return frozenset(i for i in about if (scope := self.rules[i].scope) is None or name in scope)


def in_force(rules: Iterable[IgnoreRule], today: date) -> tuple[Suppressions, list[Finding]]:
    """Return the rules without those that suppress nothing (expired, or too broad), and a finding for each of these."""
    kept, findings = [], []
    for rule in rules:
        if is_catch_all(rule):
            findings.append(make_finding("catch-all-ignore", location=rule.location))
        elif rule.expires is not None and date.fromisoformat(rule.expires) < today:
            findings.append(make_finding("expired-ignore", _expired(rule), location=rule.location))
        else:
            kept.append(rule)
    return Suppressions(tuple(kept)), findings


def _expired(rule: IgnoreRule) -> str | None:
    """Say which rule has expired, when, whose it is and why it was there; None where that holds a credential."""
    kind = "missing" if rule.missing else "unmanaged" if rule.unmanaged else rule.path or rule.rule or "all findings"
    owner = f", owner {rule.owner}," if rule.owner else ""
    reason = rule.reason.rstrip(".")
    text = f"The ignore rule for `{rule.deployment}` (`{kind}`){owner} expired on {rule.expires}. Its reason: {reason}."
    return None if holds_credential(text) else text


def is_catch_all(rule: IgnoreRule) -> bool:
    """Return whether a rule covers every field of a deployment, or the presence or absence of every deployment.

    A path is judged by what it covers of the schema, however it is spelled.
    """
    if rule.path is not None and _covers_every_field(rule.path):
        return True
    about_all = not rule.deployment.strip("*")
    return about_all and (rule.missing or rule.unmanaged or rule.rule in _ABSENCE or rule.rule in _PRESENCE)


@cache
def _covers_every_field(pattern: str) -> bool:
    return all(matches(pattern, path) for path in _leaf_paths())


@cache
def _leaf_paths() -> tuple[Path, ...]:
    """Return a path of each kind that a change of the configuration can have; an identity stands for any other.

    Names, tiers and secrets do not count: a rule that ignores all of the configuration turns the check off.
    """
    configuration = ("source_config", "source_revision_config")
    return tuple(path for path in _leaves(deployment(), ()) if path[0] in configuration)


def _leaves(node: Field, path: Path) -> Iterator[Path]:
    below = [_leaves(child, (*path, name)) for name, child in node.properties.items() if not child.read_only]
    if node.items is not None:
        entry = Item(node.key, "\uffff") if node.key else 0
        below.append(_leaves(node.items, (*path, entry)))
    if node.values is not None:
        below.append(_leaves(node.values, (*path, "\uffff")))
    if below:
        for each in below:
            yield from each
    else:
        yield path


def suppress(comparisons: Sequence[Comparison], suppressions: Suppressions) -> list[Comparison]:
    """Mark the changes that are covered; the statuses are left as they are."""
    if not suppressions.rules:
        return list(comparisons)
    return [
        replace(c, changes=tuple(suppressions.suppress_change(c.name, change) for change in c.changes))
        if c.changes
        else c
        for c in comparisons
    ]


def _covers_finding(rule: IgnoreRule, finding: Finding) -> bool:
    """Return whether a rule about a finding's deployment covers it; an accepted absence is named in full."""
    if finding.rule in _ABSENCE:
        return (rule.missing or rule.rule in _ABSENCE) and rule.deployment == finding.deployment
    return rule.rule == finding.rule or (rule.unmanaged and finding.rule in _PRESENCE)


def _needs_strict(rule: IgnoreRule) -> bool:
    """Return whether a rule is about fields alone, of which some may be undeclared, and can match some field at all."""
    if rule.path is None or rule.missing or rule.unmanaged:
        return False
    return bool(PatternIndex([rule.path]).below(_collections(deployment(), ())))


def _declared_paths(value: JSON, node: Field, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the path of each declared value, and whether all that is below it is compared too."""
    if isinstance(value, dict) and node.properties:
        yield path, False
        for name, child in value.items():
            yield from _declared_paths(child, node.child(name) or Field(), (*path, name))
    else:
        yield path, True


def _collections(node: Field, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the path of each field, and whether its entries have names of their own."""
    yield path, not node.properties
    for name, child in node.properties.items():
        yield from _collections(child, (*path, name))


def holds(guard: Guard, live: JSON) -> bool:
    """Return whether a live value fulfils a guard; booleans and texts are not numbers."""
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
    return Suppression(
        reason=shown(rule.reason),
        expires=rule.expires,
        location=rule.location,
        owner=rule.owner and shown(rule.owner),
        approved_by=rule.approved_by and shown(rule.approved_by),
    )
