"""House policies: requirements on the effective values of declared and live deployments.

A value that the listing can't show is unverifiable and not judged.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from driftcheck.budget import Budget, OverBudgetError, weight
from driftcheck.declarations.schema import compile_fragment
from driftcheck.fields import UNKNOWN, Field, deployment, derive, is_unset
from driftcheck.globs import GlobIndex
from driftcheck.model import (
    JSON,
    REDACTED_MARKER,
    Comparison,
    Declaration,
    Declarations,
    Deployment,
    Finding,
    HousePolicy,
    Severity,
)
from driftcheck.paths import Path, entry_segment, format_path, glob_matches, parse_path, segment_texts, split_pattern
from driftcheck.redaction.patterns import shown
from driftcheck.redaction.values import shown_value
from driftcheck.rules import make_finding

_MAX_SHOWN: Final = 80
"""The number of characters of a value in a message."""
_OF_REVISIONS: Final = frozenset({"secrets", "source_config", "source_revision_config"})
"""Sections that a listing does not show before the first revision."""

_STEPS: Final = 500_000
"""The budget of all policies together for each mebibyte of declarations; far above what people write."""
_STEPS_LIVE: Final = 60
"""The additional budget for each undeclared live deployment."""
_VIOLATION: Final = 20
"""The steps that a violation takes."""
_PARTS: Final = 100
"""The number of parts of a value, multiplied by that of a schema, that takes one more step."""

Key = tuple[str, str, Path]
"""Policy, deployment and path: what one violation is about."""


@dataclass(frozen=True, slots=True)
class PolicyResults:
    """What the policies found in one run."""

    findings: tuple[Finding, ...] = ()
    unverifiable: Mapping[str, frozenset[Path]] = field(default_factory=dict)
    """By deployment: paths of live values that the listing can't show."""


Side: TypeAlias = Declaration | Deployment
"""One deployment as it was declared or listed."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One value that a pattern selects."""

    path: Path
    value: JSON = None
    """What the service uses; None if nothing is set."""
    field: Field = UNKNOWN
    is_known: bool = True
    """False if the listing can't show the value."""
    is_stated: bool = True
    """False if the side does not have the value, not even as null."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    policy: HousePolicy
    steps: tuple[str, ...]
    """The segments of the policy's path."""
    where: tuple[tuple[tuple[str, ...], JSON], ...]
    """The segments of each path of `where`, and the value that it requires."""
    accepts: Callable[[JSON], bool]
    """Whether a value satisfies the policy's schema."""
    weight: int
    """The number of parts of the schema."""


@dataclass(slots=True)
class _Violation:
    policy: HousePolicy
    values: dict[str, str] = field(default_factory=dict)
    """What to show, by side."""


