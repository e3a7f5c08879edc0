"""One text -> its deployments with defaults laid under them, its ignore rules, and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Final

from driftcheck import fields
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.house_rules import house_rule_violations
from driftcheck.declarations.layers import Layers, Source
from driftcheck.declarations.lint import lint, lint_unsound
from driftcheck.declarations.schema import MAX_VIOLATIONS, Violation, validate
from driftcheck.model import JSON, Declaration, Finding, Guard, IgnoreRule, Location, Severity
from driftcheck.paths import Item, Path, Segment
from driftcheck.redaction.patterns import holds_credential
from driftcheck.rules import RULES
from driftcheck.yamlfile.reader import Problem

MAX_DEPLOYMENTS: Final = 25_000
"""Deployments of one document."""
MAX_TOLD: Final = 1_000
"""Findings that are told of one file, errors and others each: a person mends the first ones."""
MAX_MERGED: Final = 500_000
"""Entries of mappings that laying defaults under the deployments of one file may copy."""

_READ_AS_TEXT: Final = frozenset({"ambiguous-scalar", "number-range", "invisible-character", "yaml-directive"})
"""Problems that leave the value around them as it was meant, or nearly so: it is compared nevertheless."""


class Findings:
    """What is wrong with one file, up to `MAX_TOLD`."""

    def __init__(self, file: str) -> None:
        self._told: dict[tuple[str, Location, str], Finding] = {}
        self._counts = {True: 0, False: 0}
        self._untold = {True: 0, False: 0}
        self._file = file

    def has_room(self, rule: str) -> bool:
        """Tell whether a finding of a rule will be told; one that won't be is counted."""
        is_error = RULES[rule].severity is Severity.ERROR
        has_room = self._counts[is_error] < MAX_TOLD
        self._untold[is_error] += not has_room
        return has_room

    def add(
        self,
        rule_id: str,
        message: str,
        location: Location,
        *,
        hint: str | None = None,
        deployment: str | None = None,
        path: Sequence[Segment] | None = None,
        related: Sequence[Location] = (),
    ) -> None:
        """Add a finding for which there is room; of several deployments (by way of a default) it is told once."""
        rule = RULES[rule_id]
        key = (rule_id, location, message)
        if key in self._told:
            if self._told[key].deployment != deployment:
                self._told[key] = replace(self._told[key], deployment=None)
            return
        self._counts[rule.severity is Severity.ERROR] += 1
        self._told[key] = Finding(
            rule=rule.id,
            severity=rule.severity,
            message=message,
            hint=hint or rule.hint,
            deployment=deployment,
            path=None if path is None else tuple(path),
            location=location,
            related=tuple(related),
        )

    def all(self) -> Iterator[Finding]:
        """Give all findings, and whether there are more."""
        yield from self._told.values()
        untold = sum(self._untold.values())
        if untold:
            rule = RULES["untold-findings"]
            severity = Severity.ERROR if self._untold[True] else rule.severity
            message = f"at least {untold} more findings of this file are not told"
            yield Finding(rule.id, severity, message, rule.hint, location=Location(self._file, 1, 1))


