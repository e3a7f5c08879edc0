"""Ignore rules: suppresses changes and findings, and reports defects of the rules themselves.

Suppressed items stay in the report, marked with the rule, and are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import Final

from driftcheck.budget import Budget, OverBudgetError, weight
from driftcheck.fields import UNKNOWN, Field, deployment
from driftcheck.globs import GlobIndex, PatternIndex
from driftcheck.model import ABSENT, JSON, Change, Comparison, Declaration, Finding, Guard, IgnoreRule, Suppression
from driftcheck.paths import Item, Path, glob_matches, parse_path
from driftcheck.redaction.patterns import holds_credential, shown
from driftcheck.redaction.values import redact
from driftcheck.rules import ABSENCE_RULES, UNMANAGED_RULES, make_finding

BUDGET: Final = 10_000_000
"""Steps that matching rules with names, paths and values may take: a thousand rules and ten thousand changes need less
than a fifth of it."""


class _Names:
    """Rules by the deployments that they are about, separately for each file."""

    def __init__(self, rules: Mapping[int, IgnoreRule], *, scoped: bool = True) -> None:
        by_scope: dict[frozenset[str] | None, dict[int, IgnoreRule]] = {}
        for index, rule in rules.items():
            by_scope.setdefault(rule.scope if scoped else None, {})[index] = rule
        self._groups: dict[str | None, list[tuple[frozenset[int], GlobIndex[int]]]] = {}
        """By the name of a deployment, the rules of the files that declare it; None for rules of the configuration.

        Of each file: the rules about all its deployments, and the others.
        """
        for scope, own in by_scope.items():
            about_all = frozenset(index for index, rule in own.items() if rule.deployment == "*")
            others = GlobIndex((rule.deployment, index) for index, rule in own.items() if index not in about_all)
            for name in (None,) if scope is None else scope:
                self._groups.setdefault(name, []).append((about_all, others))

    def about(self, name: str, budget: Budget) -> list[Set[int]]:
        """Return the rules about a deployment, in one or several sets; raises OverBudgetError."""
        found: list[Set[int]] = []
        for about_all, others in (*self._groups.get(None, ()), *self._groups.get(name, ())):
            found += [about_all, frozenset(others.matching(name, budget))]
        return [rules for rules in found if rules]


class Suppressions:
    """The rules that are in force, and which of them were used."""

    def __init__(
        self, rules: Mapping[int, IgnoreRule], paths: PatternIndex, budget: Budget, *, is_over_budget: bool = False
    ) -> None:
        """Take the rules by number (the lowest takes precedence), and an index of their patterns by these numbers."""
        self.rules, self._paths, self._budget = rules, paths, budget
        self.used: set[int] = set()
        self.is_over_budget = is_over_budget
        """Whether matching the rules takes too much work; from then on nothing is suppressed."""
        self._names = _Names({index: rule for index, rule in rules.items() if rule.path is not None})
        by_finding: dict[str, dict[int, IgnoreRule]] = {}
        self._absences: dict[str, list[int]] = {}
        """By the full name of a deployment, the rules that accept that it is missing."""
        for index, rule in rules.items():
            for finding in {rule.rule} | (UNMANAGED_RULES if rule.unmanaged else set()):
                if finding is not None and finding not in ABSENCE_RULES:
                    by_finding.setdefault(finding, {})[index] = rule
            if rule.missing or rule.rule in ABSENCE_RULES:
                self._absences.setdefault(rule.deployment, []).append(index)
        self._by_finding = {
            finding: _Names(rules, scoped=finding not in UNMANAGED_RULES) for finding, rules in by_finding.items()
        }
        self._weights = {
            index: _GUARD + 2 * weight((rule.guard.equals, rule.guard.is_in, rule.guard.matches))
            for index, rule in rules.items()
            if rule.guard is not None
        }
        """The steps that the guards take."""

    def suppress(self, comparison: Comparison) -> Comparison:
        """Mark the changes that a rule covers; their live values must not have been redacted yet."""
        if self.is_over_budget or not comparison.changes:
            return comparison
        try:
            about = self._names.about(comparison.name, self._budget)
            if not about:
                return comparison
            changes = tuple(self._suppress_change(change, about) for change in comparison.changes)
        except OverBudgetError:
            self.is_over_budget = True
            return comparison
        return replace(comparison, changes=changes)

    def _suppress_change(self, change: Change, about: Sequence[Set[int]]) -> Change:
        seen: Change | None = None
        covering = self._paths.matching(change.path)
        self._budget.spend(_LOOK_UP * len(covering))
        for index in sorted(index for index in covering if any(index in rules for rules in about)):
            guard = self.rules[index].guard
            if guard is not None:
                self._budget.spend(self._weights[index] + weight(change.live if guard.matches else None))
                seen = seen or redact(change)
                if seen.redacted or not holds(guard, seen.live):  # a guard must not reveal a value that is not shown
                    continue
            self.used.add(index)
            return replace(change, suppressed=_suppression(self.rules[index]))
        return change

    def suppress_finding(self, finding: Finding) -> Finding:
        """Mark the finding of a deployment that a rule covers."""
        if finding.deployment is None or finding.suppressed is not None or self.is_over_budget:
            return finding
        try:
            index = min(self._rules_about(finding.rule, finding.deployment), default=None)
        except OverBudgetError:
            self.is_over_budget = True
            return finding
        if index is None:
            return finding
        self.used.add(index)
        return replace(finding, suppressed=_suppression(self.rules[index]))

    def _rules_about(self, finding: str, name: str) -> Iterator[int]:
        """Yield the rules that cover a finding about a deployment; an accepted absence is named in full."""
        if finding in ABSENCE_RULES:
            for index in self._absences.get(name, ()):
                self._budget.spend()
                scope = self.rules[index].scope
                if scope is None or name in scope:
                    yield index
        elif finding in self._by_finding:
            for rules in self._by_finding[finding].about(name, self._budget):
                self._budget.spend(len(rules))
                yield from rules

    def unused(self, declared: Sequence[Declaration], *, strict: bool) -> Iterator[Finding]:
        """Yield a finding for each rule that suppressed nothing although it could have.

        A comparison that is not strict does not report undeclared fields, so rules for these are left alone.
        """
        try:
            idle = [index for index in self.rules if index not in self.used and not self.is_over_budget]
            undecided = () if strict else self._needing_strict(idle)
            reachable = self._reachable(declared, undecided) if undecided else frozenset()
        except OverBudgetError:
            self.is_over_budget = True
            return
        names = {declaration.name for declaration in declared}
        for index in idle:
            if index not in undecided or index in reachable:
                rule = self.rules[index]
                message = _safe(f"{_title(rule)} matched nothing.")
                yield make_finding("unused-ignore", message, hint=_why_unused(rule, names), location=rule.location)

    def _needing_strict(self, idle: Iterable[int]) -> set[int]:
        """Return the rules, apart from pinned ones, that match some field of the schema: it may be undeclared."""
        matching = self._paths.below(_collections(deployment(), ()))
        rules = ((index, self.rules[index]) for index in idle if not is_pinned(self.rules[index]))
        return {index for index, rule in rules if index in matching and not rule.missing and not rule.unmanaged}

    def _reachable(self, declared: Sequence[Declaration], undecided: Iterable[int]) -> frozenset[int]:
        """Return the rules that a change of a declared value would match, or that match no deployment."""
        schema, left = deployment(), set(undecided)
        about_none = set(left)
        found: set[int] = set()
        for declaration in declared:
            about = left & frozenset().union(*self._names.about(declaration.name, self._budget))
            self._budget.spend(1 + len(about))
            about_none -= about
            if about:
                reached = self._paths.below(_declared_paths(declaration.value, schema, ())) & about
                found |= reached
                left.difference_update(reached)
            if not left:
                break
        return frozenset(found | about_none)

    def limit(self) -> Iterator[Finding]:
        """Yield the finding of rules that take too much work."""
        if self.is_over_budget:
            message = "Matching the ignore rules takes too much work; from some deployment on nothing was suppressed."
            location = next(iter(self.rules.values())).location if self.rules else None
            yield make_finding("yaml-limit", message, hint="Use fewer rules, with fewer stars.", location=location)


_GUARD: Final = 20
"""Steps that a guard takes besides the comparison of its values."""
_LOOK_UP: Final = 4
"""Steps for finding a rule among those about a deployment."""


def in_force(rules: Iterable[IgnoreRule], today: date) -> tuple[Suppressions, list[Finding]]:
    """Return the rules without those that suppress nothing (expired, or too broad), and a finding for each of these."""
    kept, findings = {}, []
    numbered = dict(enumerate(rules))
    budget = Budget(BUDGET)
    paths = PatternIndex((rule.path for rule in numbered.values()), budget)
    try:
        catch_alls = _covering_every_field(numbered, paths, today)
    except OverBudgetError:  # which of the rules are too broad is unknown
        return Suppressions(numbered, paths, budget, is_over_budget=True), []
    for number, rule in numbered.items():
        if number in catch_alls or _is_about_everything(rule):
            findings.append(make_finding("catch-all-ignore", location=rule.location))
        elif _is_expired(rule, today):
            findings.append(make_finding("expired-ignore", _expired(rule), location=rule.location))
        else:
            kept[number] = rule
    return Suppressions(kept, paths, budget), findings


def _expired(rule: IgnoreRule) -> str | None:
    """Return the message about an expired rule: date, owner and reason; None if these hold a credential."""
    owner = f", owner {rule.owner}," if rule.owner else ""
    reason = rule.reason if rule.reason.endswith((".", "!", "?")) else f"{rule.reason}."
    return _safe(f"{_title(rule)}{owner} expired on {rule.expires}. Its reason: {reason}")


def _title(rule: IgnoreRule) -> str:
    kind = "missing" if rule.missing else "unmanaged" if rule.unmanaged else rule.path or rule.rule or "all findings"
    return f"The ignore rule for `{rule.deployment}` (`{kind}`)"


def _safe(text: str) -> str | None:
    return None if holds_credential(text) else text


def _why_unused(rule: IgnoreRule, names: Set[str]) -> str | None:
    """Return the probable mistake in a rule that matched nothing, and what to write instead; None if there is none."""
    if rule.path is None:
        return None
    if "*" not in rule.deployment and rule.deployment not in names:
        return "No deployment of this name is declared. Correct the name, or remove the rule."
    if "*" in rule.path:
        return None
    try:
        path = parse_path(rule.path)
    except ValueError:
        return None
    around = deployment()
    for segment in path:
        field = around.child(segment)
        if field is None and around.properties and isinstance(segment, str):
            close = get_close_matches(segment[:64], around.properties, n=1)
            return f"No field has this path. Did you mean `{close[0]}`?" if close else "No field has this path."
        around = field or UNKNOWN
    if around.properties or around.values or around.items:
        return _safe(f"The path matches this field alone. Write `{rule.path}.**` for the fields in it.")
    return None


def _is_about_everything(rule: IgnoreRule) -> bool:
    """Return whether a rule covers the presence or absence of every deployment."""
    about_all = not rule.deployment.strip("*")
    return about_all and (rule.missing or rule.unmanaged or rule.rule in ABSENCE_RULES or rule.rule in UNMANAGED_RULES)


def _is_expired(rule: IgnoreRule, today: date) -> bool:
    return rule.expires is not None and date.fromisoformat(rule.expires) < today


def _covering_every_field(rules: Mapping[int, IgnoreRule], paths: PatternIndex, today: date) -> Set[int]:
    """Return the rules that cover every field of the same deployments, alone or together, however they are spelled.

    An expired rule counts only if it covers them alone.
    """
    found = [paths.matching(path) for path in _leaf_paths()]
    alone = set.intersection(*map(set, found))
    parts = {n for n in set().union(*found) - alone if not _is_expired(rules[n], today)}
    together = set.intersection(*({rules[n].deployment for n in numbers & parts} for numbers in found))
    return alone | {n for n in parts if rules[n].deployment in together}


@cache
def _leaf_paths() -> tuple[Path, ...]:
    """Return a path of each kind that a change of the configuration can have; one identity for all.

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