def judge_policies(
    policies: Sequence[HousePolicy],
    declarations: Declarations,
    live: Sequence[Deployment] | None,
    *,
    target: str | None = None,
    base: Declarations | None = None,
) -> PolicyResults:
    """Judge what is declared and, unless `live` is None, what is live.

    With `base`, violations that were declared there already, and those only of live, are warnings at most: the
    change under review does not cause them.
    """
    compiled = [_compile(policy) for policy in policies if glob_matches(policy.target, target or "")]
    if not compiled:
        return PolicyResults()
    sides: dict[str, list[Side]] = {declaration.name: [declaration] for declaration in declarations.deployments}
    for deployed in _judged_live(live or ()):
        sides.setdefault(deployed.name, []).append(deployed)
    earlier = {declaration.name: [declaration] for declaration in (base.deployments if base else ())}
    undeclared = sum(isinstance(own[0], Deployment) for own in sides.values())
    budget = Budget(max(_STEPS, _STEPS * declarations.size // 2**20) + _STEPS_LIVE * undeclared)
    about, about_earlier = _by_policy(compiled, sorted(sides)), _by_policy(compiled, sorted(earlier))
    violations: dict[Key, _Violation] = {}
    unverifiable: dict[str, set[Path]] = defaultdict(set)
    known: set[Key] = set()
    too_far: list[Finding] = []
    for each, names, names_earlier in zip(compiled, about, about_earlier, strict=True):
        rule = each.policy.rule
        try:
            for side, found in _judge(each, names, sides, budget):
                if found.is_known:
                    violation = violations.setdefault((rule, side.name, found.path), _Violation(each.policy))
                    violation.values[_kind(side)] = _text(found)
                else:
                    unverifiable[side.name].add(found.path)
            before = _judge(each, names_earlier, earlier, budget)
            known.update((rule, side.name, found.path) for side, found in before if found.is_known)
        except OverBudgetError:
            message = "The policies look at too many values; from this one on they were not judged."
            too_far.append(make_finding("yaml-limit", message, location=each.policy.location))
            break
    findings = []
    for key, violation in violations.items():
        is_older = base is not None and (key in known or "declared" not in violation.values)
        findings.append(_finding(key, violation, sides[key[1]][0], is_older=is_older))
    return PolicyResults((*findings, *too_far), {name: frozenset(paths) for name, paths in unverifiable.items()})


def _kind(side: Side) -> str:
    return "live" if isinstance(side, Deployment) else "declared"


def _judged_live(live: Sequence[Deployment]) -> Iterator[Deployment]:
    """Yield the live deployments to judge; of several with one name it is unknown which is meant."""
    numbers = Counter(each.name for each in live)
    return (each for each in live if not each.is_being_deleted and numbers[each.name] == 1)


def _by_policy(compiled: Sequence[_Compiled], names: Iterable[str]) -> list[list[str]]:
    """Return the names of the deployments that each policy is about."""
    index = GlobIndex((each.policy.deployment, number) for number, each in enumerate(compiled))
    found: list[list[str]] = [[] for _ in compiled]
    for name in names:
        for number in index.matching(name, Budget(sys.maxsize)):
            found[number].append(name)
    return found


def with_unverifiable(comparisons: Iterable[Comparison], judged: PolicyResults) -> list[Comparison]:
    """Return the comparisons with the paths that policies could not judge counted among the unverifiable ones."""
    return [
        replace(each, unverifiable=(*each.unverifiable, *sorted(more, key=format_path)))
        if (more := judged.unverifiable.get(each.name, frozenset()) - set(each.unverifiable))
        else each
        for each in comparisons
    ]


def effective_values(side: Side, steps: Sequence[str], budget: Budget) -> Iterator[Selected]:
    """Yield the values that the segments of a pattern select, null for a named field that is not set.

    Segments with a star, and the one behind a `**`, select among what is there.
    """
    whole = Selected((), dict(side.value), deployment())
    yield from _Selection(side, tuple(steps), budget, steps.count("**") > 1).below(whole, UNKNOWN, {}, 0)


def _compile(policy: HousePolicy) -> _Compiled:
    return _Compiled(
        policy,
        tuple(split_pattern(policy.path)),
        tuple((tuple(split_pattern(path)), value) for path, value in policy.where.items()),
        compile_fragment(policy.schema),
        weight(policy.schema),
    )


def _judge(
    compiled: _Compiled, names: Iterable[str], sides: Mapping[str, Sequence[Side]], budget: Budget
) -> Iterator[tuple[Side, Selected]]:
    """Yield the values that violate a policy, and those that the listing can't show.

    The live side of a deployment, if there is one, answers for undeclared values.
    """
    for side in (side for name in names for side in sides[name]):
        if _kind(side) not in compiled.policy.applies_to:
            continue
        if not all(_holds(side, steps, wanted, budget) for steps, wanted in compiled.where):
            continue
        is_answered = isinstance(side, Declaration) and isinstance(sides[side.name][-1], Deployment)
        for found in effective_values(side, compiled.steps, budget):
            if not found.is_known:
                yield side, found
            elif found.is_stated or not is_answered:
                budget.spend(compiled.weight * weight(found.value) // _PARTS)
                if not compiled.accepts(found.value):
                    budget.spend(_VIOLATION)
                    yield side, found


def _holds(side: Side, steps: Sequence[str], wanted: JSON, budget: Budget) -> bool:
    """Return whether a value of another field is the one that `where` asks for, or one of them."""
    choices = wanted if isinstance(wanted, list) else [wanted]
    values = [found.value for found in effective_values(side, steps, budget) if found.is_known]
    budget.spend(len(choices) * len(values))
    return any(_fits(choice, value) for value in values for choice in choices)


def _fits(wanted: JSON, value: JSON) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        return glob_matches(wanted, value)
    return wanted == value and isinstance(wanted, bool) is isinstance(value, bool)


def _other_source(path: Path, source: JSON) -> str | None:
    """Return advice if a path holds a field that is not for deployments of this source, else None."""
    node: Field | None = deployment()
    for segment in path:
        node = node.child(segment) if node is not None else None
        if node is not None and node.applies_to and isinstance(source, str) and source not in node.applies_to:
            choices = sorted(node.applies_to)
            wanted = choices[0] if len(choices) == 1 else f"[{', '.join(choices)}]"
            sources = " and ".join(f"`{choice}`" for choice in choices)
            return (
                f"`{segment}` applies to the source {sources} only, and this one is `{shown(source)}`: "
                f"add `where: {{source: {wanted}}}` to the policy."
            )
    return None


def _finding(key: Key, violation: _Violation, side: Side, *, is_older: bool) -> Finding:
    rule, name, path = key
    policy = violation.policy
    values = ", ".join(f"{side}: {text}" for side, text in violation.values.items())
    message = shown(policy.message or f"The policy `{policy.id}` is violated.").rstrip(".")
    return Finding(
        rule=rule,
        severity=Severity.WARNING if is_older and policy.severity is Severity.ERROR else policy.severity,
        message=f"{message} ({values}{'; not caused by this change' if is_older else ''}).",
        hint=_other_source(path, side.value.get("source")) or (policy.reason and shown(policy.reason)),
        deployment=name,
        path=path,
        location=side.locate(path) if isinstance(side, Declaration) else None,
        related=(policy.location,),
    )


def _text(found: Selected) -> str:
    """Return a value for a message: no secret, and short."""
    value = shown_value(found.value, found.path)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


@dataclass(slots=True)
class _Selection:
    """The walk of one pattern through one deployment."""

    side: Side
    steps: tuple[str, ...]
    budget: Budget
    is_ambiguous: bool
    """Whether the pattern has several `**`."""
    seen: set[tuple[Path, int]] = field(default_factory=set)
    """Where the walk has been, and with which steps left: several `**` reach one value in many ways."""

    def below(
        self, at: Selected, parent: Field, siblings: Mapping[str, JSON], done: int, *, is_open: bool = False
    ) -> Iterator[Selected]:
        """Yield what the steps after the first `done` select below a value; `is_open` just behind a `**`."""
        self.budget.spend()
        if self.is_ambiguous:
            if (at.path, done) in self.seen:
                return
            self.seen.add((at.path, done))
        if done == len(self.steps):
            yield _effective(self.side, at, parent, siblings)
            return
        step = self.steps[done]
        below = at.value if isinstance(at.value, dict) else {}
        if step == "**":
            yield from self.below(at, parent, siblings, done + 1, is_open=True)
            for child in _children(at):
                yield from self.below(child, at.field, below, done)
        elif "*" in step or is_open:
            for child in _children(at):
                if glob_matches(step, _written(child.path)):
                    yield from self.below(child, at.field, below, done + 1)
        else:
            if isinstance(at.value, list):
                self.budget.spend(len(at.value))
            yield from self.below(_named(at, step), at.field, below, done + 1)


def _children(at: Selected) -> Iterator[Selected]:
    """Yield what is set below a value."""
    if isinstance(at.value, dict) and at.value != REDACTED_MARKER:
        for name, value in at.value.items():
            yield Selected((*at.path, name), value, at.field.child(name) or UNKNOWN)
    elif isinstance(at.value, list):
        for index, entry in enumerate(at.value):
            yield Selected((*at.path, entry_segment(entry, index, at.field.key)), entry, at.field.items or UNKNOWN)


def _named(at: Selected, step: str) -> Selected:
    """Return the value that a segment without a star names, null if nothing is set."""
    if isinstance(at.value, list):
        for child in _children(at):
            if _written(child.path) == step:
                return child
    if step.startswith("["):
        path, known = (*at.path, *_parsed(step)), at.value != REDACTED_MARKER and at.is_known
        return Selected(path, None, at.field.items or UNKNOWN, is_known=known, is_stated=False)
    holder = at.value if isinstance(at.value, dict) else {}
    return Selected(
        (*at.path, step),
        holder.get(step),
        at.field.child(step) or UNKNOWN,
        is_known=at.is_known and at.value != REDACTED_MARKER,
        is_stated=at.is_stated and step in holder,
    )


def _effective(side: Side, at: Selected, parent: Field, siblings: Mapping[str, JSON]) -> Selected:
    """Return a value as the service uses it: derived if it is null, and unknown if the null proves nothing."""
    if at.value == REDACTED_MARKER or (at.field.sensitive and isinstance(side, Deployment)):
        return replace(at, value=None, is_known=False)
    if not is_unset(at.value, at.field):
        return at
    derived = derive(at.field, siblings, parent)
    is_known = at.is_known and (derived is not None or isinstance(side, Declaration) or _shows_unset(side, at))
    return replace(at, value=derived, is_known=is_known)


def _shows_unset(side: Side, at: Selected) -> bool:
    """Return whether a live null shows that nothing is set.

    This is stricter than in a comparison: what holds the value must be known to be reported, too.
    """
    if not at.path:
        return True
    section, live, source = at.path[0], side.value, side.value.get("source")
    if section in _OF_REVISIONS and (live.get(section) is None or live.get("latest_revision_id") is None):
        return False
    if not all(field.is_reported(source) for field in deployment().along(at.path)):
        return False
    if at.field.effective is not None:
        return False  # derived from a value that is not known
    return at.is_stated or at.field.since == "seed"


def _written(path: Path) -> str:
    return next(segment_texts(path[-1:]))


def _parsed(step: str) -> Path:
    try:
        return parse_path(step)
    except ValueError:
        return (step,)
