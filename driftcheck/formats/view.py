"""The content of a report and its order, for all formats: targets, deployments, single results, sums."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, TypeAlias
from urllib.parse import quote

from driftcheck.formats import RenderOptions
from driftcheck.model import (
    NO_LOCATION,
    Change,
    ChangeClass,
    Comparison,
    ExitStatus,
    Finding,
    Location,
    Report,
    Severity,
    State,
    Status,
    Suppression,
)
from driftcheck.paths import format_path
from driftcheck.rules import LINT_RULES, RULES, UNMANAGED_RULES

CHANGE_RULE: Final = "drift"
"""The rule of a change, where a format needs one."""
NO_ANSWER: Final = frozenset({ExitStatus.INVALID, ExitStatus.INCOMPLETE, ExitStatus.DEFECT})
BY_THE_CHANGE: Final = frozenset({ChangeClass.PROPOSED, ChangeClass.ADOPTED})
"""The classes of what the change under review does."""
OWN: Final = BY_THE_CHANGE | {ChangeClass.CONFLICT}
"""The classes of fields that the change under review alters."""
DIFFERING: Final = frozenset({ChangeClass.DRIFT, ChangeClass.CONFLICT, ChangeClass.ELSEWHERE, ChangeClass.OUTDATED})
"""The classes in which live differs from what is declared, and the change under review is not why."""

_CLASS_ORDER: Final = (
    ChangeClass.CONFLICT,
    ChangeClass.PROPOSED,
    ChangeClass.ADOPTED,
    ChangeClass.DRIFT,
    ChangeClass.OUTDATED,
    ChangeClass.ELSEWHERE,
)
_STATUS_ORDER: Final = (
    Status.UNKNOWN,
    Status.MISSING,
    Status.DRIFTED,
    Status.PROPOSED,
    Status.UNMANAGED,
    Status.IN_SYNC,
)
_RULE_ORDER: Final = {rule: number for number, rule in enumerate(RULES)}
_OF_THE_CHANGE: Final = frozenset({"proposed-creation", "proposed-adoption", "proposed-removal", "proposed-rename"})
"""The rules about what the change under review does to whole deployments."""
_STATE_ORDER: Final = {State.NEW: 0, State.CHANGED: 1, State.KNOWN: 2, None: 3}


def report_id(report: Report) -> str:
    """Return the id that distinguishes the report from those of other workspaces and targets; empty if unknown."""
    return report.report_id or (report.live and report.live.workspace) or ""


def identity(report: Report) -> str:
    """Return the identity of the report: its id and its command."""
    return "/".join(filter(None, [report_id(report), report.command]))


def parts(report: Report) -> list[Report]:
    """Return a report for each target, the worst first; the report itself if it has no targets."""
    if not report.targets:
        return [report]
    ordered = sorted(report.targets, key=lambda target: (target.outcome.rank, target.name))
    return [
        replace(
            report,
            report_id=target.name,
            outcome=target.outcome,
            live=target.live,
            declared=target.declared,
            targets=(),
            deployments=tuple(each for each in report.deployments if each.target == target.name),
            findings=tuple(each for each in report.findings if each.target == target.name),
            resolved=tuple(each for each in report.resolved if each.target == target.name),
        )
        for target in ordered
    ]


def common(report: Report) -> Report:
    """Return the findings of a report with targets that are not about a single target."""
    names = {target.name for target in report.targets}
    return replace(
        report,
        live=None,
        targets=(),
        deployments=(),
        findings=tuple(each for each in report.findings if each.target not in names),
        resolved=tuple(each for each in report.resolved if each.target not in names),
    )


def base(report: Report) -> str | None:
    """Return the commit that the change under review is compared with; None if no change is under review."""
    return next((part.declared.base for part in parts(report) if part.declared.base), None)


# Deployments


@dataclass(frozen=True, slots=True)
class Block:
    """A deployment with the findings about it."""

    comparison: Comparison
    findings: tuple[Finding, ...]
    """The worst first."""
    active: tuple[Change, ...]
    """The unsuppressed changes."""
    worst: Severity | None
    """The worst severity of what is active; None if nothing is."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules of the unsuppressed findings."""
        return frozenset(finding.rule for finding in self.findings if finding.suppressed is None)

    @property
    def is_merely_unknown(self) -> bool:
        """Whether it is unknown, and nothing else is reported about it."""
        return self.comparison.status is Status.UNKNOWN and not self.comparison.changes and not self.findings

    @property
    def is_merely_unmanaged(self) -> bool:
        """Whether it is unmanaged, and nothing else is reported about it."""
        return self.comparison.status is Status.UNMANAGED and not self.active and not self.is_own

    @property
    def changes(self) -> list[Change]:
        """All changes of it: first those in conflict, then what the change under review does."""
        return sorted(self.comparison.changes, key=lambda change: _CLASS_ORDER.index(change.change_class))

    @property
    def is_own(self) -> bool:
        """Whether the change under review alters it."""
        if self.comparison.status is Status.PROPOSED or any(change.change_class in OWN for change in self.active):
            return True
        return not _OF_THE_CHANGE.isdisjoint(self.rules)

    @property
    def is_elsewhere(self) -> bool:
        """Whether it drifted or is missing, and the change under review does not touch it."""
        if self.worst is Severity.ERROR:
            return False
        if self.comparison.status is Status.MISSING:
            return "missing-elsewhere" in self.rules
        return {change.change_class for change in self.active} == {ChangeClass.ELSEWHERE}

    @property
    def is_outdated(self) -> bool:
        """Whether it differs from live only because the branch under review lacks what the base branch declares."""
        if self.comparison.status is Status.MISSING:
            return "outdated-deployment" in self.rules
        return {change.change_class for change in self.active} - BY_THE_CHANGE == {ChangeClass.OUTDATED}

    @property
    def matters(self) -> bool:
        """Whether it is shown individually: it differs, is missing, unknown, new by the change, or has a warning."""
        if self.active or self.is_own or self.comparison.status in (Status.UNKNOWN, Status.MISSING, Status.DRIFTED):
            return True
        return self.worst is not None and self.worst is not Severity.NOTE


