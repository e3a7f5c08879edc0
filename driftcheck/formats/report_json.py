"""The parts of a report as JSON objects, in the words of docs/contract.md ("JSON report"), and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from driftcheck.model import (
    ABSENT,
    JSON,
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Finding,
    Impact,
    LiveSummary,
    Location,
    Outcome,
    Report,
    Severity,
    Status,
    Summary,
    Suppression,
)
from driftcheck.paths import Path, Segment, format_path, from_json, parse_path, to_json

FORMAT_VERSION: Final = "1.0"
"""Of the report: the minor part grows with additions, the major one with anything else."""

Record = dict[str, Any]


def head(report: Report) -> Record:
    """Give what stands before a report's lists: the run, its outcome, how both sides were read."""
    return {
        "format_version": FORMAT_VERSION,
        "driftcheck_version": report.driftcheck_version,
        "command": report.command,
        "generated_at": report.generated_at,
        **verdict(report),
        "live": live(report.live),
        "declared": declared(report.declared),
    }


def verdict(report: Report) -> Record:
    """Give a report's outcome and whether both sides were read whole."""
    outcome = {"status": int(report.outcome.status), "name": report.outcome.value}
    return {"outcome": outcome, "complete": report.complete}


def live(side: LiveSummary | None) -> Record | None:
    """Give how the live side was read."""
    if side is None:
        return None
    record: Record = {
        "source": side.source,
        "workspace": side.workspace,
        "fetched_at": side.fetched_at,
        "pages": side.pages,
        "requests": side.requests,
        "deployments": side.deployments,
        "complete": side.complete,
        "gaps": list(side.gaps),
    }
    if side.scope:
        record["scope"] = dict(sorted(side.scope.items()))
    if side.inventory:
        record["inventory"] = {fact: dict(counts) for fact, counts in side.inventory.items()}
    return record


def declared(side: DeclaredSummary) -> Record:
    """Give how the declared side was read."""
    record: Record = {"files": list(side.files), "deployments": side.deployments, "complete": side.complete}
    return record | ({} if side.base is None else {"base": side.base})


def summary(numbers: Summary) -> Record:
    """Give a report's numbers."""
    return {
        **{status.value: numbers.statuses[status] for status in Status},
        "changes": numbers.changes,
        "suppressed": numbers.suppressed,
        "unverifiable": numbers.unverifiable,
        "coverage": numbers.coverage,
        "findings": {severity.value: numbers.findings[severity] for severity in Severity},
    }


def deployment(comparison: Comparison) -> Record:
    """Give one deployment's verdict."""
    record: Record = {
        "name": comparison.name,
        "status": comparison.status.value,
        "id": comparison.id,
        "location": location(comparison.location),
        "changes": [change(each) for each in comparison.changes],
        "unverifiable": [format_path(path) for path in comparison.unverifiable],
        "compared": comparison.compared,
    }
    return record | ({"facts": dict(sorted(comparison.facts.items()))} if comparison.facts else {})


def change(difference: Change) -> Record:
    """Give one field's difference."""
    record: Record = {
        "kind": difference.kind.value,
        "path": format_path(difference.path),
        "segments": to_json(difference.path),
        "declared": difference.declared,
        "live": difference.live,
    }
    if difference.declared_effective is not None:
        record["declared_effective"] = difference.declared_effective
    if difference.live_effective is not None:
        record["live_effective"] = difference.live_effective
    if difference.base is not ABSENT:
        record["base"] = difference.base
    return record | {
        "location": location(difference.location),
        "impact": difference.impact.value,
        "class": difference.change_class.value,
        "severity": difference.severity.value,
        "redacted": difference.redacted,
        "suppressed": suppression(difference.suppressed),
    }


def finding(each: Finding) -> Record:
    """Give one finding."""
    record: Record = {
        "rule": each.rule,
        "severity": each.severity.value,
        "message": each.message,
        "hint": each.hint,
        "deployment": each.deployment,
        "path": None if each.path is None else format_path(each.path),
        "location": location(each.location),
    }
    if each.related:
        record["related"] = [location(place) for place in each.related]
    return record | {"suppressed": suppression(each.suppressed)}


def location(place: Location | None) -> Record | None:
    """Give a place in a file."""
    return None if place is None else {"file": place.file, "line": place.line, "column": place.column}


def suppression(hidden: Suppression | None) -> Record | None:
    """Give the ignore rule that hides something."""
    if hidden is None:
        return None
    return {"reason": hidden.reason, "expires": hidden.expires, "location": location(hidden.location)}