def _declared_paths(value: JSON, node: Field, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the path of each declared value, and whether everything below it is compared, too."""
    if isinstance(value, dict) and node.properties:
        yield path, False
        for name, child in value.items():
            yield from _declared_paths(child, node.child(name) or Field(), (*path, name))
    else:
        yield path, True


def _collections(node: Field, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the path of each field, and whether its entries have their own names."""
    yield path, not node.properties
    for name, child in node.properties.items():
        yield from _collections(child, (*path, name))


def is_pinned(rule: IgnoreRule) -> bool:
    """Return whether a rule accepts one value of one field of one deployment, as exports write it."""
    names = f"{rule.deployment}{rule.path}"
    return rule.path is not None and "*" not in names and rule.guard is not None and rule.guard.equals is not ABSENT


def pinned_paths(rules: Iterable[IgnoreRule]) -> dict[str, list[Path]]:
    """Return the paths of pinned rules by deployment: these are compared even if nothing is declared there.

    Otherwise only a strict comparison would see that live no longer has the accepted value.
    """
    found: dict[str, list[Path]] = {}
    for rule in filter(is_pinned, rules):
        if rule.scope is None or rule.deployment in rule.scope:
            with suppress(ValueError):  # a pattern that is not the path of one field
                found.setdefault(rule.deployment, []).append(parse_path(rule.path or ""))
    return found


def holds(guard: Guard, live: JSON) -> bool:
    """Return whether a live value satisfies a guard; booleans and strings are not numbers."""
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