class Declared:
    """What one text declares, judged."""

    def __init__(self, text: SourceText) -> None:
        self.source = Source(text.name, text.data)
        self._is_suspicious = holds_credential("\n".join(self.source.parsed.texts))
        self.deployments: list[Declaration] = []
        """Those that can be compared; of several of one name the first, if it can be."""
        self.names: list[tuple[str, Callable[[], Location]]] = []
        """Every name that is declared, whether or not its deployment can be compared, and its place."""
        self.ignores: list[IgnoreRule] = []
        self.findings = Findings(text.name)
        self.complete = not self.source.parsed.broken
        self._merging = Merging()
        self._problems: defaultdict[int, list[tuple[Problem, int | None]]] = defaultdict(list)
        """By document: what is wrong with its text, and the position of the deployment that it lies in."""
        self._seen: set[str] = set()
        self._layers: dict[str, tuple[Layers, JSON]] = {}
        self._judge()

    def _locate(self, name: str, path: Path) -> Location:
        layers, value = self._layers[name]
        return layers.locate(value, path)

    def tell_duplicate(self, name: str, place: Callable[[], Location], first: Callable[[], Location]) -> None:
        """Add that a name was declared before."""
        self.complete = False
        if self.findings.has_room("duplicate-name"):
            message = "this name was declared before"
            self.findings.add("duplicate-name", message, place(), deployment=name, path=("name",), related=(first(),))

    def _judge(self) -> None:
        parsed = self.source.parsed
        for problem in parsed.problems:
            self._tell_problem(problem)
        if not parsed.broken and all(document is None for document in parsed.documents):
            self.findings.add("empty-file", "the file is empty", self.source.location((1, 1)))
        for number, document in enumerate(parsed.documents):
            if document is not None:
                self._judge_document(number, document)
        if self.ignores:
            scope = frozenset(name for name, _ in self.names)
            self.ignores = [replace(rule, scope=scope) for rule in self.ignores]

    def _judge_document(self, number: int, document: JSON) -> None:
        sound_shape = isinstance(document, dict)
        violations = (
            *validate(document if sound_shape else type(document)()),
            *islice(house_rule_violations(document), MAX_VIOLATIONS),
        )
        for violation in violations:
            self._tell_violation(number, document, violation)
        if not sound_shape or not isinstance(document.get("deployments"), list):
            self.complete = False
            return
        if len(document["deployments"]) > MAX_DEPLOYMENTS:
            self._tell_limit(number, "the document declares more than 25,000 deployments")
            return
        spoiled = self._spoiled(number, document, violations)
        for index in range(len(document["deployments"])):
            self._judge_deployment(number, document, index, spoiled=index in spoiled)
        self.ignores += ignore_rules(self.source, number, document, violations)

    def _spoiled(self, number: int, document: dict[str, JSON], violations: Sequence[Violation]) -> frozenset[int]:
        """Tell which deployments (by position) can't be taken as they were read."""
        everything = frozenset(range(len(document["deployments"])))
        spoiled = set()
        for violation in violations:
            match violation.path:
                case ("deployments", int(index), *_):
                    spoiled.add(index)
                case ("defaults" | "deployments", *_):
                    return everything
                case _ if violation.rule == "untold-findings":
                    return everything
        for problem, deployment in self._problems[number]:
            if problem.rule not in _READ_AS_TEXT:
                self.complete = False
                if deployment is None or self.source.has_anchors:
                    return everything
                spoiled.add(deployment)
        return frozenset(spoiled)

    def _judge_deployment(self, number: int, document: dict[str, JSON], index: int, *, spoiled: bool) -> None:
        entry = document["deployments"][index]
        name = self._name(document, index)
        if spoiled:
            self.complete = False
        layers = Layers(self.source, number, index)
        if name is None:
            self.complete = False
            if isinstance(entry, dict):
                self._tell_lint(lint_unsound("", entry), layers, None, entry)
            return
        self.names.append((name, partial(layers.locate, entry, ("name",))))
        if name in self._seen:
            return
        self._seen.add(name)
        if spoiled:
            self._tell_lint(lint_unsound(name, entry), layers, name, entry)
            return
        value = self._merging.lay_under(document.get("defaults"), entry)
        if value is None:
            self._tell_limit(number, "the defaults become far too large where they are laid under the deployments")
            return
        self._layers[name] = layers, value
        self.deployments.append(Declaration(name, value, partial(self._locate, name)))
        self._tell_lint(lint(name, value, suspicious=self._is_suspicious), layers, name, value)

    def _name(self, document: JSON, index: int | None) -> str | None:
        """Give the name of the deployment at a position, if it has one that may be shown: every report tells it."""
        name = _name(document, index)
        return None if self._is_suspicious and name is not None and holds_credential(name) else name

    def _tell_lint(self, violations: Iterable[Violation], layers: Layers, name: str | None, value: JSON) -> None:
        for violation in violations:
            if self.findings.has_room(violation.rule):
                self._tell(violation, layers.place(value, violation), name, value, violation.path)

    def _tell_problem(self, problem: Problem) -> None:
        document = self.source.document_at(problem.place)
        index = None if document is None else self.source.deployment_at(document, problem.place)
        name = None
        if document is not None:
            self._problems[document].append((problem, index))
            name = self._name(self.source.parsed.documents[document], index)
        if self.findings.has_room(problem.rule):
            self.findings.add(
                problem.rule,
                problem.message,
                self.source.location(problem.place),
                hint=problem.hint,
                deployment=name,
                related=[self.source.location(place) for place in problem.related],
            )

    def _tell_limit(self, number: int, message: str) -> None:
        self.complete = False
        if self.findings.has_room("yaml-limit"):
            self.findings.add("yaml-limit", message, self.source.locate(number, ("deployments",)))

    def _tell_violation(self, number: int, document: JSON, violation: Violation) -> None:
        if self.source.has_problem(number, violation) or not self.findings.has_room(violation.rule):
            return
        location = self.source.place(number, violation)
        match violation.path:
            case ("deployments", int(index), *rest):
                self._tell(
                    violation, location, self._name(document, index), document["deployments"][index], tuple(rest)
                )
            case _:
                self._tell(violation, location, None, None, None)

    def _tell(
        self,
        violation: Violation,
        location: Location,
        name: str | None,
        value: JSON,
        path: Sequence[str | int] | None,
    ) -> None:
        identified = None if path is None else tuple(_identified(value, path))
        self.findings.add(
            violation.rule, violation.message, location, hint=violation.hint, deployment=name, path=identified
        )


