"""Paths -> Declarations: reads files, validates them, lays defaults under the deployments, and places every finding.

A broken file, document or deployment does not stop the others; what could not be read makes the declarations
incomplete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from driftcheck import fields
from driftcheck.declarations import files
from driftcheck.declarations.events import Problem
from driftcheck.declarations.files import SourceText
from driftcheck.declarations.linting import lint
from driftcheck.declarations.places import Layers, Source
from driftcheck.declarations.validation import Violation, validate
from driftcheck.model import JSON, Declaration, Declarations, Finding, Guard, IgnoreRule, Location
from driftcheck.paths import Item, Segment
from driftcheck.rules import RULES

MAX_BYTES: Final = files.MAX_BYTES
MAX_MERGED: Final = 2_000_000
"""Entries of mappings that laying defaults under deployments may copy, in one file."""

_READ_AS_TEXT: Final = frozenset({"ambiguous-scalar", "number-range", "invisible-character", "yaml-directive"})
"""Problems that leave the value around them as it was meant, or nearly so: it is compared nevertheless."""


def load(paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, here: str | None = None) -> Declarations:
    """Read the declarations that paths name (`files.read` says how); `stdin` gives what `-` stands for.

    Raises UsageError where a path names nothing.
    """
    sources = files.read(paths, stdin=stdin, here=here)
    declarations = declare(sources.texts)
    if not sources.findings:
        return declarations
    refused = any(finding.rule != "skipped-link" for finding in sources.findings)
    names = {text.name for text in sources.texts} | {f.location.file for f in sources.findings if f.location}
    return replace(
        declarations,
        files=tuple(sorted(names)),
        findings=_sorted((*declarations.findings, *sources.findings)),
        complete=declarations.complete and not refused,
    )


def declare(texts: Iterable[SourceText]) -> Declarations:
    """Give what texts declare; pure."""
    read = [_File(text) for text in texts]
    deployments: dict[str, Declaration] = {}
    findings: list[Finding] = []
    places: dict[str, Callable[[], Location]] = {}
    complete = True
    for file in read:
        file.declare()
        findings += file.findings
        complete = complete and file.complete
        for name, place in file.names:
            if name in places:
                findings.append(_duplicate_name(name, place(), places[name]()))
                complete = False
            places.setdefault(name, place)
        for declaration in file.deployments:
            deployments.setdefault(declaration.name, declaration)
    return Declarations(
        files=tuple(file.source.name for file in read),
        deployments=tuple(deployments.values()),
        ignores=tuple(rule for file in read for rule in file.ignores),
        findings=_sorted(findings),
        complete=complete,
    )


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.location or Location("", 0, 0), f.rule, f.message)))


def _duplicate_name(name: str, place: Location, first: Location) -> Finding:
    rule = RULES["duplicate-name"]
    message = "this name was declared before"
    return Finding(rule.id, rule.severity, message, rule.hint, name, ("name",), place, related=(first,))


class _File:
    """Turns one text into declarations, rules and findings."""

    def __init__(self, text: SourceText) -> None:
        self.source = Source(text.name, text.data)
        self.deployments: list[Declaration] = []
        self.names: list[tuple[str, Callable[[], Location]]] = []
        """Every name that is declared, whether or not its deployment is usable, and its place."""
        self.ignores: list[IgnoreRule] = []
        self.findings: list[Finding] = []
        self.complete = True
        self._merging = _Merging()
        self._problems: defaultdict[int, list[tuple[Problem, int | None]]] = defaultdict(list)
        """By document: what is wrong with its text, and the position of the deployment that it lies in."""
        self._linted: dict[tuple[str, Location | None, str], Finding] = {}

    def declare(self) -> None:
        """Read the text and judge each document."""
        parsed = self.source.parsed
        self.complete = not parsed.broken
        for problem in parsed.problems:
            self._tell_problem(problem)
        if not parsed.broken and all(document is None for document in parsed.documents):
            self._tell_empty()
        for number, document in enumerate(parsed.documents):
            if document is not None:
                self._document(number, document)
        self.findings += self._linted.values()
        if self.ignores:
            scope = frozenset(name for name, _ in self.names)
            self.ignores = [replace(rule, scope=scope) for rule in self.ignores]

    def _tell_problem(self, problem: Problem) -> None:
        document = self.source.document_at(problem.place)
        index = None if document is None else self.source.deployment_at(document, problem.place)
        name = None
        if document is not None:
            self._problems[document].append((problem, index))
            name = _name(self.source.parsed.documents[document], index)
        rule = RULES[problem.rule]
        self.findings.append(
            Finding(
                rule=rule.id,
                severity=rule.severity,
                message=problem.message,
                hint=problem.hint,
                deployment=name,
                location=self.source.location(problem.place),
                related=tuple(self.source.location(place) for place in problem.related),
            )
        )

    def _tell_empty(self) -> None:
        rule = RULES["empty-file"]
        location = self.source.location((1, 1))
        self.findings.append(Finding(rule.id, rule.severity, "the file is empty", rule.hint, location=location))

    def _document(self, number: int, document: JSON) -> None:
        violations = validate(document)
        for violation in violations:
            self._tell_violation(number, document, violation)
        if not isinstance(document, dict) or not isinstance(document.get("deployments"), list):
            self.complete = False
            return
        spoiled = self._spoiled(number, document, violations)
        for index in range(len(document["deployments"])):
            self._deployment(number, document, index, spoiled=index in spoiled)
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
        for problem, deployment in self._problems[number]:
            if problem.rule not in _READ_AS_TEXT:
                if deployment is None or self.source.has_anchors:
                    return everything
                spoiled.add(deployment)
        return frozenset(spoiled)

    def _deployment(self, number: int, document: dict[str, JSON], index: int, *, spoiled: bool) -> None:
        entry = document["deployments"][index]
        name = _name(document, index)
        if spoiled:
            self.complete = False
        if name is None:
            return
        layers = Layers(self.source, number, index)
        self.names.append((name, partial(layers.locate, entry, ("name",))))
        if spoiled:
            return
        value = self._merging.lay_under(document.get("defaults"), entry)
        if value is None:
            self._tell_too_large(layers, entry)
            return
        declaration = Declaration(name, value, partial(layers.locate, value))
        self.deployments.append(declaration)
        for violation in lint(name, value):
            self._tell_lint(_finding(violation, layers.place(value, violation), name, value, violation.path))

    def _tell_lint(self, finding: Finding) -> None:
        """Add a finding of lint; what stands in one place for several deployments (a default) is told once."""
        key = (finding.rule, finding.location, finding.message)
        shared = key in self._linted
        self._linted[key] = replace(self._linted[key], deployment=None) if shared else finding

    def _tell_too_large(self, layers: Layers, entry: JSON) -> None:
        self.complete = False
        rule = RULES["yaml-limit"]
        message = "the defaults of this file grow far larger than the file where they are laid under deployments"
        self.findings.append(Finding(rule.id, rule.severity, message, rule.hint, location=layers.locate(entry, ())))

    def _tell_violation(self, number: int, document: JSON, violation: Violation) -> None:
        if self.source.has_problem(number, violation):
            return
        location = self.source.place(number, violation)
        match violation.path:
            case ("deployments", int(index), *rest):
                entry = document["deployments"][index]
                found = _finding(violation, location, _name(document, index), entry, tuple(rest))
            case _:
                found = _finding(violation, location, None, None, None)
        self.findings.append(found)


def _name(document: JSON, index: int | None) -> str | None:
    """Give the name of the deployment at a position, if it has one."""
    deployments = document.get("deployments") if isinstance(document, dict) else None
    if index is None or not isinstance(deployments, list):
        return None
    name = deployments[index].get("name") if isinstance(deployments[index], dict) else None
    return name if isinstance(name, str) else None


def _finding(
    violation: Violation, location: Location, name: str | None, value: JSON, path: Sequence[str | int] | None
) -> Finding:
    rule = RULES[violation.rule]
    return Finding(
        rule.id,
        rule.severity,
        violation.message,
        violation.hint or rule.hint,
        name,
        None if path is None else tuple(_identified(value, path)),
        location,
    )


def _identified(value: JSON, path: Sequence[str | int]) -> Iterator[Segment]:
    """Name list entries by their identity rather than their position, where they have one."""
    field: fields.Field | None = fields.deployment()
    for segment in path:
        value = value[segment] if _holds(value, segment) else None
        key = field.key if field is not None and isinstance(segment, int) else None
        identity = value.get(key) if key is not None and isinstance(value, dict) else None
        yield Item(key, identity) if key is not None and isinstance(identity, str) else segment
        field = field.child(segment) if field is not None else None


def _holds(value: JSON, segment: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(segment, int) and segment < len(value)
    return isinstance(value, dict) and segment in value


class _Merging:
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
