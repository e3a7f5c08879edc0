"""The loader: reads and validates each file, merges overlays into deployments, and finds duplicates.

A broken file, document or deployment does not stop the others; what could not be read makes the declarations
incomplete.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from driftcheck import fields
from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.ignore_rules import read_ignore_rules
from driftcheck.model import JSON, Declaration, Declarations, Finding, IgnoreRule, Location, Severity
from driftcheck.paths import Item, Segment, entry_segment, value_at
from driftcheck.redaction.patterns import holds_credential
from driftcheck.rules import RULES, make_finding

if TYPE_CHECKING:
    from driftcheck.declarations.overlays import Layer, Layers, Merging
    from driftcheck.declarations.schema import Violation
    from driftcheck.yamlfile.parsed import Parsed
    from driftcheck.yamlfile.positions import Text
    from driftcheck.yamlfile.problems import Problem

MAX_DEPLOYMENTS: Final = 25_000
"""The most deployments of one document."""
MAX_FINDINGS: Final = 1_000
"""The most findings of one file that are reported, of errors and of others; more are not useful in one run."""
PARALLEL_BYTES: Final = 8 * 2**20
"""The total size from which files are read by several processes; a process takes a quarter of a second to start."""

_MAX_NAME: Final = 63

_READ_AS_TEXT: Final = frozenset({"ambiguous-scalar", "number-range", "invisible-character", "yaml-directive"})
"""Problems that hardly change the meaning of the value around them: it is still compared."""
_OVERLAY: Final = re.compile(rb"^[{ ]*[\"']?overlay[\"']?[ ]*:", re.MULTILINE)


def load(
    paths: Sequence[str],
    *,
    stdin: Callable[[], bytes] | None = None,
    here: str | None = None,
    name_suffix: str = "",
    in_processes: bool = False,
) -> Declarations:
    """Return what the files at paths declare (`discovery.read` says which); `stdin` returns the text of `-`.

    `name_suffix` is added to every name. `in_processes` allows several processes for large inputs; each imports the
    main module again, so a program that asks for it must expect that. Raises UsageError if a path names nothing.
    """
    sources = discovery.read(paths, stdin=stdin, here=here)
    declarations = declare(sources.texts, name_suffix=name_suffix, in_processes=in_processes)
    return with_refusals(declarations, sources.findings)


def with_refusals(declarations: Declarations, refusals: Sequence[Finding]) -> Declarations:
    """Add the findings of files that were not read."""
    if not refusals:
        return declarations
    unread = {finding.location.file for finding in refusals if finding.location}
    return replace(
        declarations,
        files=tuple(sorted({*declarations.files, *unread})),
        findings=_sorted((*declarations.findings, *refusals)),
        complete=declarations.complete and all(finding.rule in _COMPLETE_WITHOUT for finding in refusals),
    )


_COMPLETE_WITHOUT: Final = frozenset({"skipped-file"})
"""Rules about files that were not read although the declarations are complete without them."""


def declare(
    texts: Iterable[SourceText],
    *,
    name_suffix: str = "",
    in_processes: bool = False,
    linted: Severity | None = Severity.NOTE,
) -> Declarations:
    """Return the declarations in texts, and what rules across fields find, of severity `linted` or higher."""
    ordered = [_with_parsed_overlay(text) for text in sorted(texts, key=lambda text: text.name)]
    overlaid = frozenset(name for text in ordered for name in _overlaid_names(text))
    is_large = len(ordered) > 1 and sum(len(text.data) for text in ordered) >= PARALLEL_BYTES
    if is_large and in_processes:
        files = _read_in_processes(ordered, overlaid, name_suffix)
    else:
        files = [_FileReader(text, overlaid, name_suffix, linted).read() for text in ordered]
    declarations = _Assembly(name_suffix, linted).assemble(ordered, files)
    if not declarations.findings:
        return declarations
    from driftcheck.declarations.excerpts import with_excerpts

    return replace(declarations, findings=with_excerpts(declarations.findings, ordered))


def _with_parsed_overlay(text: SourceText) -> SourceText:
    """Return a text that may hold overlays with its parsed content: its names are needed before any file is read."""
    if text.parsed is not None or b"overlay" not in text.data or _OVERLAY.search(text.data) is None:
        return text
    from driftcheck.yamlfile.reader import parse

    return replace(text, parsed=parse(text.data))


def _overlaid_names(text: SourceText) -> Iterator[str]:
    for document in text.parsed.documents if text.parsed else ():
        entries = document.get("overlay") if isinstance(document, dict) else None
        names = [entry_name(entry) for entry in entries] if isinstance(entries, list) else []
        yield from (name for name in names if name is not None)


def entry_name(entry: JSON) -> str | None:
    """Return the name of a deployment; of one that is bound to an agent and has no name, agent and environment."""
    if not isinstance(entry, dict):
        return None
    name, agent = entry.get("name"), entry.get("agent")
    if "name" not in entry and isinstance(agent, dict) and isinstance(agent.get("agent_id"), str):
        return f"{agent['agent_id']}/{agent.get('environment')}"
    return name if isinstance(name, str) else None


def resulting_name(name: str, suffix: str) -> str:
    """Return a name with the suffix of a target; an agent and environment (with a slash) get none."""
    return name if "/" in name else name + suffix


def declared_name(result: str, suffix: str) -> str:
    """Return the name in the files of a deployment with this resulting name."""
    return result if "/" in result else result.removesuffix(suffix)


# --- one file ---


@dataclass(frozen=True, slots=True)
class _DeclaredEntry:
    """A deployment or overlay in a document."""

    name: str
    document: int
    index: int
    value: Mapping[str, JSON] | None
    """A deployment has the document's defaults under it; None if the entry cannot be compared."""