def _name(document: JSON, index: int | None) -> str | None:
    """Give the name of the deployment at a position, if it has one."""
    deployments = document.get("deployments") if isinstance(document, dict) else None
    if index is None or not isinstance(deployments, list):
        return None
    name = deployments[index].get("name") if isinstance(deployments[index], dict) else None
    return name if isinstance(name, str) else None


def _identified(value: JSON, path: Sequence[str | int]) -> Iterator[Segment]:
    """Name list entries by their identity rather than their position, where they have one."""
    field: fields.Field | None = fields.deployment()
    for segment in path:
        value = value[segment] if _holds(value, segment) else None
        key = field.key if field is not None and isinstance(segment, int) else None
        identity = value.get(key) if key is not None and isinstance(value, dict) else None
        named = isinstance(identity, str) and not holds_credential(identity)
        yield Item(key, identity) if key is not None and isinstance(identity, str) and named else segment
        field = field.child(segment) if field is not None else None


def _holds(value: JSON, segment: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(segment, int) and segment < len(value)
    return isinstance(value, dict) and segment in value


class Merging:
    """Lays defaults under deployments, within a budget for each file."""

    def __init__(self) -> None:
        self._left = MAX_MERGED

    def lay_under(self, defaults: JSON, value: dict[str, JSON]) -> dict[str, JSON] | None:
        """Give a deployment with what it lacks (mappings merge, the rest replaces); None past the budget."""
        if not isinstance(defaults, dict):
            return value
        return self._merge(defaults, value) if self._left > 0 else None

    def _merge(self, under: dict[str, JSON], over: dict[str, JSON]) -> dict[str, JSON]:
        self._left -= len(under) + len(over)
        merged = {**under, **over}
        for key, value in over.items():
            if isinstance(value, dict) and isinstance(below := under.get(key), dict) and self._left > 0:
                merged[key] = self._merge(below, value)
        return merged


def ignore_rules(
    source: Source, number: int, document: Mapping[str, JSON], violations: Sequence[Violation]
) -> Iterator[IgnoreRule]:
    """Give the sound entries of a document's `ignore`."""
    entries = document.get("ignore")
    if not isinstance(entries, list):
        return
    unsound = {
        violation.path[1] for violation in violations if violation.path[:1] == ("ignore",) and violation.path[1:]
    }
    for index, entry in enumerate(entries):
        if index not in unsound and isinstance(entry, dict):
            yield IgnoreRule(
                reason=entry["reason"],
                location=source.locate(number, ("ignore", index)),
                deployment=entry.get("deployment", "*"),
                path=entry.get("path"),
                rule=entry.get("rule"),
                owner=entry.get("owner"),
                approved_by=entry.get("approved_by"),
                expires=entry.get("expires"),
                guard=_guard(entry.get("live")),
                missing=entry.get("missing", False),
                unmanaged=entry.get("unmanaged", False),
            )


def _guard(condition: Mapping[str, Any] | None) -> Guard | None:
    match condition:
        case {"equals": value}:
            return Guard(equals=value)
        case {"in": values}:
            return Guard(is_in=tuple(values))
        case {"between": [low, high]}:
            return Guard(between=(low, high))
        case {"matches": pattern}:
            return Guard(matches=pattern)
    return None