def blocks(report: Report) -> list[Block]:
    """Return every deployment with its findings: first those that the change alters, then the worst, the newest."""
    about: dict[tuple[str | None, str | None], list[Finding]] = {each.key: [] for each in report.deployments}
    for finding in report.findings:
        if finding.key in about:
            about[finding.key].append(finding)
    return sorted((_block(each, about[each.key]) for each in report.deployments), key=_block_order)


def loose_findings(report: Report) -> list[Finding]:
    """Return the findings about no deployment of the report."""
    known = {each.key for each in report.deployments}
    return [each for each in report.findings if each.key not in known]


def _block(comparison: Comparison, findings: list[Finding]) -> Block:
    active = tuple([change for change in comparison.changes if change.suppressed is None])
    severities = {change.severity for change in active}
    severities |= {finding.severity for finding in findings if finding.suppressed is None}
    ordered = tuple(sorted(findings, key=lambda each: (each.severity.rank, *_rule_order(each.rule))))
    return Block(comparison, ordered, active, min(severities, key=attrgetter("rank"), default=None))


def _rule_order(rule: str) -> tuple[int, str]:
    """Return the position of a rule in the catalogue, which begins with what weighs most; policies come last."""
    return _RULE_ORDER.get(rule, len(_RULE_ORDER)), rule


def _block_order(block: Block) -> tuple[object, ...]:
    return (
        block.is_elsewhere,
        not block.is_own,
        3 if block.worst is None else block.worst.rank,
        min((_STATE_ORDER[change.state] for change in block.active), default=3),
        _STATUS_ORDER.index(block.comparison.status),
        min((_CLASS_ORDER.index(change.change_class) for change in block.active), default=0),
        block.comparison.name,
    )


@dataclass(frozen=True, slots=True)
class Sum:
    """Findings of one rule and severity that are counted instead of shown one by one."""

    severity: Severity
    rule: str
    findings: tuple[Finding, ...]


Suppressed: TypeAlias = tuple[tuple[str | None, str | None], Change | Finding, Suppression]
"""What a rule suppresses, after target and name of the deployment that it is about."""


@dataclass(frozen=True, slots=True)
class View:
    """The parts of a report (of one target), each in the order in which it is shown."""

    general: tuple[Finding, ...]
    """Errors about no deployment of the report, and warnings about the whole run, which may explain the rest."""
    shown: tuple[Block, ...]
    """The deployments that are shown by themselves; the others are only counted."""
    unknown: tuple[Block, ...]
    """Deployments of which nothing is known."""
    warnings: tuple[Finding, ...]
    """The other warnings about no deployment of the report."""
    elsewhere: tuple[Block, ...]
    """Deployments that drifted or are missing, and that the change under review does not touch."""
    suppressed: tuple[Suppressed, ...]
    """What ignore rules suppress, and no deployment above shows."""
    sums: tuple[Sum, ...]
    """The other findings: notes, and deployments that are merely unmanaged."""
    notes_elsewhere: tuple[Finding, ...]
    """Notes on deployments that the change under review does not touch, if notes are folded."""
    others: tuple[Block, ...]
    """The deployments that are shown nowhere above."""


