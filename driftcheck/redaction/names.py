"""Markers that replace credentials in names: of deployments, of keys and identities in paths, in facts.

This is the last step, so that rules apply to the real names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from driftcheck.model import Change, Comparison, Finding, LiveSummary
from driftcheck.paths import Item, Path, Segment, sort_key
from driftcheck.redaction.patterns import MASK, is_secret, masks, secrets_among, shown
from driftcheck.redaction.values import text_of, without_values

Segments = Mapping[Path, Segment]
"""What is shown instead of the last segment of a path, or of a part of one, that ends in a secret."""


@dataclass(frozen=True, slots=True)
class _Masks:
    secrets: Set[str]
    names: Mapping[str, str]
    segments: Mapping[str | None, Segments]
    """By the name of the deployment; None for findings about none."""

    def name(self, name: str) -> str:
        return self.names.get(name, name)

    def path(self, deployment: str | None, path: Path) -> Path:
        hidden = self.segments[deployment]
        return tuple(hidden.get(path[: index + 1], segment) for index, segment in enumerate(path))


def mask(
    comparisons: Sequence[Comparison], findings: Sequence[Finding]
) -> tuple[Sequence[Comparison], Sequence[Finding]]:
    """Return comparisons and findings without credentials in names; different names stay different.

    Masked paths are sorted again: a position in the list would reveal something of them.
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
    )
    masked = sorted((_comparison(each, found) for each in comparisons), key=lambda each: each.name)
    return masked, [_finding(each, found) for each in findings]


def _texts(comparisons: Iterable[Comparison], findings: Iterable[Finding]) -> set[str]:
    """Return each text of the data that is shown as a name; most occur in many deployments, so that few are left."""
    texts = {each.name for each in comparisons}
    texts.update(each.id for each in comparisons if each.id is not None)
    texts.update(text for each in comparisons for text in each.facts.values())
    texts.update(each.deployment for each in findings if each.deployment is not None)
    paths = {path for each in comparisons for path in each.unverifiable}
    paths.update(change.path for each in comparisons for change in each.changes)
    paths.update(each.path for each in findings if each.path is not None)
    texts.update(text_of(segment) for path in paths for segment in path)
    return texts


def _paths(comparisons: Iterable[Comparison], findings: Iterable[Finding]) -> dict[str | None, set[Path]]:
    """Return the paths that are shown of each deployment."""
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
        for text, marker in masks(texts & secrets, texts).items():
            found[(*holder, text if key is None else Item(key, text))] = marker if key is None else Item(key, marker)
    return found


def _comparison(comparison: Comparison, found: _Masks) -> Comparison:
    changes, unverifiable = comparison.changes, comparison.unverifiable
    if found.segments.get(comparison.name):
        masked = (_change(change, found.path(comparison.name, change.path)) for change in changes)
        changes = tuple(sorted(masked, key=lambda change: sort_key(change.path)))
        unverifiable = tuple(sorted((found.path(comparison.name, path) for path in unverifiable), key=sort_key))
    return replace(
        comparison,
        name=found.name(comparison.name),
        id=MASK if comparison.id in found.secrets else comparison.id,
        facts={fact: MASK if text in found.secrets else text for fact, text in comparison.facts.items()},
        changes=changes,
        unverifiable=unverifiable,
    )


def _change(change: Change, path: Path) -> Change:
    return change if path == change.path else replace(without_values(change), path=path)


def _finding(finding: Finding, found: _Masks) -> Finding:
    return replace(
        finding,
        deployment=finding.deployment and found.name(finding.deployment),
        path=finding.path and found.path(finding.deployment, finding.path),
        message=_message(finding.message, found.names),
    )


def _message(message: str, names: Mapping[str, str]) -> str:
    """Return a message, which may name deployments, without those names that are secrets."""
    if names and is_secret(message):
        for name in sorted(names, key=len, reverse=True):
            message = message.replace(name, names[name])
    return message


def mask_summary(live: LiveSummary) -> LiveSummary:
    """Return the summary of the live side without credentials; what has the same marker is counted together."""
    return replace(
        live,
        source=shown(live.source),
        workspace=live.workspace and shown(live.workspace),
        fetched_at=live.fetched_at and shown(live.fetched_at),
        gaps=tuple(map(shown, live.gaps)),
        scope={name: shown(text) for name, text in live.scope.items()},
        inventory={fact: _tally(tally) for fact, tally in live.inventory.items()},
    )


def _tally(tally: Mapping[str, int]) -> Mapping[str, int]:
    hidden = secrets_among(tally)
    if not hidden:
        return tally
    shown = {text: number for text, number in tally.items() if text not in hidden}
    shown[MASK] = shown.get(MASK, 0) + sum(tally[text] for text in hidden)
    return dict(sorted(shown.items(), key=lambda entry: (-entry[1], entry[0])))
