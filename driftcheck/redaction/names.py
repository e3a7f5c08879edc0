"""Masks for credentials that stand where names do: names of deployments, keys and identities in paths, facts.

Done last, when rules have been applied and the values redacted, so that everything is found by its true name till then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from driftcheck.model import Change, Comparison, Finding, LiveSummary
from driftcheck.paths import Item, Path, Segment
from driftcheck.redaction.patterns import MASK, is_secret, masks, secrets_among
from driftcheck.redaction.values import text_of, without_values

Segments = Mapping[Path, Segment]
"""What stands in place of the last segment of a path, or of a part of one, that ends in a secret."""


@dataclass(frozen=True, slots=True)
class _Masks:
    secrets: Set[str]
    names: Mapping[str, str]
    segments: Mapping[str | None, Segments]
    """By the name of the deployment; None for findings about none."""
    order: Callable[[Path], Any]

    def name(self, name: str) -> str:
        return self.names.get(name, name)

    def path(self, deployment: str | None, path: Path) -> Path:
        hidden = self.segments[deployment]
        return tuple(hidden.get(path[: index + 1], segment) for index, segment in enumerate(path))


def mask(
    comparisons: Sequence[Comparison], findings: Sequence[Finding], order: Callable[[Path], Any]
) -> tuple[Sequence[Comparison], Sequence[Finding]]:
    """Give comparisons and findings without credentials where names stand; what differed still does.

    `order` is the key by which paths are sorted, which masked ones are anew: a place in the list would tell of them.
    """
    secrets = secrets_among(_texts(comparisons, findings))
    if not secrets:
        return comparisons, findings
    paths = _paths(comparisons, findings)
    names = {each.name for each in comparisons} | {each.deployment for each in findings if each.deployment is not None}
    found = _Masks(
        secrets=secrets,
        names=masks(names & secrets, names),
        segments={name: _segments(own, secrets) for name, own in paths.items()},
        order=order,
    )
    masked = sorted((_comparison(each, found) for each in comparisons), key=lambda each: each.name)
    return masked, [_finding(each, found) for each in findings]


def _texts(comparisons: Iterable[Comparison], findings: Iterable[Finding]) -> set[str]:
    """Give each text of the data that is shown as a name; most stand in many deployments, so that few are left."""
    texts: set[str] = set()
    paths: set[Path] = set()
    for comparison in comparisons:
        texts.add(comparison.name)
        if comparison.id is not None:
            texts.add(comparison.id)
        if comparison.facts:
            texts.update(comparison.facts.values())
        if comparison.unverifiable:
            paths.update(comparison.unverifiable)
        for change in comparison.changes:
            paths.add(change.path)
    for each in findings:
        if each.deployment is not None:
            texts.add(each.deployment)
        if each.path is not None:
            paths.add(each.path)
    texts.update(text_of(segment) for path in paths for segment in path)
    return texts


def _paths(comparisons: Iterable[Comparison], findings: Iterable[Finding]) -> dict[str | None, set[Path]]:
    """Give the paths that are shown of each deployment."""
    found: dict[str | None, set[Path]] = defaultdict(set)
    for comparison in comparisons:
        found[comparison.name].update(comparison.unverifiable, (change.path for change in comparison.changes))
    for each in findings:
        if each.path:
            found[each.deployment].add(each.path)
    return found


def _segments(paths: Iterable[Path], secrets: Set[str]) -> Segments:
    siblings: dict[tuple[Path, str | None], set[str]] = defaultdict(set)
    for path in paths:
        for index, segment in enumerate(path):
            siblings[path[:index], segment.key if isinstance(segment, Item) else None].add(text_of(segment))
    found: dict[Path, Segment] = {}
    for (holder, key), texts in siblings.items():
        for text, shown in masks(texts & secrets, texts).items():
            found[(*holder, text if key is None else Item(key, text))] = shown if key is None else Item(key, shown)
    return found


def _comparison(comparison: Comparison, found: _Masks) -> Comparison:
    return replace(
        comparison,
        name=found.name(comparison.name),
        id=MASK if comparison.id in found.secrets else comparison.id,
        facts={fact: MASK if text in found.secrets else text for fact, text in comparison.facts.items()},
        changes=_changes(comparison, found),
        unverifiable=_unverifiable(comparison, found),
    )


def _changes(comparison: Comparison, found: _Masks) -> tuple[Change, ...]:
    if not found.segments.get(comparison.name):
        return comparison.changes
    changes = (_change(change, found.path(comparison.name, change.path)) for change in comparison.changes)
    return tuple(sorted(changes, key=lambda change: found.order(change.path)))


def _change(change: Change, path: Path) -> Change:
    return change if path == change.path else replace(without_values(change), path=path)


def _unverifiable(comparison: Comparison, found: _Masks) -> tuple[Path, ...]:
    if not found.segments.get(comparison.name):
        return comparison.unverifiable
    paths = (found.path(comparison.name, path) for path in comparison.unverifiable)
    return tuple(sorted(paths, key=found.order))


def _finding(finding: Finding, found: _Masks) -> Finding:
    path = finding.path and found.path(finding.deployment, finding.path)
    message = _message(finding.message, found.names)
    if finding.deployment not in found.names and path == finding.path and message == finding.message:
        return finding
    name = None if finding.deployment is None else found.name(finding.deployment)
    return replace(finding, deployment=name, path=path, message=message)


def _message(message: str, names: Mapping[str, str]) -> str:
    """Give a message in which names of deployments may stand without those that are secrets."""
    if names and is_secret(message):
        for name in sorted(names, key=len, reverse=True):
            message = message.replace(name, names[name])
    return message


def mask_summary(live: LiveSummary) -> LiveSummary:
    """Give what is said of the live side without credentials; what is masked alike is counted together."""
    return replace(
        live,
        source=_shown(live.source),
        workspace=live.workspace and _shown(live.workspace),
        fetched_at=live.fetched_at and _shown(live.fetched_at),
        gaps=tuple(map(_shown, live.gaps)),
        scope={name: _shown(text) for name, text in live.scope.items()},
        inventory={fact: _tally(tally) for fact, tally in live.inventory.items()},
    )


def _shown(text: str) -> str:
    return MASK if is_secret(text) else text


def _tally(tally: Mapping[str, int]) -> Mapping[str, int]:
    hidden = secrets_among(tally)
    if not hidden:
        return tally
    shown = {text: number for text, number in tally.items() if text not in hidden}
    shown[MASK] = shown.get(MASK, 0) + sum(tally[text] for text in hidden)
    return dict(sorted(shown.items(), key=lambda entry: (-entry[1], entry[0])))