def view(report: Report, *, with_unmanaged: bool = False, folds_notes: bool = False, sums_equal: bool = False) -> View:
    """Return what is shown of a report.

    With `with_unmanaged`, unmanaged deployments are shown by themselves; with `folds_notes`, notes on declared values
    are counted, those of deployments that are shown, too, and notes that the change under review does not concern are
    set aside; with `sums_equal`, a warning that is all that several deployments have is counted.
    """
    every = blocks(report)
    repeated = _repeated(every, report.findings) if sums_equal else frozenset()
    shown = [
        block
        for block in every
        if block.matters
        and (with_unmanaged or not block.is_merely_unmanaged)
        and not _has_only_counted(block, repeated)
    ]
    visible = {id(block) for block in shown}
    others = [block for block in every if id(block) not in visible]
    folded = [each for block in shown for each in block.findings if _is_note_on_value(each)] if folds_notes else []
    if folded:
        shown = [
            replace(block, findings=tuple(each for each in block.findings if not _is_note_on_value(each)))
            for block in shown
        ]
    loose = loose_findings(report)
    general = sorted(
        (each for each in loose if each.suppressed is None),
        key=lambda each: (each.severity.rank, each.location or NO_LOCATION, *_rule_order(each.rule)),
    )
    single = [each for each in general if not _is_counted(each, repeated)]
    counted = [each for each in general if _is_counted(each, repeated)]
    counted += [*folded, *(each for block in others for each in block.findings if each.suppressed is None)]
    apart = {id(each) for each in notes_elsewhere(report)} if folds_notes else set()
    return View(
        general=tuple(each for each in single if _leads(each)),
        warnings=tuple(each for each in single if not _leads(each)),
        shown=tuple(block for block in shown if not block.is_merely_unknown and not block.is_elsewhere),
        unknown=tuple(sorted((block for block in shown if block.is_merely_unknown), key=_unknown_order)),
        elsewhere=tuple(block for block in shown if block.is_elsewhere),
        suppressed=tuple(_suppressed(others, loose)),
        sums=_sums(each for each in counted if id(each) not in apart),
        notes_elsewhere=tuple(each for each in counted if id(each) in apart),
        others=tuple(others),
    )


def notes_elsewhere(report: Report) -> list[Finding]:
    """Return the notes on deployments that the change under review does not touch; empty without one."""
    if base(report) is None:
        return []
    own = {each.comparison.key for each in blocks(report) if each.is_own}
    return [
        each
        for each in report.findings
        if each.severity is Severity.NOTE and each.suppressed is None and each.deployment is not None
        if each.key not in own
    ]