class MalformedError(ValueError):
    """A record that is no part of a report: where, and what should stand there; never what does."""


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_MOST_NESTED: Final = 128
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a saved report and where it stands; every reader raises MalformedError where it is another."""

    value: Any
    where: str = ""

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self.value, dict):
            raise self.malformed("an object")
        return Node(self.value.get(key), f"{self.where}.{key}" if self.where else key)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def malformed(self, wanted: str) -> MalformedError:
        """Say what should stand here."""
        return MalformedError(f"{self.where or 'the report'} should be {wanted}")

    def text(self) -> str:
        """Read a text."""
        if not isinstance(self.value, str):
            raise self.malformed("a text")
        return self.value

    def flag(self) -> bool:
        """Read true or false."""
        if not isinstance(self.value, bool):
            raise self.malformed("true or false")
        return self.value

    def count(self) -> int:
        """Read a whole number, 0 or more."""
        if type(self.value) is not int or self.value < 0:
            raise self.malformed("a whole number of 0 or more")
        return self.value

    def one_of(self, kind: type[E]) -> E:
        """Read one of an enumeration's words."""
        try:
            return kind(self.text())
        except ValueError:
            raise self.malformed("one of " + ", ".join(kind)) from None

    def items(self) -> Iterator[Node]:
        """Read a list."""
        if not isinstance(self.value, list):
            raise self.malformed("a list")
        return (Node(value, f"{self.where}[{index}]") for index, value in enumerate(self.value))

    def each(self, read: Callable[[Node], T]) -> dict[str, T]:
        """Read an object whose values are all alike; absent, it is empty."""
        return {} if self.value is None else {key: read(self[key]) for key in self.object()}

    def object(self) -> dict[str, Any]:
        """Read an object."""
        if not isinstance(self.value, dict):
            raise self.malformed("an object")
        return self.value

    def maybe(self, read: Callable[[Node], T]) -> T | None:
        """Read null, or what the reader reads."""
        return None if self.value is None else read(self)

    def data(self) -> JSON:
        """Take any JSON value that is not nested too deep to be shown."""
        layer, depth = [self.value], 0
        while layer := [child for parent in layer for child in _children(parent)]:
            depth += 1
            if depth > _MOST_NESTED:
                raise self.malformed(f"nested at most {_MOST_NESTED} deep")
        return self.value


def _children(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def read_report(node: Node) -> Report:
    """Read what `head`, `deployment` and `finding` wrote; unknown keys are passed over."""
    time = node["generated_at"]
    if not _TIME.fullmatch(time.text()):
        raise time.malformed("a time in UTC, as 2026-01-08T04:05:34Z")
    return Report(
        driftcheck_version=node["driftcheck_version"].text(),
        command=node["command"].text(),
        generated_at=time.text(),
        outcome=node["outcome"]["name"].one_of(Outcome),
        live=node["live"].maybe(_read_live),
        declared=_read_declared(node["declared"]),
        deployments=tuple(map(_read_deployment, node["deployments"].items())),
        findings=tuple(map(_read_finding, node["findings"].items())),
    )


def _read_live(node: Node) -> LiveSummary:
    return LiveSummary(
        source=node["source"].text(),
        workspace=node["workspace"].maybe(Node.text),
        fetched_at=node["fetched_at"].maybe(Node.text),
        pages=node["pages"].count(),
        requests=node["requests"].count(),
        deployments=node["deployments"].count(),
        complete=node["complete"].flag(),
        gaps=tuple(gap.text() for gap in node["gaps"].items()),
        scope=node["scope"].each(Node.text),
        inventory={fact: counts.each(Node.count) for fact, counts in node["inventory"].each(lambda each: each).items()},
    )


def _read_declared(node: Node) -> DeclaredSummary:
    return DeclaredSummary(
        files=tuple(file.text() for file in node["files"].items()),
        deployments=node["deployments"].count(),
        complete=node["complete"].flag(),
        base=node["base"].maybe(Node.text),
    )


def _read_deployment(node: Node) -> Comparison:
    return Comparison(
        name=node["name"].text(),
        status=node["status"].one_of(Status),
        id=node["id"].maybe(Node.text),
        location=node["location"].maybe(_read_location),
        changes=tuple(map(_read_change, node["changes"].items())),
        unverifiable=tuple(map(_read_path, node["unverifiable"].items())),
        compared=node["compared"].maybe(Node.count) or 0,
        facts=node["facts"].each(Node.text),
    )


def _read_change(node: Node) -> Change:
    return Change(
        kind=node["kind"].one_of(ChangeKind),
        path=_read_segments(node["segments"]),
        declared=node["declared"].data(),
        live=node["live"].data(),
        location=node["location"].maybe(_read_location),
        impact=node["impact"].one_of(Impact),
        change_class=node["class"].one_of(ChangeClass),
        severity=node["severity"].one_of(Severity),
        redacted=node["redacted"].flag(),
        suppressed=node["suppressed"].maybe(_read_suppression),
        base=node["base"].data() if "base" in node else ABSENT,
        declared_effective=node["declared_effective"].data(),
        live_effective=node["live_effective"].data(),
    )


def _read_finding(node: Node) -> Finding:
    return Finding(
        rule=node["rule"].text(),
        severity=node["severity"].one_of(Severity),
        message=node["message"].text(),
        hint=node["hint"].maybe(Node.text),
        deployment=node["deployment"].maybe(Node.text),
        path=node["path"].maybe(_read_path),
        location=node["location"].maybe(_read_location),
        related=tuple(map(_read_location, node["related"].items())) if "related" in node else (),
        suppressed=node["suppressed"].maybe(_read_suppression),
    )


def _read_location(node: Node) -> Location:
    place = Location(node["file"].text(), node["line"].count(), node["column"].count())
    if place.line < 1 or place.column < 1:
        raise node.malformed("a place whose line and column count from 1")
    return place


def _read_suppression(node: Node) -> Suppression:
    return Suppression(
        reason=node["reason"].text(),
        expires=node["expires"].maybe(Node.text),
        location=node["location"].maybe(_read_location),
    )


def _read_path(node: Node) -> Path:
    try:
        return parse_path(node.text())
    except ValueError:
        raise node.malformed("a path") from None


def _read_segments(node: Node) -> Path:
    return from_json([_read_segment(segment) for segment in node.items()])


def _read_segment(node: Node) -> Segment | dict[str, str]:
    match node.value:
        case bool():
            raise node.malformed("a segment of a path")
        case str():
            return node.value
        case int():
            return node.count()
        case dict() if len(node.value) == 1:
            return node.each(Node.text)
    raise node.malformed("a segment of a path")