@dataclass(frozen=True, slots=True)
class _File:
    """What one file declares, independent of other files; plain values, which another process can return."""

    parsed: Parsed
    deployments: tuple[_DeclaredEntry, ...]
    """Every name, whether or not its deployment can be compared."""
    overlays: tuple[_DeclaredEntry, ...]
    ignores: tuple[IgnoreRule, ...]
    findings: tuple[Finding, ...]
    complete: bool


def _read_in_processes(texts: Sequence[SourceText], overlaid: frozenset[str], name_suffix: str) -> list[_File]:
    """Read every file, in as many processes as there are processors."""
    import multiprocessing
    import os
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    count = len(texts)
    workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, count)
    try:
        if workers > 1:
            # A fork would copy the locks of the thread that reads the listing.
            with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
                chunk = max(1, count // (4 * workers))
                return list(pool.map(_read_file, texts, [overlaid] * count, [name_suffix] * count, chunksize=chunk))
    except (OSError, NotImplementedError, BrokenProcessPool):
        pass  # the system has no room for processes, or no semaphores
    return [_read_file(text, overlaid, name_suffix) for text in texts]


def _read_file(text: SourceText, overlaid: frozenset[str], name_suffix: str) -> _File:
    return _FileReader(text, overlaid, name_suffix, Severity.NOTE).read()


class _FileReader:
    """Reads one file: checks its YAML, validates its documents against the schema, applies the rules across fields.

    Deployments with overlays are linted later, together with these.
    """

    def __init__(self, text: SourceText, overlaid: frozenset[str], name_suffix: str, linted: Severity | None) -> None:
        from driftcheck.declarations.overlays import Merging
        from driftcheck.yamlfile.positions import Text
        from driftcheck.yamlfile.reader import parse

        self._text = Text(text.name, text.data, text.parsed or parse(text.data))
        self._overlaid = overlaid
        self._suffix = name_suffix
        self._linted = linted
        self._parsed = self._text.parsed
        self._may_hold_credentials = holds_credential("\n".join(self._parsed.texts))
        self._merging: Merging = Merging()
        self._findings = Findings(text.name)
        self._complete = not self._parsed.broken
        self._deployments: list[_DeclaredEntry] = []
        self._overlays: list[_DeclaredEntry] = []
        self._ignores: list[IgnoreRule] = []
        self._problems: defaultdict[int, list[tuple[Problem, tuple[str, int] | None]]] = defaultdict(list)
        """By document: the defects of its text, with the list and index of the entry that each is in."""

    def read(self) -> _File:
        """Return what the file declares."""
        for problem in self._parsed.problems:
            self._report_problem(problem)
        if not self._parsed.broken and all(document is None for document in self._parsed.documents):
            self._findings.add("empty-file", "the file is empty", self._location((1, 1)))
        for number, document in enumerate(self._parsed.documents):
            if document is not None:
                self._read_document(number, document)
        scope = frozenset(resulting_name(entry.name, self._suffix) for entry in (*self._deployments, *self._overlays))
        return _File(
            parsed=replace(self._parsed, texts=frozenset()),
            deployments=tuple(self._deployments),
            overlays=tuple(self._overlays),
            ignores=tuple(replace(rule, scope=scope) for rule in self._ignores),
            findings=tuple(self._findings.all()),
            complete=self._complete,
        )

    def _read_document(self, number: int, document: JSON) -> None:
        from driftcheck.declarations.policy_checks import policy_violations
        from driftcheck.declarations.schema import MAX_VIOLATIONS, validate

        is_mapping = isinstance(document, dict)
        violations = (
            *validate(document if is_mapping else type(document)()),
            *islice(policy_violations(document), MAX_VIOLATIONS),
        )
        for violation in violations:
            self._report_schema_violation(number, document, violation)
        lists = [key for key in ("deployments", "overlay") if is_mapping and key in document]
        if not lists or not all(isinstance(document[key], list) for key in lists):
            self._complete = False
            return
        if any(len(document[key]) > MAX_DEPLOYMENTS for key in lists):
            self._report_limit(number, f"the document declares more than {MAX_DEPLOYMENTS:,} deployments")
            return
        invalid = self._invalid_entries(number, document, violations)
        for index in range(len(document.get("deployments", ()))):
            self._read_deployment(number, document, index, is_valid=("deployments", index) not in invalid)
        for index in range(len(document.get("overlay", ()))):
            self._read_overlay(number, document, index, is_valid=("overlay", index) not in invalid)
        self._ignores += read_ignore_rules(self._text, number, document, violations)

    def _invalid_entries(
        self, number: int, document: dict[str, JSON], violations: Sequence[Violation]
    ) -> frozenset[tuple[str, int]]:
        """Return the deployments and overlays that can't be compared."""
        everything = frozenset(
            (key, i) for key in ("deployments", "overlay") for i in range(len(document.get(key, ())))
        )
        deployments = frozenset(entry for entry in everything if entry[0] == "deployments")
        invalid: set[tuple[str, int]] = set()
        for violation in violations:
            match violation.path:
                case ("deployments" | "overlay" as key, int(index), *_):
                    invalid.add((key, index))
                case ("defaults", *_):
                    invalid |= deployments
                case ("deployments" | "overlay", *_):
                    return everything
                case _ if violation.rule == "too-many-findings":
                    return everything
        for problem, entry in self._problems[number]:
            if problem.rule not in _READ_AS_TEXT:
                self._complete = False
                if entry is None or self._text.has_anchors:
                    return everything
                invalid.add(entry)
        return frozenset(invalid)

    def _read_deployment(self, number: int, document: dict[str, JSON], index: int, *, is_valid: bool) -> None:
        from driftcheck.declarations.lint import lint, lint_invalid
        from driftcheck.declarations.overlays import TooLargeError

        entry = document["deployments"][index]
        name = self._shown_name(document, "deployments", index)
        if name is None:
            self._complete = False
            if isinstance(entry, dict):
                self._report_lint(lint_invalid("", entry), _layers(self._text, number, index, entry), None)
            if is_valid and self._findings.has_room("missing-field"):
                location = self._location(self._text.position(number, ("deployments", index)))
                self._findings.add("missing-field", "missing field `name` or `agent`", location)
            return
        result = resulting_name(name, self._suffix)
        value: Mapping[str, JSON] | None = None
        if not is_valid:
            self._complete = False
            self._report_lint(lint_invalid(result, entry), _layers(self._text, number, index, entry), result)
        else:
            try:
                value = self._merging.merge(document.get("defaults"), entry)
            except TooLargeError:
                self._report_limit(number, "`defaults` expands to too many values when merged into every deployment")
        self._deployments.append(_DeclaredEntry(name, number, index, value))
        if self._linted is not None and value is not None and name not in self._overlaid:
            violations = lint(result, value, may_hold_credentials=self._may_hold_credentials)
            self._report_lint(violations, _layers(self._text, number, index, value), result)

    def _read_overlay(self, number: int, document: dict[str, JSON], index: int, *, is_valid: bool) -> None:
        name = self._shown_name(document, "overlay", index)
        if not is_valid or name is None:
            self._complete = False
        if name is not None:
            value = document["overlay"][index] if is_valid else None
            self._overlays.append(_DeclaredEntry(name, number, index, value))

    def _shown_name(self, document: JSON, key: str, index: int) -> str | None:
        """Return the name of an entry, if it has one that reports may show."""
        entries = document.get(key) if isinstance(document, dict) else None
        name = entry_name(entries[index]) if isinstance(entries, list) else None
        return None if self._may_hold_credentials and name is not None and holds_credential(name) else name

    def _location(self, position: tuple[int, int]) -> Location:
        return Location(self._text.name, *position)

    def _report_lint(self, violations: Iterable[Violation], layers: Layers, name: str | None) -> None:
        for violation in violations:
            if self._linted is None or RULES[violation.rule].severity.rank <= self._linted.rank:
                self._findings.add_violation(violation, layers, name)

    def _report_problem(self, problem: Problem) -> None:
        text = self._text
        document = text.document_at(problem.position)
        name = None
        if document is not None:
            entry = self._entry_at(document, problem.position)
            self._problems[document].append((problem, entry))
            name = self._shown_name(self._parsed.documents[document], *entry) if entry else None
        if self._findings.has_room(problem.rule):
            self._findings.add(
                problem.rule,
                problem.message,
                self._location(problem.position),
                hint=problem.hint,
                deployment=None if name is None else resulting_name(name, self._suffix),
                related=[self._location(position) for position in problem.related],
            )

    def _entry_at(self, document: int, position: tuple[int, int]) -> tuple[str, int] | None:
        """Return the list and index of the entry that a position is in."""
        for key in ("deployments", "overlay"):
            index = self._text.entry_at(document, key, position)
            if index is not None:
                return key, index
        return None

    def _report_limit(self, number: int, message: str) -> None:
        self._complete = False
        if self._findings.has_room("yaml-limit"):
            self._findings.add("yaml-limit", message, self._location(self._text.position(number, ("deployments",))))

    def _report_schema_violation(self, number: int, document: JSON, violation: Violation) -> None:
        path = violation.path
        if not violation.at_key and self._text.is_defective(number, path):
            return
        if not self._findings.has_room(violation.rule):
            return
        location = self._location(self._text.position(number, path, at_key=violation.at_key))
        name, below = None, None
        match path:
            case ("deployments" | "overlay" as key, int(index), *rest):
                name = self._shown_name(document, key, index)
                below = tuple(identified(document[key][index], rest))
        deployment = None if name is None else resulting_name(name, self._suffix)
        self._findings.add(
            violation.rule, violation.message, location, hint=violation.hint, deployment=deployment, path=below
        )


def _layers(text: Text, document: int, index: int, value: Mapping[str, JSON], overlays: Sequence[Layer] = ()) -> Layers:
    """Return the layers of a deployment whose merged value is known."""
    from driftcheck.declarations.overlays import Layer, Layers

    content = text.parsed.documents[document]
    own = Layer(text, document, ("deployments", index), content["deployments"][index])
    below = (Layer(text, document, ("defaults",), content["defaults"]),) if "defaults" in content else ()
    return Layers((*overlays, own, *below), own, value)


class Findings:
    """The findings of one file, up to `MAX_FINDINGS`."""

    def __init__(self, file: str) -> None:
        self._found: dict[tuple[str, Location, str], Finding] = {}
        self._counts = {True: 0, False: 0}
        self._dropped = {True: 0, False: 0}
        self._file = file

    def has_room(self, rule: str) -> bool:
        """Return whether a finding of a rule can be reported; count it if not."""
        is_error = RULES[rule].severity is Severity.ERROR
        has_room = self._counts[is_error] < MAX_FINDINGS
        self._dropped[is_error] += not has_room
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
        """Add a finding; one about `defaults` of several deployments is added once."""
        key = (rule_id, location, message)
        if key in self._found:
            if self._found[key].deployment != deployment:
                self._found[key] = replace(self._found[key], deployment=None)
            return
        self._counts[RULES[rule_id].severity is Severity.ERROR] += 1
        self._found[key] = make_finding(
            rule_id,
            message,
            hint=hint,
            deployment=deployment,
            path=None if path is None else tuple(path),
            location=location,
            related=related,
        )

    def add_violation(self, violation: Violation, layers: Layers, deployment: str | None) -> None:
        """Add a violation whose path begins at a deployment, if there is room."""
        if self.has_room(violation.rule):
            self.add(
                violation.rule,
                violation.message,
                layers.locate_violation(violation),
                hint=violation.hint,
                deployment=deployment,
                path=tuple(identified(layers.value, violation.path)),
                related=layers.other_layers(violation),
            )

    def all(self) -> Iterator[Finding]:
        """Return all findings, and one more if some were dropped."""
        yield from self._found.values()
        dropped = sum(self._dropped.values())
        if dropped:
            severity = Severity.ERROR if self._dropped[True] else None
            message = f"too many findings; at least {dropped} more are not shown"
            yield make_finding("too-many-findings", message, severity=severity, location=Location(self._file, 1, 1))


def identified(value: JSON, path: Sequence[str | int]) -> Iterator[Segment]:
    """Return a path in which list entries are named by their identity, if they have one that may be shown."""
    field = fields.deployment()
    for segment in path:
        value = value_at(value, (segment,))
        named = entry_segment(value, segment, field.key) if isinstance(segment, int) else segment
        yield segment if isinstance(named, Item) and holds_credential(named.value) else named
        field = field.child(segment) or fields.UNKNOWN


# --- all files ---


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry, and the file that holds it."""

    entry: _DeclaredEntry
    text: Text
    path_index: int
    """The position of the path that named the file."""

    def location(self, key: str) -> Location:
        """Return the location of the entry's name in the list at a key of its document."""
        path = (key, self.entry.index, "name")
        return Location(self.text.name, *self.text.position(self.entry.document, path))


class _Assembly:
    """Combines files: reports duplicate names, and merges overlays into deployments of earlier paths."""

    def __init__(self, name_suffix: str, linted: Severity | None) -> None:
        self._suffix = name_suffix
        self._linted = linted
        self._declared: dict[str, _Placed] = {}
        """The first declaration of each name."""
        self._overlays: defaultdict[str, list[_Placed]] = defaultdict(list)
        self._findings: dict[str, Findings] = {}
        self._complete = True

    def assemble(self, texts: Sequence[SourceText], files: Sequence[_File]) -> Declarations:
        """Return the declarations of files that were read."""
        from driftcheck.yamlfile.positions import Text

        for source, file in zip(texts, files, strict=True):
            text = Text(source.name, source.data, file.parsed)
            self._findings.setdefault(source.name, Findings(source.name))
            for entry in file.deployments:
                self._add_deployment(_Placed(entry, text, source.path_index))
            for entry in file.overlays:
                self._overlays[entry.name].append(_Placed(entry, text, source.path_index))
        overlays = {name: self._applicable(name, placed) for name, placed in self._overlays.items()}
        deployments = (self._declaration(placed, overlays.get(name, [])) for name, placed in self._declared.items())
        return Declarations(
            files=tuple(sorted(text.name for text in texts)),
            deployments=tuple(declaration for declaration in deployments if declaration is not None),
            ignores=tuple(rule for file in files for rule in file.ignores),
            findings=_sorted(
                finding
                for found in ((f for file in files for f in file.findings), *(x.all() for x in self._findings.values()))
                for finding in found
            ),
            complete=self._complete and all(file.complete for file in files),
            size=sum(len(text.data) for text in texts),
        )

    def _add_deployment(self, placed: _Placed) -> None:
        name = placed.entry.name
        first = self._declared.setdefault(name, placed)
        if first is not placed:
            self._report_duplicate(placed, first, "deployments", "the name is already declared")

    def _report_duplicate(self, placed: _Placed, first: _Placed, key: str, message: str) -> None:
        self._complete = False
        findings = self._findings[placed.text.name]
        if findings.has_room("duplicate-name"):
            findings.add(
                "duplicate-name",
                message,
                placed.location(key),
                deployment=resulting_name(placed.entry.name, self._suffix),
                path=("name",),
                related=(first.location(key),),
            )

    def _applicable(self, name: str, overlays: Sequence[_Placed]) -> list[_Placed]:
        """Return the overlays of a name that have a deployment below, and report the others."""
        base, found = self._declared.get(name), []
        documents: dict[tuple[str, int], _Placed] = {}
        for placed in sorted(overlays, key=lambda placed: placed.path_index):
            first = documents.setdefault((placed.text.name, placed.entry.document), placed)
            if base is None or placed.path_index <= base.path_index:
                self._report_orphan(placed, base)
            elif first is not placed:
                self._report_duplicate(placed, first, "overlay", "the document already has an overlay of this name")
            else:
                found.append(placed)
        return found

    def _report_orphan(self, placed: _Placed, base: _Placed | None) -> None:
        self._complete = False
        findings = self._findings[placed.text.name]
        if findings.has_room("overlay-without-deployment"):
            findings.add(
                "overlay-without-deployment",
                "no earlier path declares a deployment of this name",
                placed.location("overlay"),
                hint=None if base is None else "It is declared in the same or a later path: name that path first.",
                deployment=resulting_name(placed.entry.name, self._suffix),
                path=("name",),
                related=() if base is None else (base.location("deployments"),),
            )

    def _declaration(self, placed: _Placed, overlays: Sequence[_Placed]) -> Declaration | None:
        """Return a deployment with its overlays; None if it cannot be compared."""
        from driftcheck.declarations.overlays import Layer

        entry = placed.entry
        value = entry.value
        if overlays:
            value = self._overlaid(placed, overlays)
        if value is None:
            return None
        name = resulting_name(entry.name, self._suffix)
        above = [
            Layer(over.text, over.entry.document, ("overlay", over.entry.index), over.entry.value)
            for over in reversed(overlays)
        ]
        if len(name) > _MAX_NAME and len(entry.name) <= _MAX_NAME:
            self._complete = False
            message = f"the name is longer than {_MAX_NAME} characters with the suffix of the target"
            self._add(placed, "invalid-name", message, key="deployments")
            return None
        if self._suffix and "name" in value:
            value = {**value, "name": name}
        layers = _layers(placed.text, entry.document, entry.index, value, above)
        if overlays and self._linted is not None:
            self._lint(placed, layers, name)
        return Declaration(name, value, layers.locate)

    def _overlaid(self, placed: _Placed, overlays: Sequence[_Placed]) -> Mapping[str, JSON] | None:
        """Return a deployment's value under its overlays, and report overlays that change nothing."""
        from driftcheck.declarations.overlays import Merging, TooLargeError

        merging, value = Merging(), placed.entry.value
        for over in overlays:
            if value is None or over.entry.value is None:
                return None
            try:
                merged = merging.merge(value, dict(over.entry.value), fields.deployment())
            except TooLargeError:
                self._complete = False
                self._add(over, "yaml-limit", "the overlay expands to too many values")
                return None
            if _same(merged, value):
                self._add(over, "overlay-without-effect", "the overlay sets no value that is not set below it")
            value = merged
        return value

    def _add(self, placed: _Placed, rule: str, message: str, *, key: str = "overlay") -> None:
        findings = self._findings[placed.text.name]
        if findings.has_room(rule):
            name = resulting_name(placed.entry.name, self._suffix)
            findings.add(rule, message, placed.location(key), deployment=name)

    def _lint(self, placed: _Placed, layers: Layers, name: str) -> None:
        """Report what is wrong with a deployment under its overlays."""
        from driftcheck.declarations.lint import lint

        for violation in lint(name, layers.value):
            self._findings[placed.text.name].add_violation(violation, layers, name)


def _same(first: JSON, second: JSON) -> bool:
    """Return whether two values are the same JSON; `==` treats true and 1 as equal."""
    import json

    return first == second and json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.location or Location("", 0, 0), f.rule, f.message)))