def _leads(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR or (finding.deployment is None and finding.location is None)


def _unknown_order(block: Block) -> tuple[object, ...]:
    return block.comparison.location is None, block.comparison.target or "", block.comparison.name


_REPEATED: Final = 3
"""The number of equal warnings from which they are summed."""


def _repeated(every: Iterable[Block], findings: Iterable[Finding]) -> frozenset[str]:
    """Return the rules whose equal warnings about whole deployments are summed."""
    drifting = {each.comparison.key for each in every if each.active}
    warnings = Counter(
        (each.rule, each.message, each.hint)
        for each in findings
        if _is_of_deployment(each) and each.key not in drifting
    )
    rules = Counter(rule for rule, _, _ in warnings)
    return frozenset(rule for (rule, *_), number in warnings.items() if number >= _REPEATED and rules[rule] == 1)


def _is_of_deployment(finding: Finding) -> bool:
    is_warning = finding.severity is Severity.WARNING and finding.suppressed is None
    return is_warning and finding.deployment is not None and finding.path is None


def _is_counted(finding: Finding, repeated: Container[str]) -> bool:
    return finding.severity is Severity.NOTE or (_is_of_deployment(finding) and finding.rule in repeated)


def _has_only_counted(block: Block, repeated: Container[str]) -> bool:
    """Return whether warnings that are summed are all that a matching deployment has."""
    if block.active or block.comparison.status is not Status.IN_SYNC:
        return False
    return all(_is_counted(each, repeated) for each in block.findings if each.suppressed is None)


def _is_note_on_value(finding: Finding) -> bool:
    return finding.rule in LINT_RULES and finding.severity is Severity.NOTE and finding.suppressed is None


def _suppressed(blocks: Iterable[Block], loose: Iterable[Finding]) -> Iterable[Suppressed]:
    for block in blocks:
        items: list[Change | Finding] = [*block.comparison.changes, *block.findings]
        for item in items:
            if item.suppressed is not None:
                yield block.comparison.key, item, item.suppressed
    for finding in loose:
        if finding.suppressed is not None:
            yield finding.key, finding, finding.suppressed


def _sums(findings: Iterable[Finding]) -> tuple[Sum, ...]:
    by_rule: dict[tuple[int, int, str], list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault((finding.severity.rank, *_rule_order(finding.rule)), []).append(finding)
    return tuple(Sum(alike[0].severity, rule, tuple(alike)) for (*_, rule), alike in sorted(by_rule.items()))


# Single results


@dataclass(frozen=True, slots=True)
class Result:
    """A change or a finding, for formats that are lists of single results."""

    item: Change | Finding
    rule: str
    """All changes have the same."""
    target: str | None
    deployment: str | None
    location: Location | None
    """Where it is declared."""


def results(report: Report) -> list[Result]:
    """Return the unsuppressed changes and findings, the worst first, those of the change under review last."""
    listed = [
        Result(change, CHANGE_RULE, each.target, each.name, change.location or each.location)
        for each in report.deployments
        for change in each.changes
        if change.suppressed is None
    ]
    listed += [
        Result(finding, finding.rule, finding.target, finding.deployment, finding.location)
        for finding in report.findings
        if finding.suppressed is None
    ]
    return sorted(listed, key=_result_order)


def _result_order(result: Result) -> tuple[object, ...]:
    item = result.item
    return (
        item.severity.rank,
        result.rule in UNMANAGED_RULES,
        _STATE_ORDER[item.state],
        _CLASS_ORDER.index(item.change_class) if isinstance(item, Change) else 0,
        result.target or "",
        result.deployment or "",
        format_path(item.path or ()),
        result.rule,
        result.location or NO_LOCATION,
    )


def compared(report: Report) -> int:
    """Return how many declared fields were compared."""
    return sum(comparison.compared for comparison in report.deployments)


# For the viewers of CI platforms


def rooted(file: str, options: RenderOptions) -> str:
    """Return a file's path from the root of its repository, if it has one; `.` and `..` are resolved."""
    path = posixpath.normpath(posixpath.join(options.folder, file))
    root = options.repository.rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path.removeprefix(root).lstrip("/") or "."
    return posixpath.normpath(file)


def source_link(location: Location, options: RenderOptions) -> str | None:
    """Return the URL at which the platform shows a location; None if unknown."""
    file = rooted(location.file, options)
    if not options.source_url or file.startswith(("/", "../")):
        return None
    return f"{options.source_url}{quote(file.encode(errors='replace'))}#L{location.line}"


def anchored(location: Location | None, report: Report, options: RenderOptions) -> Location:
    """Return a location from the repository's root; viewers refuse a result without one.

    A result without a file is at the configuration, otherwise at the folder (or only file) of the declarations.
    """
    if location is not None:
        return replace(location, file=rooted(location.file, options))
    if options.config:
        return Location(rooted(options.config, options), 1, 1)
    files = sorted({file for part in parts(report) for file in part.declared.files if file != "-"})
    folders = [posixpath.dirname(rooted(file, options)) for file in files]
    folder = posixpath.commonpath(folders) if folders and len({each[:1] == "/" for each in folders}) == 1 else ""
    if folder not in ("", "/"):
        return Location(folder, 1, 1)
    return Location(rooted(files[0], options) if len(files) == 1 else "driftcheck.yaml", 1, 1)


def fingerprints(results: Sequence[Result], report: Report) -> list[str]:
    """Return an identity of each result that is stable when lines move or values change.

    It is made of the report's identity, target, rule, deployment and path; of the file where it has no deployment.
    Equal ones are numbered.
    """
    from hashlib import sha256

    seen: Counter[str] = Counter()
    prints = []
    for result in results:
        file = result.location.file if result.location is not None and result.deployment is None else None
        path = format_path(result.item.path or ())
        key = json.dumps([identity(report), result.target, result.rule, result.deployment, path, file])
        seen[key] += 1
        prints.append(sha256(f"{key}{seen[key]}".encode()).hexdigest()[:32])
    return prints
